"""The named volumes of a Compose file, as a topology declares them: by the names that they have on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controller.topology.importing.note import Draft
    from controller.topology.problem import Path


def imported_volumes(
    said: Mapping[str, Mapping[str, Any]],
    name_of: Callable[[str], str],
    containers: Mapping[str, Mapping[str, Any]],
    draft: Draft,
) -> dict[str, dict[str, Any]]:
    """
    Return the volumes that *said*, those of the file by key, become.

    Args:
        name_of: Gives the name that the volume of a key has on an engine.
        containers: As they are in the topology; what none of them uses is left out.
    """
    used = {name for container in containers.values() for name in _used_by(container)}
    made: dict[str, dict[str, Any]] = {}
    for key, fields in said.items():
        name = name_of(key)
        entry: Path = ("volumes", name)
        if "$" in name:
            fact = f"volumes.{key} is left out: its name holds a variable, and is a key in a topology"
            draft.note(
                (), ("volumes", key), fact, "the engine makes it when it is first used; write its name to declare it"
            )
        elif name not in used:
            draft.note((), ("volumes", key), f"volume {name} is left out: no container uses it")
        else:
            draft.origins[entry] = ("volumes", key)
            made[name] = {field: value for field, value in fields.items() if field != "name"}
            if fields.get("external"):
                for field in sorted(set(made[name]) - {"external"}):
                    draft.note(entry, (field,), f"{field} is left out: the volume is external")
                made[name] = {"external": True}
    return made


def _used_by(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sources of the volumes of a container, in either of their forms."""
    for item in container.get("volumes") or ():
        if isinstance(item, str):
            yield item.partition(":")[0]
        elif isinstance(item, dict) and item.get("type") == "volume":
            yield str(item.get("source"))
