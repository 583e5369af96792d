"""
Address management of simulated engines: pools, and which addresses they give.

Follows the default driver of libnetwork, engine 20.10: IPv6 as IPv4, but that addresses are counted in 64 bits.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from controller.errors import EngineError
from tests.fakes.state import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Json, Network

IPV4, IPV6 = 4, 6
_COUNTED = 2**64 - 1
_NO_IPV6_POOL = (
    "could not find an available, non-overlapping IPv6 address pool among the defaults to assign to the network"
)


def allocate(cluster: Cluster, network: Network, others: Iterable[Network]) -> None:
    """Give a network its pools, those of the engine's own choice where none is asked for; EngineError on a clash."""
    there = list(others)
    asked = [pool_of(item) for item in network.ipam]
    if network.driver not in ("null", "host"):
        if network.enable_ipv6 and not any(pool.version == IPV6 for pool in asked):
            raise EngineError(_NO_IPV6_POOL, status=500)
        if not any(pool.version == IPV4 for pool in asked):
            chosen = _free_subnet(there, shared=network.scope == "global")
            network.ipam.insert(0, chosen)
            asked.insert(0, pool_of(chosen))
    versions = [pool.version for pool in asked]
    if network.driver == "bridge" and (versions.count(IPV4) > 1 or versions.count(IPV6) > 1):
        raise EngineError("bridge driver doesn't support multiple subnets", status=403)
    network.pools = [pool for pool in asked if pool.version == IPV4 or network.enable_ipv6]
    taken = [*_pools(there), *_leaked_pools(cluster, network.scope)]
    for pool in network.pools:
        if any(pool.version == other.version and pool.low <= other.high and other.low <= pool.high for other in taken):
            raise EngineError("Pool overlaps with other one on this address space", status=403)


def address(network: Network, wanted: str, version: int = IPV4) -> tuple[str, int, str]:
    """Return IP address, prefix length and gateway for a new endpoint; nothing where the network has no such pool."""
    pools = [pool for pool in network.pools if pool.version == version]
    if not pools:
        return "", 0, ""
    given = ((endpoint.ip, endpoint.ip6)[version == IPV6] for endpoint in network.endpoints.values())
    taken = {int(ip_address(ip)) for ip in given if ip} | network.leaked
    for pool in pools:
        gateway = _text(pool.gateway, version)
        if wanted:
            number = int(ip_address(wanted))
            if not pool.low <= number <= pool.high:
                continue
            if number in taken or number in pool.reserved or number in (pool.low, pool.high):
                raise EngineError("Address already in use", status=403)
            return _text(number, version), pool.prefix_length, gateway
        if pool.ends_with_a_64:
            raise EngineError(f"invalid bit range [{pool.first - pool.low}, {_COUNTED}]", status=500)
        number = pool.first
        while number <= pool.last:
            if number not in taken and number not in pool.reserved:
                return _text(number, version), pool.prefix_length, gateway
            number += 1
    if wanted:
        message = f"Invalid address {wanted}: It does not belong to any of this network's subnets"
        raise EngineError(message, status=500)
    message = f"no available IPv{version} addresses on this network's address pools: {network.name} ({network.id})"
    raise EngineError(message, status=500)


def pool_of(item: Json) -> Pool:
    """Return a pool from an item of ``IPAM.Config``; EngineError when it does not hold together."""
    try:
        subnet = ip_network(item["Subnet"], strict=False)
    except ValueError as error:
        raise EngineError(f"Invalid subnet {item['Subnet']} : {error}", status=500) from None
    low, high = int(subnet[0]), int(subnet[-1])
    first, last = low + 1, high - 1
    ends = False
    if item.get("IPRange"):
        inner = ip_network(item["IPRange"], strict=False)
        first, last = max(first, int(inner[0])), min(last, int(inner[-1]))
        ends = subnet.version == IPV6 and int(inner[-1]) - low >= _COUNTED
    said = (item.get("Gateway") or "").partition("/")[0]
    gateway = int(ip_address(said)) if said else first
    if not low <= gateway <= high:
        raise EngineError(f"failed to allocate gateway ({said}): Requested address is out of range", status=500)
    auxiliary = (item.get("AuxiliaryAddresses") or {}).values()
    reserved = (gateway, *(int(ip_address(address)) for address in auxiliary))
    return Pool(low, high, subnet.prefixlen, first, last, gateway, reserved, subnet.version, ends)


def _text(number: int, version: int) -> str:
    """Write an address as engines do: Go keeps a single group of zeros as it is, and so does Python."""
    return str(IPv6Address(number) if version == IPV6 else IPv4Address(number))


def _pools(found: Iterable[Network]) -> Iterator[Pool]:
    for network in found:
        yield from network.pools


def _leaked_pools(cluster: Cluster, scope: str) -> list[Pool]:
    leaked = cluster.store.leaked_pools if cluster.store is not None and scope == "global" else ()
    return [pool_of({"Subnet": subnet}) for subnet in leaked]


def _free_subnet(found: Iterable[Network], *, shared: bool) -> Json:
    """Return the first of the engine's default pools that is free."""
    taken = [pool for pool in _pools(found) if pool.version == IPV4]
    candidates = (
        [f"10.{second}.{third}.0/24" for second in range(4) for third in range(256)]
        if shared
        else [f"172.{second}.0.0/16" for second in range(17, 32)]
    )
    for text in candidates:
        subnet = IPv4Network(text)
        low, high = int(subnet.network_address), int(subnet.broadcast_address)
        if not any(low <= other.high and other.low <= high for other in taken):
            return {"Subnet": text, "Gateway": str(IPv4Address(low + 1))}
    raise EngineError("could not find an available, non-overlapping IPv4 address pool among the defaults", status=500)
