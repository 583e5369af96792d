"""Rules for the addresses of containers: each its own, in the subnet, and out of the dynamic range."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Literal

from controller.model.desired import attachments
from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.network import IpamConfig, Network
    from controller.topology.draft import Draft
    from controller.topology.problem import Path

Field = Literal["ipv4_address", "ipv6_address"]
Place = tuple[str, str]
"""A network and a host: the one on which a bridge is, empty for a network that spans them."""

_VERSIONS: dict[Field, int] = {"ipv4_address": 4, "ipv6_address": 6}


class _Pool:
    """A pool in plain integers: 20,000 addresses are compared with it."""

    __slots__ = ("candidate", "config", "dynamic", "first", "high", "low", "reserved")

    def __init__(self, config: IpamConfig) -> None:
        self.config = config
        self.low, self.high = int(config.subnet[0]), int(config.subnet[-1])
        span = config.effective_ip_range
        self.dynamic = (int(span[0]), int(span[-1]))
        last = "last" if config.subnet.version == _VERSIONS["ipv6_address"] else "broadcast"
        self.reserved = {
            self.low: f"the network address of {config.subnet}",
            self.high: f"the {last} address of {config.subnet}",
            int(config.effective_gateway): f"the gateway of {config.subnet}",
        }
        for name, address in config.aux_addresses.items():
            self.reserved.setdefault(int(address), f"the aux address {name}")
        self.candidate = self.low + 1

    def free(self, taken: dict[int, str]) -> str | None:
        """Return an address that can still be given, each time another one, or None."""
        low, high = self.dynamic
        while self.candidate < self.high:
            address = self.candidate
            self.candidate = max(high + 1, address) if low <= address <= high else address + 1
            if not low <= address <= high and address not in self.reserved and address not in taken:
                return self.shown(address)
        return None

    def shown(self, address: int) -> str:
        """Return a number as an address of the pool's family."""
        return _shown(address, self.config.subnet.version)

    def room(self, taken: dict[int, str]) -> int:
        """Return how many addresses can be given automatically."""
        low, high = self.dynamic
        used = sum(low <= address <= high for address in {*self.reserved, *taken})
        return high - low + 1 - used


def _shown(address: int, version: int) -> str:
    return str(IPv6Address(address) if version == _VERSIONS["ipv6_address"] else IPv4Address(address))


class _Net:
    """The addresses of one family on a network, where they are unique, and who is on it."""

    __slots__ = ("automatic", "checked", "declared", "pools", "taken", "version")

    def __init__(self, network: Network, version: int, *, checked: bool) -> None:
        self.pools = [
            _Pool(config)
            for config in network.ipam.config
            if config.subnet.version == version and config.subnet.prefixlen < config.subnet.max_prefixlen - 1
        ]
        self.declared = network
        self.version = version
        self.checked = checked
        self.taken: dict[int, str] = {}
        self.automatic = 0


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the containers' IP addresses and MAC addresses."""
    for field in _VERSIONS:
        yield from _family(draft, field)
    yield from _mac_addresses(draft)


def _place(draft: Draft, network: str, host: str) -> Place:
    """Return where an address on *network* is unique: overlays of ours are one for all hosts, others may not be."""
    return (network, "" if draft.topology.networks[network].spans_hosts else host)


def _family(draft: Draft, field: Field) -> Iterator[Mistake]:
    nets: dict[Place, _Net] = {}
    fixed: list[tuple[str, str, int]] = []
    for name, container in draft.topology.containers.items():
        for network, attachment in container.networks.items():
            if network not in draft.topology.networks:
                continue
            net = _net(draft, nets, (network, container.host), field)
            wanted = getattr(attachment, field)
            if wanted is None:
                net.automatic += 1
                continue
            address = int(wanted)
            other = net.taken.setdefault(address, name)
            if other != name or not _fits(net, address):
                fixed.append((name, network, address))
    for name, network, address in fixed:
        path: Path = ("containers", name, "networks", network, field)
        if not draft.doubtful(*path):
            host = draft.topology.containers[name].host
            yield from _address(draft, path, nets[_place(draft, network, host)], address)
    crowded = {network: mistake for (network, _), net in nets.items() for mistake in _room(network, net)}
    yield from crowded.values()


def _net(draft: Draft, nets: dict[Place, _Net], where: Place, field: Field) -> _Net:
    """Return the addresses of a network on a host, noted in *nets*; nothing is known of those of an external one."""
    network, host = where
    place = _place(draft, network, host)
    if place not in nets:
        declared = draft.topology.networks[network]
        checked = not draft.doubtful("networks", network, "ipam") and not declared.external
        nets[place] = _Net(declared, _VERSIONS[field], checked=checked)
    return nets[place]


def _fits(net: _Net, address: int) -> bool:
    for pool in net.pools:
        if pool.low <= address <= pool.high:
            low, high = pool.dynamic
            return not low <= address <= high and address not in pool.reserved
    return False


def _address(draft: Draft, path: Path, net: _Net, address: int) -> Iterator[Mistake]:
    _, name, _, network, field = path
    shown = _shown(address, net.version)
    other = net.taken[address]
    if other != name:
        where = draft.at("containers", other, "networks", network, field)
        fact = f"{shown} is already the address of container {other} ({where})"
        yield Mistake(path, fact, _suggest(net.pools, net.taken, address))
    elif not net.checked:
        return
    elif not net.pools:
        family, subnet = ("IPv6 address", "IPv6 subnet") if field == "ipv6_address" else ("address", "subnet")
        fact = f"a fixed {family} needs a declared {subnet}, and network {network} has none"
        yield Mistake(path, fact, f"declare networks.{network}.ipam.config: [{{subnet: …}}]")
    else:
        pool = next((pool for pool in net.pools if pool.low <= address <= pool.high), None)
        if pool is None:
            subnets = ", ".join(str(pool.config.subnet) for pool in net.pools)
            fact = f"{shown} is outside the subnet {subnets} of network {network}"
        elif address in pool.reserved:
            fact = f"{shown} is {pool.reserved[address]}"
        else:
            fact = f"{shown} is inside the {_kind(pool.config)}: {pool.config.effective_ip_range}"
        yield Mistake(path, fact, _suggest(net.pools if pool is None else [pool], net.taken, address))


def _kind(config: IpamConfig) -> str:
    if config.ip_range is not None:
        return "dynamic ip_range"
    return "dynamic range, the subnet's upper half" if config.subnet.version == 4 else "subnet's dynamic range"  # noqa: PLR2004 - of IP


def _suggest(pools: list[_Pool], taken: dict[int, str], address: int) -> str:
    for pool in pools:
        free = pool.free(taken)
        if free is not None:
            low, high = pool.dynamic
            if low <= address <= high:
                return (
                    f"automatic addresses come from {pool.config.effective_ip_range}: take one outside, such as {free}"
                )
            return f"take a free one, such as {free}"
    if not pools:
        return "give each container its own"
    return "no address outside the dynamic range is free: take a larger subnet"


def _room(name: str, net: _Net) -> Iterator[Mistake]:
    if not net.automatic or not net.pools or not net.checked:
        return
    room = sum(pool.room(net.taken) for pool in net.pools)
    if net.automatic > room:
        ranges = ", ".join(str(pool.config.effective_ip_range) for pool in net.pools)
        fact = f"{net.automatic} containers want an automatic address, and {ranges} has {room}"
        yield Mistake(("networks", name, "ipam"), fact, "declare a larger subnet or ip_range", on_key=True)


def _mac_addresses(draft: Draft) -> Iterator[Mistake]:
    """Find a MAC address that two interfaces of one network have, and one that no engine would give."""
    taken: dict[tuple[Place, str], str] = {}
    for name, container in draft.topology.containers.items():
        first = next(iter(attachments(container)))
        for network, attachment in container.networks.items():
            path: Path = ("containers", name, "networks", network, "mac_address")
            mac_address = attachment.mac_address
            if mac_address is None or network not in draft.topology.networks or draft.doubtful(*path):
                continue
            if network != first:
                fact = (
                    f"engines give a MAC address at a container's creation, on its first network alone: that is {first}"
                )
                hint = f"give {network} the highest priority, or remove the mac_address"
                yield Mistake(path, fact, hint, on_key=True)
                continue
            other = taken.setdefault((_place(draft, network, container.host), mac_address), name)
            if other != name:
                where = draft.at("containers", other, "networks", network, "mac_address")
                fact = f"{mac_address} is already the MAC address of container {other} ({where})"
                yield Mistake(path, fact, "give each interface its own")
