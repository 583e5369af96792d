"""What can be wrong with a topology, as data: a place in the file, a path in the document, a fact and a hint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

Path = tuple[str | int, ...]
"""Keys and 0-based list positions from the top of the document, as ``("containers", "web", "ports", 0)``."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Severity = Literal["error", "warning"]


class Place(NamedTuple):
    """A place in a file; *line* and *column* are 1-based and count characters, 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Mistake:
    """A problem before its place is known: what the validation and the rules find, by path."""

    path: Path
    fact: str
    hint: str | None = None
    severity: Severity = "error"
    on_key: bool = False
    """Whether the key at *path* is wrong, rather than its value."""
    fix: str | None = None
    """A better hint that is derived from the value: shown instead, unless the value came from the environment."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a topology file, told for a person; ``path`` is empty where the text is no YAML."""

    place: Place
    path: str
    fact: str
    hint: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        return _one_line(": ".join(part for part in (str(self.place), self.path, self.fact) if part))

    def lines(self) -> tuple[str, ...]:
        """Return the problem as text lines: the fact with its place, and the hint right below it."""
        return (str(self),) if self.hint is None else (str(self), _one_line(f"  hint: {self.hint}"))


def dotted(path: Path) -> str:
    """Return *path* as people write it: ``containers.web.ports[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _one_line(text: str) -> str:
    """Return *text* without what would break the line or move a terminal's cursor: a key in the file may hold it."""
    return _CONTROL.sub("?", text)
