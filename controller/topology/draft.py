"""
The well-formed part of a document: what the rules judge, also when some other part is wrong.

What is wrong is left out, or stands as a placeholder, and is remembered as doubtful; a rule says nothing about what
depends on something doubtful, so that one mistake gives one message.
"""

from __future__ import annotations

import copy
import posixpath
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from controller.model.files import Config, Secret
from controller.model.network import Network
from controller.model.topology import Container, Host, Store, Topology
from controller.model.volume import Volume
from controller.topology.source import Source, entry_of_port
from controller.topology.words import meant_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pydantic_core import ErrorDetails

    from controller.topology.problem import Path

M = TypeVar("M", bound=BaseModel)

PLACEHOLDERS: dict[type[BaseModel], dict[str, Any]] = {
    Host: {"address": "0.0.0.0"},  # noqa: S104 - nothing listens there
    Container: {"host": "", "image": "unknown"},
    Store: {"url": "consul://unknown:1"},
}
"""Values of what a part cannot do without, for when it has none that can be used."""
_ROUNDS = 8
"""An error can show only after another one is out of the way: a pool without its wrong subnet lacks a subnet."""
_GONE = object()


class Draft:
    """
    A topology as far as it is well-formed, and which parts of it are not.

    Attributes:
        topology: Valid but for what is doubtful.
    """

    def __init__(self, topology: Topology, source: Source, broken: Iterable[Path] = ()) -> None:
        self.topology = topology
        self._source = source
        self._broken = set(broken)
        self._above = {path[:end] for path in self._broken for end in range(len(path) + 1)}

    def doubtful(self, *path: str | int) -> bool:
        """Return whether what the topology has at *path*, or anything in it, may not be what the file means."""
        if not self._broken:
            return False
        return path in self._above or any(path[:end] in self._broken for end in range(len(path)))

    def knows_names(self, section: str) -> bool:
        """Return whether *section* has the names that the file means; its entries may be doubtful."""
        return (section,) not in self._broken

    def names(self, section: str) -> Collection[str]:
        """Return the names that the file has in *section*, those of unusable entries too."""
        node = self._source.node(section)
        return node.keys() if isinstance(node, dict) else ()

    def at(self, *path: str | int) -> str:
        """Return where *path* is, as ``line:column``; with its file before it if there are several."""
        place = self._source.place(*path)
        return f"{place.line}:{place.column}" if len(self._source.files) == 1 else str(place)

    def beside(self, *path: str | int) -> str:
        """Return the directory of the file that *path* stands in, as files are named in messages."""
        return posixpath.dirname(self._source.place(*path).file)

    def port_entry(self, container: str, position: int) -> Path:
        """Return the path in the file of a container's port; *position* counts expanded ports."""
        if self.doubtful("containers", container, "ports"):
            return ("containers", container, "ports")
        return self._source.port_entry(container, position)

    def item(self, *path: str | int) -> Path:
        """Return *path*, or the list's path if positions in that list are not those of the file."""
        return path[:-1] if self.doubtful(*path[:-1]) else path


def salvage(plain: dict[str, Any], error: ValidationError, source: Source, broken: Iterable[Path]) -> Draft:
    """
    Return what is usable of *plain*, a document that *error* was raised for.

    Args:
        plain: The document without extensions; it stays as it is.
        broken: Paths that are known to be wrong already.
    """
    doubtful = set(broken)
    doubtful.update(_blamed(error.errors(include_url=False), ()))
    for section in ("networks", "volumes"):
        entries = plain.get(section)
        if isinstance(entries, dict):
            plain = {**plain, section: {name: {} if entry is None else entry for name, entry in entries.items()}}
    store = plain.get("store")
    if store is not None:
        store = _usable(Store, {"url": store} if isinstance(store, str) else store, ("store",), doubtful)
    name = plain.get("name")
    topology = Topology.model_construct(
        version=1,
        name=name if isinstance(name, str) else "",
        store=store,
        hosts=_section(Host, plain, "hosts", doubtful),
        networks=_section(Network, plain, "networks", doubtful),
        volumes=_section(Volume, plain, "volumes", doubtful),
        configs=_section(Config, plain, "configs", doubtful),
        secrets=_section(Secret, plain, "secrets", doubtful),
        containers=_section(Container, plain, "containers", doubtful),
    )
    return Draft(topology, source, doubtful)


def _section(model: type[M], plain: dict[str, Any], section: str, doubtful: set[Path]) -> dict[str, M]:
    entries = plain.get(section)
    if not isinstance(entries, dict):
        return {}
    usable = {name: _usable(model, entry, (section, name), doubtful) for name, entry in entries.items()}
    return {name: entry for name, entry in usable.items() if entry is not None}


def _usable(model: type[M], node: Any, path: Path, doubtful: set[Path]) -> M | None:
    """Return *node* as *model* with all that is wrong left out; None if nothing is left."""
    node = copy.deepcopy(node)
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(node)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            doubtful.update(_blamed(errors, path))
            if not isinstance(node, dict):
                return None
            for details in errors:
                _leave_out(node, details, doubtful, path)
            node = _swept(node)
            for key, value in PLACEHOLDERS.get(model, {}).items():
                if key not in node:
                    doubtful.add((*path, key))
                    node[key] = value
    return None


def _blamed(errors: list[ErrorDetails], above: Path) -> set[Path]:
    """Return the paths that *errors* blame; for an unknown key also the key that it probably means."""
    paths: set[Path] = set()
    for details in errors:
        loc = tuple(step for step in details["loc"] if step != "[key]")
        paths.add((*above, *loc))
        full: Path = (*above, *loc)
        meant = meant_key({**details, "loc": full})
        if meant is not None:
            paths.add(meant)
    return paths - {()}


def _leave_out(node: dict[str, Any], details: ErrorDetails, doubtful: set[Path], above: Path) -> None:
    """Mark what *details* blames as gone: the value itself, or what lacks the key that is missing."""
    loc = details["loc"]
    if loc[-1:] == ("[key]",) or details["type"] == "missing":
        loc = loc[:-1]
    blamed = [loc]
    if details["type"] == "ovctl":
        positions = [problem["at"] for problem in details["ctx"]["problems"]]
        blamed = [loc if at is None else (*loc, at) for at in positions]
    elif loc[:1] == ("ports",) and len(loc) > 1 and isinstance(node["ports"], list):
        blamed = [("ports", entry_of_port(node["ports"], int(loc[1])))]
    for path in blamed:
        parent: Any = None
        here: Any = node
        at: str | int = 0
        for step in path:
            in_list = isinstance(here, list) and isinstance(step, int) and step < len(here)
            if not in_list and not (isinstance(here, dict) and step in here):
                break
            parent, at, here = here, step, here[step]
        if parent is not None:
            doubtful.add((*above, *path))
            parent[at] = _GONE


def _swept(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _swept(value) for key, value in node.items() if value is not _GONE}
    if isinstance(node, list):
        return [_swept(value) for value in node if value is not _GONE]
    return node
