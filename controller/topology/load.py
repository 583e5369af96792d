"""
Load a topology: one file in, a frozen ``Topology`` and its warnings out, or everything that is wrong with it at once.

The only thing read is the file; the environment is passed in.
"""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.errors import TopologyError
from controller.model.identity import digest
from controller.topology.check import check
from controller.topology.problem import Place, Problem
from controller.topology.source import Source
from controller.topology.syntax import place_in
from controller.topology.yaml_tree import LIBYAML, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from controller.model.topology import Topology

MAX_BYTES = 64 << 20
"""Size from which a file is refused unread: 20,000 containers take 10 MiB."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    A valid topology, and what is known about the file that it came from.

    Attributes:
        generation_digest: What ``generation`` returns for the topology.
        path: The file, as given to ``load``.
        places: The place of anything in the file: ``places.place("networks", "web", "mtu")``.
    """

    topology: Topology
    warnings: tuple[Problem, ...]
    generation_digest: str
    path: Path
    places: Source


def load(path: Path, env: Mapping[str, str]) -> Loaded:
    """
    Return the topology that the file at *path* declares.

    Args:
        path: A YAML file; places in messages show it as it is given here.
        env: Variables for interpolation. Pass ``os.environ`` from the command line, a fixed mapping anywhere else. What
            they hold is never part of a message.

    Raises:
        TopologyError: the file cannot be read, or something is wrong with what it says; ``problems`` has all of it.
    """
    return loads(_read(path), path, env)


def loads(data: bytes, path: Path, env: Mapping[str, str]) -> Loaded:
    """
    Return the topology that *data*, the content of the file at *path*, declares; nothing is read.

    Raises:
        TopologyError: as ``load``.
    """
    file = str(path)
    text = _decode(data, file)
    collecting = gc.isenabled()
    # nothing here makes garbage in cycles, and the collector would walk the growing tree again and again: 4 x slower
    gc.disable()
    try:
        tree = read_tree(text, file, env)
        source = Source(tree, file)
        topology, found = check(tree, source)
        if not LIBYAML:
            hint = "install PyYAML with libyaml: a large file loads ten times faster"
            found = (Problem(Place(file), "", "read without libyaml", hint, "warning"), *found)
        if topology is None:
            raise _error(found)
        return Loaded(topology, found, generation(topology), path, source)
    finally:
        if collecting:
            gc.enable()


def generation(topology: Topology) -> str:
    """
    Return the digest of *topology*, 12 hex digits of SHA-256.

    It covers every field, defaults included, in canonical JSON: the order of keys in the file, the form of a field and
    comments do not matter.
    """
    return digest(topology.model_dump(mode="json"))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = b"" if size > MAX_BYTES else file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _file_error(path, "no such file", "name the file, or start with examples/topology.yaml") from None
    except IsADirectoryError:
        raise _file_error(path, "is a directory", f"name a file in it, such as {path / 'topology.yaml'}") from None
    except PermissionError:
        raise _file_error(path, "may not be read", "check its owner and mode") from None
    except (OSError, ValueError) as error:
        fact = (getattr(error, "strerror", None) or str(error)).lower()
        raise _file_error(path, fact, "check the path") from None
    if size > MAX_BYTES or len(data) > MAX_BYTES:
        raise _file_error(path, f"is larger than {MAX_BYTES >> 20} MiB", "is this the right file?")
    return data


def _decode(data: bytes, file: str) -> str:
    for mark, name in _BOMS:
        if data.startswith(mark):
            if name == "utf-8":
                data = data[len(mark) :]
                break
            raise _error((Problem(Place(file), "", f"the file is {name}, not UTF-8", "save it as UTF-8"),))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        good = data[: error.start].decode()
        place = place_in(good, len(good), file)
        fact = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise _error((Problem(place, "", fact, "save the file as UTF-8"),)) from None


def _file_error(path: Path, fact: str, hint: str) -> TopologyError:
    return _error((Problem(Place(str(path)), "", fact, hint),))


def _error(found: tuple[Problem, ...]) -> TopologyError:
    errors = [problem for problem in found if problem.severity == "error"]
    return TopologyError("\n".join(line for problem in errors for line in problem.lines()), problems=found)
