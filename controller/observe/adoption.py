"""What is recorded of adopted objects: as JSON, in the record of a host and, for overlays, in the store."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.errors import StoreError
from controller.model.adoption import Adopted, with_owners
from controller.model.observed import EngineState, HostState, StoreState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.observed import Unknown
    from controller.ports import Json, Store


_OURS, _ADOPTED = "ovctl/", "adopted"


def adopted_key(topology: str) -> str:
    """Return the key under which the store remembers the adopted overlays of *topology*."""
    return f"{_OURS}{topology}/{_ADOPTED}"


def adopted_json(adopted: Mapping[str, Adopted]) -> Json:
    """Return *adopted*, id -> what is recorded, as JSON."""
    return {
        object_id: {"kind": one.kind, "name": one.name, "fields": dict(sorted(one.fields.items()))}
        for object_id, one in sorted(adopted.items())
    }


def adopted_of(data: Any) -> dict[str, Adopted]:
    """
    Return what ``adopted_json`` gave.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: It is something else.
    """
    found: dict[str, Adopted] = {}
    for object_id, one in data.items():
        if one["kind"] not in ("container", "network"):
            raise ValueError(one["kind"])
        fields = {str(name): str(value) for name, value in one["fields"].items()}
        found[str(object_id)] = Adopted(one["kind"], str(one["name"]), fields)
    return found


def adopted_text(adopted: Mapping[str, Adopted]) -> bytes:
    """Return the adopted overlays as they stand in the store."""
    return json.dumps({"version": 1, "networks": adopted_json(adopted)}, sort_keys=True).encode()


def read_adoptions(topology: str, store: Store, *, strict: bool = False) -> dict[str, dict[str, Adopted]]:
    """
    Return topology -> id -> what the store says of each adopted overlay, those of *topology* first.

    Args:
        strict: Whether all has to be read; else what is said of other topologies' is left out where it cannot be.

    Raises:
        StoreError: A key holds something else.
    """
    found: dict[str, dict[str, Adopted]] = {topology: {}}
    for key, value in sorted(store.values(_OURS).items()):
        name, _, rest = key.removeprefix(_OURS).partition("/")
        if rest != _ADOPTED:
            continue
        try:
            found[name] = adopted_of(json.loads(value)["networks"])
        except (ValueError, KeyError, TypeError, AttributeError):
            if not strict and name != topology:
                continue
            raise StoreError(
                f"store key {key} is not what ovctl writes there",
                hint="delete it if nobody else uses it; adopted overlays are then foreign, and can be adopted again",
            ) from None
    return found


def with_overlays(
    hosts: Mapping[str, HostState | Unknown], store: StoreState | Unknown | None
) -> dict[str, HostState | Unknown]:
    """Return *hosts* with the overlays marked that the store knows as adopted: they are one thing on all of them."""
    found = dict(hosts)
    if not isinstance(store, StoreState) or not store.adopted:
        return found
    for name, state in hosts.items():
        if isinstance(state, HostState) and isinstance(state.engine, EngineState):
            found[name] = replace(state, engine=with_owners(state.engine, store.adopted))
    return found
