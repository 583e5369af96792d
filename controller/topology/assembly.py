"""
A document that is put together: of several files, with defaults under what they hold for, with variables from files.

It reads other files, but opens none that the topology does not name. A topology that consists of one file and says
nothing of this is never brought here.
"""

from __future__ import annotations

import pathlib
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.topology import words
from controller.topology.files import MAX_BYTES, UnreadableError, decode, locate, read_bytes
from controller.topology.problem import Path, Place, Problem, dotted
from controller.topology.tree import FILE_SHIFT, MAX_FILES, Lent, Tree, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Entry(NamedTuple):
    """A key, or nothing in a list, and its value, each with its spot."""

    key: str
    key_spot: int
    value: Any
    spot: int

    @property
    def told_at(self) -> int:
        """The spot of what is said about the value: that of its key, for a mapping or a list."""
        return self.key_spot if isinstance(self.value, (dict, list)) else self.spot


class Opened(NamedTuple):
    """A further file: its number, and its text."""

    number: int
    text: str


class Assembly:
    """
    What is being put together; it starts as what the main file says.

    Attributes:
        root: The document so far; a mapping.
        paths: The files on disk, by the number that spots give them.
    """

    def __init__(self, main: Tree, path: pathlib.Path) -> None:
        self.root: dict[str, Any] = main.root
        self.paths = [path]
        self.broken = list(main.broken)
        self.partial = False
        self._names = list(main.files)
        self._starts, self._spots = main.starts, main.spots
        self._substituted = dict(main.substituted)
        self._surprises = list(main.surprises)
        self._problems = list(main.problems)
        self._wrong = {problem.place for problem in main.problems}
        self._lent: dict[int, Lent] = {}
        self._kept: list[Any] = [main.root]
        self._room = MAX_BYTES

    def tree(self) -> Tree:
        """Return what was put together."""
        return Tree(
            self.root,
            self._starts,
            self._spots,
            self._substituted,
            tuple(self._surprises),
            tuple(self._problems),
            tuple(self.broken),
            complete=True,
            files=tuple(self._names),
            partial=self.partial,
            lent=self._lent,
            kept=tuple(self._kept),
        )

    # -- what is in it -----------------------------------------------------------------------------------------------

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

    def entry(self, node: dict[str, Any], key: str) -> Entry:
        """Return the entry of *key* in *node*, which has it."""
        return self.entries(node)[list(node).index(key)]

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

    def parts(self, node: dict[str, Any]) -> tuple[list[Entry], list[Entry]]:
        """Return what *node* says itself, and what it has from a default."""
        entries, lent = self.entries(node), self._lent.get(id(node))
        first = len(entries) if lent is None else lent.first
        return entries[:first], entries[first:]

    def regrown(self, node: dict[str, Any], own: list[Entry], taken: list[Entry]) -> dict[str, Any]:
        """Return a new mapping in the place of *node*; *taken* is what remains of what it had from a default."""
        lent = self._lent.get(id(node))
        return self.mapping([*own, *taken], lent=None if lent is None else Lent(len(own), lent.paths))

    def replace(self, key: str, value: Any) -> None:
        """Put *value* at *key* of the document, which has it."""
        entries = self.entries(self.root)
        self.root = self.mapping(entry._replace(value=value) if entry.key == key else entry for entry in entries)

    # -- what is wrong with it ---------------------------------------------------------------------------------------

    def problem(self, spot: int, path: Path, fact: str, hint: str | None) -> None:
        """Note what is wrong at *spot*, unless something is already."""
        place = self.place(spot)
        if place not in self._wrong:
            self._note(Problem(place, dotted(path), fact, hint))

    def problem_in(self, number: int, at: tuple[int, int], fact: str, hint: str | None) -> None:
        """Note what is wrong at the line and column *at* of the file *number*, which is no part of the document."""
        self._note(Problem(Place(self._names[number], *at), "", fact, hint))

    def _note(self, problem: Problem) -> None:
        self._wrong.add(problem.place)
        self._problems.append(problem)

    def place(self, spot: int) -> Place:
        """Return *spot* as a place."""
        return place_of(tuple(self._names), spot)

    def name(self, number: int) -> str:
        """Return the file *number* as messages name it."""
        return self._names[number]

    def raw(self, entry: Entry) -> str:
        """Return the text of *entry* as it stands in its file, before variables were replaced."""
        replaced = self._substituted.get(entry.spot)
        return str(entry.value) if replaced is None else replaced.raw

    def said(self, entry: Entry) -> str:
        """Return what the value of *entry* is, in words, without what variables in it hold."""
        return words.said(self.raw(entry) if entry.spot in self._substituted else entry.value)

    # -- further files -----------------------------------------------------------------------------------------------

    def locate(self, entry: Entry, path: Path) -> pathlib.Path | None:
        """Return the file that the value of *entry* means; None, and a problem at *path*, if it means none."""
        try:
            return locate(entry.value, self.paths[entry.spot >> FILE_SHIFT], self.paths[0])
        except UnreadableError as error:
            self.problem(entry.spot, path, error.fact, error.hint)
            return None

    def read(self, entry: Entry, path: Path, file: pathlib.Path, *, most: int = MAX_BYTES) -> tuple[int, bytes] | None:
        """
        Return number and content of *file*, which *entry* at *path* names; None, and a problem, if it cannot be read.

        In messages the file bears the name as it is written: what variables in it hold is not shown.

        Args:
            most: Size in bytes from which it is refused.
        """
        if len(self.paths) >= MAX_FILES:
            self.problem(entry.spot, path, f"more than {MAX_FILES:,} files are named", "put several into one")
            return None
        try:
            data = read_bytes(
                file,
                absent="paths start at the directory of the file that they stand in",
                folder="name the files in it, one by one",
                most=most,
            )
        except UnreadableError as error:
            self.problem(entry.spot, path, f"{self.raw(entry)}: {error.fact}", error.hint)
            return None
        self._room -= len(data)
        if self._room < 0:
            fact = f"the files are larger than {MAX_BYTES >> 20} MiB together"
            self.problem(entry.spot, path, fact, "is this the right file?")
            return None
        beside = self._names[entry.spot >> FILE_SHIFT]
        self._names.append(str(pathlib.PurePath(beside).parent / self.raw(entry)))
        self.paths.append(file)
        return len(self.paths) - 1, data

    def open(self, entry: Entry, path: Path, file: pathlib.Path) -> Opened | None:
        """Return the text of *file*, as ``read`` does its content; None, and a problem, also if it is no text."""
        read = self.read(entry, path, file)
        if read is None:
            return None
        number, data = read
        try:
            return Opened(number, decode(data))
        except UnreadableError as error:
            self.problem_in(number, error.at, error.fact, error.hint)
            return None

    def take_over(self, tree: Tree, number: int) -> None:
        """Note the places and problems of *tree*, which is what the file *number* says."""
        base, start = number << FILE_SHIFT, len(self._spots)
        self._spots.extend(base | spot for spot in tree.spots)
        self._starts.update((node, start + at) for node, at in tree.starts.items())
        self._substituted.update((base | spot, replaced) for spot, replaced in tree.substituted.items())
        self._surprises.extend(replace(found, spot=base | found.spot) for found in tree.surprises)
        self.broken += tree.broken
        self._kept.append(tree.root)
        for problem in tree.problems:
            self._note(problem)
