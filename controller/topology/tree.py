"""What was read from a YAML file: plain data, and beside it the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.topology.problem import Path, Place, Problem

if TYPE_CHECKING:
    from array import array

    from controller.topology.scalars import Surprise

COLUMN_BITS = 27
"""A place is one integer, line << 27 | column, both 0-based: a file of 64 MiB has no longer line."""


@dataclass(frozen=True, slots=True)
class Surprising:
    """A plain scalar that may not mean what its author thinks."""

    path: Path
    spot: int
    text: str
    why: Surprise


@dataclass(frozen=True, slots=True)
class Substituted:
    """A scalar that held variables: *raw* as it stands in the file, and what it took from the environment, by name."""

    raw: str
    plain: bool
    contents: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tree:
    """
    What a file says, and where.

    ``starts`` maps the id of a dict or list in *root* to the position in ``spots`` of its first entry: a key's and a
    value's spot for each key in order, or one spot for each item. Spots are packed as COLUMN_BITS says.
    """

    root: Any
    starts: dict[int, int]
    spots: array[int]
    substituted: dict[int, Substituted]
    surprises: tuple[Surprising, ...]
    problems: tuple[Problem, ...]
    broken: tuple[Path, ...]
    """Where the problems are, as paths: what stands there in *root* is not what the file says."""
    complete: bool
    """Whether the text was read to its end; if not, *root* is to be left alone."""


def place_of(file: str, spot: int) -> Place:
    """Return the packed *spot* as a place in *file*."""
    return Place(file, (spot >> COLUMN_BITS) + 1, (spot & (1 << COLUMN_BITS) - 1) + 1)
