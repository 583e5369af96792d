"""``env_file`` of containers: variables that stand in files of their own, below those of ``environment``."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from controller.topology.assembly import Entry
from controller.topology.dotenv import Mistaken, read_variables
from controller.topology.file_keys import DEFAULTS, ENV_FILE
from controller.topology.tree import COLUMN_BITS, FILE_SHIFT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.assembly import Assembly
    from controller.topology.problem import Path


_NEWLINE = re.compile("\n")


def add_variables(assembly: Assembly, env: Mapping[str, str]) -> None:
    """
    Put the variables of each container's files below its own ``environment``, and take ``env_file`` out.

    Of several files a later one wins, as in Compose. A file is read once, however many containers name it.

    Args:
        env: Variables that values in the files may name.
    """
    reading = _Reading(assembly, env)
    defaults = assembly.root.get(DEFAULTS)
    if isinstance(defaults, dict) and _has_files(defaults.get("containers")):
        # judged where it stands, whoever takes it, as other defaults are
        reading.variables(defaults["containers"], (DEFAULTS, "containers"))
    containers = assembly.root.get("containers")
    if not isinstance(containers, dict) or not any(_has_files(container) for container in containers.values()):
        return
    assembly.replace(
        "containers",
        assembly.mapping(
            entry._replace(value=reading.container(entry.key, entry.value)) if _has_files(entry.value) else entry
            for entry in assembly.entries(containers)
        ),
    )


class _Reading:
    """The files that were read so far."""

    def __init__(self, assembly: Assembly, env: Mapping[str, str]) -> None:
        self._assembly = assembly
        self._env = env
        self._known: dict[str, list[Entry]] = {}

    def container(self, name: str, container: dict[str, Any]) -> dict[str, Any]:
        """Return *container* with the variables of its files, and without ``env_file``."""
        assembly = self._assembly
        variables = self.variables(container, ("containers", name))
        own, taken = (
            [
                entry._replace(value=self._below(entry.value, variables)) if entry.key == "environment" else entry
                for entry in part
                if entry.key != ENV_FILE
            ]
            for part in assembly.parts(container)
        )
        if "environment" not in container:
            named = assembly.entry(container, ENV_FILE)
            own.append(named._replace(key="environment", value=assembly.mapping(variables.values())))
        return assembly.regrown(container, own, taken)

    def variables(self, container: dict[str, Any], path: Path) -> dict[str, Entry]:
        """Return the variables of the files that *container*, which stands at *path*, names."""
        found: dict[str, Entry] = {}
        for entry, where in self._paths(self._assembly.entry(container, ENV_FILE), (*path, ENV_FILE)):
            found |= {variable.key: variable for variable in self._variables(entry, where)}
        return found

    def _below(self, environment: Any, variables: dict[str, Entry]) -> Any:
        """Return *environment* with *variables* below it; as it is, if the validation will refuse it."""
        pairs = self._assembly.pairs(environment)
        if pairs is None:
            return environment
        has = {entry.key for entry in pairs}
        more = [variable for key, variable in variables.items() if key not in has]
        if not isinstance(environment, dict):
            return self._assembly.mapping([*pairs, *more])
        own, taken = self._assembly.parts(environment)
        return self._assembly.regrown(environment, [*own, *more], taken)

    def _paths(self, named: Entry, path: Path) -> list[tuple[Entry, Path]]:
        """Return the entries that name the files, each with where it stands."""
        if isinstance(named.value, list):
            listed = [(entry, (*path, at)) for at, entry in enumerate(self._assembly.entries(named.value))]
        else:
            listed = [(named, path)]
        texts = []
        for entry, where in listed:
            if isinstance(entry.value, str):
                texts.append((entry, where))
            else:
                wanted = "text" if isinstance(named.value, list) else "text or a list"
                fact = f"expected {wanted}, got {self._assembly.said(entry)}"
                self._assembly.problem(entry.told_at, where, fact, "write the path of the file")
        return texts

    def _variables(self, entry: Entry, path: Path) -> list[Entry]:
        """Return the variables of the file that *entry* at *path* names."""
        file = self._assembly.locate(entry, path)
        if file is None:
            return []
        real = os.path.realpath(file)
        if real not in self._known:
            opened = self._assembly.open(entry, path, file)
            if opened is None:
                return []
            self._known[real] = self._read(opened.number, opened.text)
        return self._known[real]

    def _read(self, number: int, text: str) -> list[Entry]:
        starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]

        def spot(at: int) -> int:
            line = bisect_right(starts, at) - 1
            return number << FILE_SHIFT | line << COLUMN_BITS | (at - starts[line])

        variables = []
        for found in read_variables(text, self._env):
            if isinstance(found, Mistaken):
                self._assembly.problem(spot(found.at), (), found.fact, found.hint)
            else:
                variables.append(Entry(found.name, spot(found.at), found.value, spot(found.value_at)))
        return variables


def _has_files(container: Any) -> bool:
    return isinstance(container, dict) and ENV_FILE in container
