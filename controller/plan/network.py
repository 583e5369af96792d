"""
The networks' steps: created, recreated with their containers detached and reattached, removed.

An item without a host is an overlay: made once, from one host, for all. One with a host is the bridge of that host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import AwaitNetwork, CreateNetwork, DetachContainer, RemoveNetwork
from controller.model.desired import network_labels
from controller.model.identity import Address, owner_of
from controller.plan.attachment import attach, is_mac_lost
from controller.plan.image import pulls_before
from controller.plan.subnet import overlapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.drift import DriftItem
    from controller.model.observed import ContainerState
    from controller.plan.draft import Draft


def plan_networks(draft: Draft) -> None:
    """Create what is missing and recreate what differs; what has a subnet that is to be given anew leaves first."""
    mended: list[DriftItem] = []
    off: dict[tuple[str, str], list[str]] = {}
    going: dict[tuple[str, str], str] = {}
    for item in draft.items("network"):
        if item.cls == "unexpected":
            continue
        recreated = item.cls == "changed" and not _only_unseen(item)
        why = _obstacle(draft, item) or (_in_use(draft, item) if recreated else None)
        if not why and (recreated or item.cls == "missing"):
            why = _vacate(draft, item)
        if why:
            draft.block(item, why)
            continue
        if recreated:
            reason = f"network/{item.address.name} is recreated"
            off[_key(item)] = _taken_off(draft, item, reason, may_fail=False)
            disrupts = tuple(container.name for _, container in _attached(draft, item))
            going[_key(item)] = draft.add(_removal(draft, item, disrupts=disrupts), needs=off[_key(item)])
        mended.append(item)
        draft.plan(item)
    for item in mended:
        name, place = _key(item)
        if item.cls == "changed" and (name, place) not in going:
            _await(draft, item)
            continue
        before = {(other, place) for other in (name, *overlapping(draft, name, place))}
        _create(draft, item, needs=[step for key, step in {**draft.vacated, **going}.items() if key in before])
        if (name, place) in going:
            _put_back(draft, item, off[name, place])


def plan_network_removals(draft: Draft) -> None:
    """Remove networks of ours that are no longer declared, after their containers left them."""
    for item in draft.drift.items:
        if item.address.kind != "network" or item.cls != "unexpected" or _key(item) in draft.vacated:
            continue
        why = _stays(draft, item)
        if why:
            draft.block(item, why)
            continue
        name = item.address.name
        attached = [draft.leaving.get((host, container.name)) for host, container in _attached(draft, item)]
        needs = [*draft.touching_on(name, item.host), *(step for step in attached if step)]
        draft.touching.setdefault(name, []).append(draft.add(_removal(draft, item), needs=needs))
        draft.plan(item)


def stranded(draft: Draft) -> dict[tuple[str, str], str]:
    """
    Return the networks that *draft* must not remove before another one takes their subnet, and why.

    Which containers stay as they are is known only in the end: one of those would be taken off and not be put back.
    """
    found = {
        _key(item): _in_use(draft, item)
        for item in draft.drift.items
        if item.address.kind == "network" and item.cls == "unexpected" and _key(item) in draft.vacated
    }
    return {key: why for key, why in found.items() if why}


def _key(item: DriftItem) -> tuple[str, str]:
    """Return the network's name, and its host when it is a bridge."""
    return item.address.name, item.host or ""


def _stays(draft: Draft, item: DriftItem) -> str | None:
    """Return why a network that is no longer declared stays for now, or None."""
    return draft.no_removal(item) or _obstacle(draft, item) or _in_use(draft, item)


def _vacate(draft: Draft, item: DriftItem) -> str | None:
    """Remove what has the subnet that the network is to have; or return why it has to wait for that."""
    name, place = _key(item)
    items = {_key(other): other for other in draft.drift.items if other.address.kind == "network"}
    in_the_way = sorted(
        other for other in overlapping(draft, name, place) if (other, place) not in _declared_at(draft, place)
    )
    for other in in_the_way:
        if (other, place) not in items:
            return f"its subnet overlaps with that of network/{other}, which is beyond the limits of this plan"
        why = _stays(draft, items[other, place]) or draft.kept.get((other, place))
        if why:
            return f"its subnet overlaps with that of network/{other}, which stays: {why}"
    for other in in_the_way:
        if (other, place) not in draft.vacated:
            _leave_first(draft, items[other, place], name)
    return None


def _declared_at(draft: Draft, place: str) -> set[tuple[str, str]]:
    """Return the networks that are declared there: the overlays, or the bridges of a host."""
    if not place:
        return {(name, "") for name, network in draft.desired.networks.items() if network.driver == "overlay"}
    here = (container for container in draft.desired.containers.values() if container.host == place)
    return {(name, place) for container in here for name in container.networks}


def _leave_first(draft: Draft, item: DriftItem, successor: str) -> None:
    """Take the containers off the network and remove it, before its subnet is given to *successor*."""
    name, place = _key(item)
    before = _taken_off(draft, item, f"network/{name} leaves its subnet to network/{successor}", may_fail=True)
    draft.vacated[name, place] = draft.add(_removal(draft, item), needs=before)
    draft.touching.setdefault(name, []).append(draft.vacated[name, place])
    for host, container in _attached(draft, item):
        if (host, container.name) not in draft.leaving:
            declared = draft.desired.containers.get(container.name)
            heirs = [
                network
                for network in (declared.networks if declared else ())
                if name in overlapping(draft, network, place)
            ]
            draft.given_up.setdefault(container.name, []).extend(heirs)
            draft.freed.setdefault(container.name, []).extend(before)
            draft.reattached.add((container.name, name))
    draft.plan(item)


def _removal(draft: Draft, item: DriftItem, *, disrupts: tuple[str, ...] = ()) -> RemoveNetwork:
    return RemoveNetwork(
        address=item.address,
        host=_seen_on(draft, item),
        reason=item.reason,
        disrupts=disrupts,
        network_id=item.object_id or "",
    )


def _obstacle(draft: Draft, item: DriftItem) -> str | None:
    if item.host is not None:
        return None  # a bridge is its host's own affair, and that was read
    if not draft.store_usable:
        return "the store does not answer"
    if item.cls == "missing":
        if _reachable(draft):
            return None
        if draft.outside:
            return "no host that could be read is in the cluster, and none joins it within the limits"
        return "no member of the cluster could be read"
    if not _only_unseen(item):
        unread = draft.unread_members()
        if unread:
            return f"{', '.join(unread)} could not be read and may have containers on it"
    return None


def _only_unseen(item: DriftItem) -> bool:
    """Whether nothing is wrong with the network but that some hosts do not show it."""
    return bool(item.changes) and all(change.field.startswith("visible on") for change in item.changes)


def _in_use(draft: Draft, item: DriftItem) -> str | None:
    """Return who would lose the network for good: containers that are not ours, or that this plan leaves alone."""
    names = sorted(
        {
            name
            for engine in draft.observed.engines.values()
            for name in engine.foreign_endpoints.get(item.object_id or "", ())
        }
    )
    if names:
        return f"containers that are not ours are attached: {', '.join(names)}"
    left_alone = draft.left_alone
    staying = sorted(
        f"container/{found.name}"
        for host, found in _attached(draft, item)
        if (host, found.name) in left_alone
        or draft.leaves_out(Address("container", found.name))
        or _has_no_way_back(draft, item, host, found)
    )
    return f"still on it, and left alone by this plan: {', '.join(staying)}" if staying else None


def _has_no_way_back(draft: Draft, item: DriftItem, host: str, found: ContainerState) -> bool:
    """Whether only a successor could join a recreated network, and there is none: it would lack what is declared."""
    address = Address("container", found.name)
    return any(
        other.cls == "conflict" and other.address == address and other.host == host for other in draft.drift.items
    ) and is_mac_lost(draft, found.name, draft.desired.containers[found.name], item.address.name)


def _reachable(draft: Draft) -> list[str]:
    """Return the members from which a network can be created: readable, and joined or about to be."""
    unmended = (*draft.outside, *(blocked.item for blocked in draft.blocked))
    apart = {item.host for item in unmended if item.address.kind == "host"}
    return [host for host in draft.desired.members if host in draft.observed.engines and host not in apart]


def _seen_on(draft: Draft, item: DriftItem) -> str:
    """
    Return the host from which the network is best removed: one whose containers used it.

    An engine that never did has an old index of it: it then takes the store's newer one for "removed by somebody else"
    and leaks the network's VXLAN id (libnetwork, overlay driver, releaseVxlanID).
    """
    if item.host is not None:
        return item.host
    used = [host for host, _ in _attached(draft, item)]
    if used:
        return used[0]
    hosts = [host for host, engine in draft.observed.engines.items() if engine.network(item.address.name) is not None]
    return hosts[0] if hosts else _reachable(draft)[0]


def _create(draft: Draft, item: DriftItem, *, needs: list[str]) -> str:
    name = item.address.name
    network = draft.desired.networks[name]
    hosts = _reachable(draft) if item.host is None else [item.host]
    host = next((host for host in hosts if host not in draft.configured), hosts[0])
    action = CreateNetwork(
        address=item.address,
        host=host,
        reason=item.reason,
        network=network,
        labels=network_labels(draft.desired.name, network),
        visible_on=tuple(hosts),
    )
    configured = [draft.configured[host]] if host in draft.configured else []
    step = draft.add(action, needs=[*draft.before, *configured, *needs], follows=draft.configured.values())
    draft.network_ready[name, item.host or ""] = step
    return step


def _await(draft: Draft, item: DriftItem) -> None:
    host = _seen_on(draft, item)
    hosts = tuple(change.field.removeprefix("visible on ") for change in item.changes)
    action = AwaitNetwork(
        address=item.address,
        host=host,
        reason=item.reason,
        network_id=item.object_id or "",
        visible_on=hosts,
    )
    draft.network_ready[item.address.name, ""] = draft.add(action, follows=draft.configured.values())


def _taken_off(draft: Draft, item: DriftItem, reason: str, *, may_fail: bool) -> list[str]:
    """
    Return the steps after which none of our containers is on the network.

    Args:
        may_fail: Whether they wait for the pulls without which the containers would not come to be elsewhere.
    """
    steps = []
    for host, container in _attached(draft, item):
        if (host, container.name) in draft.leaving:
            steps.append(draft.leaving[host, container.name])
            continue
        action = DetachContainer(
            address=Address("container", container.name),
            host=host,
            reason=reason,
            disrupts=(container.name,),
            container_id=container.id,
            network=item.address.name,
        )
        needs = [draft.configured[host]] if host in draft.configured else []
        if may_fail:
            needs += [*draft.before, *pulls_before(draft, container.name)]
        steps.append(draft.add(action, needs=needs))
    return steps


def _put_back(draft: Draft, item: DriftItem, detached: list[str]) -> None:
    """Put the containers of a recreated network on it again, with their addresses."""
    name = item.address.name
    for host, container in _attached(draft, item):
        declared = draft.desired.containers.get(container.name)
        if declared is None or declared.host != host or name not in declared.networks:
            continue
        if is_mac_lost(draft, container.name, declared, name):
            draft.renewed[container.name] = name
            continue
        address, reason = Address("container", container.name), f"network/{name} is recreated"
        action = attach(address, declared, name, container.id, reason)
        # also when the network could not be removed or made: by name it joins what is there, as the way back
        earlier = [draft.up[container.name]] if container.name in draft.up else []
        follows = [*detached, draft.network_ready[_key(item)]]
        draft.up[container.name] = draft.add(action, needs=earlier, follows=follows)
        draft.reattached.add((container.name, name))


def _attached(draft: Draft, item: DriftItem) -> Iterator[tuple[str, ContainerState]]:
    """Yield host and container for each of ours that is on the network."""
    for host, engine in draft.observed.engines.items():
        for container in engine.containers:
            here = item.host in (None, host) and item.address.name in container.endpoints
            if here and owner_of(container.labels) == draft.desired.name:
                yield host, container
