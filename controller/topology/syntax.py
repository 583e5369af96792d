"""What libyaml says about text that is no YAML, told for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from controller.topology.problem import Place, Problem

if TYPE_CHECKING:
    import yaml

_HINTS = (
    ("mapping values are not allowed", 'check the indentation; quote a text that holds ": "'),
    ("could not find expected ':'", "write KEY: VALUE, and check that quotes and brackets before it are closed"),
    ("did not find expected key", "check the indentation: the keys of one mapping start in one column"),
    ("did not find expected '-' indicator", "check the indentation: the items of one list start in one column"),
    ("did not find expected ',' or", "close the bracket, or put a comma between the entries"),
    ("unexpected end of stream", "a quote is not closed"),
    ("block sequence entries are not allowed", "start the list on a line of its own, below its key"),
    ("found undefined tag handle", "tags are not taken: remove it, or quote the text"),
    ("while scanning a directive", "a line that starts with % is a directive: quote it"),
    ("incompatible YAML document", "remove the %YAML line"),
    ("unknown escape character", "in double quotes write \\\\ for a backslash, or use single quotes"),
    ("tab", "indent with spaces"),
)
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml counts as the end of a line."""


def place_in(text: str, at: int, file: str) -> Place:
    """Return the place of the character at the 0-based position *at* of *text*."""
    ends = [match.end() for match in _LINE_BREAK.finditer(text, 0, at)]
    return Place(file, len(ends) + 1, at - (ends[-1] if ends else 0) + 1)


def syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """Return what stopped libyaml while it read *text*."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _unreadable(error, text, file)
    lines = text.splitlines()
    said = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    at = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    if "cannot start any token" in said and at:
        fact = "a tab indents here" if at == "\t" else f"{at!r} starts no value"
        told = "indent with spaces" if at == "\t" else "quote the text"
        return Problem(Place(file, mark.line + 1, mark.column + 1), "", fact, told)
    fact = said.removeprefix("found ")
    start = getattr(error, "context_mark", None)
    if context and start is not None:
        fact += f", {context} that starts at {start.line + 1}:{start.column + 1}"
    hint = next((hint for key, hint in _HINTS if key in said or key in context), None)
    return Problem(Place(file, mark.line + 1, mark.column + 1), "", fact, hint)


def _unreadable(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """Return the problem of a character that libyaml's reader refuses; it names no place of its own."""
    bad = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad is None:
        return Problem(Place(file), "", str(error).splitlines()[0], None)
    name = "a NUL character" if bad[0] == "\0" else f"the control character U+{ord(bad[0]):04X}"
    return Problem(
        place_in(text, bad.start(), file), "", f"{name} is not allowed here", "remove it, or save the file as text"
    )
