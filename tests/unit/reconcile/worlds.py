"""Topologies and histories for the property tests, and the few verbs with which they are told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from controller.errors import EngineError
from controller.model.desired import retired
from controller.model.files import files_of
from controller.model.identity import Generation
from controller.model.observed import EngineState, HostState
from controller.model.topology import Topology
from controller.observe import observe
from controller.plan import Policy
from controller.reconcile import Cycle
from tests.fakes import Cluster, FakeFleet

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.model.plan import Outcome, Plan, Report, Step
    from controller.ports import Engine

NAME = "guide"
HOSTS = ("h1", "h2", "h3")
NETWORKS = {"web": "10.0.0.0/24", "db": "10.0.1.0/24", "multihost": "192.168.2.0/24"}
LAN: dict[str, Any] = {
    "driver": "bridge",
    "enable_ipv6": True,
    "ipam": {"config": [{"subnet": "10.70.0.0/24"}, {"subnet": "fd00:70::/64"}]},
}
"""A bridge of both families."""


class Silent:
    """A progress that nobody watches."""

    def planned(self, steps: int) -> None:
        """Nothing."""

    def started(self, step: Step) -> None:
        """Nothing."""

    def told(self, step: Step, how_far: str) -> None:
        """Nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Nothing."""


@dataclass
class World:
    """A cluster and the topology that is desired of it; what a plan may do is told where it matters."""

    topology: Topology
    cluster: Cluster = field(default_factory=Cluster)
    policy: Policy = field(default=Policy(max_deletes=99))

    def cycle(self, topology: Topology | None = None) -> Cycle:
        """Return a cycle as a new process would have it."""
        fleet = FakeFleet(self.cluster, NAME)
        return Cycle(topology or self.topology, Generation("g"), fleet, fleet.clock, self.policy, 0.0)

    def plan(self) -> Plan:
        """Look."""
        return self.cycle().look()[1]

    def apply(self) -> Report | None:
        """Apply without asking; None when there was nothing to do."""
        carried = self.cycle().apply(lambda _: True, Silent(), lambda: False)
        return carried.report if carried else None

    def destroy(self) -> Report | None:
        """Apply the retired topology."""
        carried = self.cycle(retired(self.topology)).apply(lambda _: True, Silent(), lambda: False)
        return carried.report if carried else None

    def converge(self) -> None:
        """Apply, and see that nothing is left to do."""
        report = self.apply()
        assert report is None or report.ok, [
            (outcome.step.id, outcome.detail) for outcome in report.outcomes if outcome.result != "done"
        ]
        plan = self.plan()
        assert plan.empty, (plan.items, plan.blocked, plan.gaps)


def topology(
    containers: dict[str, Any], networks: tuple[str, ...] | dict[str, Any] = tuple(NETWORKS), **more: Any
) -> Topology:
    """Return a valid topology on the fake cluster's addresses, with overlays of these names or networks like these."""
    return Topology.model_validate(
        {
            "version": 1,
            "name": NAME,
            "store": "consul://192.168.112.10:8500",
            "hosts": {name: {"address": f"192.168.112.{11 + place}"} for place, name in enumerate(HOSTS)},
            "networks": networks if isinstance(networks, dict) else declared(networks),
            "containers": containers,
            **more,
        },
    )


def declared(networks: tuple[str, ...]) -> dict[str, Any]:
    """Return the overlays of these names as they are declared."""
    return {name: {"ipam": {"config": [{"subnet": NETWORKS[name]}]}} for name in networks}


def container(host: str = "h1", network: str = "web", number: int = 11, **more: Any) -> dict[str, Any]:
    """Return a declared container with a fixed address on one network."""
    subnet = NETWORKS[network].rpartition(".")[0]
    return {
        "host": host,
        "image": "busybox:1",
        "command": ["sleep", "infinity"],
        "restart": "always",
        "networks": {network: {"ipv4_address": f"{subnet}.{number}"}},
        **more,
    }


_FIELDS: tuple[dict[str, Any], ...] = (
    {},
    {"mem_limit": "64m"},
    {"mem_limit": "128m", "cpus": 0.5, "pids_limit": 100},
    {"healthcheck": {"test": "true"}, "cap_add": ["net_admin"], "stop_grace_period": "1m"},
)

_VOLUMES: tuple[list[str], ...] = ([], ["data:/data"], ["data:/data:ro", "logs:/logs"], ["undeclared:/x"])

_CONFIGS: tuple[list[Any], ...] = (
    [],
    ["motd"],
    ["motd", {"source": "conf", "target": "/etc/conf", "mode": "0444", "uid": 1000}],
    [{"source": "conf", "target": "/motd"}],
)


def on_lan(host: str = "h1", **attachment: Any) -> dict[str, Any]:
    """Return a declared container on the bridge alone."""
    return {"host": host, "image": "busybox:1", "command": ["sleep", "infinity"], "networks": {"lan": attachment}}


def bridged(containers: dict[str, Any], **more: Any) -> Topology:
    """Return a topology with a bridge and an overlay."""
    return topology(containers, {"lan": LAN | more, **declared(("web",))})


def modern(desired: Topology, world: World) -> Any:
    """Return what is observed, as if the engines were of version 26."""
    observed = observe(desired, FakeFleet(world.cluster, NAME))
    hosts = {}
    for name, state in observed.hosts.items():
        assert isinstance(state, HostState)
        assert isinstance(state.engine, EngineState)
        hosts[name] = replace(state, engine=replace(state.engine, version="26.1.5+dfsg1"))
    return replace(observed, hosts=hosts)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Draw a valid topology of up to seven containers."""
    networks = draw(st.lists(st.sampled_from(sorted(NETWORKS)), unique=True, min_size=1, max_size=3))
    bridged = draw(st.booleans())
    containers: dict[str, Any] = {}
    for number in range(draw(st.integers(0, 7))):
        on = draw(st.lists(st.sampled_from(networks), unique=True, max_size=2)) if networks else []
        attachments = {}
        for network in on:
            subnet = NETWORKS[network].rpartition(".")[0]
            fixed = {"ipv4_address": f"{subnet}.{11 + number}"} if draw(st.booleans()) else {}
            aliases = draw(st.lists(st.sampled_from(["www", "api"]), unique=True, max_size=1))
            attachments[network] = {**fixed, "aliases": aliases}
        if bridged and draw(st.booleans()):
            attachments["lan"] = _on_the_bridge(draw, number)
        containers[f"c{number}"] = {
            "host": draw(st.sampled_from(HOSTS)),
            "image": "busybox:1",
            "command": draw(st.sampled_from([["sleep", "infinity"], ["httpd", "-f"]])),
            "environment": draw(st.sampled_from([{}, {"A": "1"}, {"A": "2", "B": ""}])),
            "restart": draw(st.sampled_from(["always", "unless-stopped", "on-failure:3"])),
            "networks": attachments,
            "network_mode": None if attachments else draw(st.sampled_from([None, "none", "host", "bridge"])),
            **draw(st.sampled_from(_FIELDS)),
            "configs": draw(st.sampled_from(_CONFIGS)),
            "volumes": draw(st.sampled_from(_VOLUMES)),
            "depends_on": _dependencies(draw, containers),
        }
    lan = {"lan": LAN | {"mtu": draw(st.sampled_from([1400, 1500]))}} if bridged else {}
    configs = {"motd": {"content": draw(st.sampled_from(["one", "two"]))}, "conf": {"content": "three"}}
    volumes = draw(st.sampled_from([{}, {"data": {"labels": {"a": "1"}}, "logs": {}}]))
    return topology(containers, {**declared(tuple(networks)), **lan}, configs=configs, volumes=volumes)


def _dependencies(draw: st.DrawFn, containers: dict[str, Any]) -> dict[str, Any]:
    """Draw what a container waits for: the start of others, or the health of those that have a healthcheck."""
    if not containers:
        return {}
    names = draw(st.lists(st.sampled_from(sorted(containers)), unique=True, max_size=2))
    healthy = {"condition": "service_healthy"}
    return {name: healthy if "healthcheck" in containers[name] and draw(st.booleans()) else {} for name in names}


def _on_the_bridge(draw: st.DrawFn, number: int) -> dict[str, Any]:
    fixed: dict[str, Any] = {"ipv4_address": f"10.70.0.{11 + number}"} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        fixed["ipv6_address"] = f"fd00:70::{11 + number}"
    if draw(st.booleans()):
        # a MAC address is given on the first network alone
        fixed |= {"priority": 5, "mac_address": f"02:aa:00:00:00:{11 + number}"}
    return fixed


def check_images(cluster: Cluster, test: str) -> None:
    """Let each image have a healthcheck that runs *test* every second."""
    for host in cluster.hosts.values():
        for image in tuple(host.engine.images.values()):
            check = {"Test": ["CMD", test], "Interval": 1_000_000_000}
            host.engine.images[image.id] = replace(image, config={**image.config, "Healthcheck": check})


def tamper(world: World, what: str, number: int) -> None:
    """Let somebody change one thing by hand: *number* picks which; what is not there any more is left alone."""
    host = HOSTS[number % len(HOSTS)]
    engine = FakeFleet(world.cluster, by_hand=True).engine(host)
    there = {summary["Names"][0].lstrip("/") for summary in engine.containers()}
    names = [name for name, declared in sorted(world.topology.containers.items()) if declared.host == host]
    name = names[number % len(names)] if names else ""
    if what in _HOST_TAMPERINGS:
        _HOST_TAMPERINGS[what](world, host)
    elif name in there:
        _CONTAINER_TAMPERINGS[what](world, engine, name)


def _change_copies(world: World, host: str) -> None:
    files = world.cluster.hosts[host].files
    for path, (_, mode, uid, gid) in files.items():
        files[path] = (b"changed by hand", mode, uid, gid)


def _lose_copies(world: World, host: str) -> None:
    world.cluster.hosts[host].files.clear()


def _litter(world: World, host: str) -> None:
    for name in ("c0", "stranger"):
        world.cluster.hosts[host].files[f"{files_of(NAME, name)}configs/motd/left"] = (b"left", "0400", "0", "0")


def _change_daemon_json(world: World, host: str) -> None:
    found = world.cluster.hosts[host]
    found.daemon_json = (found.daemon_json or "{}").replace("112.10", "112.99")


def _kill_engine(world: World, host: str) -> None:
    world.cluster.kill_engine(host)


def _pause(world: World, engine: Engine, name: str) -> None:
    found = world.cluster.hosts[world.topology.containers[name].host].engine.named(name)
    if found is not None and engine.inspect_container(name)["State"]["Status"] == "running":
        found.status = "paused"


def _disconnect(world: World, engine: Engine, name: str) -> None:
    for network in world.topology.containers[name].networks:
        if network in engine.inspect_container(name)["NetworkSettings"]["Networks"]:
            engine.disconnect(network, name)


def _restart(_world: World, engine: Engine, name: str) -> None:
    engine.stop_container(name)
    with suppress(EngineError):  # by hand it fails, too, where the store holds its IP address for nobody
        engine.start_container(name)


def _untell(world: World, _engine: Engine, name: str) -> None:
    """Let the engine lose sight of an endpoint that is there: of an overlay's, which it reads from the store."""
    found = world.cluster.hosts[world.topology.containers[name].host].engine.named(name)
    if found is not None and found.running:
        for network, attachment in found.attachments.items():
            attachment.is_told = network == "lan"


def _leak(world: World, _host: str) -> None:
    """Let the store hold every declared address, an endpoint and a pool for nobody."""
    store = world.cluster.store
    assert store is not None
    for network in store.networks.values():
        for declared in world.topology.containers.values():
            attachment = declared.networks.get(network.name)
            if attachment is not None and attachment.ipv4_address is not None:
                network.leaked.add(int(attachment.ipv4_address))
        network.miscounted += 1
    taken = {network.name for network in store.networks.values()}
    store.leaked_pools += [
        subnet for name, subnet in NETWORKS.items() if name not in taken and subnet not in store.leaked_pools
    ]


_HOST_TAMPERINGS: dict[str, Callable[[World, str], None]] = {
    "daemon_json": _change_daemon_json,
    "kill_engine": _kill_engine,
    "leak": _leak,
    "change_copies": _change_copies,
    "lose_copies": _lose_copies,
    "litter": _litter,
}
_CONTAINER_TAMPERINGS: dict[str, Callable[[World, Engine, str], None]] = {
    "rm": lambda _world, engine, name: engine.remove_container(name, force=True),
    "stop": lambda _world, engine, name: engine.stop_container(name),
    "pause": _pause,
    "update": lambda _world, engine, name: engine.update_container(name, {"RestartPolicy": {"Name": "no"}}),
    "limit": lambda _world, engine, name: engine.update_container(name, {"CpuShares": 9, "PidsLimit": 9}),
    "restart": _restart,
    "disconnect": _disconnect,
    "untell": _untell,
}
TAMPERINGS = (*_HOST_TAMPERINGS, *_CONTAINER_TAMPERINGS)
