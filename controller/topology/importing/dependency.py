"""What a service depends on: each container of each service that it names, with the conditions that there are here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from controller.model.dependency import Dependency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.importing.note import Draft
    from controller.topology.problem import Path

_LEFT_OUT = {
    "condition": "only the start is waited for",
    "restart": "a container is restarted for its own fields alone",
    "required": "what a container depends on is declared",
}
_PLAIN: tuple[dict[str, str], ...] = ({}, {"condition": "service_started"})


def dependencies(draft: Draft, entry: Path, said: Any, names: Mapping[str, tuple[str, ...]]) -> Any:
    """
    Return Compose's ``depends_on``, in either of its forms, as that of a container; what is left out is noted.

    Args:
        entry: The container's place in the draft.
        names: The containers that each service becomes.
    """
    if isinstance(said, list):
        said = dict.fromkeys(map(str, said))
    made: dict[str, Any] = {}
    for service, how in said.items():
        if service not in names:
            draft.note(entry, ("depends_on",), f"depends_on: {service} is left out: there is no such service")
            continue
        kept: dict[str, Any] = {}
        for key, value in (how or {}).items():
            if not _takes(key, value):
                fact = f"depends_on.{service}.{key} is left out: {_LEFT_OUT.get(key, 'a topology has no such key')}"
                draft.note(entry, ("depends_on", service, key), fact)
            elif key == "condition":  # of the others the only value that is taken is Compose's own default
                kept[key] = value
        made |= dict.fromkeys(names[service], kept)
    return list(made) if all(how in _PLAIN for how in made.values()) else made


def _takes(key: str, value: Any) -> bool:
    if isinstance(value, str) and "$" in value and key == "condition":
        return True  # only who knows the variable can judge it
    try:
        Dependency.model_validate({key: value})
    except ValidationError:
        return False
    return True
