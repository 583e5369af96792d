"""The store: which daemons are registered, and what is remembered of the members."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from controller.errors import StoreError
from controller.model.observed import StoreState
from controller.observe.adoption import read_adoptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.topology import Topology
    from controller.ports import Fleet, Store


def members_key(topology: str) -> str:
    """Return the key under which the store remembers the members of *topology*."""
    return f"ovctl/{topology}/members"


def members_text(members: Mapping[str, tuple[str, ...]], *, settled: bool) -> bytes:
    """
    Return *members* as it stands in the store.

    Args:
        settled: Whether nobody is about to join a network, and all that did have found their peers.
    """
    return json.dumps({"version": 1, "hosts": members, "settled": settled}, sort_keys=True).encode()


def observe_store(desired: Topology, fleet: Fleet) -> StoreState | None:
    """Return the store's state, None for a topology without a store."""
    store = fleet.store()
    if store is None:
        return None
    nodes = frozenset(node.address for node in store.nodes())
    members, settled = _record(desired.name, store)
    return StoreState(nodes, members, settled, read_adoptions(desired.name, store))


def read_members(topology: str, store: Store) -> Mapping[str, tuple[str, ...]] | None:
    """Return host -> names of the containers placed there, as recorded; None when nothing is."""
    return _record(topology, store)[0]


def _record(topology: str, store: Store) -> tuple[Mapping[str, tuple[str, ...]] | None, bool]:
    """Return the members as recorded, and whether all was settled."""
    value = store.get(members_key(topology))
    if value is None:
        return None, True
    try:
        found = json.loads(value)
        members = {str(host): tuple(str(name) for name in names) for host, names in found["hosts"].items()}
        return members, bool(found.get("settled", True))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(
            f"store key {members_key(topology)} is not what ovctl writes there",
            hint="delete it if nobody else uses it; the next apply writes it anew",
        ) from None
