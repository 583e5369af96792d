"""Addresses and ports that change hands: who gives one up does so before the next one asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.model.action import DetachContainer
from controller.model.identity import ASIDE_SUFFIX, Address
from controller.model.observed import EngineState
from controller.plan.image import is_replaced, pulls_before

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.drift import DriftItem
    from controller.model.observed import ContainerState
    from controller.model.topology import Container, Topology
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
        (_home(draft.desired, network, container.host), str(address)): name
        for name, container in draft.desired.containers.items()
        for network, attachment in container.networks.items()
        for address in (attachment.ipv4_address, attachment.ipv6_address)
        if address is not None
    }
    for host, engine in draft.observed.engines.items():
        for found in engine.containers:
            for network, endpoint in found.endpoints.items():
                has = (endpoint.ipv4_address or endpoint.current, endpoint.ipv6_address or endpoint.current_ipv6)
                home = _home(draft.desired, network, host)
                for taker in dict.fromkeys(wanted.get((home, address), found.name) for address in has):
                    if taker == found.name:
                        continue
                    if (host, found.name) in draft.leaving:
                        draft.freed.setdefault(taker, []).append(draft.leaving[host, found.name])
                    elif (giver := changing.get((host, found.name))) and _gives_up(draft, giver, network):
                        reason = f"{taker} is to have its IP address on {network}"
                        needs = [*_before(draft, found.name), *_before(draft, taker)]
                        step = draft.add(_detachment(found, host, network, reason), needs=needs)
                        draft.given_up.setdefault(found.name, []).append(network)
                        draft.freed.setdefault(taker, []).append(step)
                        draft.freed.setdefault(found.name, []).append(step)


def _home(desired: Topology, network: str, host: str) -> tuple[str, str]:
    """Return what an IP address is unique in: an overlay, or the bridge of one host."""
    declared = desired.networks.get(network)
    return (network, host if declared is not None and declared.driver == "bridge" else "")


def _before(draft: Draft, name: str) -> list[str]:
    """Return what may fail before the container is at its new IP address: nothing is given up before that is done."""
    container = draft.desired.containers.get(name)
    if container is None or name in draft.waiting:
        return []
    configured = [draft.configured[container.host]] if container.host in draft.configured else []
    ready = [step for network in container.networks if (step := draft.ready_on(network, container.host))]
    return [*draft.before, *configured, *ready, *pulls_before(draft, name)]


@dataclass(frozen=True, slots=True)
class Held:
    """
    What containers keep that this plan leaves alone: nobody else can have it yet.

    Args:
        addresses: ((network, host of a bridge), IP address) -> who has it.
        ports: (host, published port, protocol) -> who has it.
    """

    desired: Topology
    addresses: Mapping[tuple[tuple[str, str], str], str]
    ports: Mapping[tuple[str, int | None, str], str]

    def obstacle(self, name: str, container: Container) -> str | None:
        """Return why *container* cannot have what it is to have, or None."""
        for network, attachment in container.networks.items():
            for address in (attachment.ipv4_address, attachment.ipv6_address):
                holder = self.addresses.get((_home(self.desired, network, container.host), str(address)))
                if address is not None and holder not in (None, name):
                    return f"its IP address {address} on {network} is still that of container/{holder}"
        for port in container.ports:
            holder = self.ports.get((container.host, port.published, port.protocol))
            if port.published and holder not in (None, name):
                return (
                    f"its port {port.published}/{port.protocol} on {container.host} is still that of container/{holder}"
                )
        return None


def held(draft: Draft) -> Held:
    """Return what the containers hold that the plan is known to leave alone."""
    left_alone = draft.left_alone
    addresses: dict[tuple[tuple[str, str], str], str] = {}
    ports: dict[tuple[str, int | None, str], str] = {}
    for host, engine in draft.observed.engines.items():
        for found in engine.containers:
            if (host, found.name) not in left_alone:
                continue
            name = found.name.removesuffix(ASIDE_SUFFIX)
            for network, endpoint in found.endpoints.items():
                home = _home(draft.desired, network, host)
                addresses[home, endpoint.ipv4_address or endpoint.current] = name
                addresses[home, endpoint.ipv6_address or endpoint.current_ipv6] = name
            if found.running:
                ports |= {(host, port.published, port.protocol): name for port in found.ports}
    return Held(draft.desired, addresses, ports)


def _gives_up(draft: Draft, item: DriftItem, network: str) -> bool:
    """Whether the container leaves its address on the network by this plan: what is detached here comes back there."""
    return item.changed(f"networks.{network}") or is_replaced(draft, item)


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
