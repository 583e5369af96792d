"""The store: a placed store that does not run as declared, and what the store remembers of the members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.desired import placed, present_hosts, store_labels, store_place
from controller.model.drift import Change, DriftItem
from controller.model.identity import LABEL_FIELDS, STORE_CONTAINER, Address, owner_of
from controller.model.observed import StoreState, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.observed import Observed
    from controller.model.topology import Topology

STORE = Address("store", "consul")
MEMBERS = Address("store", "members")
SETTLED = "settled"
"""Field of the record of members: whether all that joined networks found their peers."""


def store_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """Yield the drift of the store's container, and of the members' record."""
    yield from _place(desired, observed)
    if isinstance(observed.store, StoreState):
        yield from _members(desired, observed, observed.store)


def expected_members(desired: Topology, observed: Observed) -> dict[str, tuple[str, ...]]:
    """
    Return what the record should say: what is declared, and of hosts that could not be read what it says already.

    A container that was declared on another host may still run there: it is forgotten only after that host was read.
    """
    expected = placed(desired)
    for host, names in observed.recorded_members.items():
        if host in desired.hosts and isinstance(observed.engine(host), Unknown):
            expected[host] = tuple(sorted({*expected.get(host, ()), *names}))
    return expected


def _place(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    place = store_place(desired)
    for host, engine in observed.engines.items():
        found = engine.container(STORE_CONTAINER)
        ours = found is not None and owner_of(found.labels) == desired.name
        if place is not None and place.host == host:
            if found is None:
                yield DriftItem(STORE, host, "missing", (), f"the store is to run here from {place.image}")
            elif not ours:
                reason = f"a container named {STORE_CONTAINER} is there that is not ours"
                yield DriftItem(STORE, host, "conflict", (), reason, found.id)
            elif found.labels.get(LABEL_FIELDS) != store_labels(desired.name, place)[LABEL_FIELDS]:
                reason = (
                    "the store that runs was made from another declaration; its data is the cluster's: move it by hand"
                )
                yield DriftItem(STORE, host, "conflict", (), reason, found.id)
            elif not found.running:
                changes = (Change("state", "running", found.status),)
                yield DriftItem(STORE, host, "changed", changes, "the store's container does not run", found.id)
            elif isinstance(observed.store, Unknown):
                changes = (Change("answers", "yes", "no"),)
                yield DriftItem(STORE, host, "changed", changes, observed.store.reason, found.id)
        elif found is not None and ours:
            yield DriftItem(STORE, host, "unexpected", (), "the store is no longer placed here", found.id)


def _members(desired: Topology, observed: Observed, store: StoreState) -> Iterator[DriftItem]:
    """Yield what the record lacks or has too much of; hosts that vanished from the file are refused in the plan."""
    wanted = expected_members(desired, observed)
    recorded = store.members
    if (recorded == wanted and store.settled) or (not recorded and not present_hosts(desired)):
        return
    if recorded is None:
        yield DriftItem(MEMBERS, None, "missing", (), "nothing is recorded of this topology yet")
        return
    vanished = sorted(set(recorded) - set(desired.hosts))
    if vanished:
        names = ", ".join(vanished)
        reason = f"{names}: recorded as a member and no longer in the file; declare it with state: absent first"
        yield DriftItem(MEMBERS, None, "conflict", (), reason)
        return
    reason = "the record of who is placed where is out of date"
    changes = record_changes(wanted, recorded)
    if not store.settled:
        reason = reason if changes else "an apply ended before the containers that it started had found each other"
        changes = (*changes, Change(SETTLED, "yes", "no"))
    yield DriftItem(MEMBERS, None, "changed", changes, reason)


def record_changes(
    wanted: Mapping[str, tuple[str, ...]], recorded: Mapping[str, tuple[str, ...]]
) -> tuple[Change, ...]:
    """Return what differs between two records, host -> names, host by host."""
    return tuple(
        Change(host, _names(wanted.get(host)), _names(recorded.get(host)))
        for host in sorted({*wanted, *recorded})
        if wanted.get(host) != recorded.get(host)
    )


def _names(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else ", ".join(names) or "no containers"
