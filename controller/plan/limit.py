"""A limited plan: which objects it is about, and the drift without all others."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller.diff.store import MEMBERS, STORE, expected_members, record_changes
from controller.errors import UsageError
from controller.model.desired import named_volumes
from controller.model.identity import ASIDE_SUFFIX, LABEL_ROLE, Address, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from controller.model.drift import Drift, DriftItem
    from controller.model.observed import Observed
    from controller.model.scope import Scope
    from controller.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Within:
    """
    The objects that a limited plan is about.

    Args:
        addresses: What was asked for and what it depends on.
        asked: What was asked for.
        bridges: (network, host) that what was asked for depends on; a bridge is one host's affair.
        volumes: (volume, host) that it depends on; so is a volume.
    """

    addresses: frozenset[Address]
    asked: frozenset[Address]
    bridges: frozenset[tuple[str, str]]
    volumes: frozenset[tuple[str, str]]

    def has(self, item: DriftItem) -> bool:
        """Whether *item* may be mended: a store that is to go, only when it was asked for."""
        if item.address == STORE and item.cls == "unexpected":
            return STORE in self.asked
        if item.address.kind == "network" and item.host is not None and item.address not in self.asked:
            return (item.address.name, item.host) in self.bridges
        if item.address.kind == "volume" and item.address not in self.asked:
            return (item.address.name, item.host) in self.volumes
        return subject(item.address) in self.addresses


def subject(address: Address) -> Address:
    """Return the object that *address* is about: what was left aside, and copies, belong to their container."""
    if address.kind not in ("container", "files"):
        return address
    return Address("container", address.name.removesuffix(ASIDE_SUFFIX))


def within(drift: Drift, scope: Scope) -> Within:
    """Return what *scope* asks for, as far as it is there or declared, and what that depends on."""
    known = _known(drift)
    asked = {address for address in known if str(address) in scope.targets}
    for host in scope.hosts:
        asked |= {address for address in known if address == Address("host", host)}
        asked |= set(_on_host(drift, host))
    reached: set[Address] = set()
    ahead = list(asked)
    while ahead:
        address = ahead.pop()
        if address not in reached:
            reached.add(address)
            ahead += dependencies(drift.desired, address)
    containers = drift.desired.containers.items()
    bridges = {
        (network, container.host)
        for name, container in containers
        if Address("container", name) in reached
        for network in container.networks
    }
    volumes = {
        (volume, container.host)
        for name, container in containers
        if Address("container", name) in reached
        for volume in named_volumes(container)
    }
    return Within(frozenset(reached), frozenset(asked), frozenset(bridges), frozenset(volumes))


def dependencies(desired: Topology, address: Address) -> Iterator[Address]:
    """Yield what has to be as declared before *address* can be: the store for all that is in the cluster."""
    if desired.store is not None and address.kind != "store":
        yield MEMBERS
        if desired.store.place is not None:
            yield STORE
    container = desired.containers.get(address.name) if address.kind == "container" else None
    if container is not None:
        yield Address("host", container.host)
        yield from (Address("network", name) for name in container.networks)
        yield from (Address("volume", name) for name in named_volumes(container) if name in desired.volumes)
        yield from (Address("container", name) for name in container.depends_on)


def limited(drift: Drift, limits: Within) -> tuple[Drift, tuple[DriftItem, ...]]:
    """Return *drift* without what is beyond the limits, and what was left out."""
    inside = [item for item in drift.items if limits.has(item)]
    outside = tuple(item for item in drift.items if not limits.has(item) and not _is_kept(item))
    places = {"store", *(str(address) for address in limits.addresses)}
    gaps = tuple(gap for gap in drift.gaps if gap.place in places)
    return replace(drift, items=tuple(_record_limited(drift, inside, limits)), gaps=gaps), outside


def _is_kept(item: DriftItem) -> bool:
    """Whether it is a volume that nobody uses: that stays, and is as it should be."""
    return item.address.kind == "volume" and item.cls == "unexpected"


def members_within(desired: Topology, observed: Observed, limits: Within) -> dict[str, tuple[str, ...]]:
    """Return what the record of members should say: as declared within the limits, beyond them as it is."""
    recorded, wanted = observed.recorded_members, expected_members(desired, observed)
    members: dict[str, tuple[str, ...]] = {}
    for host in sorted({*recorded, *wanted}):
        names = {name for name in recorded.get(host, ()) if Address("container", name) not in limits.addresses}
        names |= {name for name in wanted.get(host, ()) if Address("container", name) in limits.addresses}
        remains = host in wanted if Address("host", host) in limits.addresses else host in recorded
        if names or remains:
            members[host] = tuple(sorted(names))
    return members


def refuse_unknown(drift: Drift, scope: Scope) -> None:
    """
    Refuse to plan for what nobody knows.

    Raises:
        UsageError: A target is neither declared nor one of ours that was found, or a host is not declared.
    """
    known = {str(address) for address in _known(drift)}
    for target in scope.targets:
        if target not in known:
            unread = [gap.place for gap in drift.gaps]
            fact = f"{target}: nothing of that address is declared, or there"
            raise UsageError(
                f"{fact}; {', '.join(unread)} could not be read" if unread else fact, hint=_near(target, known)
            )
    for host in scope.hosts:
        if host not in drift.desired.hosts:
            raise UsageError(f"{host}: no such host is declared", hint=_near(host, drift.desired.hosts))


def _near(word: str, names: Iterable[str]) -> str:
    """Return the hint: what was probably meant, be it that the kind was left out."""
    names = sorted(names)
    meant = [name for name in names if name.partition("/")[2] == word] or difflib.get_close_matches(word, names, n=1)
    return f"did you mean {meant[0]}?" if meant else f"one of: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"  # noqa: PLR2004 - on one line


def _known(drift: Drift) -> set[Address]:
    """Return every object that is declared, or ours and there; the record of members is none."""
    desired = drift.desired
    known = {Address("host", name) for name in desired.hosts}
    known |= {Address("network", name) for name in desired.networks}
    known |= {Address("volume", name) for name in desired.volumes}
    known |= {Address("container", name) for name in desired.containers}
    if desired.store is not None and desired.store.place is not None:
        known.add(STORE)
    return known | {subject(item.address) for item in drift.items if item.address != MEMBERS}


def _on_host(drift: Drift, host: str) -> Iterator[Address]:
    """Yield the containers that are declared on the host, those of ours that stand there, and whose copies do."""
    for name, container in drift.desired.containers.items():
        if container.host == host:
            yield Address("container", name)
    engine = drift.observed.engines.get(host)
    for found in engine.containers if engine else ():
        if owner_of(found.labels) == drift.desired.name:
            yield STORE if LABEL_ROLE in found.labels else subject(Address("container", found.name))
    yield from (subject(item.address) for item in drift.items if item.address.kind == "files" and item.host == host)


def _record_limited(drift: Drift, items: Iterable[DriftItem], limits: Within) -> Iterator[DriftItem]:
    """Yield *items*, of the record of members only what is to be changed within the limits."""
    for item in items:
        if item.address != MEMBERS or item.cls == "conflict":
            yield item
            continue
        wanted = members_within(drift.desired, drift.observed, limits)
        recorded = drift.observed.recorded_members
        if wanted != recorded:
            changes = record_changes(wanted, recorded) if item.cls == "changed" else ()
            yield replace(item, changes=changes)
