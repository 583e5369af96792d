"""What must not go away: services whose successor cannot come up, and what others run on our daemons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.errors import EngineError
from controller.model.desired import retired
from controller.model.identity import LABEL_TOPOLOGY
from controller.model.topology import Topology
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import NETWORKS, World, container, topology

if TYPE_CHECKING:
    from controller.ports import Engine


def applied(desired: Topology) -> World:
    world = World(desired)
    world.converge()
    return world


def hand(world: World, host: str) -> Engine:
    return FakeFleet(world.cluster, by_hand=True).engine(host)


def theirs(world: World, host: str, name: str, network: str | None = None) -> None:
    """Let somebody run a container there."""
    config: dict[str, Any] = {"Image": "busybox:1", "Cmd": ["sleep", "9"]}
    if network:
        config["HostConfig"] = {"NetworkMode": network}
    engine = hand(world, host)
    engine.start_container(engine.create_container(name, config))


def runs(world: World, host: str, name: str) -> bool:
    found = {summary["Names"][0]: summary["State"] for summary in hand(world, host).containers()}
    return found.get(f"/{name}") == "running"


@pytest.mark.parametrize("trouble", ["lost", "taken"])
def test_a_container_that_moves_stays_until_its_new_host_can_take_it(trouble: str) -> None:
    world = applied(topology({"c1": container("h1")}))
    world = World(topology({"c1": container("h3")}), world.cluster)
    if trouble == "lost":
        world.cluster.faults.unreachable.add("h3")
    else:
        theirs(world, "h3", "c1")
    world.apply()
    assert runs(world, "h1", "c1")


def test_a_file_reduced_to_its_hosts_takes_no_daemon_out_of_the_store() -> None:
    world = applied(topology({"c1": container("h1")}))
    bare = topology({}, networks=(), store=None)
    world = World(bare, world.cluster)
    world.apply()
    assert runs(world, "h1", "c1")
    assert all(host.engine.cluster_store for host in world.cluster.hosts.values())


def test_destroy_leaves_a_daemon_joined_whose_overlay_somebody_else_uses() -> None:
    world = applied(topology({"c1": container("h1")}))
    theirs(world, "h2", "somebody", "web")
    report = World(retired(world.topology), world.cluster).apply()
    assert report is not None
    assert runs(world, "h2", "somebody")
    assert world.cluster.hosts["h2"].engine.cluster_store
    assert world.cluster.hosts["h2"].engine.named("somebody").attachments["web"].endpoint_id  # type: ignore[union-attr]  # it runs


def test_destroy_leaves_the_daemons_joined_while_a_network_cannot_be_removed() -> None:
    world = applied(topology({"c1": container("h1")}))
    world.cluster.faults.unreachable.add("h3")
    world.destroy()
    assert all(host.engine.cluster_store for host in world.cluster.hosts.values())
    why = {blocked.why for blocked in World(retired(world.topology), world.cluster).plan().blocked}
    assert "network/db stays for now, and no daemon would be left that could remove it" in why
    world.cluster.faults.unreachable.clear()
    World(retired(world.topology), world.cluster).converge()
    assert world.cluster.store is not None
    assert not world.cluster.store.networks
    assert not any(host.engine.cluster_store for host in world.cluster.hosts.values())


def test_destroy_leaves_a_daemon_joined_on_which_another_topology_has_a_network() -> None:
    world = applied(topology({"c1": container("h1")}))
    hand(world, "h2").create_network("theirs", {"Driver": "overlay", "Labels": {LABEL_TOPOLOGY: "other"}})
    world.destroy()
    plan = World(retired(world.topology), world.cluster).plan()
    assert {blocked.why for blocked in plan.blocked} == {"network/theirs of topology/other is there"}
    assert all(host.engine.cluster_store for host in world.cluster.hosts.values())


@pytest.mark.parametrize("said", ["name", "id"])
def test_a_foreign_container_that_was_never_started_keeps_its_network(said: str) -> None:
    world = applied(topology({"c1": container("h1")}))
    engine = hand(world, "h2")
    word = "web" if said == "name" else engine.inspect_network("web")["Id"][:12]
    engine.create_container("somebody", {"Image": "busybox:1", "HostConfig": {"NetworkMode": word}})
    world.destroy()
    assert engine.inspect_network("web")
    plan = World(retired(world.topology), world.cluster).plan()
    why = {str(blocked.item.address): blocked.why for blocked in plan.blocked}
    assert why["network/web"] == "containers that are not ours are attached: somebody"


def test_a_foreign_container_that_is_paused_is_told_about_and_started_again() -> None:
    world = World(topology({"c1": container("h1")}))
    theirs(world, "h1", "somebody", "bridge")
    found = world.cluster.hosts["h1"].engine.named("somebody")
    assert found is not None
    found.status = "paused"
    (configure,) = (step.action for step in world.plan().steps if step.id == "configure host/h1 on h1")
    assert configure.disrupts == ("somebody",)
    world.converge()
    assert runs(world, "h1", "somebody")


def test_what_a_replacement_left_aside_is_not_removed_while_its_successor_waits() -> None:
    world = applied(topology({"c1": container()}))
    engine = hand(world, "h1")
    engine.stop_container("c1")
    engine.rename_container("c1", "c1.ovctl-aside")
    theirs(world, "h2", "c0")
    waiting = topology({"c1": container(depends_on=["c0"]), "c0": container("h2", number=12)})
    plan = World(waiting, world.cluster).plan()
    assert not [step for step in plan.steps if "aside" in step.id]
    assert "c1.ovctl-aside" in {blocked.item.address.name for blocked in plan.blocked}


def test_no_address_is_taken_from_a_container_that_cannot_get_its_new_one() -> None:
    world = applied(topology({"c1": container(number=11), "c2": container("h2", number=12)}))
    theirs(world, "h3", "c0")
    changed = {
        "c1": container(number=12),
        "c2": container("h2", number=13, depends_on=["c0"]),
        "c0": container("h3", number=14),
    }
    world = World(topology(changed), world.cluster)
    world.apply()
    found = hand(world, "h2").inspect_container("c2")
    assert found["NetworkSettings"]["Networks"]["web"]["IPAddress"] == "10.0.0.12"


def test_containers_are_back_on_a_network_that_could_not_be_recreated() -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", number=12)}))
    changed = topology({"c1": container(), "c2": container("h2", number=12)}).model_dump(mode="json")
    changed["networks"]["web"] = {"internal": True, "ipam": {"config": [{"subnet": NETWORKS["web"]}]}}
    world = World(Topology.model_validate(changed, strict=False), world.cluster)
    world.cluster.faults.fail(EngineError("the store is away", status=400), method="remove_network", times=9)
    world.apply()
    for host, name in (("h1", "c1"), ("h2", "c2")):
        assert hand(world, host).inspect_container(name)["NetworkSettings"]["Networks"]["web"]["IPAddress"]


def test_a_stopped_container_is_started_although_its_image_lost_its_name() -> None:
    world = applied(topology({"c1": container()}))
    hand(world, "h1").stop_container("c1")
    for image in world.cluster.hosts["h1"].engine.images.values():
        image.tags = ()
    plan = world.plan()
    assert [step.id for step in plan.steps if "pull" in step.id] == []
    assert "start container/c1 on h1" in [step.id for step in plan.steps]
