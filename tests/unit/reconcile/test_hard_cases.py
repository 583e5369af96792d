"""Single cases that somebody once got wrong, or easily would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.errors import EngineError
from controller.model.topology import Topology
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import World, container, topology

STORE = "consul://192.168.112.10:8500"


def applied(desired: Topology) -> World:
    world = World(desired)
    world.converge()
    return world


def address_of(world: World, name: str, network: str = "web") -> str:
    host = world.topology.containers[name].host
    found = FakeFleet(world.cluster, by_hand=True).engine(host).inspect_container(name)
    return str(found["NetworkSettings"]["Networks"][network]["IPAddress"])


def test_two_containers_swap_their_addresses_in_one_apply() -> None:
    world = applied(topology({"c1": container(number=11), "c2": container("h2", number=12)}))
    swapped = topology({"c1": container(number=12), "c2": container("h2", number=11)})
    world = World(swapped, world.cluster)
    world.converge()
    assert (address_of(world, "c1"), address_of(world, "c2")) == ("10.0.0.12", "10.0.0.11")


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_a_renamed_container_keeps_address_and_port_in_one_apply(host: str) -> None:
    world = applied(topology({"old": container(ports=["8080:80"])}))
    world = World(topology({"new": container(host, ports=["8080:80"])}), world.cluster)
    world.converge()
    assert address_of(world, "new") == "10.0.0.11"


def test_a_moved_container_keeps_its_address() -> None:
    world = applied(topology({"c1": container("h1")}))
    world = World(topology({"c1": container("h3")}), world.cluster)
    world.converge()
    assert address_of(world, "c1") == "10.0.0.11"


def test_a_container_is_not_created_again_while_it_may_still_run_on_a_lost_host() -> None:
    world = applied(topology({"c1": container("h2")}))
    world = World(topology({"c1": container("h3")}), world.cluster)
    world.cluster.faults.unreachable.add("h2")
    for _ in range(3):
        world.apply()
        assert [blocked.item.address.name for blocked in world.plan().blocked] == ["c1"]
    world.cluster.faults.unreachable.clear()
    world.converge()
    assert address_of(world, "c1") == "10.0.0.11"


def ghost(world: World, name: str, number: int) -> None:
    """Leave an endpoint of *name* in the store that no container stands behind, as a crash of h3 does."""
    hand = FakeFleet(world.cluster, by_hand=True).engine("h3")
    config = {
        "Image": "busybox:1",
        "Cmd": ["sleep", "9"],
        "HostConfig": {"NetworkMode": "web"},
        "NetworkingConfig": {"EndpointsConfig": {"web": {"IPAMConfig": {"IPv4Address": f"10.0.0.{number}"}}}},
    }
    hand.start_container(hand.create_container(name, config))
    world.cluster.crash("h3")
    world.cluster.hosts["h3"].engine.containers.clear()
    world.cluster.boot("h3")


@pytest.mark.parametrize("name", ["c1", "other"])
def test_a_ghost_that_holds_the_name_or_the_address_is_cleared(name: str) -> None:
    world = applied(topology({"c2": container("h2", number=12)}))
    ghost(world, name, 11)
    world = World(topology({"c1": container(), "c2": container("h2", number=12)}), world.cluster)
    world.converge()
    assert address_of(world, "c1") == "10.0.0.11"


def test_a_ghost_is_left_alone_while_any_host_cannot_be_read() -> None:
    world = applied(topology({"c2": container("h2", number=12)}))
    ghost(world, "c1", 11)
    world = World(topology({"c1": container(), "c2": container("h2", number=12)}), world.cluster)
    world.cluster.faults.unreachable.add("h3")
    report = world.apply()
    assert report is not None
    assert any("is not cleared" in outcome.detail for outcome in report.outcomes)
    assert not [effect for effect in world.cluster.effects if effect.method == "disconnect"]


def test_a_running_container_of_another_host_is_never_cut_off() -> None:
    world = applied(topology({"c2": container("h2", number=12)}))
    hand = FakeFleet(world.cluster, by_hand=True).engine("h3")
    theirs = {
        "Image": "busybox:1",
        "Cmd": ["sleep", "9"],
        "HostConfig": {"NetworkMode": "web"},
        "NetworkingConfig": {"EndpointsConfig": {"web": {"IPAMConfig": {"IPv4Address": "10.0.0.11"}}}},
    }
    hand.start_container(hand.create_container("c1", theirs))
    world = World(topology({"c1": container(), "c2": container("h2", number=12)}), world.cluster)
    report = world.apply()
    assert report is not None
    assert any("belongs to the container c1 on h3" in outcome.detail for outcome in report.outcomes)
    assert hand.inspect_container("c1")["NetworkSettings"]["Networks"]["web"]["IPAddress"] == "10.0.0.11"


def test_destroy_clears_a_leaked_endpoint() -> None:
    world = applied(topology({"c2": container("h2", number=12)}))
    ghost(world, "other", 11)
    report = world.destroy()
    assert report is not None
    assert report.ok, [(outcome.step.id, outcome.detail) for outcome in report.outcomes if outcome.result != "done"]


def test_a_network_is_not_recreated_while_a_host_vanished_from_the_file() -> None:
    world = applied(topology({"c1": container("h3")}))
    hosts = {"h1": {"address": "192.168.112.11"}, "h2": {"address": "192.168.112.12"}}
    pool = {"subnet": "10.0.0.0/24", "ip_range": "10.0.0.192/26"}
    changed = topology({}, networks=(), hosts=hosts).model_dump(mode="json")
    changed["networks"] = {"web": {"ipam": {"config": [pool]}}}
    changed["store"] = STORE
    world = World(Topology.model_validate(changed, strict=False), world.cluster)
    assert {str(blocked.item.address) for blocked in world.plan().blocked} == {
        "network/web",
        "network/db",
        "network/multihost",
        "store/members",
    }
    assert not world.plan().steps


def test_a_daemon_json_that_lost_our_keys_is_one_drift() -> None:
    desired = topology({})
    world = World(desired)
    world.converge()
    found = world.cluster.hosts["h1"]
    assert found.daemon_json is not None
    found.daemon_json = json.dumps({"log-level": "debug"})
    assert [str(item.address) for item in world.plan().items] == ["host/h1"]


def test_a_daemon_that_does_not_come_up_gets_its_earlier_file_back() -> None:
    world = World(topology({}))
    world.cluster.hosts["h2"].daemon_json = '{"unknown-key": 1}'
    report = world.apply()
    assert report is not None
    failed = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert [outcome.step.id for outcome in failed] == ["configure host/h2 on h2"]
    assert "rolled back" in failed[0].detail or "does not" in failed[0].detail
    assert world.cluster.hosts["h2"].daemon_json == '{"unknown-key": 1}'
    assert any(outcome.result == "skipped" and outcome.step.action.host == "h3" for outcome in report.outcomes)


def test_two_hosts_of_one_name_are_a_conflict() -> None:
    world = World(topology({}))
    world.cluster.hosts["h2"].hostname = "h1"
    blocked = {blocked.item.host for blocked in world.plan().blocked}
    assert blocked == {"h1", "h2"}
    assert not [step for step in world.plan().steps if step.action.host in ("h1", "h2")]


def test_a_replacement_that_does_not_start_brings_the_old_one_back() -> None:
    world = applied(topology({"c1": container()}))
    before = FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container("c1")["Id"]
    world = World(topology({"c1": container(command=["httpd", "-f"])}), world.cluster)
    world.cluster.faults.fail(EngineError("no such file", status=400), method="start_container", host="h1")
    report = world.apply()
    assert report is not None
    assert [outcome.detail for outcome in report.outcomes if outcome.result == "failed"] == [
        "no such file; rolled back: the old container runs",
    ]
    found = FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container("c1")
    assert (found["Id"], found["State"]["Status"], found["HostConfig"]["RestartPolicy"]["Name"]) == (
        before,
        "running",
        "always",
    )


def test_a_daemon_whose_flags_say_the_same_is_in_sync() -> None:
    """The guide sets both in the unit: nothing is written, and dockerd is never given a key twice."""
    world = World(topology({}))
    for name, found in world.cluster.hosts.items():
        found.arguments = (f"--cluster-store={STORE}", f"--cluster-advertise=eth0:{2376}")
        FakeFleet(world.cluster, by_hand=True).shell(name).restart_engine()
    assert not [item for item in world.plan().items if item.address.kind == "host"]


def test_flags_that_say_otherwise_are_a_conflict() -> None:
    world = World(topology({}))
    world.cluster.hosts["h1"].arguments = ("--cluster-store=consul://10.9.9.9:8500",)
    FakeFleet(world.cluster, by_hand=True).shell("h1").restart_engine()
    blocked = [blocked for blocked in world.plan().blocked if blocked.item.host == "h1"]
    assert ["--cluster-store=consul://10.9.9.9:8500" in found.why for found in blocked] == [True]


def test_one_key_as_a_flag_leaves_only_the_other_to_the_file() -> None:
    world = World(topology({}))
    world.cluster.hosts["h1"].arguments = (f"--cluster-store={STORE}",)
    FakeFleet(world.cluster, by_hand=True).shell("h1").restart_engine()
    world.converge()
    assert json.loads(world.cluster.hosts["h1"].daemon_json or "") == {"cluster-advertise": "192.168.112.11:2376"}


def test_a_declared_host_name_is_no_alias_of_ours() -> None:
    """The engine adds it to the aliases on every network by itself."""
    applied(topology({"c1": container(hostname="front")}))


def test_an_empty_topology_removes_nothing() -> None:
    world = applied(topology({"c1": container()}))
    before = world.cluster.snapshot()["hosts"]
    world = World(topology({}, networks=()), world.cluster)
    assert {str(blocked.item.address) for blocked in world.plan().blocked} >= {"container/c1", "network/web"}
    world.apply()
    assert world.cluster.snapshot()["hosts"] == before


def test_networks_come_before_containers_and_the_first_of_each_goes_alone() -> None:
    containers = {f"c{number}": container("h1", number=number) for number in range(11, 15)}
    plan = World(topology(containers)).plan()
    steps = {step.id: step for step in plan.steps}
    networks = {step.id for step in plan.steps if step.id.startswith("create network/")}
    created = [step for step in plan.steps if step.id.startswith("create container/")]
    assert all(networks <= {*step.needs, *step.follows} for step in created)
    first = created[0].id
    assert all(first in {*steps[step.id].needs, *steps[step.id].follows} for step in created[1:])


def renamed(number: int = 11, **more: Any) -> Topology:
    """Return a topology in which the network web has another name and the same subnet."""
    plain = topology({"c1": container(number=number, **more), "c2": container("h2", number=12)}).model_dump(mode="json")
    plain["networks"]["www"] = plain["networks"].pop("web")
    for declared in plain["containers"].values():
        declared["networks"]["www"] = declared["networks"].pop("web")
    return Topology.model_validate(plain, strict=False)


@pytest.mark.parametrize("more", [{}, {"command": ["httpd", "-f"]}])
def test_a_renamed_network_leaves_its_subnet_to_its_successor_in_one_apply(more: dict[str, Any]) -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", number=12), "gone": container("h3", number=13)}))
    world = World(renamed(**more), world.cluster)
    steps = [step.id for step in world.plan().steps]
    assert steps.index("remove network/web on h1") < steps.index("create network/www on h1")
    world.converge()
    assert (address_of(world, "c1", "www"), address_of(world, "c2", "www")) == ("10.0.0.11", "10.0.0.12")


def bridged(desired: Topology) -> Topology:
    """Return the topology with bridges of their own on each host in the place of web and www."""
    plain = desired.model_dump(mode="json")
    for name in {"web", "www"} & set(plain["networks"]):
        plain["networks"][name]["driver"] = "bridge"
    return Topology.model_validate(plain, strict=False)


def test_a_renamed_bridge_leaves_its_subnet_to_its_successor_on_each_host() -> None:
    world = applied(bridged(topology({"c1": container(), "c2": container("h2", number=12)})))
    world = World(bridged(renamed()), world.cluster)
    steps = [step.id for step in world.plan().steps]
    for host in ("h1", "h2"):
        assert steps.index(f"remove network/web on {host}") < steps.index(f"create network/www on {host}")
    world.converge()
    assert (address_of(world, "c1", "www"), address_of(world, "c2", "www")) == ("10.0.0.11", "10.0.0.12")


def test_a_renamed_network_is_left_alone_under_a_container_that_stays_as_it_is() -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", number=12)}))
    hand = FakeFleet(world.cluster, by_hand=True).engine("h3")
    hand.create_container("c0", {"Image": "busybox:1"})
    desired = renamed().model_dump(mode="json")
    desired["containers"]["c0"] = {**desired["containers"]["c2"], "host": "h3", "networks": {}}
    desired["containers"]["c1"]["depends_on"] = ["c0"]
    world = World(Topology.model_validate(desired, strict=False), world.cluster)
    why = {str(blocked.item.address): blocked.why for blocked in world.plan().blocked}
    assert "which stays: still on it, and left alone by this plan: container/c1" in why["network/www"]
    world.apply()
    found = FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container("c1")
    assert found["NetworkSettings"]["Networks"]["web"]["IPAddress"] == "10.0.0.11"


def test_two_networks_swap_their_subnets_in_one_apply() -> None:
    world = applied(topology({"c1": container()}))
    plain = world.topology.model_dump(mode="json")
    web, db = plain["networks"]["web"], plain["networks"]["db"]
    plain["networks"] |= {"web": db, "db": web}
    plain["containers"]["c1"]["networks"]["web"]["ipv4_address"] = "10.0.1.11"
    world = World(Topology.model_validate(plain, strict=False), world.cluster)
    report = world.apply()
    assert report is not None
    assert report.ok, [(outcome.step.id, outcome.detail) for outcome in report.outcomes if outcome.result != "done"]
    assert address_of(world, "c1") == "10.0.1.11"
