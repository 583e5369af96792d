"""A container's place on a network: the action that gives it one, and whether that can keep a MAC address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import AttachContainer
from controller.model.desired import attachments
from controller.model.observed import EngineState

if TYPE_CHECKING:
    from controller.model.drift import Change
    from controller.model.identity import Address
    from controller.model.topology import Container
    from controller.plan.draft import Draft


def attach(address: Address, container: Container, network: str, container_id: str, reason: str) -> AttachContainer:
    """Return the action that connects a container to one of its declared networks, as declared."""
    attachment = attachments(container)[network]
    return AttachContainer(
        address=address,
        host=container.host,
        reason=reason,
        container_id=container_id,
        network=network,
        ipv4_address=str(attachment.ipv4_address) if attachment.ipv4_address else None,
        ipv6_address=str(attachment.ipv6_address) if attachment.ipv6_address else None,
        mac_address=attachment.mac_address,
        aliases=attachment.aliases,
    )


def network_of(change: Change) -> str:
    """Return the network that a field such as ``networks.web.ipv4_address`` is about; names may contain dots."""
    name = change.field.removeprefix("networks.")
    for suffix in (".ipv4_address", ".ipv6_address", ".aliases", ".mac_address"):
        name = name.removesuffix(suffix)
    return name


def is_mac_lost(draft: Draft, name: str, container: Container, network: str) -> bool:
    """
    Whether a new connection to *network* would not have the MAC address that is declared there.

    An engine that keeps it with the container gives it again, if it is the one that the container was created with.
    """
    attachment = container.networks.get(network)
    engine = draft.observed.engine(container.host)
    if attachment is None or attachment.mac_address is None or not isinstance(engine, EngineState):
        return False
    found = engine.container(name)
    return not engine.keeps_mac_addresses or found is None or found.mac_address != attachment.mac_address
