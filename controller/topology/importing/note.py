"""What an import could not carry over as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.topology.problem import Path


@dataclass(frozen=True, slots=True)
class Note:
    """
    Something that was left out or written otherwise.

    Attributes:
        entry: Where its comment goes: section and name, or () for the top of the file.
        origin: Where it stands in the file that was imported.
    """

    entry: Path
    origin: Path
    fact: str
    hint: str | None = None


@dataclass(slots=True)
class Draft:
    """A topology's document that is being made, and what is to be said about it."""

    document: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, Path] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, entry: Path, key: Path, fact: str, hint: str | None = None) -> None:
        """Note *fact* about what the imported file has at *key* below the origin of *entry*."""
        found = Note(entry, (*self.origins.get(entry, ()), *key), fact, hint)
        if found not in self.notes:
            self.notes.append(found)
