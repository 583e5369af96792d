"""
Load a topology: a file in, a frozen ``Topology`` and its warnings out, or everything that is wrong with it at once.

The only things read are the file and those that it names; the environment is passed in.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.errors import TopologyError
from controller.model.files import content_digest
from controller.model.identity import digest
from controller.topology.check import check
from controller.topology.file_keys import has_more
from controller.topology.files import UnreadableError, decode, read_bytes
from controller.topology.problem import Place, Problem
from controller.topology.source import Source
from controller.topology.yaml_tree import LIBYAML, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from controller.model.topology import Topology
    from controller.topology.contents import Contents


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    A valid topology, and what is known about the files that it came from.

    Attributes:
        generation_digest: What ``generation`` returns for the topology.
        path: The file, as given to ``load``.
        files: That file first, then all others that were read for it: included ones, those of variables, those of
            configs and secrets.
        places: The place of anything in the files: ``places.place("networks", "web", "mtu")``.
    """

    topology: Topology
    warnings: tuple[Problem, ...]
    generation_digest: str
    path: Path
    files: tuple[Path, ...]
    places: Source


def load(path: Path, env: Mapping[str, str]) -> Loaded:
    """
    Return the topology that the file at *path* declares.

    Args:
        path: A YAML file; places in messages show it as it is given here.
        env: Variables for interpolation. Pass ``os.environ`` from the command line, a fixed mapping anywhere else. What
            they hold is never part of a message, and configs and secrets may be taken from them.

    Raises:
        TopologyError: the file cannot be read, or something is wrong with what it says; ``problems`` has all of it.
    """
    try:
        data = read_bytes(
            path,
            absent="name the file, or start with examples/topology.yaml",
            folder=f"name a file in it, such as {path / 'topology.yaml'}",
        )
    except UnreadableError as error:
        raise _error((Problem(Place(str(path)), "", error.fact, error.hint),)) from None
    return loads(data, path, env)


def loads(data: bytes, path: Path, env: Mapping[str, str]) -> Loaded:
    """
    Return the topology that *data*, the content of the file at *path*, declares; only what it names is read.

    Raises:
        TopologyError: as ``load``.
    """
    file = str(path)
    text = _text(data, file)
    collecting = gc.isenabled()
    # nothing here makes garbage in cycles, and the collector would walk the growing tree again and again: 4 x slower
    gc.disable()
    try:
        tree = read_tree(text, file, env)
        paths: tuple[Path, ...] = (path,)
        contents: Contents | None = None
        if tree.complete and has_more(tree.root):
            from controller.topology.assemble import assemble  # noqa: PLC0415 - most topologies are one plain file

            tree, paths, contents = assemble(tree, path, env)
        source = Source(tree)
        topology, found = check(tree, source)
        if not LIBYAML:
            hint = "install PyYAML with libyaml: a large file loads ten times faster"
            found = (Problem(Place(file), "", "read without libyaml", hint, "warning"), *found)
        if topology is None:
            raise _error(found)
        if contents is not None:
            topology = contents.put_into(topology)
        return Loaded(topology, found, generation(topology), path, paths, source)
    finally:
        if collecting:
            gc.enable()


def generation(topology: Topology) -> str:
    """
    Return the digest of *topology*, 12 hex digits of SHA-256.

    It covers every field, defaults included, in canonical JSON: the order of keys in the file, the form of a field and
    comments do not matter. Of configs it covers the contents; of secrets it does not, since it is
    shown, and a short one could be found by trying.
    """
    said = topology.model_dump(mode="json")
    contents = {name: content_digest(config.data) for name, config in topology.configs.items()}
    return digest({**said, "contents": contents} if contents else said)


def _text(data: bytes, file: str) -> str:
    try:
        return decode(data)
    except UnreadableError as error:
        raise _error((Problem(Place(file, *error.at), "", error.fact, error.hint),)) from None


def _error(found: tuple[Problem, ...]) -> TopologyError:
    errors = [problem for problem in found if problem.severity == "error"]
    return TopologyError("\n".join(line for problem in errors for line in problem.lines()), problems=found)
