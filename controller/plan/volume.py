"""The volumes' steps: created before the containers that use them; removed only if a person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import CreateVolume, RemoveVolume
from controller.model.desired import named_volumes, volume_labels
from controller.model.identity import owner_of

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.topology import Container
    from controller.plan.draft import Draft


def plan_volumes(draft: Draft) -> None:
    """Create what is missing."""
    for item in draft.items("volume"):
        if item.cls != "missing":
            continue
        host, volume = item.host or "", draft.desired.volumes[item.address.name]
        action = CreateVolume(
            address=item.address,
            host=host,
            reason=item.reason,
            volume=volume,
            labels=volume_labels(draft.desired.name, volume),
        )
        configured = [draft.configured[host]] if host in draft.configured else []
        draft.volume_ready[item.address.name, host] = draft.add(action, needs=[*draft.before, *configured])
        draft.plan(item)


def volumes_before(draft: Draft, container: Container) -> list[str]:
    """Return the steps after which the volumes of *container* are there."""
    steps = (draft.volume_ready.get((name, container.host)) for name in named_volumes(container))
    return [step for step in steps if step]


def lacks_volume(draft: Draft, container: Container) -> str | None:
    """Return why no container can be made with the volumes that it declares; or None."""
    waiting = [name for name in named_volumes(container) if (name, container.host) in draft.volume_blocked]
    return f"waits for volume/{waiting[0]}" if waiting else None


def plan_volume_removals(draft: Draft) -> None:
    """Remove volumes of ours that nobody is to use any more, if a person said so; else they are kept, and told."""
    for item in draft.drift.items:
        if item.address.kind != "volume" or item.cls != "unexpected":
            continue
        if not draft.policy.prune_volumes:
            draft.kept_volumes.append(item)
            continue
        why = draft.no_removal(item) or _in_use(draft, item)
        if why:
            draft.block(item, why)
            continue
        host = item.host or ""
        action = RemoveVolume(address=item.address, host=host, reason=item.reason)
        draft.emptied.append(draft.add(action, needs=_freed_by(draft, item)))
        draft.plan(item)


def _users(draft: Draft, item: DriftItem) -> list[str]:
    """Return the names of our containers that have the volume now."""
    engine = draft.observed.engines[item.host or ""]
    return [
        found.name
        for found in engine.containers
        if owner_of(found.labels) == draft.desired.name
        and any(mount.type == "volume" and mount.source == item.address.name for mount in found.mounts)
    ]


def _freed_by(draft: Draft, item: DriftItem) -> list[str]:
    """Return the steps after which none of our containers has the volume."""
    host = item.host or ""
    steps = ((draft.leaving.get((host, name)), draft.up.get(name)) for name in _users(draft, item))
    return [step for pair in steps for step in pair if step]


def _in_use(draft: Draft, item: DriftItem) -> str | None:
    """Return who would be in the way: engines remove no volume that a container has, be it stopped."""
    host = item.host or ""
    theirs = draft.observed.engines[host].foreign_volumes.get(item.address.name, ())
    if theirs:
        return f"containers that are not ours use it: {', '.join(theirs)}"
    left_alone = draft.left_alone
    staying = sorted(
        f"container/{name}"
        for name in _users(draft, item)
        if (host, name) not in draft.leaving and (name not in draft.up or (host, name) in left_alone)
    )
    return f"still used by what this plan leaves alone: {', '.join(staying)}" if staying else None
