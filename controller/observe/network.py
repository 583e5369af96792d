"""Networks, as one engine shows them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from controller.model.observed import NetworkState, Pool

if TYPE_CHECKING:
    from controller.ports import Json


def network_state(found: Json) -> NetworkState:
    """Return a network from ``GET /networks``; a classic overlay may print its gateway with a mask (10.0.0.1/24)."""
    ipam = found.get("IPAM") or {}
    pools = (
        Pool(
            subnet=subnet_text(config.get("Subnet")),
            gateway=address_text(config.get("Gateway")),
            ip_range=subnet_text(config.get("IPRange")),
            aux_addresses={
                name: address_text(address)
                for name, address in (config.get("AuxiliaryAddresses") or config.get("AuxAddress") or {}).items()
            },
        )
        for config in ipam.get("Config") or []
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
        enable_ipv6=bool(found.get("EnableIPv6")),
        attachable=bool(found.get("Attachable")),
        ipam_driver=ipam.get("Driver") or "default",
        ipam_options=dict(ipam.get("Options") or {}),
    )


def address_text(text: str | None) -> str:
    """Return an IP address in its shortest form and without a mask; what is none stays as it is, nothing is empty."""
    address = (text or "").partition("/")[0]
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def subnet_text(text: str | None) -> str:
    """Return a subnet in its shortest form, without host bits; what is none stays as it is, nothing is empty."""
    try:
        return str(ip_network(text or "", strict=False))
    except ValueError:
        return text or ""


def gateway_addresses(found: Json) -> dict[str, str]:
    """Return container id -> IP address on docker_gwbridge, from its inspection."""
    endpoints = (found.get("Containers") or {}).items()
    return {container: (endpoint.get("IPv4Address") or "").partition("/")[0] for container, endpoint in endpoints}
