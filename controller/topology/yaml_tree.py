"""
YAML text to plain data, with the place of every key and value.

A loader of our own on libyaml's events: PyYAML's takes duplicate keys, reads ``no`` as false and ``010`` as 8, keeps no
places, and is several times slower. Values are dict, list, str, int, float, bool and None as the core schema of YAML
1.2 has them; keys are always text. Anchors, aliases and merge keys work; tags do not.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from controller.topology.anchors import MAX_ALIASED, Anchors
from controller.topology.interpolate import InterpolationError, interpolate
from controller.topology.problem import Path, Problem, dotted
from controller.topology.scalars import resolve, surprise
from controller.topology.syntax import syntax_problem
from controller.topology.tree import COLUMN_BITS, Substituted, Surprising, Tree, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 64

LIBYAML: bool = hasattr(yaml, "CSafeLoader")
_Loader: Any = yaml.CSafeLoader if LIBYAML else yaml.SafeLoader


_ITEM = object()
"""A frame's key in a list: a value is next, always."""
_SKIP = object()
"""A frame's key when the value that follows belongs to no usable key."""
_MERGE = object()
"""A frame's key behind ``<<``."""


class _Quoted:
    """What stands for the event of a key that came by an alias: text, without tag and anchor."""

    anchor = None
    tag = None
    implicit = (False, True)


_QUOTED = _Quoted()


class _Frame:
    """A mapping or a list that is being read; *key* is None where a mapping's next key is due."""

    __slots__ = ("anchor", "is_key", "key", "merges", "node", "spot", "spots")

    def __init__(self, node: Any, spot: int, anchor: str | None) -> None:
        self.node = node
        self.spot = spot
        self.anchor = anchor
        self.spots: list[int] = []
        self.key: Any = None if type(node) is dict else _ITEM
        self.merges: list[tuple[Any, int]] | None = None
        self.is_key = False


class _Stop(Exception):  # noqa: N818 - no error, the reading ends here and the problem is noted
    """Reading cannot go on; the problem is already noted."""


def read_tree(text: str, file: str, env: Mapping[str, str]) -> Tree:
    """
    Return the data that *text* holds, and the problems of its YAML; it raises nothing.

    Args:
        file: Name for the places.
        env: Variables for interpolation in values.
    """
    return _Reader(file, env).read(text)


class _Reader:
    def __init__(self, file: str, env: Mapping[str, str]) -> None:
        self.file = file
        self.env = env
        self.stack: list[_Frame] = []
        self.anchors = Anchors()
        self.root: Any = None
        self.starts: dict[int, int] = {}
        self.spots: array[int] = array("Q")
        self.substituted: dict[int, Substituted] = {}
        self.surprises: list[Surprising] = []
        self.problems: list[Problem] = []
        self.broken: list[Path] = []

    def read(self, text: str) -> Tree:
        complete = False
        try:
            self._read(_Loader(text).get_event)
            complete = True
        except _Stop:
            pass
        except yaml.YAMLError as error:
            self.problems.append(syntax_problem(error, text, self.file))
        return Tree(
            self.root,
            self.starts,
            self.spots,
            self.substituted,
            tuple(self.surprises),
            tuple(self.problems),
            tuple(self.broken),
            complete,
            (self.file,),
        )

    def _read(self, next_event: Any) -> None:  # noqa: C901, PLR0912, PLR0915 - the hot loop: calls are what costs
        # the hot loop: one turn an event, a million for 20,000 containers; what is usual is handled in line, by locals
        scalar_event = yaml.ScalarEvent
        memo: dict[str, Any] = {}
        surprising: set[str] = set()
        names: dict[str, str] = {}
        frame: Any = None
        node: Any = None
        spots: list[int] = []
        key: Any = None
        while True:
            event = next_event()
            kind = type(event)
            if kind is scalar_event:
                mark = event.start_mark
                spot = mark.line << COLUMN_BITS | mark.column
                text = event.value
                plain = event.implicit[0]
                if key is None and frame is not None:
                    if plain and text not in node and text and text != "<<" and event.anchor is None:
                        key = names.setdefault(text, text)
                        spots.append(spot)
                    else:
                        frame.key = None
                        self._key(frame, text, spot, event)
                        key = frame.key
                    continue
                if plain and text in memo and text not in surprising and event.anchor is None:
                    value = memo[text]
                else:
                    if frame is not None:
                        frame.key = key
                    value = self._scalar(event, text, spot, memo, surprising)
                if key is _ITEM:
                    node.append(value)
                    spots.append(spot)
                elif type(key) is str:
                    node[key] = value
                    spots.append(spot)
                    key = None
                elif frame is None:
                    self.root = value
                else:
                    frame.key = key
                    self._value(frame, value, spot)
                    key = None
                continue
            if frame is not None:
                frame.key = key
            if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                frame = self._open(event, frame)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event, frame)
            elif kind is yaml.DocumentStartEvent:
                self._document(event)
            elif kind is yaml.StreamEndEvent:
                return
            if frame is not None:
                node, spots, key = frame.node, frame.spots, frame.key

    # -- entries -----------------------------------------------------------------------------------------------------

    def _key(self, frame: _Frame, key: str, spot: int, event: Any) -> None:
        if event.anchor is not None:
            self.anchors.define(event.anchor, key)
        if event.tag is not None or "\0" in key:
            self._odd_scalar(event, spot)
        if key == "<<" and event.implicit[0]:
            if frame.merges is not None:
                self._problem(spot, "<< stands twice in one mapping", "write one: <<: [*first, *second]", below=key)
            frame.key = _MERGE
        elif key in frame.node:
            first = frame.spots[2 * list(frame.node).index(key)]
            line, column = (first >> COLUMN_BITS) + 1, (first & (1 << COLUMN_BITS) - 1) + 1
            self._problem(
                spot,
                f"the key stands twice, first at {line}:{column}",
                "rename one, or remove it",
                below=key,
                breaks=False,
            )
            frame.key = _SKIP
        elif key == "":
            self._problem(spot, "a key is empty", 'write the key before the ":"')
            frame.key = _SKIP
        else:
            frame.key = key
            frame.spots.append(spot)

    def _value(self, frame: _Frame, value: Any, spot: int) -> None:
        key = frame.key
        if key is _ITEM:
            frame.node.append(value)
            frame.spots.append(spot)
            return
        frame.key = None
        if key is _MERGE:
            frame.merges = [*(frame.merges or ()), (value, spot)]
        elif key is not _SKIP:
            frame.node[key] = value
            frame.spots.append(spot)

    def _open(self, event: Any, parent: _Frame | None) -> _Frame:
        spot = _spot(event)
        if len(self.stack) >= MAX_DEPTH:
            self._too_deep(spot)
        frame = _Frame({} if type(event) is yaml.MappingStartEvent else [], spot, event.anchor)
        if event.tag is not None:
            self._tag(event, spot)
        if event.anchor is not None:
            self.anchors.open(event.anchor)
        if parent is not None and parent.key is None:
            kind = "mapping" if type(frame.node) is dict else "list"
            self._problem(spot, f"a key must be text, this one is a {kind}", "quote it if it is meant as text")
            frame.is_key, parent.key = True, _SKIP
        self.stack.append(frame)
        return frame

    def _close(self) -> _Frame | None:
        frame = self.stack.pop()
        parent = self.stack[-1] if self.stack else None
        if frame.merges is not None:
            self._merge(frame)
        self.starts[id(frame.node)] = len(self.spots)
        self.spots.extend(frame.spots)
        if frame.anchor is not None:
            self.anchors.define(frame.anchor, frame.node)
        if parent is None:
            self.root = frame.node
        elif not frame.is_key:
            self._value(parent, frame.node, frame.spot)
        return parent

    # -- anchors, aliases, merge keys --------------------------------------------------------------------------------

    def _alias(self, event: Any, frame: _Frame | None) -> None:
        spot, name = _spot(event), event.anchor
        found = self.anchors.take(name)
        if found is None:
            self._problem(spot, f"aliases stand for more than {MAX_ALIASED:,} values", "write fewer aliases of aliases")
            raise _Stop
        if len(self.stack) + found.depth > MAX_DEPTH:
            self._too_deep(spot)
        value, usable = found.value, found.mistake is None
        if found.mistake is not None:
            self._problem(spot, *found.mistake)
        if frame is None:
            return
        if frame.key is None:
            if usable and isinstance(value, str):
                self._key(frame, value, spot, _QUOTED)
                return
            if usable:
                self._problem(spot, f"a key must be text, *{name} is not", "write the key out")
            frame.key = _SKIP
        elif usable or frame.key is _ITEM:
            self._value(frame, value, spot)
        else:
            # the key has its spot already: it stays, with nothing as its value
            self._value(frame, None if type(frame.key) is str else (), spot)

    def _merge(self, frame: _Frame) -> None:
        for value, spot in frame.merges or ():
            for source in value if type(value) is list else (value,):
                if type(source) is not dict:
                    self._problem(spot, "<< takes a mapping or a list of mappings", "write <<: *anchor", below="<<")
                    continue
                start = self.starts[id(source)]
                for position, key in enumerate(source):
                    if key not in frame.node:
                        frame.node[key] = source[key]
                        at = start + 2 * position
                        frame.spots += (self.spots[at], self.spots[at + 1])

    # -- scalars -----------------------------------------------------------------------------------------------------

    def _scalar(self, event: Any, text: str, spot: int, memo: dict[str, Any], surprising: set[str]) -> Any:
        """Return the value of a scalar that the hot loop has not met yet, or that needs more than a look."""
        value: Any = text
        if "$" in text:
            value = self._substitute(text, spot, plain=event.implicit[0])
        elif event.implicit[0]:
            value = resolve(text)
            why = surprise(text, value)
            if why is not None:
                self.surprises.append(Surprising(self._path(), spot, text, why))
                surprising.add(text)
            memo[text] = value
        if not event.implicit[0] and (event.tag is not None or "\0" in text):
            self._odd_scalar(event, spot)
        if event.anchor is not None:
            self.anchors.define(event.anchor, value)
        return value

    def _substitute(self, text: str, spot: int, *, plain: bool) -> str | None:
        used: set[str] = set()
        try:
            value = interpolate(text, self.env, used)
        except InterpolationError as error:
            self._problem(spot, error.fact, error.hint)
            return None
        if value != text or used:
            self.substituted[spot] = Substituted(text, plain, {name: self.env[name] for name in used})
        return value

    def _odd_scalar(self, event: Any, spot: int) -> None:
        if event.tag is not None:
            self._tag(event, spot)
        else:
            self._problem(spot, "the text holds a NUL character", "no engine takes one: remove \\0")

    def _tag(self, event: Any, spot: int) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self._problem(spot, f"tags such as {tag} are not taken", "remove it; quote a value that is meant as text")

    # -- documents and problems --------------------------------------------------------------------------------------

    def _document(self, event: Any) -> None:
        if self.anchors or self.root is not None or self.starts:
            self._problem(_spot(event), "a second document starts here", "write each topology into a file of its own")
            raise _Stop

    def _too_deep(self, spot: int) -> NoReturn:
        self.problems.append(
            Problem(
                place_of((self.file,), spot),
                "",
                f"nested more than {MAX_DEPTH} deep",
                "a topology needs fewer than ten levels",
            ),
        )
        raise _Stop

    def _path(self) -> Path:
        path: list[str | int] = []
        for frame in self.stack:
            if frame.key is _ITEM:
                path.append(len(frame.node))
            elif type(frame.key) is str:
                path.append(frame.key)
            elif frame.key is _MERGE:
                path.append("<<")
        return tuple(path)

    def _problem(self, spot: int, fact: str, hint: str, *, below: str = "", breaks: bool = True) -> None:
        path = (*self._path(), below) if below else self._path()
        if breaks:
            self.broken.append(path)
        self.problems.append(Problem(place_of((self.file,), spot), dotted(path), fact, hint))


def _spot(event: Any) -> int:
    line, column = event.start_mark.line, event.start_mark.column
    return int(line << COLUMN_BITS | column)
