"""Named volumes: made before they are used, never changed, never lost without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.apply.hands import Hands
from controller.apply.perform import perform
from controller.cli.policy import Asked
from controller.errors import ConflictError, EngineError
from controller.model.desired import retired
from controller.model.identity import LABEL_TOPOLOGY, Generation
from controller.model.scope import Scope
from controller.plan import Policy
from controller.plan.saved import saved_plan
from controller.render.plan import plan_json, plan_text
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import NAME, World, container, topology

if TYPE_CHECKING:
    from controller.model.plan import Plan
    from controller.ports import Engine, Json

PRUNE = Policy(prune_volumes=True)


def using(host: str = "h1", *volumes: str, **more: Any) -> dict[str, Any]:
    return container(host, volumes=[f"{name}:/{name}" for name in volumes or ("data",)], **more)


def declared(containers: dict[str, Any], **volumes: Any) -> Any:
    return topology(containers, volumes=volumes)


def hand(world: World, host: str = "h1") -> Engine:
    return FakeFleet(world.cluster, by_hand=True).engine(host)


def named(world: World, host: str = "h1") -> dict[str, Json]:
    return {found["Name"]: found for found in hand(world, host).volumes()}


def applied(desired: Any, world: World | None = None) -> World:
    found = World(desired, world.cluster) if world else World(desired)
    found.converge()
    return found


def told(plan: Plan) -> list[tuple[str, str]]:
    return [(str(blocked.item.address), blocked.why) for blocked in plan.blocked]


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps if step.action.address.kind != "store" and step.action.verb != "settle"]


def test_a_declared_volume_is_made_on_each_host_that_uses_it_before_its_containers() -> None:
    desired = declared(
        {"c1": using(), "c2": using("h2", number=12), "c3": container("h3", number=13)},
        data={"labels": {"team": "shop"}, "driver_opts": {"type": "tmpfs", "device": "tmpfs"}},
    )
    steps = {step.id: step for step in World(desired).plan().steps}
    assert "create volume/data on h1" in steps["create container/c1 on h1"].needs
    world = applied(desired)
    for host in ("h1", "h2"):
        found = named(world, host)["data"]
        assert (found["Labels"]["team"], found["Labels"][LABEL_TOPOLOGY]) == ("shop", NAME)
        assert found["Options"] == {"type": "tmpfs", "device": "tmpfs"}
    assert not named(world, "h3")


def test_a_volume_that_is_not_declared_is_left_to_the_engine() -> None:
    world = applied(declared({"c1": using()}))
    assert named(world)["data"]["Labels"] is None
    assert world.plan().kept == ()


def test_a_container_is_not_made_when_its_volume_could_not_be() -> None:
    world = World(declared({"c1": using()}, data={}))
    world.cluster.faults.fail(EngineError("no space left on device", status=500), method="create_volume", times=9)
    world.apply()
    assert hand(world).containers() == []
    world.cluster.faults.planned.clear()
    world.converge()


@pytest.mark.parametrize("labels", [None, {"com.docker.compose.volume": "data"}])
def test_a_volume_without_a_mark_is_used_as_it_is_and_stays_foreign(labels: dict[str, str] | None) -> None:
    world = World(declared({"c1": using()}, data={"labels": {"team": "shop"}}))
    hand(world).create_volume("data", {"Labels": labels})
    world.converge()
    assert named(world)["data"]["Labels"] == labels
    gone = World(retired(world.topology), world.cluster, PRUNE)
    gone.converge()
    assert list(named(world)) == ["data"]


def test_a_volume_of_another_topology_is_a_conflict_unless_it_is_external() -> None:
    world = World(declared({"c1": using()}, data={}))
    hand(world).create_volume("data", {"Labels": {LABEL_TOPOLOGY: "other"}})
    reason = "host/h1 has a volume named data of topology/other: declare it as external, or rename yours"
    assert told(world.plan()) == [("volume/data", reason), ("container/c1", "waits for volume/data")]
    applied(declared({"c1": using()}, data={"external": True}), world)


@pytest.mark.parametrize(
    ("before", "now", "field"),
    [
        ({"driver_opts": {"o": "addr=a,password=hunter2"}}, {"driver_opts": {"o": "addr=b"}}, "driver_opts.o"),
        ({}, {"driver_opts": {"type": "nfs"}}, "driver_opts.type"),
        ({"driver_opts": {"type": "nfs"}}, {}, "driver_opts.type"),
        ({}, {"driver": "plugin"}, "driver"),
    ],
)
def test_a_volume_that_differs_is_a_conflict_and_never_made_anew(before: Any, now: Any, field: str) -> None:
    world = applied(declared({"c1": using()}, data=before))
    created = named(world)["data"]
    world = World(declared({"c1": using(), "c2": using(number=12)}, data=now), world.cluster, PRUNE)
    plan = world.plan()
    (conflict, waits) = plan.blocked
    assert [change.field for change in conflict.item.changes] == [field]
    assert (str(waits.item.address), waits.why) == ("container/c2", "waits for volume/data")
    shown = plan_text(plan, colours=False) + str(plan_json(plan))
    assert "hunter2" not in shown
    assert "addr=" not in shown
    world.apply()
    assert named(world)["data"] == created
    applied(declared({"c1": using(), "c2": using(number=12)}, data=before), world)


def test_other_labels_are_told_and_nobody_waits_for_them() -> None:
    world = applied(declared({"c1": using()}, data={"labels": {"a": "1"}}))
    world = World(declared({"c1": using(), "c2": using(number=12)}, data={"labels": {"a": "2"}}), world.cluster)
    world.apply()
    assert hand(world).inspect_container("c2")["State"]["Running"]
    plan = world.plan()
    assert [change.field for blocked in plan.blocked for change in blocked.item.changes] == ["labels.a"]
    assert not plan.steps


def test_an_external_volume_must_be_there_and_is_never_made_or_removed() -> None:
    desired = declared({"c1": using()}, data={"external": True})
    world = World(desired)
    reason = "it is external, and host/h1 has none of that name: create it there, or correct the name"
    assert told(world.plan()) == [("volume/data", reason), ("container/c1", "waits for volume/data")]
    hand(world).create_volume("data", {})
    world.converge()
    World(retired(desired), world.cluster, PRUNE).converge()
    assert list(named(world)) == ["data"]


def test_a_volume_that_was_ours_and_is_external_now_stays() -> None:
    world = applied(declared({"c1": using()}, data={}))
    world = applied(declared({"c1": using()}, data={"external": True}), world)
    assert world.plan().kept == ()
    World(retired(world.topology), world.cluster, PRUNE).converge()
    assert list(named(world)) == ["data"]


@pytest.mark.parametrize(
    ("containers", "volumes", "reason"),
    [
        ({"c1": container()}, {}, "no longer declared"),
        ({"c1": container()}, {"data": {}}, "no container on h1 uses it any more"),
        ({"c1": using("h2")}, {"data": {}}, "no container on h1 uses it any more"),
    ],
)
def test_a_volume_that_nobody_uses_is_kept_and_told_until_somebody_says_otherwise(
    containers: Any, volumes: Any, reason: str
) -> None:
    world = applied(declared({"c1": using()}, data={}))
    world = applied(declared(containers, **volumes), world)
    plan = world.plan()
    assert plan.empty
    assert [(str(item.address), item.host, item.reason) for item in plan.kept] == [("volume/data", "h1", reason)]
    assert f"  = volume/data on h1: kept: {reason}" in plan_text(plan, colours=False).splitlines()
    assert [item["address"] for item in plan_json(plan)["kept"]] == ["volume/data"]
    world = World(world.topology, world.cluster, PRUNE)
    assert ids(world.plan()) == ["remove volume/data on h1"]
    world.converge()
    assert not named(world)


def test_a_container_leaves_its_volume_before_that_is_removed() -> None:
    world = applied(declared({"c1": using(), "c2": using(number=12)}, data={}))
    world = World(declared({"c1": container()}), world.cluster, PRUNE)
    (step,) = (step for step in world.plan().steps if step.id == "remove volume/data on h1")
    assert {"replace container/c1 on h1", "remove container/c2 on h1"} <= set(step.needs)
    world.converge()
    assert not named(world)


def test_a_volume_that_is_used_without_being_declared_is_not_told_as_unused() -> None:
    world = applied(declared({"c1": using()}, data={}))
    world = World(declared({"c1": using()}), world.cluster, PRUNE)
    assert world.plan().empty
    assert world.plan().kept == ()


def test_a_volume_that_others_use_stays() -> None:
    world = applied(declared({"c1": using()}, data={}))
    hand(world).create_container("theirs", {"Image": "busybox:1", "HostConfig": {"Binds": ["data:/x"]}})
    world = World(declared({"c1": container()}), world.cluster, PRUNE)
    world.apply()
    assert told(world.plan()) == [("volume/data", "containers that are not ours use it: theirs")]
    assert list(named(world)) == ["data"]


def test_a_volume_stays_with_a_container_that_is_left_alone() -> None:
    world = applied(declared({"c1": using(), "c2": container("h2", number=12)}, data={}))
    hand(world, "h3").create_container("c0", {"Image": "busybox:1"})
    waiting = {"c1": container(depends_on=["c0"]), "c0": container("h3", number=14)}
    world = World(declared(waiting), world.cluster, PRUNE)
    why = "still used by what this plan leaves alone: container/c1"
    assert ("volume/data", why) in told(world.plan())


@pytest.mark.parametrize("prune", [True, False])
def test_destroy_removes_our_volumes_only_when_it_is_said(*, prune: bool) -> None:
    world = applied(declared({"c1": using("h1", "data", "more")}, data={}))
    gone = World(retired(world.topology), world.cluster, Policy(prune_volumes=prune))
    gone.converge()
    assert sorted(named(world)) == (["more"] if prune else ["data", "more"])
    assert [str(item.address) for item in gone.plan().kept] == ([] if prune else ["volume/data"])


def test_volumes_count_in_the_delete_budget() -> None:
    names = [f"v{number}" for number in range(9)]
    world = applied(declared({"c1": using("h1", *names)}, **{name: {} for name in names}))
    world = World(declared({"c1": container()}), world.cluster, PRUNE)
    world.apply()
    assert len(named(world)) == 9
    assert {why for _, why in told(world.plan())} == {
        "one of 9 deletions among 13 objects that are ours, and 5 may go; if it is meant: --max-deletes 9"
    }


def test_a_plan_for_a_container_makes_its_volumes_on_its_host_alone() -> None:
    desired = declared({"c1": using(), "c2": using("h2", number=12)}, data={}, other={})
    world = World(desired, policy=Policy(scope=Scope(targets=("container/c1",))))
    assert [step for step in ids(world.plan()) if "volume" in step] == ["create volume/data on h1"]
    world = World(desired, policy=Policy(scope=Scope(targets=("volume/data",))))
    assert {"create volume/data on h1", "create volume/data on h2"} <= set(ids(world.plan()))


def test_a_plan_of_something_else_does_not_count_kept_volumes_as_drift_beyond_its_limits() -> None:
    world = applied(declared({"c1": using(), "c2": container(number=12)}, data={}))
    applied(declared({"c1": container(), "c2": container(number=12)}), world)
    world = World(
        declared({"c1": container(), "c2": container(number=12)}),
        world.cluster,
        Policy(scope=Scope(targets=("container/c2",))),
    )
    limits = world.plan().limits
    assert limits is not None
    assert limits.outside == 0


def test_a_volume_that_somebody_made_meanwhile_is_not_taken_for_ours() -> None:
    world = World(declared({"c1": using()}, data={"labels": {"a": "1"}}))
    cycle = world.cycle()
    _, plan = cycle.look()
    (step,) = (step for step in plan.steps if step.id == "create volume/data on h1")
    hand(world).create_volume("data", {"Labels": {"theirs": "1"}})

    with pytest.raises(ConflictError, match="a volume named data is there by now on h1"):
        perform(step.action, Hands(cycle.fleet, world.topology, cycle.clock), list[str]().append)


def test_a_volume_of_others_is_not_removed_in_the_place_of_ours() -> None:
    world = applied(declared({"c1": using()}, data={}))
    world = applied(declared({"c1": container()}), world)
    world = World(world.topology, world.cluster, PRUNE)
    cycle = world.cycle()
    (step,) = cycle.look()[1].steps
    hand(world).remove_volume("data")
    hand(world).create_volume("data", {})

    hands = Hands(cycle.fleet, world.topology, cycle.clock)
    with pytest.raises(ConflictError, match="volume data is not ours"):
        perform(step.action, hands, list[str]().append)
    hand(world).remove_volume("data")
    perform(step.action, hands, list[str]().append)


def test_a_saved_plan_remembers_that_volumes_may_go() -> None:
    plan = World(declared({"c1": using()}, data={})).plan()
    for policy in (PRUNE, Policy()):
        assert Asked.of(saved_plan(plan, policy, Generation("g"), "/t.yaml")).policy() == policy


def test_a_container_stays_where_it_is_while_its_new_host_cannot_give_it_its_volume() -> None:
    world = World(declared({"c1": using()}, data={"external": True}))
    hand(world).create_volume("data", {})
    world.converge()
    moved = World(declared({"c1": using("h2")}, data={"external": True}), world.cluster)
    assert "remove container/c1 on h1" not in ids(moved.plan())
    assert ("container/c1", "it is to move, but waits for volume/data") in told(moved.plan())
    hand(world, "h2").create_volume("data", {})
    moved.converge()
    assert [hand(world, host).containers() != [] for host in ("h1", "h2")] == [False, True]
