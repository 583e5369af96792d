"""The store's steps: run it where it is placed, and remember the members before and after everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.diff.store import MEMBERS, record_changes
from controller.model.action import PlaceStore, PullImage, RecordMembers, RemoveContainer
from controller.model.desired import store_labels, store_place
from controller.model.observed import EngineState

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.plan.draft import Draft


def plan_store(draft: Draft) -> None:
    """Place the store, and record the members before anything is placed on them."""
    for item in draft.items("store"):
        if item.address == MEMBERS:
            _record_before(draft, item)
        elif item.cls != "unexpected":
            _place(draft, item)


def _place(draft: Draft, item: DriftItem) -> None:
    store, place = draft.desired.store, store_place(draft.desired)
    assert store is not None  # noqa: S101 - a placed store is declared
    assert place is not None  # noqa: S101
    host = item.host or place.host
    engine = draft.observed.engine(host)
    pull = []
    if isinstance(engine, EngineState) and engine.images.get(place.image) is None:
        reason = f"{host} does not have it"
        pull = [draft.add(PullImage(address=item.address, host=host, reason=reason, image=place.image))]
    action = PlaceStore(
        address=item.address,
        host=host,
        reason=item.reason,
        place=place,
        port=store.endpoint[1],
        labels=store_labels(draft.desired.name, place),
        container_id=item.object_id,
    )
    draft.before.append(draft.add(action, needs=pull))
    draft.plan(item)


def _record_before(draft: Draft, item: DriftItem) -> None:
    """Record old and new together first, so that a crash in between forgets nobody."""
    recorded, wanted = draft.observed.recorded_members, draft.members
    union = {
        host: tuple(sorted({*recorded.get(host, ()), *wanted.get(host, ())})) for host in sorted({*recorded, *wanted})
    }
    draft.plan(item)
    if union != recorded:
        action = RecordMembers(address=MEMBERS, host="", reason=item.reason, members=union)
        draft.before.append(draft.add(action))


def plan_final_record(draft: Draft) -> None:
    """Remove a store that is no longer placed after all else, and forget the members that left."""
    record = next((item for item in draft.planned if item.address == MEMBERS), None)
    if record is not None:
        recorded = draft.observed.recorded_members
        wanted = _remembered(draft)
        leaves = any(set(names) - set(wanted.get(host, ())) or host not in wanted for host, names in recorded.items())
        if leaves:
            action = RecordMembers(
                address=MEMBERS,
                host="",
                reason="what left is forgotten",
                members=wanted,
                final=True,
            )
            draft.add(action, needs=[step.id for step in draft.ordered()])
        # what is shown is what will be: what stays for now is not forgotten
        changes = record_changes(wanted, recorded) if record.cls == "changed" else ()
        shown = [replace(record, changes=changes)] if wanted != recorded else []
        place = draft.planned.index(record)
        draft.planned[place : place + 1] = shown
    for item in draft.drift.items:
        if item.address.kind == "store" and item.address != MEMBERS and item.cls == "unexpected":
            _remove(draft, item)


def _remembered(draft: Draft) -> dict[str, tuple[str, ...]]:
    """Return what the record should say in the end: who was to leave and stays is not forgotten, nor is the host."""
    remembered = draft.members
    recorded = draft.observed.recorded_members
    for host, name in draft.left_alone:
        if name in recorded.get(host, ()):
            remembered[host] = tuple(sorted({*remembered.get(host, ()), name}))
    for blocked in draft.blocked:
        host = blocked.item.host or ""
        if blocked.item.address.kind == "host" and host in recorded:
            remembered.setdefault(host, ())
    return remembered


def _remove(draft: Draft, item: DriftItem) -> None:
    why = draft.no_removal(item)
    if why:
        draft.block(item, why)
        return
    assert item.host is not None  # noqa: S101 - a container stands on a host
    assert item.object_id is not None  # noqa: S101
    action = RemoveContainer(
        address=item.address,
        host=item.host,
        reason=f"{item.reason}; its data volume stays",
        container_id=item.object_id,
    )
    draft.add(action, needs=[step.id for step in draft.ordered()])
    draft.plan(item)
