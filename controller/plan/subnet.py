"""Subnets that change hands: which networks of ours have, or are in the way of, what a declared one is to have."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from controller.model.identity import owner_of

if TYPE_CHECKING:
    from controller.plan.draft import Draft


def overlapping(draft: Draft, name: str, place: str) -> set[str]:
    """
    Return the other networks of ours that have a part of what the declared network of that name is to have.

    Args:
        place: The host whose bridge it is; empty for an overlay.
    """
    wanted = [config.subnet for config in draft.desired.networks[name].ipam.config]
    return {
        found.name
        for host, engine in draft.observed.engines.items()
        for found in engine.networks
        if found.name != name and owner_of(found.labels) == draft.desired.name
        if (found.scope == "global") == (not place) and place in ("", host)
        if any(ip_network(pool.subnet, strict=False).overlaps(subnet) for pool in found.pools for subnet in wanted)
    }
