"""Rules for one pool of addresses: its subnet, and what lies in it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from controller.model.network import IpamConfig
from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.network import IpAddr, IpNet
    from controller.topology.problem import Path

LONGEST_PREFIX = 29
"""A /29 has a gateway, two fixed and three dynamic addresses; what is smaller has no room for both kinds."""
LONGEST_IPV6_PREFIX = 125
SHORTEST_IPV6_PREFIX = 64
"""Engines count the addresses of a subnet in 64 bits."""
_COUNTED = 2**64 - 1

_SPECIAL = tuple(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
_SPECIAL_IPV6 = tuple(IPv6Network(text) for text in ("::/8", "fe80::/10", "ff00::/8"))
_ENGINE = {"docker0": IPv4Network("172.17.0.0/16"), "docker_gwbridge": IPv4Network("172.18.0.0/16")}


def subnet_mistakes(path: Path, subnet: IpNet) -> Iterator[Mistake]:
    """Yield what is wrong with a subnet by itself."""
    if isinstance(subnet, IPv6Network):
        yield from _ipv6_subnet(path, subnet)
    elif subnet.prefixlen > LONGEST_PREFIX:
        room = max(subnet.num_addresses - 3, 0)
        fact = f"{subnet} is too small: it has room for {room} container{'' if room == 1 else 's'}"
        yield Mistake(path, fact, f"take a /{LONGEST_PREFIX} or larger")
    elif any(subnet.overlaps(special) for special in _SPECIAL):
        yield Mistake(path, f"{subnet} is not for networks of one's own", "take one from 10.0.0.0/8 or 192.168.0.0/16")
    elif not subnet.is_private and subnet.is_global:
        fact = f"{subnet} is public address space: containers cannot reach the machines that really have it"
        yield Mistake(path, fact, "take one from 10.0.0.0/8 or 192.168.0.0/16", "warning")
    else:
        for bridge, taken in _ENGINE.items():
            if subnet.overlaps(taken):
                fact = f"{subnet} overlaps {taken}, which engines give to {bridge} unless told otherwise"
                yield Mistake(path, fact, "take another subnet, from 10.0.0.0/8, say", "warning")


def _ipv6_subnet(path: Path, subnet: IPv6Network) -> Iterator[Mistake]:
    """Public IPv6 address space is nothing to warn of: it is meant to be given to containers."""
    if subnet.prefixlen > LONGEST_IPV6_PREFIX:
        yield Mistake(path, f"{subnet} is too small", f"take a /{LONGEST_IPV6_PREFIX} or larger, such as a /64")
    elif subnet.prefixlen < SHORTEST_IPV6_PREFIX:
        fact = f"{subnet} is too large: engines count the addresses of a subnet in 64 bits"
        yield Mistake(path, fact, "take a /64 of it", fix=f"write {IPv6Network((subnet[0], SHORTEST_IPV6_PREFIX))}")
    elif any(subnet.overlaps(special) for special in _SPECIAL_IPV6):
        yield Mistake(path, f"{subnet} is not for networks of one's own", "take one from fd00::/8, such as fd00:1::/64")


def pool_mistakes(path: Path, config: IpamConfig) -> Iterator[Mistake]:
    """Yield what is wrong with a pool whose subnet is right."""
    subnet, gateway, span = config.subnet, config.effective_gateway, config.effective_ip_range
    first, last = subnet[1], subnet[-2]
    fits = True
    if config.gateway is not None and not _usable(gateway, subnet):
        hint = f"take one from {first} to {last}, or leave it out for {first}"
        yield Mistake((*path, "gateway"), _misplaced(gateway, subnet), hint)
        fits = False
    if config.ip_range is not None and not _within(span, subnet):
        fact = f"{span} is outside the subnet {subnet}"
        upper = IpamConfig(subnet=subnet).effective_ip_range
        yield Mistake((*path, "ip_range"), fact, f"take a part of it, or leave it out for its upper half, {upper}")
    elif config.ip_range is not None and isinstance(span, IPv6Network) and int(span[-1]) - int(subnet[0]) >= _COUNTED:
        fact = f"engines give no address from {span}: it ends with a /64, and they count in 64 bits"
        yield Mistake((*path, "ip_range"), fact, f"take {IpamConfig(subnet=subnet).effective_ip_range}, say")
    elif fits and gateway in span:
        yield _gateway_in_range(path, config)
    seen = {gateway: "the gateway"} if fits else {}
    for name, address in config.aux_addresses.items():
        here = (*path, "aux_addresses", name)
        if not _usable(address, subnet):
            yield Mistake(here, _misplaced(address, subnet), f"take one from {first} to {last}")
        elif address in seen:
            yield Mistake(here, f"{address} is already {seen[address]}", "remove one of the two")
        seen.setdefault(address, f"the aux address {name}")


def _gateway_in_range(path: Path, config: IpamConfig) -> Mistake:
    subnet, gateway, span = config.subnet, config.effective_gateway, config.effective_ip_range
    key = "ip_range" if config.ip_range is not None else "gateway"
    told = f"the gateway {gateway} is inside the dynamic ip_range {span}"
    free = next((half for half in subnet.subnets(1) if gateway not in half), None)
    if key == "ip_range":
        hint = f"take a range without it, such as {free}, or another gateway"
    else:
        hint = f"leave it out for {subnet[1]}, or declare ip_range: {free}"
    return Mistake((*path, key), told, hint)


def _usable(address: IpAddr, subnet: IpNet) -> bool:
    """Whether an address lies in the subnet and on neither end of it."""
    return address in subnet and address not in (subnet[0], subnet[-1])


def _within(span: IpNet, subnet: IpNet) -> bool:
    return span.version == subnet.version and span[0] in subnet and span[-1] in subnet


def _misplaced(address: IpAddr, subnet: IpNet) -> str:
    if address not in subnet:
        return f"{address} is outside the subnet {subnet}"
    last = "last" if isinstance(subnet, IPv6Network) else "broadcast"
    return f"{address} is the {'network' if address == subnet[0] else last} address of {subnet}"
