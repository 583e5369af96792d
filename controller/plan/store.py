"""The store's steps: run it where it is placed, and remember the members before and after everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.diff.store import MEMBERS, SETTLED, record_changes
from controller.model.action import PlaceStore, PullImage, RecordMembers, RemoveContainer, SettleHost
from controller.model.desired import shared_networks, store_labels, store_place
from controller.model.observed import EngineState, StoreState, Unknown
from controller.plan.joining import joiners

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.plan.draft import Draft


def plan_store(draft: Draft) -> None:
    """Place the store, and record the members, and that some are about to join networks, before anything is placed."""
    members = None
    for item in draft.items("store"):
        if item.address == MEMBERS:
            members = item
            draft.plan(item)
        elif item.cls != "unexpected":
            _place(draft, item)
    if MEMBERS not in (blocked.item.address for blocked in draft.blocked):
        _record_before(draft, members.reason if members else "containers are about to join networks")


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


def _record_before(draft: Draft, reason: str) -> None:
    """Record old and new together first, so that a crash in between forgets nobody, nor that somebody was joining."""
    store = draft.observed.store
    if not isinstance(store, StoreState):
        return
    recorded, wanted = draft.observed.recorded_members, draft.members
    union = {
        host: tuple(sorted({*recorded.get(host, ()), *wanted.get(host, ())})) for host in sorted({*recorded, *wanted})
    }
    draft.unsettled = bool(joiners(draft)) or (not store.settled and draft.within is None)
    if union != recorded or (draft.unsettled and store.settled):
        action = RecordMembers(address=MEMBERS, host="", reason=reason, members=union, settled=not draft.unsettled)
        draft.before.append(draft.add(action))


def _unread_sharers(draft: Draft) -> bool:
    """Whether a host could not be read, so was not asked, on which a container shares a network with another host."""
    shared = shared_networks(draft.desired)
    return any(
        shared & set(container.networks) and isinstance(draft.observed.engine(container.host), Unknown)
        for container in draft.desired.containers.values()
    )


def plan_final_record(draft: Draft) -> None:
    """Remove a store that is no longer placed after all else; forget the members that left, and what was settled."""
    record = next((item for item in draft.planned if item.address == MEMBERS), None)
    steps = draft.ordered()
    if record is None and len(steps) == 1 and isinstance(steps[0].action, RecordMembers):
        # whoever was to join has to wait
        draft.withdraw(steps[0].id)
        draft.unsettled = False
    if record is not None or draft.unsettled:
        _record_after(draft, record)
    for item in draft.drift.items:
        if item.address.kind == "store" and item.address != MEMBERS and item.cls == "unexpected":
            _remove(draft, item)


def _record_after(draft: Draft, record: DriftItem | None) -> None:
    recorded, wanted = draft.observed.recorded_members, _remembered(draft)
    leaves = any(set(names) - set(wanted.get(host, ())) or host not in wanted for host, names in recorded.items())
    everything = draft.ordered()
    if leaves or (draft.unsettled and (everything or record is not None)):
        settling = [step.id for step in everything if isinstance(step.action, SettleHost)]
        action = RecordMembers(
            address=MEMBERS,
            host="",
            reason="what left is forgotten" if leaves else "the containers have found each other",
            members=wanted,
            settled=not (draft.left_unsettled or _unread_sharers(draft)),
            final=True,
        )
        ids = [step.id for step in everything]
        draft.add(action, needs=ids if leaves else [*draft.before, *settling], follows=ids)
    if record is not None:
        # what is shown is what will be: what stays for now is not forgotten
        settled = tuple(change for change in record.changes if change.field == SETTLED)
        changes = (*record_changes(wanted, recorded), *settled) if record.cls == "changed" else ()
        shown = [replace(record, changes=changes)] if wanted != recorded or settled else []
        place = draft.planned.index(record)
        draft.planned[place : place + 1] = shown


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
