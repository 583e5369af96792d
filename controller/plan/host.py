"""The hosts' steps: daemons are configured one at a time, and the roll-out stops at the first that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import ConfigureHost, RestoreHost
from controller.model.desired import engine_settings, registration, store_place
from controller.model.identity import owner_of
from controller.model.observed import EngineState, HostState

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.plan.draft import Draft


def plan_hosts(draft: Draft) -> None:
    """Configure the daemons that differ; the one that runs a placed store first, since the store goes down with it."""
    place = store_place(draft.desired)
    items = [item for item in draft.items("host") if item.cls == "changed"]
    earlier: list[str] = []
    for item in sorted(items, key=lambda item: (place is None or item.host != place.host, item.host or "")):
        host = item.host or item.address.name
        state = draft.observed.hosts[host]
        assert isinstance(state, HostState)  # noqa: S101 - drift comes from what was read
        if not draft.store_usable:
            draft.block(item, "the store does not answer: a daemon that is restarted now would block on it")
            continue
        settings = engine_settings(draft.desired, host)
        restart = item.changed("running") or item.changed("docker.service")
        action = ConfigureHost(
            address=item.address,
            host=host,
            reason=item.reason,
            disrupts=_running(draft, host) if restart else (),
            settings=settings,
            restart=restart,
            registered_as=registration(settings["cluster-advertise"], state.interfaces),
        )
        draft.configured[host] = draft.add(action, needs=[*draft.before, *earlier])
        earlier = [action.id]
        draft.plan(item)


def plan_restores(draft: Draft) -> None:
    """Give hosts that left their earlier settings back, after everything of ours has left them."""
    leaving = [item for item in draft.drift.items if item.address.kind == "host" and item.cls == "unexpected"]
    earlier: list[str] = []
    for item in leaving:
        host = item.host or item.address.name
        why = draft.no_removals or _still_needed(draft, host) or _last_to_see(draft) or _adopted_stays(draft, host)
        if why:
            draft.block(item, why)
            continue
        engine, state = draft.observed.engine(host), draft.observed.hosts[host]
        configured = isinstance(state, HostState) and state.configured
        restart = configured and isinstance(engine, EngineState) and bool(engine.cluster_store)
        disrupts = _running(draft, host) if restart else ()
        action = RestoreHost(address=item.address, host=host, reason=item.reason, restart=restart, disrupts=disrupts)
        gone = [step for (place, _), step in draft.leaving.items() if place == host]
        networks = [step for steps in draft.touching.values() for step in steps]
        earlier = [draft.add(action, needs=[*earlier, *gone, *networks], follows=draft.emptied)]
        draft.plan(item)


def _still_needed(draft: Draft, host: str) -> str | None:
    """Return why the daemon must stay joined: something that is not leaving uses an overlay there; or None."""
    engine = draft.observed.engine(host)
    if not isinstance(engine, EngineState):
        return "its engine could not be read: something may still use the overlays there"
    overlays = {network.id: network.name for network in engine.networks if network.scope == "global"}
    for found in engine.containers:
        if (host, found.name) not in draft.leaving and set(found.endpoints) & set(overlays.values()):
            return f"container/{found.name} is still there"
    for network, names in engine.foreign_endpoints.items():
        if network in overlays:
            return f"{', '.join(names)}, not ours, still on network/{overlays[network]} there"
    for seen in engine.networks:
        owner = owner_of(seen.labels)
        if seen.scope == "global" and owner not in (None, draft.desired.name):
            return f"network/{seen.name} of topology/{owner} is there"
    return None


def _adopted_stays(draft: Draft, host: str) -> str | None:
    """Return which adopted object stays there for now: without our record it would be nobody's; or None."""
    state = draft.observed.hosts[host]
    adopted = state.record.adopted if isinstance(state, HostState) and state.record else {}
    items = (*draft.outside, *(blocked.item for blocked in draft.blocked))
    staying = sorted(str(item.address) for item in items if item.object_id in adopted)
    return f"{staying[0]}, which was adopted, stays for now" if staying else None


def _last_to_see(draft: Draft) -> str | None:
    """Return which network of ours stays and could be removed by nobody once the daemons have left; or None."""
    if draft.desired.members:
        return None
    items = (*draft.outside, *(blocked.item for blocked in draft.blocked))
    staying = sorted(str(item.address) for item in items if item.address.kind == "network")
    return f"{staying[0]} stays for now, and no daemon would be left that could remove it" if staying else None


def _running(draft: Draft, host: str) -> tuple[str, ...]:
    """Return the containers, foreign ones too, that a restart of the daemon interrupts; not those that leave before."""
    engine = draft.observed.engine(host)
    if not isinstance(engine, EngineState):
        return ()
    return tuple(name for name in engine.running if (host, name) not in draft.leaving)


def blocked_by_host(draft: Draft, item: DriftItem) -> str | None:
    """Return why nothing that needs the cluster can be done on the item's host, or None."""
    for blocked in draft.blocked:
        if blocked.item.address.kind == "host" and blocked.item.host == item.host:
            return f"host/{item.host}: {blocked.why}"
    return None
