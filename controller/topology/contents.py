"""``configs`` and ``secrets``: their contents, which stand in files of their own or in variables of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.model.files import FILE_KINDS, MAX_CONTENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.files import FileKind
    from controller.model.topology import Topology
    from controller.topology.assembly import Assembly, Entry
    from controller.topology.problem import Path


@dataclass(frozen=True, slots=True)
class Contents:
    """
    What was read.

    Args:
        of: Kind and name -> content.
        archives: Container -> path of the archive of its image.
    """

    of: Mapping[tuple[FileKind, str], bytes] = field(repr=False)
    archives: Mapping[str, str] = field(default_factory=dict)

    def put_into(self, topology: Topology) -> Topology:
        """Return *topology* with each content beside its config or secret, and each archive beside its container."""
        of = self.of
        if self.archives:
            containers = {
                name: entry.loaded_from(self.archives[name]) if name in self.archives else entry
                for name, entry in topology.containers.items()
            }
            topology = topology.model_copy(update={"containers": containers})
        if not of:
            return topology
        configs = {
            name: entry.holding(of["configs", name]) if ("configs", name) in of else entry
            for name, entry in topology.configs.items()
        }
        secrets = {
            name: entry.holding(of["secrets", name]) if ("secrets", name) in of else entry
            for name, entry in topology.secrets.items()
        }
        return topology.model_copy(update={"configs": configs, "secrets": secrets})


def read_contents(assembly: Assembly, env: Mapping[str, str], archives: Mapping[str, str]) -> Contents:
    """
    Return the contents that files and variables hold; what cannot be read becomes a problem of *assembly*.

    Args:
        env: The environment of ovctl.
        archives: Container -> path of the archive of its image.
    """
    reading = _Reading(assembly, env)
    found: dict[tuple[FileKind, str], bytes] = {}
    for kind in FILE_KINDS:
        section = assembly.root.get(kind)
        for entry in assembly.entries(section) if isinstance(section, dict) else ():
            for source in assembly.entries(entry.value) if isinstance(entry.value, dict) else ():
                content = reading.content(source, (kind, entry.key, source.key))
                if content is not None:
                    found[kind, entry.key] = content
    return Contents(found, archives)


class _Reading:
    """The files that were read so far: one may hold the content of several."""

    def __init__(self, assembly: Assembly, env: Mapping[str, str]) -> None:
        self._assembly = assembly
        self._env = env
        self._known: dict[str, bytes | None] = {}

    def content(self, source: Entry, path: Path) -> bytes | None:
        """Return the content that *source*, a key and its value at *path*, leads to; None if it leads to none."""
        if not isinstance(source.value, str):
            return None  # the validation tells it
        if source.key == "file":
            return self._in_file(source, path)
        if source.key == "environment":
            return self._in_variable(source, path)
        if source.key == "content":
            self._judged(source.value.encode("utf-8", "surrogateescape"), source, path)
        return None

    def _in_file(self, source: Entry, path: Path) -> bytes | None:
        file = self._assembly.locate(source, path)
        if file is None:
            return None
        real = os.path.realpath(file)
        if real not in self._known:
            read = self._assembly.read(source, path, file, most=MAX_CONTENT_BYTES)
            self._known[real] = None if read is None else read[1]
        return self._known[real]

    def _in_variable(self, source: Entry, path: Path) -> bytes | None:
        if not source.value:
            return None  # the validation tells it
        held = self._env.get(source.value)
        if held is None:
            fact = f"the environment has no variable {self._assembly.raw(source)}"
            self._assembly.problem(source.spot, path, fact, "export it before ovctl runs")
            return None
        return self._judged(held.encode("utf-8", "surrogateescape"), source, path)

    def _judged(self, content: bytes, source: Entry, path: Path) -> bytes | None:
        if len(content) <= MAX_CONTENT_BYTES:
            return content
        fact = f"the content is larger than {MAX_CONTENT_BYTES >> 10} KiB"
        self._assembly.problem(source.spot, path, fact, "mount a volume for what is large")
        return None
