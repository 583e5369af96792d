"""Rules for networks: pools of addresses that hold together, and options that a classic overlay takes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, NamedTuple

from controller.topology.problem import Mistake
from controller.topology.rules.store import store_ip_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.topology import IpamConfig, Network
    from controller.topology.draft import Draft
    from controller.topology.problem import Path

RESERVED = frozenset(("none", "host", "bridge", "default", "docker_gwbridge", "ingress"))
OWNER_PREFIX = "ovctl."
LONGEST_PREFIX = 29
"""A /29 has a gateway, two fixed and three dynamic addresses; what is smaller has no room for both kinds."""

MTU_OPTION = "com.docker.network.driver.mtu"
_SPECIAL = tuple(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
_ENGINE = {"docker0": IPv4Network("172.17.0.0/16"), "docker_gwbridge": IPv4Network("172.18.0.0/16")}


class Pool(NamedTuple):
    """A declared pool, and where it stands."""

    path: Path
    network: str
    subnet: IPv4Network


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the networks."""
    pools: list[Pool] = []
    for name in draft.names("networks"):
        if name.lower() in RESERVED:
            fact = f"{name} is a network of the engine's own"
            yield Mistake(("networks", name), fact, "choose another name", on_key=True)
    for name, network in draft.topology.networks.items():
        yield from _options(draft, name, network)
        for position, config in enumerate(network.ipam.config):
            path: Path = ("networks", name, "ipam", "config", position)
            if draft.doubtful(*path[:-1]):
                continue
            pools.append(Pool((*path, "subnet"), name, config.subnet))
            wrong = list(_subnet((*path, "subnet"), config.subnet))
            yield from wrong
            if not any(mistake.severity == "error" for mistake in wrong):
                yield from _pool(path, config)
    yield from _overlaps(draft, pools)
    yield from _hosts_inside(draft, pools)


def _options(draft: Draft, name: str, network: Network) -> Iterator[Mistake]:
    options: Path = ("networks", name, "driver_opts")
    if "encrypted" in network.driver_opts:
        yield Mistake(
            (*options, "encrypted"),
            "encrypted overlays take their keys from swarm, which engines with a store do not run",
            "remove it; encrypt between the hosts instead, with WireGuard or IPsec",
            on_key=True,
        )
    if MTU_OPTION in network.driver_opts:
        path = (*options, MTU_OPTION)
        if network.mtu is not None and not draft.doubtful("networks", name, "mtu"):
            yield Mistake(
                path, f"the mtu is given twice, also as mtu: {network.mtu}", "remove one of the two", on_key=True
            )
        elif not network.driver_opts[MTU_OPTION].isdecimal():
            yield Mistake(
                path, f"{network.driver_opts[MTU_OPTION]!r} is no mtu", "write mtu: 1450 in the network instead"
            )
    for label in network.labels:
        if label.startswith(OWNER_PREFIX):
            yield reserved_label(("networks", name, "labels", label))


def reserved_label(path: Path) -> Mistake:
    """Return the mistake of a label that would be taken for one of ovctl's own."""
    return Mistake(path, f"labels that start with {OWNER_PREFIX} are ovctl's own", "choose another name", on_key=True)


def _subnet(path: Path, subnet: IPv4Network) -> Iterator[Mistake]:
    if subnet.prefixlen > LONGEST_PREFIX:
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


def _pool(path: Path, config: IpamConfig) -> Iterator[Mistake]:
    subnet, gateway, span = config.subnet, config.effective_gateway, config.effective_ip_range
    first, last = subnet.network_address + 1, subnet.broadcast_address - 1
    fits = True
    if config.gateway is not None and not first <= gateway <= last:
        fact = (
            f"{gateway} is {_end(gateway, subnet)}"
            if gateway in subnet
            else f"{gateway} is outside the subnet {subnet}"
        )
        yield Mistake((*path, "gateway"), fact, f"take one from {first} to {last}, or leave it out for {first}")
        fits = False
    if config.ip_range is not None and not span.subnet_of(subnet):
        fact = f"{span} is outside the subnet {subnet}"
        upper = list(subnet.subnets(1))[1]
        yield Mistake((*path, "ip_range"), fact, f"take a part of it, or leave it out for its upper half, {upper}")
    elif fits and gateway in span:
        yield _gateway_in_range(path, config)
    seen = {gateway: "the gateway"} if fits else {}
    for name, address in config.aux_addresses.items():
        here = (*path, "aux_addresses", name)
        if not first <= address <= last:
            fact = (
                f"{address} is {_end(address, subnet)}"
                if address in subnet
                else f"{address} is outside the subnet {subnet}"
            )
            yield Mistake(here, fact, f"take one from {first} to {last}")
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
        hint = f"leave it out for {subnet.network_address + 1}, or declare ip_range: {free}"
    return Mistake((*path, key), told, hint)


def _end(address: IPv4Address, subnet: IPv4Network) -> str:
    which = "network" if address == subnet.network_address else "broadcast"
    return f"the {which} address of {subnet}"


def _overlaps(draft: Draft, pools: list[Pool]) -> Iterator[Mistake]:
    position = {pool.path: at for at, pool in enumerate(pools)}
    widest: Pool | None = None
    for pool in sorted(pools, key=lambda pool: (int(pool.subnet.network_address), pool.subnet.prefixlen)):
        if widest is not None and pool.subnet.network_address <= widest.subnet.broadcast_address:
            earlier, later = sorted((pool, widest), key=lambda found: position[found.path])
            fact = f"{later.subnet} overlaps {earlier.subnet} of network {earlier.network} ({draft.at(*earlier.path)})"
            yield Mistake(later.path, fact, "give each pool addresses of its own")
        if widest is None or pool.subnet.broadcast_address > widest.subnet.broadcast_address:
            widest = pool


def _hosts_inside(draft: Draft, pools: list[Pool]) -> Iterator[Mistake]:
    """Find the hosts, and the store, whose IP address a pool covers: containers take the machine for one of them."""
    machines = [
        (int(host.address), f"host {name} ({draft.at('hosts', name, 'address')})")
        for name, host in draft.topology.hosts.items()
        if not draft.doubtful("hosts", name, "address")
    ]
    store = draft.topology.store
    address = store_ip_address(store) if store is not None and not draft.doubtful("store", "url") else None
    if address is not None and int(address) not in dict(machines):
        machines.append((int(address), f"the store ({draft.at('store', 'url')})"))
    machines.sort()
    for pool in pools:
        low, high = int(pool.subnet.network_address), int(pool.subnet.broadcast_address)
        inside = next(((at, who) for at, who in machines if low <= at <= high), None)
        if inside is not None:
            fact = f"{pool.subnet} has the IP address {IPv4Address(inside[0])} of {inside[1]} in it"
            yield Mistake(pool.path, fact, "take a subnet that no host is in: containers would not reach that machine")
