"""Adoption: what others made becomes ours as it is, by a record; and what is not adopted stays theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from controller.model.identity import LABEL_TOPOLOGY
from controller.model.scope import Scope
from controller.plan import Policy
from controller.render.adoption import adoption_text
from tests.fakes import Cluster
from tests.unit.reconcile.adoptions import (
    adopt,
    adopted,
    alone,
    disowned,
    hand,
    joined,
    lan_by_hand,
    lines,
    made_by_hand,
    records,
    shown,
)
from tests.unit.reconcile.worlds import NAME, World, container, on_lan, topologies, topology

if TYPE_CHECKING:
    from controller.model.topology import Topology


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topologies())
def test_what_others_made_as_declared_is_adopted_untouched_and_the_plan_is_empty(desired: Topology) -> None:
    world = World(desired)
    world.converge()
    disowned(world)
    done = len(world.cluster.effects)
    report = adopt(world)
    assert report is None or report.ok
    assert {effect.method for effect in world.cluster.effects[done:]} <= {"write_record", "put"}
    plan = world.plan()
    kinds = {item.address.kind for item in (*plan.items, *(blocked.item for blocked in plan.blocked))}
    # with nothing to adopt, nothing is recorded either
    assert kinds <= ({"store"} if report is None else set()), (plan.items, plan.blocked)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topologies())
def test_what_was_adopted_is_destroyed_without_a_trace(desired: Topology) -> None:
    world = World(desired)
    world.converge()
    report = adopt(disowned(world))
    if report is None:
        return
    destroyed = world.destroy()
    assert destroyed is None or destroyed.ok
    assert records(world) == {}
    assert world.cluster.store is not None
    assert world.cluster.store.keys == {}
    assert world.cluster.store.networks == {}
    assert not any(host.engine.containers for host in world.cluster.hosts.values())


def test_an_adopted_container_stays_the_same_one_and_survives_a_restart_of_everything() -> None:
    world = joined({"c1": container()})
    made = made_by_hand(world, "c1")
    assert "`ovctl adopt container/c1`" in world.plan().blocked[0].why
    adopted(world, "container/c1")
    assert world.plan().empty
    world.cluster.kill_engine("h1")
    world.converge()
    assert hand(world).inspect_container("c1")["Id"] == made


def test_adopting_twice_writes_nothing_the_second_time() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    adopted(world)
    done = len(world.cluster.effects)
    assert adopt(world) is None
    assert adopt(world, "container/c1") is None
    assert len(world.cluster.effects) == done


def test_a_container_that_is_made_again_by_hand_is_not_ours_any_more() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    adopted(world)
    hand(world).remove_container("c1", force=True)
    made_by_hand(world, "c1")
    assert [blocked.item.cls for blocked in world.plan().blocked] == ["conflict"]
    destroyed = world.destroy()
    assert destroyed is not None
    assert hand(world).inspect_container("c1")["State"]["Running"]


def test_a_lost_record_makes_an_adopted_container_foreign_and_it_is_left_alone() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    adopted(world)
    world.cluster.hosts["h1"].records.clear()
    world.destroy()
    assert hand(world).inspect_container("c1")["State"]["Running"]


def test_a_record_that_cannot_be_read_makes_its_host_unknown() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    adopted(world)
    record = json.loads(records(world)["h1"])
    record["adopted"] = {"x": {"kind": "host"}}
    world.cluster.hosts["h1"].records[NAME] = json.dumps(record)
    plan = world.plan()
    assert [gap.place for gap in plan.gaps] == ["host/h1"]
    assert not plan.steps


def test_the_next_replacement_bears_the_label_and_leaves_the_record_void() -> None:
    world = joined({"c1": container()})
    made = made_by_hand(world, "c1", Cmd=["sleep", "9"])
    assert [item.changes[0].field for item in shown(world).items] == ["command"]
    adopted(world)
    assert lines(world) == ["command"]
    world.converge()
    found = hand(world).inspect_container("c1")
    assert found["Id"] != made
    assert found["Config"]["Labels"][LABEL_TOPOLOGY] == NAME
    assert made in records(world)["h1"]
    destroyed = world.destroy()
    assert destroyed is not None
    assert destroyed.ok
    assert records(world) == {}


def test_what_an_adopted_container_has_beyond_its_declaration_is_a_difference() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1", HostConfig={"CapAdd": ["NET_ADMIN"], "Privileged": True, "CpuShares": 9}, Tty=True)
    text = adoption_text(shown(world), colours=False)
    assert "cap_add: NET_ADMIN -> (none)" in text
    adopted(world)
    assert lines(world) == ["cap_add", "privileged", "tty", "cpu_shares"]
    world.converge()


def test_what_the_engine_fills_in_of_an_adopted_container_is_none() -> None:
    world = joined({"c1": container(pid="host")})
    made_by_hand(world, "c1")
    assert hand(world).inspect_container("c1")["HostConfig"]["SecurityOpt"] == ["label=disable"]
    adopted(world)
    assert world.plan().empty


def test_an_adopted_container_that_is_no_longer_declared_is_removed() -> None:
    world = joined({"c1": container(), "c2": container(number=12)})
    made_by_hand(world, "c1")
    adopted(world, "container/c1")
    world = World(topology({"c2": container(number=12)}, ("web",)), world.cluster)
    world.converge()
    assert [found["Names"] for found in hand(world).containers()] == [["/c2"]]


def test_an_adopted_container_does_not_keep_its_network_from_being_recreated() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    adopted(world)
    networks = {"web": {"ipam": {"config": [{"subnet": "10.0.0.0/24"}]}, "labels": {"a": "b"}}}
    world = World(topology({"c1": container()}, networks), world.cluster)
    world.converge()


def test_an_adopted_overlay_is_ours_on_every_host_and_recreated_like_others() -> None:
    world = World(topology({"c1": container("h1"), "c2": container("h2", number=12)}, ("web",)))
    world.converge()
    disowned(world)
    adopted(world, "network/web")
    assert {blocked.item.address.kind for blocked in world.plan().blocked} == {"container"}
    assert records(world) == {}
    adopted(world)
    world.converge()
    networks = {"web": {"ipam": {"config": [{"subnet": "10.0.0.0/24"}]}, "labels": {"a": "b"}}}
    world = World(topology({"c1": container("h1"), "c2": container("h2", number=12)}, networks), world.cluster)
    world.converge()
    assert world.cluster.store is not None
    assert [network.labels[LABEL_TOPOLOGY] for network in world.cluster.store.networks.values()] == [NAME]


def test_a_bridge_is_adopted_on_each_host_and_its_record_goes_with_it() -> None:
    world = alone({"c1": on_lan("h1"), "c2": on_lan("h2")}, hosts=2)
    for host in ("h1", "h2"):
        lan_by_hand(world, host)
    made_by_hand(world, "c1")
    adopted(world, "network/lan", "container/c1")
    assert [step.id for step in world.plan().steps] == ["create container/c2 on h2"]
    world.converge()
    destroyed = world.destroy()
    assert destroyed is not None
    assert destroyed.ok
    assert records(world) == {}
    for host in ("h1", "h2"):
        assert [network["Name"] for network in hand(world, host).networks()] == ["none", "host", "bridge"]


def test_an_option_beyond_the_declaration_of_an_adopted_network_is_a_difference() -> None:
    world = alone({"c1": on_lan("h1")})
    lan_by_hand(world, Options={"com.docker.network.bridge.name": "br0"})
    assert [change.field for item in shown(world, "network/lan").items for change in item.changes] == ["driver_opts"]


@pytest.mark.parametrize("first", ["adopt", "apply"])
def test_one_record_holds_what_daemon_json_said_and_what_was_adopted(first: str) -> None:
    if first == "apply":
        world = joined({"c1": container()})
        made_by_hand(world, "c1")
        adopted(world)
    else:
        world = World(topology({"c1": {**container(), "networks": {}}}, ("web",)), Cluster())
        world.cluster.hosts["h1"].daemon_json = '{"debug": true}\n'
        made_by_hand(world, "c1")
        adopted(world)
        world.converge()
    assert set(json.loads(records(world)["h1"])) == {"version", "daemon_json", "adopted"}
    before = {"apply": None, "adopt": '{"debug": true}\n'}[first]
    destroyed = world.destroy()
    assert destroyed is not None
    assert destroyed.ok
    assert world.cluster.hosts["h1"].daemon_json == before
    assert records(world) == {}


def test_a_record_of_adoptions_alone_restarts_no_daemon() -> None:
    world = World(topology({"c1": {**container(), "networks": {}}}, ("web",)), Cluster(joined=True))
    made_by_hand(world, "c1")
    adopted(world)
    done = len(world.cluster.effects)
    destroyed = world.destroy()
    assert destroyed is not None
    assert destroyed.ok
    assert "restart_engine" not in {effect.method for effect in world.cluster.effects[done:]}
    assert records(world) == {}


def test_what_stays_of_the_adopted_keeps_its_record() -> None:
    world = alone({"c1": on_lan("h1")})
    lan_by_hand(world)
    made_by_hand(world, "c1")
    adopted(world)
    hand(world).start_container(
        hand(world).create_container("theirs", {"Image": "busybox:1", "HostConfig": {"NetworkMode": "lan"}})
    )
    world.destroy()
    assert "lan" in records(world)["h1"]
    hand(world).remove_container("theirs", force=True)
    destroyed = world.destroy()
    assert destroyed is not None
    assert destroyed.ok
    assert records(world) == {}


def test_the_record_of_members_knows_the_adopted_before_they_are_ours() -> None:
    world = World(topology({"c1": {**container(), "networks": {}}}, ("web",)), Cluster(joined=True))
    made_by_hand(world, "c1")
    steps = [step.id for step in shown(world).steps]
    assert steps == ["record store/members before", "adopt container/c1 on h1"]
    adopted(world)
    assert world.cluster.store is not None
    members = json.loads(world.cluster.store.keys[f"ovctl/{NAME}/members"])["hosts"]
    assert members == {"h1": ["c1"], "h2": [], "h3": []}


def test_void_entries_are_left_out_with_the_next_adoption() -> None:
    world = joined({"c1": container(), "c2": container(number=12)})
    first = made_by_hand(world, "c1")
    adopted(world)
    hand(world).remove_container("c1", force=True)
    second = made_by_hand(world, "c2")
    adopted(world)
    assert first not in records(world)["h1"]
    assert second in records(world)["h1"]


def test_a_limited_plan_reaches_an_adopted_container() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1", Cmd=["sleep", "9"])
    adopted(world)
    world.policy = Policy(scope=Scope(targets=("container/c1",)))
    assert [step.action.verb for step in world.plan().steps][:1] == ["replace"]


def test_the_text_says_what_becomes_ours_and_how_it_differs() -> None:
    world = joined({"c1": container()})
    made = made_by_hand(world, "c1", Cmd=["sleep", "9"])
    assert adoption_text(shown(world), colours=False).splitlines()[2:] == [
        f"  = container/c1 on h1: becomes ours as it is ({made[:12]})",
        "        not as declared, for the next apply to mend:",
        "        command: (another value) -> (declared value)",
        "",
        "adopt: 1 object to write down as ours; none is changed; 1 not as declared",
    ]
    adopted(world)
    assert adoption_text(shown(world), colours=False).splitlines()[2:] == ["adopt: nothing to write down"]
