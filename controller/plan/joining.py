"""In which order containers join networks, so that engines set each up once, in peace, and hear of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import SettleHost
from controller.model.desired import overlays_of, shared_networks
from controller.model.identity import Address
from controller.model.observed import EngineState

if TYPE_CHECKING:
    from controller.model.topology import Container
    from controller.plan.draft import Draft


def joiners(draft: Draft) -> frozenset[str]:
    """Return the declared containers that may come to join a network which they share with another host."""
    shared, found = shared_networks(draft.desired), set[str]()
    restarted = {item.host for item in draft.drift.items if item.address.kind == "host" and item.changed("running")}
    remade = {item.address.name for item in draft.drift.items if item.address.kind == "network"}
    changed = {item.address.name: item for item in draft.drift.items if item.address.kind == "container"}
    for name, container in draft.desired.containers.items():
        item = changed.get(name)
        comes_up = item is not None and (
            item.cls in ("missing", "unexpected")
            or any(not change.field.startswith("restart") for change in item.changes)
        )
        on = set(container.networks) & shared
        if on and (comes_up or container.host in restarted or on & remade):
            found.add(name)
    return frozenset(found)


def joins_after(draft: Draft, container: Container) -> list[str]:
    """
    Return the ids of the steps that must have ended before a container is started.

    All overlays come first: an engine that starts containers while another creates a network leaks address pools. And
    on each host the first containers of networks go one by one, each before the others of its network: while an engine
    sets networks up, its dials to the store fail at random (moby/moby#39036; side by side nearly every watch on names
    was lost, one by one every fourth), and two that set up the same one leave it half made ("error creating vxlan
    interface: file exists"; all tried on 20.10.5). The others follow when the first one finds its peer by name: until
    then it is the only one to reattach.
    """
    host = container.host
    after = [step for (_, place), step in draft.network_ready.items() if not place]
    overlays = overlays_of(draft.desired, container)
    for network in overlays:
        after += [steps[host, network] for steps in (draft.first, draft.settled) if (host, network) in steps]
    if any(_leads(draft, host, network) for network in overlays):
        after += [step for (other, _), step in draft.first.items() if other == host]
    return after


def joined(draft: Draft, container: Container, step: str) -> None:
    """Note that *step* starts a container: where it is the first of an overlay on its host, others will follow it."""
    for network in overlays_of(draft.desired, container):
        if _leads(draft, container.host, network):
            draft.first[container.host, network] = step
            _settle(draft, network)


def _leads(draft: Draft, host: str, network: str) -> bool:
    """Whether the next container there is the first on the network: none runs on it, and none is planned before."""
    return (host, network) not in draft.first and not _set_up(draft, host, network)


def _settle(draft: Draft, network: str) -> None:
    """Once the network has a container on two hosts, let the first of each find the other."""
    joining = {host: step for (host, name), step in draft.first.items() if name == network}
    there = [host for host in draft.observed.engines if _set_up(draft, host, network)]
    if len(joining) + len(there) < 2:  # noqa: PLR2004 - a pair
        return
    for host in joining:
        if (host, network) not in draft.settled and may_settle(draft, host, network):
            action = SettleHost(
                address=Address("network", network),
                host=host,
                reason="the first containers joined it",
                networks=(network,),
                early=True,
            )
            draft.settled[host, network] = draft.add(action, follows=joining.values())


def may_settle(draft: Draft, host: str, network: str) -> bool:
    """Whether the containers there may be reattached: within its limits a plan touches all of them, or none."""
    if draft.within is None:
        return True
    engine = draft.observed.engine(host)
    found = engine.containers if isinstance(engine, EngineState) else ()
    return not draft.leaves_out(Address("host", host)) and not any(
        network in one.endpoints and draft.leaves_out(Address("container", one.name)) for one in found
    )


def _set_up(draft: Draft, host: str, network: str) -> bool:
    """Whether a container runs on the network there: the engine has set it up already."""
    engine = draft.observed.engine(host)
    if not isinstance(engine, EngineState) or (network, "") in draft.network_ready:
        return False
    return any(found.running and network in found.endpoints for found in engine.containers)
