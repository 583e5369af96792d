"""Rules for networks: pools of addresses that hold together, and fields that the driver takes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network
from typing import TYPE_CHECKING, NamedTuple

from controller.model.desired import OPTION_MTU
from controller.topology.problem import Mistake
from controller.topology.rules.objects import reserved_labels, unlooked
from controller.topology.rules.pool import pool_mistakes, subnet_mistakes
from controller.topology.rules.store import store_ip_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.network import IpNet, Network
    from controller.topology.draft import Draft
    from controller.topology.problem import Path

RESERVED = frozenset(("none", "host", "bridge", "default", "docker_gwbridge", "ingress"))


class Pool(NamedTuple):
    """A declared pool, and where it stands."""

    path: Path
    network: str
    subnet: IpNet


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the networks."""
    pools: list[Pool] = []
    for name in draft.names("networks"):
        if name.lower() in RESERVED:
            fact = f"{name} is a network of the engine's own"
            yield Mistake(("networks", name), fact, "choose another name", on_key=True)
    for name, network in draft.topology.networks.items():
        if network.external:
            yield from unlooked(draft, ("networks", name), network)
            continue
        yield from _options(draft, name, network)
        yield from _families(draft, name, network)
        for position, config in enumerate(network.ipam.config):
            path: Path = ("networks", name, "ipam", "config", position)
            if draft.doubtful(*path[:-1]):
                continue
            pools.append(Pool((*path, "subnet"), name, config.subnet))
            wrong = list(subnet_mistakes((*path, "subnet"), config.subnet))
            yield from wrong
            if not any(mistake.severity == "error" for mistake in wrong):
                yield from pool_mistakes(path, config)
    yield from _overlaps(draft, pools)
    yield from _hosts_inside(draft, pools)


def _families(draft: Draft, name: str, network: Network) -> Iterator[Mistake]:
    """Find IPv6 without a subnet, a subnet without IPv6, IPv6 on overlays, and more subnets than a bridge takes."""
    if draft.doubtful("networks", name, "ipam") or draft.doubtful("networks", name, "driver"):
        return
    pools = list(enumerate(network.ipam.config))
    inet6 = [position for position, config in pools if isinstance(config.subnet, IPv6Network)]
    at: Path = ("networks", name, "ipam", "config")
    if network.driver == "overlay":
        places = [(*at, position, "subnet") for position in inet6]
        if network.enable_ipv6:
            places.append(("networks", name, "enable_ipv6"))
        for path in places:
            fact = "overlays with a store carry IPv4 only: by its IPv6 address no container on another host is reached"
            yield Mistake(path, fact, "remove it; IPv6 works on networks with driver: bridge, on one host each")
        return
    if inet6 and not network.enable_ipv6 and not draft.doubtful("networks", name, "enable_ipv6"):
        fact = "an IPv6 subnet is not used without enable_ipv6"
        yield Mistake((*at, inet6[0], "subnet"), fact, "add enable_ipv6: true to the network")
    if network.enable_ipv6 and not inet6:
        fact = "engines have no IPv6 subnet of their own choice"
        yield Mistake(("networks", name, "enable_ipv6"), fact, "add one to ipam.config, such as {subnet: fd00:1::/64}")
    inet4 = [position for position, _ in pools if position not in inet6]
    for family, positions in (("IPv4", inet4), ("IPv6", inet6)):
        for position in positions[1:]:
            fact = f"a bridge takes one {family} subnet, and this is another one"
            yield Mistake((*at, position, "subnet"), fact, "remove it, or make a network of its own of it")


def _options(draft: Draft, name: str, network: Network) -> Iterator[Mistake]:
    options: Path = ("networks", name, "driver_opts")
    if "encrypted" in network.driver_opts and network.driver == "overlay":
        yield Mistake(
            (*options, "encrypted"),
            "encrypted overlays take their keys from swarm, which engines with a store do not run",
            "remove it; encrypt between the hosts instead, with WireGuard or IPsec",
            on_key=True,
        )
    if OPTION_MTU in network.driver_opts:
        path = (*options, OPTION_MTU)
        if network.mtu is not None and not draft.doubtful("networks", name, "mtu"):
            yield Mistake(
                path, f"the mtu is given twice, also as mtu: {network.mtu}", "remove one of the two", on_key=True
            )
        elif not network.driver_opts[OPTION_MTU].isdecimal():
            yield Mistake(
                path, f"{network.driver_opts[OPTION_MTU]!r} is no mtu", "write mtu: 1450 in the network instead"
            )
    yield from reserved_labels(("networks", name), network.labels)


def _overlaps(draft: Draft, pools: list[Pool]) -> Iterator[Mistake]:
    """Find pools that overlap where both are: overlays everywhere, a bridge on the hosts that use it."""
    position = {pool.path: at for at, pool in enumerate(pools)}
    told: set[Path] = set()
    for together in _places(draft, pools):
        for pool, other in _overlapping(together):
            earlier, later = sorted((pool, other), key=lambda found: position[found.path])
            if later.path not in told:
                told.add(later.path)
                where = f"{earlier.subnet} of network {earlier.network} ({draft.at(*earlier.path)})"
                yield Mistake(later.path, f"{later.subnet} overlaps {where}", "give each pool addresses of its own")


def _places(draft: Draft, pools: list[Pool]) -> Iterator[list[Pool]]:
    """Yield the pools that meet, place by place: all overlays, and on each host the networks that it uses."""
    networks = draft.topology.networks
    yield [pool for pool in pools if networks[pool.network].driver == "overlay"]
    used: dict[str, set[str]] = {}
    for container in draft.topology.containers.values():
        used.setdefault(container.host, set()).update(container.networks)
    bridges = {pool.network for pool in pools if networks[pool.network].driver == "bridge"}
    by_network: dict[str, list[Pool]] = {}
    for pool in pools:
        by_network.setdefault(pool.network, []).append(pool)
    for names in used.values():
        if names & bridges:
            yield [pool for name, found in by_network.items() if name in names for pool in found]
    # a bridge that no container is on yet: its own pools meet all the same
    yield from (by_network[name] for name in sorted(bridges))


def _overlapping(pools: list[Pool]) -> Iterator[tuple[Pool, Pool]]:
    """Yield the pools that overlap with one before them, with that one."""
    widest: Pool | None = None
    for pool in sorted(pools, key=lambda pool: (pool.subnet.version, int(pool.subnet[0]), pool.subnet.prefixlen)):
        if widest is None or widest.subnet.version != pool.subnet.version:
            widest = pool
            continue
        if int(pool.subnet[0]) <= int(widest.subnet[-1]):
            yield pool, widest
        if int(pool.subnet[-1]) > int(widest.subnet[-1]):
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
        if isinstance(pool.subnet, IPv6Network):
            continue  # the hosts' addresses are IPv4
        low, high = int(pool.subnet.network_address), int(pool.subnet.broadcast_address)
        inside = next(((at, who) for at, who in machines if low <= at <= high), None)
        if inside is not None:
            fact = f"{pool.subnet} has the IP address {IPv4Address(inside[0])} of {inside[1]} in it"
            yield Mistake(pool.path, fact, "take a subnet that no host is in: containers would not reach that machine")
