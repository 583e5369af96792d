"""The last steps of placing: hosts whose containers joined networks wait until they find their peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import SettleHost
from controller.model.desired import overlays_of
from controller.model.identity import Address

if TYPE_CHECKING:
    from controller.plan.draft import Draft


def plan_settling(draft: Draft) -> None:
    """
    Settle the networks that a container joins, or whose host's daemon is restarted: what was not settled early.

    On every host with a container there: who joins has to be heard of by the others, too.
    """
    everything = [*draft.up.values(), *draft.configured.values()]
    declared = draft.desired.containers
    joined = {
        network
        for name, container in declared.items()
        if name in draft.up or container.host in draft.configured
        for network in overlays_of(draft.desired, container)
    }
    for host in sorted(draft.observed.engines):
        here = {network for container in declared.values() if container.host == host for network in container.networks}
        fresh = sorted(network for network in here & joined if (host, network) not in draft.settled)
        shared = tuple(network for network in fresh if _elsewhere(draft, host, network))
        if shared:
            action = SettleHost(
                address=Address("host", host),
                host=host,
                reason="containers joined networks that it shares",
                networks=shared,
            )
            draft.add(action, follows=everything)


def _elsewhere(draft: Draft, host: str, network: str) -> bool:
    """Whether a container on another host is declared on the network."""
    return any(network in other.networks and other.host != host for other in draft.desired.containers.values())
