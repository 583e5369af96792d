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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.drift import DriftItem
    from controller.model.observed import ContainerState
    from controller.plan.draft import Draft


def plan_networks(draft: Draft) -> None:
    """Create what is missing and recreate what differs."""
    for item in draft.items("network"):
        if item.cls == "unexpected":
            continue
        changed = item.cls == "changed" and not _only_unseen(item)
        why = _obstacle(draft, item) or (_in_use(draft, item) if changed else None)
        if why:
            draft.block(item, why)
        elif item.cls == "missing":
            _create(draft, item, needs=[])
            draft.plan(item)
        elif not changed:
            _await(draft, item)
            draft.plan(item)
        else:
            _recreate(draft, item)
            draft.plan(item)


def plan_network_removals(draft: Draft) -> None:
    """Remove networks of ours that are no longer declared, after their containers left them."""
    for item in draft.drift.items:
        if item.address.kind != "network" or item.cls != "unexpected":
            continue
        why = draft.no_removal(item) or _obstacle(draft, item) or _in_use(draft, item)
        if why:
            draft.block(item, why)
            continue
        name = item.address.name
        attached = [draft.leaving.get((host, container.name)) for host, container in _attached(draft, item)]
        needs = [*draft.touching_on(name, item.host), *(step for step in attached if step)]
        action = RemoveNetwork(
            address=item.address,
            host=_seen_on(draft, item),
            reason=item.reason,
            network_id=item.object_id or "",
        )
        draft.touching.setdefault(name, []).append(draft.add(action, needs=needs))
        draft.plan(item)


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


def _recreate(draft: Draft, item: DriftItem) -> None:
    """Networks are immutable: take the containers off, remove it, create it, put them back with their addresses."""
    name = item.address.name
    attached = list(_attached(draft, item))
    names = tuple(container.name for _, container in attached)
    detached = [
        draft.add(
            DetachContainer(
                address=Address("container", container.name),
                host=host,
                reason=f"network/{name} is recreated",
                disrupts=(container.name,),
                container_id=container.id,
                network=name,
            ),
            needs=[step for step in (draft.configured.get(host),) if step],
        )
        for host, container in attached
        if (host, container.name) not in draft.leaving
    ]
    gone = [draft.leaving[key] for host, container in attached if (key := (host, container.name)) in draft.leaving]
    removed = draft.add(
        RemoveNetwork(
            address=item.address,
            host=_seen_on(draft, item),
            reason=item.reason,
            disrupts=names,
            network_id=item.object_id or "",
        ),
        needs=[*detached, *gone],
    )
    _create(draft, item, needs=[removed])
    for host, container in attached:
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
        follows = [*detached, draft.network_ready[name, item.host or ""]]
        draft.up[container.name] = draft.add(action, needs=earlier, follows=follows)
        draft.reattached.add((container.name, name))


def _attached(draft: Draft, item: DriftItem) -> Iterator[tuple[str, ContainerState]]:
    """Yield host and container for each of ours that is on the network."""
    for host, engine in draft.observed.engines.items():
        for container in engine.containers:
            here = item.host in (None, host) and item.address.name in container.endpoints
            if here and owner_of(container.labels) == draft.desired.name:
                yield host, container
