"""Networks, as one engine shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.observed import NetworkState, Pool

if TYPE_CHECKING:
    from controller.ports import Json


def network_state(found: Json) -> NetworkState:
    """Return a network from ``GET /networks``; a classic overlay may print its gateway with a mask (10.0.0.1/24)."""
    configs = (found.get("IPAM") or {}).get("Config") or []
    pools = (
        Pool(
            subnet=config.get("Subnet") or "",
            gateway=(config.get("Gateway") or "").partition("/")[0],
            ip_range=config.get("IPRange") or "",
            aux_addresses=dict(config.get("AuxiliaryAddresses") or config.get("AuxAddress") or {}),
        )
        for config in configs
    )
    return NetworkState(
        id=found["Id"],
        name=found["Name"],
        driver=found["Driver"],
        scope=found["Scope"],
        internal=bool(found.get("Internal")),
        pools=tuple(sorted(pools, key=lambda pool: pool.subnet)),
        options=dict(found.get("Options") or {}),
        labels=dict(found.get("Labels") or {}),
    )


def gateway_addresses(found: Json) -> dict[str, str]:
    """Return container id -> IP address on docker_gwbridge, from its inspection."""
    endpoints = (found.get("Containers") or {}).items()
    return {container: (endpoint.get("IPv4Address") or "").partition("/")[0] for container, endpoint in endpoints}
