"""A host's networks, from what an engine shows to what would be declared. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.model.desired import OPTION_MTU
from controller.model.identity import owner_of, without_ours
from controller.model.network import IpamConfig
from controller.observe.network import subnet_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.observed import NetworkState, Pool


def why_external(state: NetworkState, *, is_member: bool) -> str | None:
    """
    Return why a network cannot be the topology's own, or None.

    Args:
        is_member: Whether its host's engine uses the topology's store.
    """
    owner = owner_of(state.labels)
    if owner is not None:
        return f"it is topology/{owner}'s"
    if state.scope == "swarm":
        return "it is a swarm's"
    if state.scope == "global" and not is_member:
        return "it is in another store"
    if (state.driver, state.scope) not in (("bridge", "local"), ("overlay", "global")):
        return f"a topology does not make networks with driver {state.driver}"
    return None


def network_said(state: NetworkState) -> dict[str, Any]:
    """Return what declares the network: its subnets always, the rest where it is not as without a word."""
    options = dict(state.options)
    mtu = options.get(OPTION_MTU, "")
    if mtu.isdecimal():
        del options[OPTION_MTU]
    ipam = {
        "driver": state.ipam_driver if state.ipam_driver != "default" else None,
        "config": [_pool(pool) for pool in state.pools] or None,
        "options": dict(state.ipam_options) or None,
    }
    said: dict[str, Any] = {
        "driver": state.driver,
        "enable_ipv6": state.enable_ipv6 or None,
        "internal": state.internal or None,
        "attachable": state.attachable or None,
        "mtu": int(mtu) if mtu.isdecimal() else None,
        "driver_opts": options or None,
        "labels": without_ours(state.labels) or None,
        "ipam": {key: value for key, value in ipam.items() if value is not None} or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def untold_of_network(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield a fact for each thing of a network that is not carried over."""
    if found.get("EnableIPv4") is False:
        yield "EnableIPv4 is left out: a topology's networks have IPv4"
    for key in ("Ingress", "ConfigOnly"):
        if found.get(key):
            yield f"{key} is left out: a topology has no such field"
    if (found.get("ConfigFrom") or {}).get("Network"):
        yield "ConfigFrom is left out: a topology has no such field"


def _pool(pool: Pool) -> dict[str, Any]:
    """Return a pool; the gateway that every engine takes without a word need not be said."""
    usual = str(IpamConfig.model_validate({"subnet": subnet_text(pool.subnet)}).effective_gateway)
    said: dict[str, Any] = {
        "subnet": pool.subnet,
        "gateway": pool.gateway if pool.gateway and pool.gateway != usual else None,
        "ip_range": pool.ip_range or None,
        "aux_addresses": dict(pool.aux_addresses) or None,
    }
    return {key: value for key, value in said.items() if value is not None}
