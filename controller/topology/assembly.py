"""
A document that is put together: of what its file says, and defaults under what they hold for.

A topology without defaults is never brought here.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.topology.tree import Lent, Tree


class Entry(NamedTuple):
    """A key, or nothing in a list, and its value, each with its spot."""

    key: str
    key_spot: int
    value: Any
    spot: int


class Assembly:
    """
    What is being put together; it starts as what the main file says.

    Attributes:
        root: The document so far; a mapping.
    """

    def __init__(self, main: Tree) -> None:
        self.root: dict[str, Any] = main.root
        self.broken = list(main.broken)
        self._main = main
        self._starts, self._spots = main.starts, main.spots
        self._lent: dict[int, Lent] = {}
        self._kept: list[Any] = [main.root]

    def tree(self) -> Tree:
        """Return what was put together."""
        return replace(self._main, root=self.root, broken=tuple(self.broken), lent=self._lent, kept=tuple(self._kept))

    def entries(self, node: dict[str, Any] | list[Any]) -> list[Entry]:
        """Return what is in *node*, in order."""
        start = self._starts[id(node)]
        if isinstance(node, list):
            return [Entry("", self._spots[start + at], value, self._spots[start + at]) for at, value in enumerate(node)]
        spots = self._spots[start : start + 2 * len(node)]
        return [
            Entry(key, key_spot, value, spot)
            for (key, value), key_spot, spot in zip(node.items(), spots[::2], spots[1::2], strict=True)
        ]

    def pairs(self, node: Any) -> list[Entry] | None:
        """
        Return the entries of a mapping of texts, also of one that is written as the list ``[K=V, …]``.

        None if it is neither, or does not hold together: then it stays as it is, and the validation tells why.
        """
        if isinstance(node, dict):
            return self.entries(node)
        if not isinstance(node, list):
            return None
        found: dict[str, Entry] = {}
        for _, spot, item, _ in self.entries(node):
            key, is_pair, value = item.partition("=") if isinstance(item, str) else ("", "", "")
            if not is_pair or key in found:
                return None
            found[key] = Entry(key, spot, value, spot)
        return list(found.values())

    def mapping(self, entries: Iterable[Entry], *, lent: Lent | None = None) -> dict[str, Any]:
        """Return a new mapping of *entries*, whose places are known from now on."""
        entries = tuple(entries)
        node = {entry.key: entry.value for entry in entries}
        self._starts[id(node)] = len(self._spots)
        self._spots.extend(chain.from_iterable((entry.key_spot, entry.spot) for entry in entries))
        self._kept.append(node)
        if lent is not None:
            self._lent[id(node)] = lent
        return node

    def replace(self, key: str, value: Any) -> None:
        """Put *value* at *key* of the document, which has it."""
        entries = self.entries(self.root)
        self.root = self.mapping(entry._replace(value=value) if entry.key == key else entry for entry in entries)
