"""
``include``: further files of one topology.

Which file a thing stands in makes no difference: there is one set of hosts, networks, containers and defaults, and
nothing can stand in two files, so that the order of files does not matter either.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

from controller.topology.fields import known_keys
from controller.topology.file_keys import DEFAULTS, FILE_SECTIONS, INCLUDE, PLAIN_SECTIONS, SECTIONS
from controller.topology.tree import FILE_SHIFT
from controller.topology.words import said, unknown_key
from controller.topology.yaml_tree import read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.topology.assembly import Assembly, Entry
    from controller.topology.problem import Path

_ONCE = ("version", "name", "store")
"""What the main file says; another one may repeat it."""

_PATH = "path"


def follow(assembly: Assembly, env: Mapping[str, str]) -> None:
    """
    Join to the document what the files say that it includes, and those that they include.

    Args:
        env: Variables for interpolation.
    """
    following = _Following(assembly, env)
    following.run()
    assembly.root = following.document()


class _Following:
    """The files that were met, and what they say by key of the document."""

    def __init__(self, assembly: Assembly, env: Mapping[str, str]) -> None:
        self._assembly = assembly
        self._env = env
        self._origin: dict[str, Entry | None] = {os.path.realpath(assembly.paths[0]): None}
        self._numbers: dict[str, int] = {os.path.realpath(assembly.paths[0]): 0}
        self._main = assembly.name(0)
        self._due: deque[dict[str, Any]] = deque([assembly.root])
        self._said = {entry.key: [entry] for entry in assembly.entries(assembly.root)}

    def run(self) -> None:
        """Read file by file, those that are named first before those that they name."""
        while self._due:
            root = self._due.popleft()
            if INCLUDE in root:
                for entry, path in self._named(self._assembly.entry(root, INCLUDE)):
                    self._include(entry, path)

    def document(self) -> dict[str, Any]:
        """Return what all files say."""
        return self._assembly.mapping(
            self._together(entries, (key,), levels=3 if key == DEFAULTS else 1) for key, entries in self._said.items()
        )

    # -- which files -------------------------------------------------------------------------------------------------

    def _named(self, include: Entry) -> Iterator[tuple[Entry, Path]]:
        """Yield the entries that name a file, each with where it stands in its own file."""
        assembly = self._assembly
        if not isinstance(include.value, list):
            fact = f"expected a list, got {assembly.said(include)}"
            assembly.problem(include.told_at, (INCLUDE,), fact, "write - before each file")
            assembly.partial = True
            return
        for at, item in enumerate(assembly.entries(include.value)):
            path: Path = (INCLUDE, at)
            entry: Entry | None = item
            if isinstance(item.value, dict):
                entry, path = self._long(item, path), (*path, _PATH)
            if entry is not None and isinstance(entry.value, str):
                yield entry, path
                continue
            assembly.partial = True
            if entry is not None:
                assembly.problem(entry.told_at, path, f"expected text, got {assembly.said(entry)}", "write a path")

    def _long(self, item: Entry, path: Path) -> Entry | None:
        """Return the entry that names the file in the form ``{path: …}``."""
        for key in self._assembly.entries(item.value):
            if key.key != _PATH:
                self._assembly.problem(key.key_spot, (*path, key.key), "unknown key", f"write {_PATH}: and the path")
        if _PATH in item.value:
            return self._assembly.entry(item.value, _PATH)
        if not item.value:
            self._assembly.problem(item.spot, path, f"{_PATH} is missing", "write the path of a file")
        return None

    def _include(self, entry: Entry, path: Path) -> None:
        assembly = self._assembly
        file = assembly.locate(entry, path)
        real = None if file is None else os.path.realpath(file)
        if real in self._origin:
            self._again(entry, path, real)
            return
        opened = None if file is None else assembly.open(entry, path, file)
        if opened is None or real is None:
            assembly.partial = True
            return
        self._origin[real], self._numbers[real] = entry, opened.number
        tree = read_tree(opened.text, assembly.name(opened.number), self._env)
        assembly.take_over(tree, opened.number)
        start = opened.number << FILE_SHIFT
        if not tree.complete:
            assembly.partial = True
        elif not isinstance(tree.root, dict):
            assembly.partial = True
            empty = tree.root is None
            fact = "the file is empty" if empty else f"expected a mapping, got {said(tree.root)}"
            assembly.problem(start, (), fact, "write hosts, networks or containers, or remove it from include")
        else:
            self._due.append(tree.root)
            self._join(tree.root)

    def _again(self, entry: Entry, path: Path, real: str) -> None:
        """Tell that a file is named that is there already: by a file that it includes itself, or by two."""
        assembly = self._assembly
        chain = [entry]
        at = assembly.paths[entry.spot >> FILE_SHIFT]
        while (named := self._origin[os.path.realpath(at)]) is not None and os.path.realpath(at) != real:
            chain.append(named)
            at = assembly.paths[named.spot >> FILE_SHIFT]
        first = self._origin[real]
        if os.path.realpath(at) == real:
            numbers = [entry.spot >> FILE_SHIFT for entry in reversed(chain)]
            names = [assembly.name(number) for number in (*numbers, self._numbers[real])]
            assembly.problem(entry.spot, path, f"the files include each other: {' -> '.join(names)}", "remove it here")
        elif first is not None:
            fact = f"the file is included already ({assembly.place(first.spot)})"
            assembly.problem(entry.spot, path, fact, "include it once: its place makes no difference")

    # -- what they say -----------------------------------------------------------------------------------------------

    def _join(self, root: dict[str, Any]) -> None:
        for entry in self._assembly.entries(root):
            path: Path = (entry.key,)
            if entry.key == INCLUDE or entry.key.startswith("x-"):
                continue
            if entry.key in _ONCE:
                self._repeated(entry, path)
            elif entry.key in (*SECTIONS, *FILE_SECTIONS, *PLAIN_SECTIONS, DEFAULTS):
                self._section(entry, path)
            elif entry.key not in known_keys(()):
                mistake = unknown_key(path)
                self._assembly.problem(entry.key_spot, path, mistake.fact, mistake.hint)

    def _repeated(self, entry: Entry, path: Path) -> None:
        first = self._said.setdefault(entry.key, [entry])[0]
        if first.spot >> FILE_SHIFT:
            fact, hint = f"{entry.key} belongs into the main file, and is not there", f"move it to {self._main}"
            self._assembly.problem(entry.key_spot, path, fact, hint)
        elif first.value != entry.value:
            fact = f"{entry.key} is another one than in the main file ({self._assembly.place(first.key_spot)})"
            self._assembly.problem(entry.key_spot, path, fact, "remove it here")

    def _section(self, entry: Entry, path: Path) -> None:
        if isinstance(entry.value, dict):
            self._said.setdefault(entry.key, []).append(entry)
            return
        fact = f"expected a mapping, got {self._assembly.said(entry)}"
        self._assembly.problem(entry.told_at, path, fact, "write its keys below it, indented")
        self._assembly.partial = True

    def _together(self, parts: list[Entry], path: Path, *, levels: int) -> Entry:
        """Return one entry for *parts*, mappings down to *levels*: what is no mapping can stand in one file only."""
        first = parts[0]
        if len(parts) == 1 or not isinstance(first.value, dict):
            return first
        groups: dict[str, list[Entry]] = {}
        for part in parts:
            for entry in self._assembly.entries(part.value):
                groups.setdefault(entry.key, []).append(entry)
        return first._replace(
            value=self._assembly.mapping(self._one(group, path, levels=levels) for group in groups.values())
        )

    def _one(self, group: list[Entry], path: Path, *, levels: int) -> Entry:
        """Return the one entry of *group*, entries of one key in the mapping at *path*."""
        first, *others = group
        here: Path = (*path, first.key)
        if levels > 1 and all(isinstance(entry.value, dict) for entry in group):
            return self._together(group, here, levels=levels - 1)
        if path[0] != DEFAULTS or not first.key.startswith("x-"):
            for entry in others:
                fact = f"the key stands twice, first at {self._assembly.place(first.key_spot)}"
                self._assembly.problem(entry.key_spot, here, fact, "rename one, or remove it")
        return first
