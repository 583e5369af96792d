"""
What libnetwork keeps in the store of IP addresses, pools and endpoints: how it is read, and with one thing taken out.

Pure. Source: libnetwork of engine 20.10: bitseq/sequence.go, ipam/structures.go, endpoint.go, endpoint_cnt.go.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

_ROOT = "docker/network/v1.0/"
_SPACE = "GlobalDefault"
_BLOCK_BITS = 32
_WHOLE = 2
"""Slashes in the name of a pool, ``GlobalDefault/10.0.0.0/24``; that of a range in it has two more."""

IPAM = f"{_ROOT}ipam/default/"
NETWORKS = f"{_ROOT}network/"
POOLS = f"{IPAM}config/{_SPACE}/"
COUNTS = f"{_ROOT}endpoint_count/"


def map_key(subnet: IPv4Network) -> str:
    """Return the key of a pool's address map."""
    return f"{IPAM}data/{_SPACE}/{subnet}/"


def endpoints_prefix(network_id: str) -> str:
    """Return what the keys of a network's endpoints begin with."""
    return f"{_ROOT}endpoint/{network_id}/"


@dataclass(frozen=True, slots=True)
class AddressMap:
    """
    Which addresses of a pool are taken: one bit each, the network's own address first.

    Args:
        id: Of the pool, as the engine names it.
        bits: Addresses in the pool.
        free: How many of them are not taken.
        runs: Blocks of 32 bits, highest bit first, each with how often it is repeated.
    """

    id: str
    bits: int
    free: int
    runs: tuple[tuple[int, int], ...]

    @staticmethod
    def empty(subnet: IPv4Network) -> AddressMap:
        """Return the map of a pool of which nothing is taken."""
        size = subnet.num_addresses
        return AddressMap(f"{_SPACE}/{subnet}", size, size, ((0, -(-size // _BLOCK_BITS)),))

    @staticmethod
    def parse(value: bytes) -> AddressMap:
        """Read the map from the store's value; ValueError when it is none."""
        try:
            found = json.loads(value)
            sequence = base64.b64decode(found["sequence"], validate=True)
            bits, free = struct.unpack_from(">QQ", sequence)
            runs = tuple((block, count) for block, count in struct.iter_unpack(">IQ", sequence[16:]))
            name = str(found["id"])
        except (KeyError, TypeError, ValueError, struct.error, binascii.Error) as error:
            message = f"an address map that cannot be read: {error}"
            raise ValueError(message) from None
        if sum(count for _, count in runs) * _BLOCK_BITS < bits:
            message = "an address map that is shorter than its pool"
            raise ValueError(message)
        return AddressMap(name, bits, free, runs)

    def value(self) -> bytes:
        """Return what the store holds of it."""
        sequence = struct.pack(">QQ", self.bits, self.free)
        sequence += b"".join(struct.pack(">IQ", block, count) for block, count in self.runs)
        return json.dumps({"id": self.id, "sequence": base64.b64encode(sequence).decode()}).encode()

    def has(self, ordinal: int) -> bool:
        """Whether the address at that place in the pool is taken."""
        first = 0
        for block, count in self.runs:
            if first <= ordinal // _BLOCK_BITS < first + count:
                return bool(block & _bit(ordinal))
            first += count
        return False

    def with_bit(self, ordinal: int, *, taken: bool) -> AddressMap:
        """Return the map with that address taken or free."""
        if self.has(ordinal) == taken:
            return self
        runs: list[tuple[int, int]] = []
        place, first = ordinal // _BLOCK_BITS, 0
        for block, count in self.runs:
            if first <= place < first + count:
                changed = block ^ _bit(ordinal)
                for part, times in ((block, place - first), (changed, 1), (block, first + count - place - 1)):
                    _append(runs, part, times)
            else:
                _append(runs, block, count)
            first += count
        return replace(self, runs=tuple(runs), free=self.free - 1 if taken else self.free + 1)


def _bit(ordinal: int) -> int:
    return 1 << (_BLOCK_BITS - 1 - ordinal % _BLOCK_BITS)


def _append(runs: list[tuple[int, int]], block: int, count: int) -> None:
    """Add a run; equal neighbours become one, as the engine writes them."""
    if count and runs and runs[-1][0] == block:
        runs[-1] = (block, runs[-1][1] + count)
    elif count:
        runs.append((block, count))


def endpoint_address(value: bytes) -> str:
    """Return the IP address that an endpoint's value holds; empty when it has none; ValueError when it is no such."""
    interface = _object(value).get("ep_iface") or {}
    return str(interface.get("addr") or "").partition("/")[0]


def endpoint_count(value: bytes) -> int:
    """Return how many endpoints the engines believe a network to have; ValueError when it does not say."""
    try:
        return int(_object(value)["Count"])
    except (KeyError, TypeError) as error:
        message = f"an endpoint count that cannot be read: {error!r}"
        raise ValueError(message) from None


def endpoint_count_value(count: int) -> bytes:
    """Return the value of an endpoint count."""
    return b'{"Count":%d}' % count


def respelled(value: bytes) -> bytes:
    """Return an endpoint count that says the same in other bytes: a store wakes nobody for the same ones."""
    count = endpoint_count(value)
    return next(text for text in (b'{"Count":%d}' % count, b'{"Count": %d}' % count) if text != value)


def network_subnets(value: bytes) -> tuple[IPv4Network, ...]:
    """Return the IPv4 subnets of a network, from its value in the store; ValueError when it is no such."""
    try:
        infos = json.loads(_object(value).get("ipamV4Info") or "[]")
        return tuple(IPv4Network(json.loads(info["IPAMData"])["Pool"]) for info in infos or ())
    except (KeyError, TypeError) as error:
        message = f"a network that cannot be read: {error!r}"
        raise ValueError(message) from None


def pool_subnets(value: bytes) -> tuple[IPv4Network, ...]:
    """Return the IPv4 subnets of all pools, from the store's value; ValueError when it is no such."""
    pools = _object(value).get("Subnets") or {}
    whole = (key.split("/")[1:] for key in pools if key.count("/") == _WHOLE and ":" not in key)
    return tuple(IPv4Network("/".join(parts)) for parts in whole)


def without_pool(value: bytes, subnet: IPv4Network) -> bytes:
    """Return the pools' value without the pool of *subnet* and its ranges."""
    found = _object(value)
    name = f"{_SPACE}/{subnet}"
    found["Subnets"] = {
        key: pool for key, pool in found["Subnets"].items() if key != name and not key.startswith(f"{name}/")
    }
    return json.dumps(found).encode()


def ordinal(address: IPv4Address, subnet: IPv4Network) -> int:
    """Return the place of an address in its pool."""
    return int(address) - int(subnet.network_address)


def _object(value: bytes) -> dict[str, Any]:
    found = json.loads(value)
    if not isinstance(found, dict):
        message = "not an object"
        raise ValueError(message)  # noqa: TRY004 - one error for whatever cannot be read
    return found
