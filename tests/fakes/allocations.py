"""What simulated engines keep in the store of addresses, counts and pools: as values, and set anew from a value."""

from __future__ import annotations

import json
import zlib
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from controller.model.allocation import (
    COUNTS,
    NETWORKS,
    POOLS,
    AddressMap,
    endpoint_count,
    endpoint_count_value,
    endpoints_prefix,
    map_key,
    pool_subnets,
)
from tests.fakes.pools import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fakes.state import Network, Store


def version(value: bytes) -> int:
    """Return a version: what is the same says the same."""
    return zlib.crc32(value)


def values(store: Store, addresses: Mapping[str, str]) -> dict[str, bytes]:
    """
    Return all that engines keep there of their overlays.

    Args:
        addresses: Host -> its IP address.
    """
    found: dict[str, bytes] = {}
    subnets: list[IPv4Network] = [IPv4Network(pool) for pool in store.leaked_pools]
    for network in store.networks.values():
        own = _subnets(network)
        subnets += own
        infos = [{"IPAMData": json.dumps({"Pool": str(subnet)})} for subnet in own]
        found[f"{NETWORKS}{network.id}/"] = json.dumps({"ipamV4Info": json.dumps(infos)}).encode()
        count = len(network.endpoints) + network.miscounted
        found[f"{COUNTS}{network.id}/"] = endpoint_count_value(count)
        for endpoint in network.endpoints.values():
            interface = {"addr": f"{endpoint.ip}/{endpoint.prefix_length}"}
            text = {"ep_iface": interface, "name": endpoint.name, "locator": addresses.get(endpoint.host, "")}
            found[f"{endpoints_prefix(network.id)}{endpoint.id}/"] = json.dumps(text).encode()
        for subnet in own:
            found[map_key(subnet)] = _map(network, subnet).value()
    found[POOLS] = json.dumps({"Subnets": {f"GlobalDefault/{subnet}": {} for subnet in subnets}}).encode()
    return found


def replace(store: Store, key: str, value: bytes) -> None:
    """Take over what a value says."""
    if key == POOLS:
        owned = {subnet for network in store.networks.values() for subnet in _subnets(network)}
        store.leaked_pools = [str(pool) for pool in pool_subnets(value) if pool not in owned]
    for network in store.networks.values():
        if key == f"{COUNTS}{network.id}/":
            network.miscounted = endpoint_count(value) - len(network.endpoints)
        for subnet in _subnets(network):
            if key == map_key(subnet):
                found, first = AddressMap.parse(value), int(subnet.network_address)
                held = {number for number in range(first, first + found.bits) if found.has(number - first)}
                network.leaked = (network.leaked - set(range(first, first + found.bits))) | held
                network.leaked -= {*_held(network, subnet)}


def _map(network: Network, subnet: IPv4Network) -> AddressMap:
    found = AddressMap.empty(subnet)
    for number in _taken(network, subnet):
        found = found.with_bit(number - int(subnet.network_address), taken=True)
    return found


def _taken(network: Network, subnet: IPv4Network) -> Iterator[int]:
    yield from _held(network, subnet)
    yield from (number for number in network.leaked if IPv4Address(number) in subnet)


def _held(network: Network, subnet: IPv4Network) -> Iterator[int]:
    yield from (int(subnet.network_address), int(subnet.broadcast_address))
    for endpoint in network.endpoints.values():
        if endpoint.ip and IPv4Address(endpoint.ip) in subnet:
            yield int(IPv4Address(endpoint.ip))


def _subnets(network: Network) -> list[IPv4Network]:
    return [IPv4Network((pool.low, pool.prefix_length)) for pool in network.pools if pool.version == IPV4]
