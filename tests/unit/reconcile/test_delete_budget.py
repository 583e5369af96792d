"""A plan deletes a few objects, or a quarter of ours, and beyond that only what was allowed by number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.model.desired import is_retired, retired
from controller.model.identity import LABEL_TOPOLOGY
from controller.plan import Policy
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import HOSTS, NAME, World, container, topologies, topology

if TYPE_CHECKING:
    from controller.model.plan import Plan
    from controller.model.topology import Topology

UNSAID = Policy()


def crowd(count: int, host: str = "h1") -> dict[str, Any]:
    return {f"c{number}": container(host, number=11 + number) for number in range(count)}


def reduced(first: Topology, second: Topology, policy: Policy = UNSAID) -> World:
    """Return a world where *first* was applied and *second* is desired."""
    world = World(first)
    world.converge()
    return World(second, world.cluster, policy)


def deleted(plan: Plan) -> set[str]:
    return {str(step.action.address) for step in plan.steps if step.action.verb == "remove"}


def ours(world: World) -> set[str]:
    """Return what bears the topology's mark: networks by id, containers by host and name."""
    fleet = FakeFleet(world.cluster, by_hand=True)
    found: set[str] = set()
    for host in HOSTS:
        for summary in fleet.engine(host).containers():
            if summary["Labels"].get(LABEL_TOPOLOGY) == NAME:
                found.add(f"{host}{summary['Names'][0]}")
        found |= {n["Id"] for n in fleet.engine(host).networks() if (n["Labels"] or {}).get(LABEL_TOPOLOGY) == NAME}
    return found


def network_places(world: World) -> set[tuple[str, str]]:
    """Return name and host of our networks, no host for an overlay: a recreated one is where it was."""
    fleet = FakeFleet(world.cluster, by_hand=True)
    return {
        (found["Name"], host if found["Scope"] == "local" else "")
        for host in HOSTS
        for found in fleet.engine(host).networks()
        if (found["Labels"] or {}).get(LABEL_TOPOLOGY) == NAME
    }


@pytest.mark.parametrize(("leave", "done"), [(5, 5), (6, 0)])
def test_five_may_go_of_few_and_six_may_not(leave: int, done: int) -> None:
    world = reduced(topology(crowd(8)), topology(crowd(8 - leave)))
    plan = world.plan()
    assert len(deleted(plan)) == done
    assert len(plan.blocked) == leave - done


@pytest.mark.parametrize(("leave", "done"), [(7, 7), (8, 0)])
def test_a_quarter_may_go_of_many(leave: int, done: int) -> None:
    # with its three networks, 28 objects to begin with
    world = reduced(topology(crowd(25)), topology(crowd(25 - leave)))
    assert len(deleted(world.plan())) == done


def test_the_plan_says_how_many_how_many_may_and_how_to_allow_them() -> None:
    plan = reduced(topology(crowd(8)), topology(crowd(1), networks=("web",))).plan()
    assert {blocked.why for blocked in plan.blocked} == {
        "one of 9 deletions among 11 objects that are ours, and 5 may go; if it is meant: --max-deletes 9"
    }
    assert {blocked.item.address.kind for blocked in plan.blocked} == {"container", "network"}


def test_nothing_is_deleted_beyond_the_budget_and_the_rest_is_done() -> None:
    second = topology({"c0": container(restart="no"), "new": container("h2", number=99)}, networks=("web",))
    world = reduced(topology(crowd(8)), second)
    before = ours(world)
    report = world.apply()
    assert report is not None
    assert report.ok
    after = ours(world)
    assert after == before | {"h2/new"}
    engine = FakeFleet(world.cluster, by_hand=True).engine("h1")
    assert engine.inspect_container("c0")["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert all(summary["State"] == "running" for summary in engine.containers())
    assert not world.plan().empty


def test_what_was_allowed_by_number_is_deleted_and_not_one_more() -> None:
    second = topology(crowd(1), networks=("web",))
    assert not deleted(reduced(topology(crowd(8)), second, Policy(max_deletes=8)).plan())
    assert len(deleted(reduced(topology(crowd(8)), second, Policy(max_deletes=9)).plan())) == 9


def test_no_deletion_may_be_allowed_at_all() -> None:
    plan = reduced(topology(crowd(2)), topology(crowd(1)), Policy(max_deletes=0)).plan()
    assert not plan.steps
    assert [str(blocked.item.address) for blocked in plan.blocked] == ["container/c1"]


def test_moves_replacements_and_recreations_are_no_deletions() -> None:
    moved = topology(crowd(8, "h2"))
    assert len(deleted(reduced(topology(crowd(8)), moved, Policy(max_deletes=0)).plan())) == 8
    changed = {name: {**declared, "command": ["httpd", "-f"]} for name, declared in crowd(8).items()}
    world = reduced(topology(crowd(8)), topology(changed), Policy(max_deletes=0))
    world.converge()
    internal = topology(changed).model_dump(mode="json")
    internal["networks"] = {name: {**declared, "internal": True} for name, declared in internal["networks"].items()}
    world = World(type(world.topology).model_validate(internal, strict=False), world.cluster, Policy(max_deletes=0))
    assert {"network/web", "network/db", "network/multihost"} == deleted(world.plan())
    world.converge()


def test_destroy_needs_no_allowance() -> None:
    world = World(topology(crowd(8)), policy=UNSAID)
    world.converge()
    assert ours(world)
    world.destroy()
    assert not ours(world)


def test_who_stays_beyond_the_budget_is_remembered_with_its_host() -> None:
    first = topology(crowd(8, "h3"))
    absent = topology({}).model_dump(mode="json")
    absent["hosts"]["h3"]["state"] = "absent"
    world = reduced(first, type(first).model_validate(absent, strict=False))
    world.apply()
    observed, plan = world.cycle().look()
    assert observed.recorded_members["h3"] == tuple(f"c{number}" for number in range(8))
    assert not plan.steps
    assert "store/members" not in {str(item.address) for item in plan.items}


def test_what_stays_beyond_the_budget_keeps_its_ip_address_and_port() -> None:
    first = {**crowd(8), "c7": container(number=18, ports=["8080:80"])}
    second = topology(
        {
            "taker": container("h2", number=18),
            "publisher": container(number=99, ports=["8080:80"]),
            "free": container(number=98),
        }
    )
    world = reduced(topology(first), second)
    why = {str(blocked.item.address): blocked.why for blocked in world.plan().blocked}
    assert why["container/taker"] == "its IP address 10.0.0.18 on web is still that of container/c7"
    assert why["container/publisher"] == "its port 8080/tcp on h1 is still that of container/c7"
    assert "container/free" not in why
    World(second, world.cluster).converge()


def test_a_network_is_not_recreated_under_who_stays_beyond_the_budget() -> None:
    changed = topology(crowd(1)).model_dump(mode="json")
    changed["networks"]["web"]["internal"] = True
    world = reduced(topology(crowd(8)), topology(crowd(1)))
    world = replace(world, topology=type(world.topology).model_validate(changed, strict=False))
    report = world.apply()
    assert report is None
    why = {str(blocked.item.address): blocked.why for blocked in world.plan().blocked}
    assert "container/c1, container/c2" in why["network/web"]
    assert FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container("c7")["NetworkSettings"]["Networks"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topologies(), topologies(), st.one_of(st.none(), st.integers(0, 6)))
def test_no_apply_deletes_more_than_it_may(first: Topology, second: Topology, allowed: int | None) -> None:
    world = reduced(first, second, Policy(max_deletes=allowed))
    before, networks = ours(world), network_places(world)
    world.apply()
    moved = {f"{declared.host}/{name}" for name, declared in first.containers.items() if name in second.containers}
    containers = {key for key in before - ours(world) if "/" in key} - moved
    count = len(containers) + len(networks - network_places(world))
    assert count <= (max(5, len(before) // 4) if allowed is None else allowed)


def test_a_topology_of_which_one_host_stays_is_not_retired() -> None:
    desired = topology({})
    assert not is_retired(desired)
    assert is_retired(retired(desired))
