"""What was read: what it says, and the place of anything in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import PydanticCustomError

from controller.model.forms import expand_port
from controller.topology.problem import Mistake, Path, Place, Problem, dotted
from controller.topology.tree import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.tree import Substituted, Tree

SHORTEST_SECRET = 3
"""Characters of a value from which on it is masked: less is no secret, and stands in a message by chance."""

_INDEXED_FROM = 16
"""Entries from which a mapping gets an index of its keys' positions, once something is looked up in it."""


class _Found(NamedTuple):
    """
    How far a path leads.

    Attributes:
        steps: The part of it that is in the document.
        shown: The same, or where it stands among the defaults if it is taken from there.
        place: Of the value, or of its key if that is a mapping or a list.
    """

    steps: Path
    shown: Path
    place: Place
    key_place: Place
    node: Any


class Source:
    """
    Places, and what of the text came from the environment, by path.

    A path may be one of the model (``environment.KEY``, ``networks.NAME``, ``depends_on[0]``) where the file has the
    other one of Compose's two forms; what is not in the file has the place of its nearest parent there.
    """

    def __init__(self, tree: Tree) -> None:
        self.root = tree.root
        self.files = tree.files
        self._tree = tree
        self._positions: dict[int, dict[str, int]] = {}

    def place(self, *path: str | int) -> Place:
        """Return the place of the value at *path*; of its key if it is a mapping or a list."""
        return self._walk(path).place

    def key_place(self, *path: str | int) -> Place:
        """Return the place of the key at *path*."""
        return self._walk(path).key_place

    def node(self, *path: str | int) -> Any:
        """Return the data at *path*, None if the file has nothing there."""
        found = self._walk(path)
        return found.node if len(found.steps) == len(path) else None

    def port_entry(self, container: str, position: int) -> Path:
        """Return the path of the entry in the file that the expanded port at *position* of *container* comes from."""
        above: Path = ("containers", container, "ports")
        items = self.node(*above)
        return (*above, entry_of_port(items, position)) if isinstance(items, list) else above

    def problem(self, mistake: Mistake) -> Problem:
        """Return *mistake* with its place; what came from the environment is named in it, not shown."""
        found = self._walk(mistake.path)
        place = found.key_place if mistake.on_key else found.place
        fact, hint = mistake.fact, mistake.fix or mistake.hint
        substituted = dict(self._substituted(found.steps))
        if substituted:
            hint = mistake.hint
            for held, replaced in substituted.items():
                for content, shown in ((held, replaced.raw), *((v, f"${k}") for k, v in replaced.contents.items())):
                    fact = mask(fact, content, shown)
                    hint = None if hint is None else mask(hint, content, shown)
        return Problem(place, dotted(found.shown), fact, hint, mistake.severity)

    def is_substituted(self, path: Path, *, plain: bool = False) -> bool:
        """Return whether a scalar at or below *path* held variables; with *plain*, one without quotes."""
        return any(replaced.plain or not plain for _, replaced in self._substituted(self._walk(path).steps))

    def _walk(self, path: Path) -> _Found:
        """Follow *path* as far as it leads."""
        steps: list[str | int] = []
        shown: list[str | int] = []
        node, spot, key_spot = self.root, 0, 0
        for step in path:
            if isinstance(node, dict):
                position = self._key_position(node, step)
                if position is None:
                    break
                start = self._tree.starts[id(node)] + 2 * position
                key_spot, spot = self._tree.spots[start], self._tree.spots[start + 1]
                key = step if isinstance(step, str) else list(node)[position]
                steps.append(key)
                lent = self._tree.lent.get(id(node))
                shown = [*shown, key] if lent is None or position < lent.first else list(lent.paths[key])
                node = node[key]
            elif isinstance(node, list):
                position = _item_position(node, step)
                if position is None:
                    break
                key_spot = spot = self._tree.spots[self._tree.starts[id(node)] + position]
                steps.append(position)
                shown.append(position)
                node = node[position]
            else:
                break
        key_place = place_of(self.files, key_spot)
        place = key_place if isinstance(node, (dict, list)) else place_of(self.files, spot)
        return _Found(tuple(steps), tuple(shown), place, key_place, node)

    def _key_position(self, node: dict[str, Any], step: str | int) -> int | None:
        if isinstance(step, int):
            return step if step < len(node) else None
        if step not in node:
            return None
        if len(node) < _INDEXED_FROM:
            return list(node).index(step)
        positions = self._positions.get(id(node))
        if positions is None:
            positions = self._positions[id(node)] = {key: at for at, key in enumerate(node)}
        return positions[step]

    def _substituted(self, path: Path) -> Iterator[tuple[str, Substituted]]:
        if not self._tree.substituted:
            return
        parent = self.node(*path[:-1]) if path else None
        if isinstance(parent, (dict, list)):
            place, node = self._spot(path), self.node(*path)
            yield from self._below(node, place)
        elif path == ():
            yield from self._below(self.root, None)

    def _spot(self, path: Path) -> int:
        parent, step = self.node(*path[:-1]), path[-1]
        start = self._tree.starts[id(parent)]
        if isinstance(parent, dict):
            return self._tree.spots[start + 2 * (self._key_position(parent, step) or 0) + 1]
        return self._tree.spots[start + int(step)]

    def _below(self, node: Any, spot: int | None) -> Iterator[tuple[str, Substituted]]:
        if isinstance(node, (dict, list)):
            start, width = self._tree.starts[id(node)], 2 if isinstance(node, dict) else 1
            for position, value in enumerate(node.values() if isinstance(node, dict) else node):
                yield from self._below(value, self._tree.spots[start + width * position + width - 1])
        elif spot in self._tree.substituted:
            yield str(node), self._tree.substituted[spot]


def entry_of_port(items: list[Any], position: int) -> int:
    """Return the position in *items*, the entries of a ``ports``, of the one that expanded port *position* is from."""
    ports = 0
    for at, item in enumerate(items):
        try:
            ports += len(expand_port(item))
        except PydanticCustomError:
            ports += 1
        if position < ports:
            return at
    return len(items) - 1


def mask(text: str, held: str, raw: str) -> str:
    """Return *text* with the value *held*, where it is a whole word, replaced by *raw*, which stands in the file."""
    if len(held) < SHORTEST_SECRET:
        return text
    text = text.replace(repr(held), repr(raw))
    return re.sub(rf"(?<![\w]){re.escape(held)}(?![\w])", lambda _: raw, text)


def _item_position(items: list[Any], step: str | int) -> int | None:
    if isinstance(step, int):
        return step if step < len(items) else None
    for position, item in enumerate(items):
        if item == step or (isinstance(item, str) and item.startswith(f"{step}=")):
            return position
    return None
