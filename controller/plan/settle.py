"""The last steps of placing: hosts whose containers joined networks wait until they find their peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import SettleHost
from controller.model.desired import shared_networks
from controller.model.identity import Address
from controller.model.observed import StoreState
from controller.plan.joining import joiners, may_settle

if TYPE_CHECKING:
    from controller.plan.draft import Draft


def plan_settling(draft: Draft) -> None:
    """
    Settle the networks that a container joins, or whose host's daemon is restarted: what was not settled early.

    On every host with a container there: who joins has to be heard of by the others, too. After an apply that was ended
    before its end nobody knows who joined, so all are asked.
    """
    everything = [*draft.up.values(), *draft.configured.values()]
    declared, shared, joining = draft.desired.containers, shared_networks(draft.desired), joiners(draft)
    store = draft.observed.store
    unsettled = isinstance(store, StoreState) and not store.settled
    interrupted = unsettled and draft.within is None
    draft.left_unsettled |= unsettled and not interrupted
    joined = {
        network
        for name, container in declared.items()
        if interrupted or (name in joining and (name in draft.up or container.host in draft.configured))
        for network in container.networks
    }
    for host in sorted(draft.observed.engines):
        here = {network for container in declared.values() if container.host == host for network in container.networks}
        fresh = sorted(network for network in here & joined & shared if (host, network) not in draft.settled)
        networks = tuple(network for network in fresh if may_settle(draft, host, network))
        draft.left_unsettled |= len(networks) < len(fresh)
        if networks:
            action = SettleHost(
                address=Address("host", host),
                host=host,
                reason="containers joined networks that it shares",
                networks=networks,
            )
            draft.add(action, follows=everything)
