"""The last steps of placing: hosts whose containers joined networks wait until they find their peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import SettleHost
from controller.model.identity import Address

if TYPE_CHECKING:
    from controller.plan.draft import Draft


def plan_settling(draft: Draft) -> None:
    """Settle the hosts on which a container comes up, or whose daemon is restarted: what was not settled early."""
    everything = [*draft.up.values(), *draft.configured.values()]
    joining: dict[str, set[str]] = {}
    for name, container in draft.desired.containers.items():
        if name in draft.up or container.host in draft.configured:
            fresh = {network for network in container.networks if (container.host, network) not in draft.settled}
            joining.setdefault(container.host, set()).update(fresh)
    for host, networks in sorted(joining.items()):
        shared = sorted(network for network in networks if _elsewhere(draft, host, network))
        if shared:
            action = SettleHost(
                address=Address("host", host),
                host=host,
                reason="containers joined networks there",
                networks=tuple(shared),
            )
            draft.add(action, follows=everything)


def _elsewhere(draft: Draft, host: str, network: str) -> bool:
    """Whether a container on another host is declared on the network."""
    return any(network in other.networks and other.host != host for other in draft.desired.containers.values())
