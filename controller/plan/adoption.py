"""
Adoption: which objects that others made can be written down as ours, and how they differ from what is declared.

Nothing but the record is changed; what differs is mended by the next apply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller.diff import diff
from controller.diff.adoption import adopted_container, adopted_network
from controller.diff.store import MEMBERS
from controller.errors import RefusedError
from controller.model.action import AdoptObject, RecordMembers
from controller.model.adoption import with_owners
from controller.model.desired import hosts_on, present_hosts
from controller.model.drift import DriftItem
from controller.model.identity import Address, owner_of
from controller.model.observed import EngineState, HostState, NetworkState, StoreState, Unknown
from controller.model.plan import Blocked, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from controller.model.adoption import Adopted
    from controller.model.drift import Drift
    from controller.model.network import Network
    from controller.model.observed import ContainerState, Observed
    from controller.model.topology import Topology

MADE_BY_OTHERS = "others made it"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """
    What adoption can do about one object.

    Args:
        action: What writes it down, None when there is nothing to write down.
        why: Why it cannot be adopted, None when it can, or is ours already.
        missing: Whether that is because it is not there: whoever adopts everything need not hear of it.
    """

    address: Address
    host: str | None
    action: AdoptObject | None = None
    why: str | None = None
    missing: bool = False


def plan_adoption(drift: Drift, wanted: tuple[str, ...], *, generation: str = "") -> Plan:
    """
    Return what writes down the objects at the addresses *wanted* as ours; without any, all that can be.

    ``items`` is how the adopted ones will differ from what is declared, ``blocked`` what was not asked for by name and
    cannot be adopted. What is ours already needs nothing.

    Raises:
        RefusedError: Something that was asked for by name cannot be adopted; the message has a line for each.
    """
    verdicts = [verdict for verdict in _verdicts(drift) if not wanted or str(verdict.address) in wanted]
    # a bridge that is on one of its hosts need not be on the others
    there = {verdict.address for verdict in verdicts if verdict.why is None}
    refused = [
        verdict
        for verdict in verdicts
        if verdict.why is not None and not (verdict.missing and (not wanted or verdict.address in there))
    ]
    if wanted:
        _refuse(wanted, verdicts, refused)
    actions = [verdict.action for verdict in verdicts if verdict.action is not None]
    adopted = {action.object_id: action.adopted for action in actions}
    touched = {action.address for action in actions}
    after = diff(drift.desired, _with_owners(drift.observed, drift.desired.name, adopted))
    members = _members(drift, actions)
    needs = tuple(action.id for action in members)
    return Plan(
        topology=drift.desired.name,
        generation=generation,
        steps=(*(Step(action) for action in members), *(Step(action, needs) for action in actions)),
        items=tuple(item for item in after.items if item.address in touched),
        blocked=tuple(
            Blocked(DriftItem(verdict.address, verdict.host, "conflict", (), verdict.why or ""), verdict.why or "")
            for verdict in refused
        ),
        gaps=drift.gaps,
    )


def _refuse(wanted: Iterable[str], verdicts: Iterable[_Verdict], refused: Iterable[_Verdict]) -> None:
    known = {str(verdict.address) for verdict in verdicts}
    lines = [
        f"{address}: no container or network of that address is declared"
        for address in dict.fromkeys(wanted)
        if address not in known
    ]
    lines += [f"{verdict.address}: {verdict.why}" for verdict in refused]
    if lines:
        raise RefusedError("\n".join(lines), hint="nothing was adopted: what is declared and not ours can be")


def _verdicts(drift: Drift) -> Iterator[_Verdict]:
    """Yield a verdict for each container, overlay, and bridge on a host, in the order of their addresses."""
    desired, observed = drift.desired, drift.observed
    for name in sorted(desired.containers):
        yield _container(desired, observed, name)
    for name, network in sorted(desired.networks.items()):
        address = Address("network", name)
        if network.external:
            yield _Verdict(address, None, None, "it is external: used as it is, and never ours", missing=True)
        elif network.spans_hosts:
            yield _overlay(desired, observed, name, network)
        else:
            hosts = hosts_on(desired, name)
            yield from (_bridge(desired, observed, host, name) for host in hosts)
            if not hosts:
                yield _Verdict(address, None, None, "no container is on it, so that it is on no host", missing=True)


def _container(desired: Topology, observed: Observed, name: str) -> _Verdict:
    container = desired.containers[name]
    address, host, engine = Address("container", name), container.host, observed.engine(container.host)
    if isinstance(engine, Unknown):
        return _Verdict(address, host, None, _unread(host, engine), missing=True)
    found = engine.container(name)
    if found is None:
        return _Verdict(address, host, None, f"there is none on {host}", missing=True)
    if found.auto_remove and owner_of(found.labels) is None:
        # a replacement that failed could not bring it back
        return _Verdict(address, host, None, f"on {host} it was started with --rm: nothing of it is left once it ends")
    adopted = adopted_container(container, found, engine)
    return _judged(desired, address, host, found, adopted)


def _bridge(desired: Topology, observed: Observed, host: str, name: str) -> _Verdict:
    address, engine = Address("network", name), observed.engine(host)
    if isinstance(engine, Unknown):
        return _Verdict(address, host, None, _unread(host, engine), missing=True)
    found = engine.networks_named(name)
    if not found:
        return _Verdict(address, host, None, f"there is none on {host}", missing=True)
    if len(found) > 1:
        return _Verdict(address, host, None, f"host/{host} has {len(found)} networks of that name")
    if found[0].scope != "local":
        return _Verdict(address, host, None, f"on {host} that is an {found[0].driver} network, not one of the host's")
    adopted = adopted_network(desired.networks[name], found[0])
    return _judged(desired, address, host, found[0], adopted)


def _overlay(desired: Topology, observed: Observed, name: str, network: Network) -> _Verdict:
    address = Address("network", name)
    if not isinstance(observed.store, StoreState):
        return _Verdict(address, None, None, "the store, where that would be written down, does not answer")
    sightings: dict[str, NetworkState] = {
        host: found
        for host, engine in observed.engines.items()
        if host in desired.members and (found := engine.network(name)) is not None
    }
    if not sightings:
        return _Verdict(address, None, None, "no host that could be read has it", missing=True)
    for host, found in sightings.items():
        if found.scope != "global":
            return _Verdict(address, host, None, f"host/{host} has a {found.scope} {found.driver} network of that name")
    if len({found.id for found in sightings.values()}) > 1:
        return _Verdict(address, None, None, "the hosts show different networks of that name")
    host, found = next(iter(sightings.items()))
    return _judged(desired, address, host, found, adopted_network(network, found))


def _judged(
    desired: Topology, address: Address, host: str, found: ContainerState | NetworkState, adopted: Adopted
) -> _Verdict:
    owner = owner_of(found.labels)
    if owner == desired.name:
        return _Verdict(address, host)
    if owner is not None:
        return _Verdict(address, host, None, f"on {host} it is topology/{owner}'s")
    action = AdoptObject(
        address=address,
        host=host,
        reason=MADE_BY_OTHERS,
        object_id=found.id,
        adopted=adopted,
        shared=isinstance(found, NetworkState) and found.scope == "global",
    )
    return _Verdict(address, host, action)


def _unread(host: str, engine: Unknown) -> str:
    return f"host/{host} could not be read: {engine.reason}"


def _members(drift: Drift, actions: Iterable[AdoptObject]) -> tuple[RecordMembers, ...]:
    """Return what writes the hosts and the adopted containers into the record of members, as before a creation."""
    store = drift.observed.store
    conflict = any(item.address == MEMBERS and item.cls == "conflict" for item in drift.items)
    if not isinstance(store, StoreState) or conflict or not actions:
        return ()
    recorded = drift.observed.recorded_members
    wanted = {host: set(recorded.get(host, ())) for host in (*present_hosts(drift.desired), *recorded)}
    for action in actions:
        if action.address.kind == "container":
            wanted.setdefault(action.host, set()).add(action.address.name)
    members = {host: tuple(sorted(names)) for host, names in sorted(wanted.items())}
    if members == dict(recorded):
        return ()
    reason = "a host or container of ours is not recorded"
    return (RecordMembers(address=MEMBERS, host="", reason=reason, members=members, settled=store.settled),)


def _with_owners(observed: Observed, topology: str, adopted: Mapping[str, Adopted]) -> Observed:
    """Return what will be observed when all of that is written down."""
    hosts: dict[str, HostState | Unknown] = {}
    for name, state in observed.hosts.items():
        hosts[name] = state
        if isinstance(state, HostState) and isinstance(state.engine, EngineState):
            hosts[name] = replace(state, engine=with_owners(state.engine, {topology: adopted}))
    return replace(observed, hosts=hosts)
