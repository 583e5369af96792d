"""What a plan was made from: of each object, how it compares with what is declared, and which object it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.diff.store import MEMBERS
from controller.model.desired import hosts_on, hosts_with
from controller.model.identity import STORE_CONTAINER, Address
from controller.model.observed import Unknown
from controller.model.plan import Seen
from controller.plan.limit import dependencies, subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from controller.model.drift import DriftItem
    from controller.model.observed import Observed
    from controller.model.plan import Step
    from controller.model.topology import Topology
    from controller.plan.draft import Draft


def seen(draft: Draft) -> dict[str, Seen]:
    """
    Return, for every object that is declared or ours, what was observed of it: only fields that are compared.

    Fields that never change in the life of an object, and of which the values may be secrets, stand behind its id.
    """
    found = {_place(item.address, item.host): _differs(item) for item in (*draft.drift.items, *draft.outside)}
    ids = {
        host: {found.name: found.id for found in engine.containers} for host, engine in draft.observed.engines.items()
    }
    for address, host in _declared(draft.desired):
        place = _place(address, host)
        if place not in found:
            found[place] = _as_declared(draft.observed, ids, address, host)
    return dict(sorted(found.items()))


def leans_on(draft: Draft, steps: Iterable[Step]) -> tuple[str, ...]:
    """Return which of what is ``seen`` a plan leans on: what its *steps* touch, and what that depends on."""
    ahead = {subject(step.action.address) for step in steps} | {subject(item.address) for item in draft.planned}
    addresses: set[Address] = set()
    while ahead:
        address = ahead.pop()
        addresses.add(address)
        ahead |= set(dependencies(draft.desired, address)) - addresses
    items = ((item.address, item.host) for item in (*draft.drift.items, *draft.outside))
    return tuple(sorted(_places((*items, *_declared(draft.desired)), addresses)))


def _places(objects: Iterable[tuple[Address, str | None]], addresses: set[Address]) -> set[str]:
    return {_place(address, host) for address, host in objects if subject(address) in addresses}


def _place(address: Address, host: str | None) -> str:
    return str(address) if host is None or address.kind == "host" else f"{address} on {host}"


def _declared(desired: Topology) -> Iterator[tuple[Address, str | None]]:
    for name in desired.hosts:
        yield Address("host", name), name
    for name, network in desired.networks.items():
        places = (None,) if network.spans_hosts else hosts_on(desired, name)
        yield from ((Address("network", name), place) for place in places)
    for name in desired.volumes:
        yield from ((Address("volume", name), host) for host in hosts_with(desired, name))
    for name, container in desired.containers.items():
        yield Address("container", name), container.host
    if desired.store is not None:
        yield MEMBERS, None
        if desired.store.place is not None:
            yield Address("store", "consul"), desired.store.place.host


def _differs(item: DriftItem) -> Seen:
    return Seen(item.cls, item.object_id, {change.field: change.observed for change in item.changes})


def _as_declared(
    observed: Observed, containers: Mapping[str, Mapping[str, str]], address: Address, host: str | None
) -> Seen:
    """Return what is known of an object without drift: it is as declared, or could not be read."""
    if address.kind == "network":
        engines = [engine for name, engine in observed.engines.items() if host in (None, name)]
        ids = {found.id for engine in engines if (found := engine.network(address.name))}
        return Seen("none" if ids else "unknown", min(ids, default=None), {})
    if host is None:
        return Seen("unknown" if isinstance(observed.store, Unknown) else "none", None, {})
    if host not in containers:
        return Seen("unknown", None, {})
    if address.kind == "volume":
        return Seen("none", None, {})
    name = STORE_CONTAINER if address.kind == "store" else address.name
    return Seen("none", None if address.kind == "host" else containers[host].get(name), {})
