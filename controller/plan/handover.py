"""Addresses and ports that change hands: who gives one up does so before the next one asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import DetachContainer
from controller.model.identity import Address
from controller.model.observed import EngineState

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.observed import ContainerState
    from controller.model.topology import Container
    from controller.plan.draft import Draft


def plan_handovers(draft: Draft) -> None:
    """
    Take fixed addresses from the containers that give them up, before anybody else asks for them.

    Two containers may even swap theirs: both are detached first, and then attached anew.
    """
    changing = {
        (item.host, item.address.name): item
        for item in draft.drift.items
        if item.address.kind == "container" and item.cls == "changed" and item.address.name not in draft.waiting
    }
    wanted = {
        (_home(draft, network, container.host), str(address)): name
        for name, container in draft.desired.containers.items()
        for network, attachment in container.networks.items()
        for address in (attachment.ipv4_address, attachment.ipv6_address)
        if address is not None
    }
    for host, engine in draft.observed.engines.items():
        for found in engine.containers:
            for network, endpoint in found.endpoints.items():
                held = (endpoint.ipv4_address or endpoint.current, endpoint.ipv6_address or endpoint.current_ipv6)
                home = _home(draft, network, host)
                for taker in dict.fromkeys(wanted.get((home, address), found.name) for address in held):
                    if taker == found.name:
                        continue
                    if (host, found.name) in draft.leaving:
                        draft.freed.setdefault(taker, []).append(draft.leaving[host, found.name])
                    elif (giver := changing.get((host, found.name))) and _gives_up(giver, network):
                        reason = f"{taker} is to have its IP address on {network}"
                        step = draft.add(_detachment(found, host, network, reason))
                        draft.freed.setdefault(taker, []).append(step)
                        draft.freed.setdefault(found.name, []).append(step)


def _home(draft: Draft, network: str, host: str) -> tuple[str, str]:
    """Return what an IP address is unique in: an overlay, or the bridge of one host."""
    declared = draft.desired.networks.get(network)
    return (network, host if declared is not None and declared.driver == "bridge" else "")


def _gives_up(item: DriftItem, network: str) -> bool:
    """Whether the container leaves its address on the network by this plan: what is detached here comes back there."""
    return item.changed(f"networks.{network}") or any(
        not change.field.startswith(("state", "restart", "networks.")) for change in item.changes
    )


def _detachment(found: ContainerState, host: str, network: str, reason: str) -> DetachContainer:
    return DetachContainer(
        address=Address("container", found.name),
        host=host,
        reason=reason,
        disrupts=(found.name,),
        container_id=found.id,
        network=network,
    )


def ports_freed(draft: Draft, container: Container) -> list[str]:
    """Return the steps after which the host's ports that the container publishes are free."""
    engine = draft.observed.engine(container.host)
    if not isinstance(engine, EngineState):
        return []
    wanted = {(port.published, port.protocol) for port in container.ports if port.published}
    return [
        draft.leaving[container.host, found.name]
        for found in engine.containers
        if (container.host, found.name) in draft.leaving
        and wanted & {(port.published, port.protocol) for port in found.ports}
    ]
