"""What was read from YAML files: plain data, and beside it the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.topology.problem import Path, Place, Problem

if TYPE_CHECKING:
    from array import array

    from controller.topology.scalars import Surprise

COLUMN_BITS = 27
FILE_SHIFT = 53
"""
A place is one integer, file << 53 | line << 27 | column, each 0-based: a file of 64 MiB has neither more lines nor a
longer one, and what is read from a single file knows nothing of the others.
"""

MAX_FILES = 1 << 64 - FILE_SHIFT
"""Files that a place can tell apart."""


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


class Lent(NamedTuple):
    """
    Which entries of a mapping are taken from a default.

    Attributes:
        first: Position from which on they are.
        paths: Where each of them stands in the document.
    """

    first: int
    paths: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Tree:
    """
    What a file says, or several that were put together, and where.

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
    files: tuple[str, ...]
    """The files by the number that spots give them, as messages name them; the main file first."""
    partial: bool = False
    """Whether some other file could not be read: what is not in *root* may be in that one."""
    lent: dict[int, Lent] = field(default_factory=dict)
    """By the id of a mapping in *root*."""
    kept: tuple[Any, ...] = ()
    """What has an id in *starts* and is no longer in *root*: nothing else may get that id."""


def place_of(files: tuple[str, ...], spot: int) -> Place:
    """Return the packed *spot* as a place in one of *files*."""
    line = spot >> COLUMN_BITS & (1 << FILE_SHIFT - COLUMN_BITS) - 1
    return Place(files[spot >> FILE_SHIFT], line + 1, (spot & (1 << COLUMN_BITS) - 1) + 1)
