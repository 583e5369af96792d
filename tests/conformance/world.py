"""
The two worlds that claims are tried in: a simulated cluster and the lab.

Both have hosts h1 and h2, whose daemons use the store, h3, whose daemon uses none, and h9, which does not answer.
"""

from __future__ import annotations

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Protocol, cast

from controller.errors import EngineError, OvctlError
from controller.model.allocation import (
    COUNTS,
    IPAM,
    POOLS,
    AddressMap,
    endpoint_count_value,
    pool_subnets,
    without_pool,
)
from controller.model.files import container_of
from controller.model.network import IpamConfig
from controller.wiring import clock, connect
from tests.fakes import Cluster, FakeFleet

if TYPE_CHECKING:
    from controller.model.topology import Topology
    from controller.ports import Clock, Engine, Fleet, Json, Store

TOPOLOGY = "conformance"
JOINED = ("h1", "h2")
ALONE = "h3"
ABSENT = "h9"
PORT = 2376

_TIMES = 5
# a network that cannot be read from the store is "not found", for a moment
_STORE_DIAL = re.compile(r"network is unreachable|network \S+ not found")
_KEPT = ("bridge", "host", "none", "docker_gwbridge")


class World(Protocol):
    """Where a claim is tried."""

    fleet: Fleet
    clock: Clock
    store_url: str

    def address(self, host: str) -> str:
        """Return a host's IP address."""
        ...

    def another_fleet(self) -> Fleet:
        """Return the fleet of another run of ovctl."""
        ...


class FakeWorld:
    """A simulated cluster, new for each test."""

    def __init__(self) -> None:
        self.cluster = Cluster(hosts=3)
        for host in JOINED:
            self.cluster.join(host)
        self.cluster.add_host(ABSENT, "192.168.112.99")
        self.cluster.unplug(ABSENT)
        self.fleet: Fleet = FakeFleet(self.cluster, TOPOLOGY)
        self.clock: Clock = FakeFleet(self.cluster).clock
        self.store_url = "consul://192.168.112.10:8500"

    def address(self, host: str) -> str:
        """Return a host's IP address."""
        return self.cluster.hosts[host].address

    def another_fleet(self) -> Fleet:
        """Return the fleet of another run of ovctl."""
        return FakeFleet(self.cluster, TOPOLOGY)


class RealWorld:
    """The lab, through the real adapters."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.fleet: Fleet = PatientFleet(connect(topology))
        self._others: list[Fleet] = []
        self.clock: Clock = clock()
        assert topology.store is not None
        self.store_url = topology.store.url

    def address(self, host: str) -> str:
        """Return a host's IP address."""
        return str(self.topology.hosts[host].address)

    def another_fleet(self) -> Fleet:
        """Return the fleet of another run of ovctl."""
        fleet = PatientFleet(connect(self.topology))
        self._others.append(fleet)
        return fleet

    def join(self) -> None:
        """Let h1 and h2 use the store."""
        for host in JOINED:
            text = daemon_json(self, host)
            self.fleet.shell(host).write_daemon_json(text, expected=None)
        self.restart()

    def restart(self) -> None:
        """Start the daemons of h1 and h2 anew, and wait until they are registered."""
        for host in JOINED:
            self.fleet.shell(host).restart_engine()
        wanted = {f"{self.address(host)}:{PORT}" for host in JOINED}
        assert eventually(self, lambda: wanted <= {node.address for node in store_of(self).nodes()})

    def clean(self) -> None:
        """Remove what a test made."""
        for fleet in (self.fleet, *self._others):
            fleet.fence().release()
        for other in self._others:
            other.close()
        self._others.clear()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self._clean_host, (*JOINED, ALONE)))
        for host in (*JOINED, ALONE):
            self._remove_networks(self.fleet.engine(host))
        self._give_back_pools()
        store_of(self).delete_prefix(f"ovctl/{TOPOLOGY}/")

    def _clean_host(self, host: str) -> None:
        shell, engine = self.fleet.shell(host), self.fleet.engine(host)
        found = shell.facts(TOPOLOGY)
        wanted = daemon_json(self, host) if host in JOINED else None
        if found.daemon_json != wanted or found.engine_unit != "active":
            shell.write_daemon_json(wanted, expected=found.daemon_json)
            shell.restart_engine(kill=True)
        if found.record is not None:
            shell.write_record(TOPOLOGY, None)
        for summary in engine.containers():
            engine.remove_container(summary["Id"], force=True)
        for volume in engine.volumes():
            engine.remove_volume(volume["Name"])
        for name in {container_of(copy.path, TOPOLOGY) for copy in found.files}:
            shell.sweep(TOPOLOGY, name or "", ())

    def _remove_networks(self, engine: Engine) -> None:
        for network in engine.networks():
            if network["Name"] in _KEPT:
                continue
            for endpoint in engine.inspect_network(network["Id"])["Containers"].values():
                with contextlib.suppress(EngineError):
                    engine.disconnect(network["Id"], endpoint["Name"], force=True)
            try:
                engine.remove_network(network["Id"])
            except EngineError as error:
                if "active endpoints" not in error.message:
                    raise
                self._set(f"{COUNTS}{network['Id']}/", endpoint_count_value(0))
                engine.remove_network(network["Id"])

    def _give_back_pools(self) -> None:
        """Give back what the engines leaked because they missed their store for a moment: nothing of theirs is left."""
        found = store_of(self).versioned(POOLS)
        value = found.value if found else b"{}"
        for subnet in pool_subnets(value):
            value = without_pool(value, subnet)
        if found and value != found.value:
            self._set(POOLS, value)
        for key in store_of(self).values(f"{IPAM}data/"):
            subnet = IPv4Network("/".join(key.rstrip("/").split("/")[-2:]))
            self._set(key, AddressMap.empty(subnet).value())

    def _set(self, key: str, value: bytes) -> None:
        found = store_of(self).versioned(key)
        assert found is not None
        assert store_of(self).replace(key, value, version=found.version)

    def close(self) -> None:
        """End the connections."""
        self.fleet.close()


class PatientFleet:
    """A fleet whose engines are asked again when their own dial of the store failed: they do so at random."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.shell, self.store, self.fence, self.close = fleet.shell, fleet.store, fleet.fence, fleet.close

    def engine(self, host: str) -> Engine:
        """The engine of *host*."""
        other = JOINED[host == JOINED[0]]
        return cast("Engine", PatientEngine(self._fleet.engine(host), self._fleet.engine(other)))


class PatientEngine:
    """
    An engine that is asked again.

    Args:
        other: An engine on another host, from where an endpoint that a failed start leaks can be cleared.
    """

    def __init__(self, engine: Engine, other: Engine) -> None:
        self._engine = engine
        self._other = other

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._engine, name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            tried = False
            for _ in range(_TIMES):
                try:
                    answer = method(*args, **kwargs)
                    if name != "start_container" or self._is_whole(args[0]):
                        return answer
                    self._engine.stop_container(args[0], timeout_s=0)
                    self._clear(args[0])
                except EngineError as error:
                    # what an attempt before left may have outlived its clearing: the other engine misses the store, too
                    leaked = tried and "already exists in network" in error.message
                    if not leaked and not _STORE_DIAL.search(error.message):
                        raise
                    if name == "start_container":
                        self._clear(args[0])
                    elif name == "connect" and (leaked or "unreachable" in error.message):
                        self._cut(args[0], args[1])
                tried = True
            return method(*args, **kwargs)

        return ask

    def _is_whole(self, ref: str) -> bool:
        """Whether what was started is on its networks: when the store fails at that moment, it may run without."""
        found = self._engine.inspect_container(ref)
        endpoints = found["NetworkSettings"]["Networks"].values()
        return found["State"]["Status"] != "running" or all(endpoint["EndpointID"] for endpoint in endpoints)

    def _clear(self, ref: str) -> None:
        found = self._engine.inspect_container(ref)
        for network, endpoint in found["NetworkSettings"]["Networks"].items():
            if not endpoint["EndpointID"]:
                self._cut(network, found["Name"].lstrip("/"))

    def _cut(self, network: str, name: str) -> None:
        with contextlib.suppress(EngineError):
            self._other.disconnect(network, name, force=True)


def daemon_json(world: World, host: str) -> str:
    """Return the text with which a host's daemon uses the store."""
    return f'{{"cluster-store": "{world.store_url}", "cluster-advertise": "{world.address(host)}:{PORT}"}}\n'


def store_of(world: World) -> Store:
    """Return the world's store."""
    store = world.fleet.store()
    assert store is not None
    return store


def overlay(subnet: str = "10.60.0.0/24", **more: Any) -> Json:
    """Return the body of a network's creation: an overlay with the subnet's first address as gateway."""
    pool = {"Subnet": subnet, "Gateway": subnet.replace("0/24", "1"), "IPRange": subnet.replace("0/24", "128/25")}
    return {"Driver": "overlay", "CheckDuplicate": True, "IPAM": {"Config": [pool]}, **more}


def bridge(subnet: str = "10.70.0.0/24", subnet6: str = "fd00:70::/64", **more: Any) -> Json:
    """Return the body of a network's creation: a bridge with both families, gateways and ranges as ovctl says them."""
    pools = []
    for config in (IpamConfig.model_validate({"subnet": text}) for text in (subnet, subnet6)):
        gateway, span = config.effective_gateway, config.effective_ip_range
        pools.append({"Subnet": str(config.subnet), "Gateway": str(gateway), "IPRange": str(span)})
    return {"Driver": "bridge", "CheckDuplicate": True, "EnableIPv6": True, "IPAM": {"Config": pools}, **more}


def container(network: str = "", ip: str = "", ip6: str = "", **more: Any) -> Json:
    """Return the body of a container's creation: one that sleeps, on *network* if there is one."""
    host_config = dict(more.pop("HostConfig", {}))
    config: Json = {"Image": "busybox:1", "Cmd": ["sleep", "1000"], **more, "HostConfig": host_config}
    if network:
        fixed = {family: address for family, address in (("IPv4Address", ip), ("IPv6Address", ip6)) if address}
        endpoint: Json = {"IPAMConfig": fixed or None, "Aliases": more.pop("Aliases", None)}
        config.pop("Aliases", None)
        host_config["NetworkMode"] = network
        config["NetworkingConfig"] = {"EndpointsConfig": {network: endpoint}}
    return config


def run(engine: Engine, name: str, network: str = "", *ips: str, **more: Any) -> str:
    """Create and start a container, at an IPv4 and an IPv6 address if there are any, and return its id."""
    container_id = engine.create_container(name, container(network, *ips, **more))
    engine.start_container(container_id)
    return container_id


def eventually(world: World, claim: Any, timeout_s: float = 20.0) -> bool:
    """Return whether *claim* comes true in time; an error counts as not yet."""
    end = world.clock.monotonic() + timeout_s
    while True:
        with contextlib.suppress(OvctlError):
            if claim():
                return True
        if world.clock.monotonic() > end:
            return False
        world.clock.sleep(0.1)


def heard(world: World, claim: Any, host: str, name: str, ip: str) -> bool:
    """
    Return whether *claim* about names comes true for a container on ``ov1``.

    An engine's watch on names fails at random as it is set up, and is not tried again: a container that is attached
    anew sets it up anew.
    """
    for _ in range(_TIMES):
        if eventually(world, claim, timeout_s=4.0):
            return True
        engine = world.fleet.engine(host)
        engine.disconnect("ov1", name)
        engine.connect("ov1", name, {"IPAMConfig": {"IPv4Address": ip}})
    return eventually(world, claim)
