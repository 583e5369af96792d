"""Rules for the IP addresses of containers: each its own, in the subnet, and out of the dynamic range."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.topology import IpamConfig
    from controller.topology.draft import Draft
    from controller.topology.problem import Path


class _Pool:
    """A pool in plain integers: 20,000 addresses are compared with it."""

    __slots__ = ("candidate", "config", "dynamic", "first", "high", "low", "reserved")

    def __init__(self, config: IpamConfig) -> None:
        self.config = config
        self.low, self.high = int(config.subnet.network_address), int(config.subnet.broadcast_address)
        span = config.effective_ip_range
        self.dynamic = (int(span.network_address), int(span.broadcast_address))
        self.reserved = {
            self.low: f"the network address of {config.subnet}",
            self.high: f"the broadcast address of {config.subnet}",
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
                return str(IPv4Address(address))
        return None

    def room(self, taken: dict[int, str]) -> int:
        """Return how many addresses can be given automatically."""
        low, high = self.dynamic
        used = sum(low <= address <= high for address in {*self.reserved, *taken})
        return high - low + 1 - used


class _Net:
    """A network and who is on it."""

    __slots__ = ("automatic", "checked", "pools", "taken")

    def __init__(self, pools: list[_Pool], *, checked: bool) -> None:
        self.pools = pools
        self.checked = checked
        self.taken: dict[int, str] = {}
        self.automatic = 0


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the containers' IP addresses."""
    nets = {
        name: _Net(
            [_Pool(config) for config in network.ipam.config if config.subnet.prefixlen < 31],  # noqa: PLR2004 - no host addresses
            checked=not draft.doubtful("networks", name, "ipam"),
        )
        for name, network in draft.topology.networks.items()
    }
    fixed: list[tuple[str, str, int]] = []
    for name, container in draft.topology.containers.items():
        for network, attachment in container.networks.items():
            net = nets.get(network)
            if net is None:
                continue
            if attachment.ipv4_address is None:
                net.automatic += 1
                continue
            address = int(attachment.ipv4_address)
            other = net.taken.setdefault(address, name)
            if other != name or not _fits(net, address):
                fixed.append((name, network, address))
    for name, network, address in fixed:
        path: Path = ("containers", name, "networks", network, "ipv4_address")
        if not draft.doubtful(*path):
            yield from _address(draft, path, nets[network], address)
    for name, net in nets.items():
        yield from _room(name, net)


def _fits(net: _Net, address: int) -> bool:
    for pool in net.pools:
        if pool.low <= address <= pool.high:
            low, high = pool.dynamic
            return not low <= address <= high and address not in pool.reserved
    return False


def _address(draft: Draft, path: Path, net: _Net, address: int) -> Iterator[Mistake]:
    _, name, _, network, _ = path
    shown = IPv4Address(address)
    other = net.taken[address]
    if other != name:
        where = draft.at("containers", other, "networks", network, "ipv4_address")
        fact = f"{shown} is already the address of container {other} ({where})"
        yield Mistake(path, fact, _suggest(net.pools, net.taken, address))
    elif not net.checked:
        return
    elif not net.pools:
        fact = f"a fixed address needs a declared subnet, and network {network} has none"
        yield Mistake(path, fact, f"declare networks.{network}.ipam.config: [{{subnet: …}}]")
    else:
        pool = next((pool for pool in net.pools if pool.low <= address <= pool.high), None)
        if pool is None:
            subnets = ", ".join(str(pool.config.subnet) for pool in net.pools)
            fact = f"{shown} is outside the subnet {subnets} of network {network}"
        elif address in pool.reserved:
            fact = f"{shown} is {pool.reserved[address]}"
        else:
            kind = "dynamic ip_range" if pool.config.ip_range is not None else "dynamic range, the subnet's upper half"
            fact = f"{shown} is inside the {kind}: {pool.config.effective_ip_range}"
        yield Mistake(path, fact, _suggest(net.pools if pool is None else [pool], net.taken, address))


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
    return "no address outside the dynamic range is free: take a larger subnet"


def _room(name: str, net: _Net) -> Iterator[Mistake]:
    if not net.automatic or not net.pools or not net.checked:
        return
    room = sum(pool.room(net.taken) for pool in net.pools)
    if net.automatic > room:
        ranges = ", ".join(str(pool.config.effective_ip_range) for pool in net.pools)
        fact = f"{net.automatic} containers want an automatic address, and {ranges} has {room}"
        yield Mistake(("networks", name, "ipam"), fact, "declare a larger subnet or ip_range", on_key=True)
