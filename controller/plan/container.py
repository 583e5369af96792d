"""The containers' steps, by the mildest means: start, update, attach, and only then replace."""

from __future__ import annotations

from dataclasses import replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from controller.model.action import (
    AwaitContainer,
    CreateContainer,
    DetachContainer,
    RemoveContainer,
    ReplaceContainer,
    StartContainer,
    UpdateContainer,
)
from controller.model.desired import attachments, container_labels, overlays_of
from controller.model.drift import DriftItem
from controller.model.identity import ASIDE_SUFFIX, Address
from controller.model.observed import EngineState, StoreState, Unknown
from controller.plan.attachment import attach, network_of
from controller.plan.handover import held, ports_freed
from controller.plan.host import blocked_by_host
from controller.plan.image import is_replaced, lacks_image, pull
from controller.plan.joining import joined, joins_after
from controller.plan.volume import lacks_volume, volumes_before

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.model.topology import Container
    from controller.plan.draft import Draft


def plan_removals(draft: Draft) -> None:
    """Remove containers of ours that are no longer declared, or declared on another host that can take them."""
    for item in draft.drift.items:
        if item.address.kind != "container" or item.cls != "unexpected" or item.address.name.endswith(ASIDE_SUFFIX):
            continue
        why = draft.no_removal(item) or _successor_waits(draft, item)
        if why:
            draft.block(item, why)
            draft.staying[item.address.name] = f"it is still on {item.host}: {why}"
            continue
        declared = draft.desired.containers.get(item.address.name)
        pulled = [pull(draft, item, declared)] if declared else []
        step = draft.add(_removal(item), needs=[one for one in pulled if one], follows=draft.configured.values())
        draft.leaving[item.host or "", item.address.name] = step
        draft.plan(item)


def _successor_waits(draft: Draft, item: DriftItem) -> str | None:
    """Return why a container that moves has to stay for now: its new place cannot take it; or None."""
    declared = draft.desired.containers.get(item.address.name)
    if declared is None:
        return None
    if isinstance(draft.observed.engine(declared.host), Unknown):
        return f"it is to move to {declared.host}, which could not be read"
    lacking = _lacks(draft, declared)
    if lacking:
        return f"it is to move, but {lacking}"
    taken: set[tuple[str, str, str | None]] = {
        ("container", item.address.name, declared.host),
        ("host", declared.host, declared.host),
    }
    taken |= {("network", network, host) for network in declared.networks for host in (None, declared.host)}
    for other in draft.drift.items:
        if other.cls == "conflict" and (other.address.kind, other.address.name, other.host) in taken:
            return f"it is to move to {declared.host}, but {other.address}: {other.reason}"
    return None


def judge_containers(draft: Draft) -> None:
    """Say which containers have to wait, dependencies first, before anything is planned for any of them."""
    items = {item.address.name: item for item in draft.items("container") if item.cls != "unexpected"}
    kept = held(draft)
    for name in _dependencies_first(draft.desired.containers):
        if name in items:
            container = draft.desired.containers[name]
            why = _obstacle(draft, items[name], container) or kept.obstacle(name, container)
            if why:
                draft.block(items[name], why)


def plan_containers(draft: Draft) -> None:
    """Bring up what is declared and need not wait, dependencies first."""
    items = {
        item.address.name: item
        for item in draft.drift.items
        if item.address.kind == "container" and item.cls in ("missing", "changed")
    }
    for name in _dependencies_first(draft.desired.containers):
        container = draft.desired.containers[name]
        item = items.get(name)
        if name in draft.renewed:
            item = item or _unchanged(draft, name, container)
            _replace(draft, item, container)
        elif item is None or name in draft.waiting:
            continue
        elif item.cls == "missing":
            _create(draft, item, container)
        elif is_replaced(draft, item):
            _replace(draft, item, container)
        else:
            _mend(draft, item, container)
        draft.plan(item)
    for item in draft.drift.items:
        if item.address.kind == "container" and item.address.name.endswith(ASIDE_SUFFIX):
            _remove_aside(draft, item)


def _unchanged(draft: Draft, name: str, container: Container) -> DriftItem:
    """Return a container that is as declared and gets a successor all the same, with its network."""
    engine = draft.observed.engine(container.host)
    found = engine.container(name) if isinstance(engine, EngineState) else None
    reason = f"network/{draft.renewed[name]} is recreated, and its MAC address is given at creation"
    return DriftItem(Address("container", name), container.host, "changed", (), reason, found.id if found else None)


def _remove_aside(draft: Draft, item: DriftItem) -> None:
    """Remove what a replacement left aside, but never the only copy: its successor must be up."""
    name = item.address.name.removesuffix(ASIDE_SUFFIX)
    why = draft.no_removal(item) or (f"container/{name} is not up yet" if name in draft.waiting else None)
    if why:
        draft.block(item, why)
        return
    draft.add(_removal(item), needs=[step for step in (draft.up.get(name),) if step])
    draft.plan(item)


def _dependencies_first(containers: dict[str, Container]) -> Iterable[str]:
    sorter = TopologicalSorter({name: containers[name].depends_on for name in sorted(containers)})
    return sorter.static_order()


def _removal(item: DriftItem) -> RemoveContainer:
    return RemoveContainer(
        address=item.address,
        host=item.host or "",
        reason=item.reason,
        disrupts=(item.address.name,),
        container_id=item.object_id or "",
    )


def _obstacle(draft: Draft, item: DriftItem, container: Container) -> str | None:
    """Return why this container has to wait, or None."""
    waiting = sorted(
        name for name in container.networks if draft.network_blocked & {(name, ""), (name, container.host)}
    )
    if waiting:
        return f"waits for network/{waiting[0]}"
    overlays = overlays_of(draft.desired, container)
    if overlays and not draft.store_usable and item.cls == "missing":
        return "the store does not answer"
    if item.address.name in draft.staying:
        return draft.staying[item.address.name]
    unmet = [name for name in container.depends_on if name in draft.waiting]
    if unmet:
        return f"waits for container/{unmet[0]}"
    unread = _unread(draft, container) if _begins(draft, item) else None
    if unread:
        return f"waits for container/{unread}, whose host could not be read"
    on_host = blocked_by_host(draft, item)
    if on_host and overlays:
        return on_host
    lacking = _lacks(draft, container) if item.cls == "missing" or is_replaced(draft, item) else None
    if lacking:
        return lacking
    if item.cls == "missing":
        return _elsewhere(draft, item)
    return None


def _lacks(draft: Draft, container: Container) -> str | None:
    """Return what its host lacks so that the container cannot be made there, or None."""
    return lacks_image(draft, container) or lacks_volume(draft, container)


def _elsewhere(draft: Draft, item: DriftItem) -> str | None:
    """Return why it must not be created yet: it may still run on a host that could not be read."""
    store = draft.observed.store
    recorded = (store.members or {}) if isinstance(store, StoreState) else {}
    for host, names in recorded.items():
        unread = host not in draft.desired.hosts or isinstance(draft.observed.engine(host), Unknown)
        if host != item.host and item.address.name in names and unread:
            return f"it may still run on {host}, which could not be read"
    return None


def _begins(draft: Draft, item: DriftItem) -> bool:
    """Whether the container is to be made or started: only then the health of what it depends on matters."""
    return item.cls == "missing" or item.changed("state") or is_replaced(draft, item)


def _unread(draft: Draft, container: Container) -> str | None:
    """Return a container whose health is to be awaited on a host that could not be read, or None."""
    containers = draft.desired.containers
    return next(
        (name for name in _awaited(container) if isinstance(draft.observed.engine(containers[name].host), Unknown)),
        None,
    )


def _awaited(container: Container) -> list[str]:
    """Return the names of the containers that have to be healthy before this one begins."""
    return [name for name, how in container.depends_on.items() if how.condition == "service_healthy"]


def _healthy(draft: Draft, name: str) -> str:
    """Return the step after which the container *name* is healthy: one for all that wait for it."""
    action = AwaitContainer(
        address=Address("container", name),
        host=draft.desired.containers[name].host,
        reason="its health is awaited by what depends on it",
    )
    return draft.add(action, needs=[draft.up[name]] if name in draft.up else [])


def _needs(draft: Draft, item: DriftItem, container: Container, *, begins: bool = True) -> list[str]:
    """
    Return what has to be done before the container can come up.

    Args:
        begins: Whether it is made or started, and not only changed as it runs.
    """
    host = item.host or container.host
    needs = [*draft.before, *(step for step in (draft.configured.get(host),) if step)]
    needs += [step for network in container.networks if (step := draft.ready_on(network, container.host))]
    needs += [draft.up[name] for name in container.depends_on if name in draft.up]
    needs += [_healthy(draft, name) for name in _awaited(container)] if begins else []
    needs += [*draft.freed.get(item.address.name, ()), *ports_freed(draft, container)]
    needs += [step for (place, name), step in draft.leaving.items() if name == item.address.name and place != host]
    return needs


def _made_from(draft: Draft, item: DriftItem, container: Container) -> list[str]:
    """Return what has to be done before a container is made: as before it comes up, its volumes and its image."""
    pulled = pull(draft, item, container)
    return [*_needs(draft, item, container), *volumes_before(draft, container), *([pulled] if pulled else [])]


def _create(draft: Draft, item: DriftItem, container: Container) -> None:
    action = CreateContainer(
        address=item.address,
        host=container.host,
        reason=item.reason,
        container=container,
        labels=container_labels(draft.desired.name, container),
    )
    draft.up[item.address.name] = draft.add(
        action,
        needs=_made_from(draft, item, container),
        follows=joins_after(draft, container),
    )
    joined(draft, container, action.id)


def _replace(draft: Draft, item: DriftItem, container: Container) -> None:
    action = ReplaceContainer(
        address=item.address,
        host=container.host,
        reason=item.reason,
        disrupts=(item.address.name,),
        container=container,
        labels=container_labels(draft.desired.name, container),
        container_id=item.object_id or "",
        rejoins=tuple(draft.given_up.get(item.address.name, ())),
    )
    name = item.address.name
    earlier = [draft.up[name]] if name in draft.up else []
    needs = [*_made_from(draft, item, container), *earlier]
    draft.up[name] = draft.add(action, needs=needs, follows=joins_after(draft, container))
    joined(draft, container, action.id)
    _touches(draft, item, draft.up[name])


def _mend(draft: Draft, item: DriftItem, container: Container) -> None:
    """Change what an update can, then attachments, then start it: each step leans on the one before."""
    name, object_id = item.address.name, item.object_id or ""
    needs = _needs(draft, item, container, begins=item.changed("state"))
    if name in draft.up:
        needs.append(draft.up[name])
    fields = tuple(change.field for change in item.changes if change.in_place)
    if fields:
        update = UpdateContainer(
            address=item.address,
            host=container.host,
            reason=item.reason,
            container_id=object_id,
            container=container,
            fields=fields,
        )
        needs = [draft.add(update, needs=needs)]
    changed = {network_of(change) for change in item.changes if change.field.startswith("networks.")}
    order = list(attachments(container))
    # what it leaves first, then what it joins, in the order of connection
    for network in sorted(changed, key=lambda name: (name in order and order.index(name) + 1, name)):
        if (name, network) not in draft.reattached:
            needs = [_reattach(draft, item, container, network, needs)]
    if item.changed("state"):
        start = StartContainer(
            address=item.address,
            host=container.host,
            reason=item.reason,
            container_id=object_id,
        )
        needs = [draft.add(start, needs=needs, follows=joins_after(draft, container))]
        joined(draft, container, start.id)
    if needs:
        draft.up[name] = needs[-1]


def _reattach(draft: Draft, item: DriftItem, container: Container, network: str, needs: list[str]) -> str:
    attachment = attachments(container).get(network)
    if attachment is None:
        detach = DetachContainer(
            address=item.address,
            host=container.host,
            reason=item.reason,
            disrupts=(item.address.name,),
            container_id=item.object_id or "",
            network=network,
        )
        step = draft.add(detach, needs=needs)
        draft.touching.setdefault(network, []).append(step)
        return step
    anew = any(change.field == f"networks.{network}" and change.observed is None for change in item.changes)
    action = attach(item.address, container, network, item.object_id or "", item.reason)
    if not anew:
        action = replace(action, disrupts=(item.address.name,))
    return draft.add(action, needs=needs)


def _touches(draft: Draft, item: DriftItem, step: str) -> None:
    """Remember that *step* takes the container off the networks it is on now."""
    engine = draft.observed.engine(item.host or "")
    found = engine.container(item.address.name) if isinstance(engine, EngineState) else None
    for network in found.endpoints if found else ():
        draft.touching.setdefault(network, []).append(step)
