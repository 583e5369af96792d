"""The few marks that all texts share: symbols, colours, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Colour = Literal["green", "yellow", "red", "cyan", "dim"]

_CODES: dict[Colour, str] = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "dim": "2"}
COLOURS: dict[str, Colour] = {
    "+": "green",
    "~": "yellow",
    "-/+": "cyan",
    "-": "red",
    "=": "dim",
    "!": "red",
    "?": "red",
}


def paint(text: str, colour: Colour, *, colours: bool) -> str:
    """Return *text* in *colour*, or as it is when *colours* is off."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colours else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns as wide as their widest cell; without trailing blanks."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def plural(count: int, word: str) -> str:
    """Return ``1 host``, ``2 hosts``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
