"""
The text of a file of environment variables: ``KEY=VALUE``, comments, quotes and ``export``, as Compose has them.

Pure. No message shows anything of a value, nor of a line that is not understood: it may be a part of one.

Source: Compose, "Set environment variables within your container's environment", section "Env file syntax".
"""

from __future__ import annotations

import re
from collections import ChainMap
from typing import TYPE_CHECKING, NamedTuple

from controller.topology.interpolate import InterpolationError, interpolate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
"""What may stand between two variables."""

_EXPORT = re.compile(r"export[ \t]+")
_KEY = re.compile(r"[^=:\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_QUOTED = {"'": re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL), '"': re.compile(r'((?:[^"\\]|\\.)*)"', re.DOTALL)}
_REST = re.compile(r"[ \t\r]*(?:[ \t]#[^\n]*)?(?=\n|\Z)")
_LINE = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"[ \t]+#.*", re.DOTALL)
_SPACE = re.compile(r"[ \t]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


class Variable(NamedTuple):
    """A variable; *at* and *value_at* are 0-based positions in the text."""

    name: str
    at: int
    value: str
    value_at: int


class Mistaken(NamedTuple):
    """What is wrong at the 0-based position *at* of the text."""

    at: int
    fact: str
    hint: str


def read_variables(text: str, env: Mapping[str, str]) -> Iterator[Variable | Mistaken]:
    """
    Yield what *text* says, in order; after a mistake the reading goes on with the next line.

    Args:
        env: Variables that unquoted values, and those in double quotes, may name; besides them the ones of lines above.
    """
    above: dict[str, str] = {}
    known = ChainMap(dict(env), above)
    first: dict[str, int] = {}
    at = _end(_BLANK, text, 0)
    while at < len(text):
        found, end = _variable(text, at, known)
        at = _end(_BLANK, text, end)
        if isinstance(found, Variable):
            if found.name in first:
                line = text.count("\n", 0, first[found.name]) + 1
                yield Mistaken(found.at, f"{found.name} stands twice, first in line {line}", "remove one of the two")
                continue
            above[found.name], first[found.name] = found.value, found.at
        yield found


def _variable(text: str, at: int, known: Mapping[str, str]) -> tuple[Variable | Mistaken, int]:
    """Return what starts at *at*, and where the reading goes on."""
    at = _end(_EXPORT, text, at)
    line = _end(_LINE, text, at)
    end = _end(_KEY, text, at)
    name = text[at:end].rstrip()
    if end == line:
        fact = "the line has no = in it, and nothing is taken from the environment unasked"
        return Mistaken(at, fact, "write KEY=VALUE, KEY= for an empty value, or KEY=${KEY}"), line
    if not _NAME.fullmatch(name):
        fact = f"what stands before the {text[end]} is no name of a variable"
        return Mistaken(at, fact, "write letters, digits, '_', '.' and '-', with a letter or '_' first"), line
    start = _end(_SPACE, text, end + 1)
    quoted = _QUOTED.get(text[start : start + 1])
    if quoted is None:
        raw = _COMMENT.sub("", text[end + 1 : line]).strip(" \t\r")
        return _value(Variable(name, at, raw, start), known), line
    closed = quoted.match(text, start + 1)
    if closed is None:
        return Mistaken(start, "the quote is not closed", "close it, or write \\ before a quote that is meant"), line
    if not _REST.match(text, closed.end()):
        hint = "write \\ before a quote that is meant, and # before a comment"
        return Mistaken(closed.end(), "text stands behind the closing quote", hint), _end(_LINE, text, closed.end())
    if text[start] == "'":
        return _value(Variable(name, at, closed[1].replace("\\'", "'"), start), None), closed.end()
    raw = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), closed[1])
    return _value(Variable(name, at, raw, start), known), closed.end()


def _value(raw: Variable, known: Mapping[str, str] | None) -> Variable | Mistaken:
    """Return *raw* with the variables in its value replaced by what is *known* of them, None for a literal value."""
    if "\0" in raw.value:
        return Mistaken(raw.value_at, "the value holds a NUL character", "no engine takes one: remove it")
    if known is None or "$" not in raw.value:
        return raw
    try:
        return raw._replace(value=interpolate(raw.value, known))
    except InterpolationError:
        # its message names the variable, and behind a $ that is not meant stands a part of the value
        fact = "a $ in the value starts no variable, or one that is not set"
        return Mistaken(raw.value_at, fact, "set it, or put the value in single quotes if the $ is meant")


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where *pattern* ends that is looked for at *at*; there, if it is not there."""
    match = pattern.match(text, at)
    return at if match is None else match.end()
