"""How worlds come to have objects that nobody owns, and the verbs with which tests adopt them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.apply.engine_config import container_config, endpoint_of, further_networks
from controller.model.identity import Generation, without_ours
from controller.model.topology import Topology
from controller.reconcile import Cycle
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import LAN, NAME, Silent, World, topology

if TYPE_CHECKING:
    from controller.model.plan import Plan, Report
    from controller.ports import Engine


class NamedWorld(World):
    """A world whose lock and records are those of its topology's name."""

    def cycle(self, topology: Topology | None = None) -> Cycle:
        """Return a cycle as a new process would have it."""
        fleet = FakeFleet(self.cluster, self.topology.name)
        return Cycle(topology or self.topology, Generation("g"), fleet, fleet.clock, self.policy, 0.0)


def hand(world: World, host: str = "h1") -> Engine:
    """Return an engine, as somebody at its host's terminal has it."""
    return FakeFleet(world.cluster, by_hand=True).engine(host)


def made_by_hand(world: World, name: str, **more: Any) -> str:
    """Let somebody run a container as it is declared, but for *more* in the request, and return its id."""
    declared = world.topology.containers[name]
    config = container_config(declared, declared.labels)
    engine = hand(world, declared.host)
    config["HostConfig"] |= more.pop("HostConfig", {})
    made = engine.create_container(name, {**config, **more})
    for network in further_networks(declared):
        engine.connect(network, made, endpoint_of(declared.networks[network]))
    engine.start_container(made)
    return made


def disowned(world: World) -> World:
    """Return *world* as if others had made all of it: nothing bears our mark, and nothing is remembered."""
    store = world.cluster.store
    shared = list(store.networks.values()) if store else []
    for host in world.cluster.hosts.values():
        host.records.clear()
        for found in host.engine.containers.values():
            found.config["Labels"] = without_ours(found.labels)
        for network in (*host.engine.networks.values(), *shared):
            network.labels = without_ours(network.labels)
    if store is not None:
        store.keys.clear()
    return world


def adopt(world: World, *addresses: str) -> Report | None:
    """Adopt these, or all that can be."""
    return world.cycle().adopt(addresses, lambda _: True, Silent(), lambda: False)


def adopted(world: World, *addresses: str) -> World:
    """Adopt these, or all that can be, and see that it went well."""
    report = adopt(world, *addresses)
    assert report is not None
    assert report.ok, [(one.step.id, one.detail) for one in report.outcomes if one.result != "done"]
    return world


def shown(world: World, *addresses: str) -> Plan:
    """Return what a person would be asked."""
    plans: list[Plan] = []

    def decline(plan: Plan) -> bool:
        plans.append(plan)
        return False

    assert world.cycle().adopt(addresses, decline, Silent(), lambda: False) is None
    return plans[0]


def records(world: World) -> dict[str, str]:
    """Return host -> our record there."""
    return {name: host.records[NAME] for name, host in world.cluster.hosts.items() if NAME in host.records}


def joined(containers: dict[str, Any], **more: Any) -> World:
    """Return a world whose networks are there and whose daemons have joined, without its containers."""
    desired = topology(containers, ("web",), **more)
    world = World(topology({}, ("web",), **more))
    world.converge()
    return World(desired, world.cluster)


def alone(containers: dict[str, Any], hosts: int = 1) -> World:
    """Return a world of bridges without a store; nothing is there yet."""
    desired = Topology.model_validate(
        {
            "version": 1,
            "name": NAME,
            "hosts": {f"h{number}": {"address": f"192.168.112.{10 + number}"} for number in range(1, hosts + 1)},
            "networks": {"lan": LAN},
            "containers": containers,
        }
    )
    return World(desired, Cluster(hosts, store=False))


def lan_by_hand(world: World, host: str = "h1", **more: Any) -> str:
    """Let somebody make the bridge."""
    pools = [{"Subnet": config["subnet"]} for config in LAN["ipam"]["config"]]
    config = {"Driver": "bridge", "EnableIPv6": True, "IPAM": {"Config": pools}}
    return hand(world, host).create_network("lan", {**config, **more})


def lines(world: World) -> list[str]:
    """Return the fields that a plan names."""
    return [change.field for item in world.plan().items for change in item.changes if item.address.kind != "store"]
