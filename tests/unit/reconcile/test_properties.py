"""The claims that carry the product, on the fake fleet."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.errors import EngineError
from controller.model.desired import retired
from controller.model.identity import LABEL_TOPOLOGY
from controller.plan import Policy
from controller.render.plan import plan_json
from tests.fakes import FakeFleet, Killed
from tests.unit.reconcile.worlds import HOSTS, NAME, TAMPERINGS, World, container, tamper, topologies, topology

if TYPE_CHECKING:
    from controller.model.topology import Topology

many = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
tamperings = st.lists(st.tuples(st.sampled_from(TAMPERINGS), st.integers(0, 20)), max_size=4)


@many
@given(topologies())
def test_apply_converges_from_nothing(desired: Topology) -> None:
    World(desired).converge()


@many
@given(topologies(), topologies())
def test_apply_converges_from_any_other_topology(first: Topology, second: Topology) -> None:
    world = World(first)
    world.converge()
    World(second, world.cluster).converge()


@many
@given(topologies(), tamperings)
def test_apply_heals_what_was_done_by_hand(desired: Topology, what: list[tuple[str, int]]) -> None:
    world = World(desired)
    world.converge()
    for kind, number in what:
        tamper(world, kind, number)
    world.converge()


@many
@given(topologies())
def test_a_second_apply_does_nothing(desired: Topology) -> None:
    world = World(desired)
    world.converge()
    done = len(world.cluster.effects)
    assert world.apply() is None
    assert len(world.cluster.effects) == done


@many
@given(topologies(), topologies(), st.integers(1, 40))
def test_a_killed_apply_is_finished_by_the_next(first: Topology, second: Topology, effects: int) -> None:
    world = World(first)
    world.converge()
    world = World(second, world.cluster)
    world.cluster.faults.stop_after(effects)
    with suppress(Killed):
        world.apply()
    world.cluster.faults.resume()
    world.converge()


@many
@given(topologies(), st.integers(1, 12), st.booleans())
def test_transient_errors_of_the_engine_are_survived(desired: Topology, nth: int, leak: bool) -> None:  # noqa: FBT001 - drawn
    world = World(desired)
    # an endpoint that leaks on a host's own bridge is that engine's affair
    leak = leak and all(
        declared.networks and "lan" not in declared.networks for declared in desired.containers.values()
    )
    world.cluster.faults.fail_start(nth=nth, leak=leak)
    world.converge()


@many
@given(topologies(), topologies(), tamperings)
def test_nothing_unowned_is_ever_touched(first: Topology, second: Topology, what: list[tuple[str, int]]) -> None:
    world = World(first)
    hand = FakeFleet(world.cluster, by_hand=True)
    for host in HOSTS:
        engine = hand.engine(host)
        engine.create_network("theirs", {"Driver": "bridge"})
        engine.start_container(engine.create_container("somebody", {"Image": "busybox:1", "Cmd": ["sleep", "9"]}))
    world.converge()
    for kind, number in what:
        tamper(world, kind, number)
    world = World(second, world.cluster)
    world.converge()
    world.destroy()
    for effect in world.cluster.effects:
        for touched in effect.touched:
            owned = dict(touched.labels).get(LABEL_TOPOLOGY) == NAME
            # a restart of the daemon stops everything on the host; what ran is started again
            again = touched.name == "somebody" and effect.method == "start_container"
            # containers of ours may join the engine's own default bridge, and leave it
            default = touched.name == "bridge" and effect.method in ("connect", "disconnect")
            assert owned or again or default, effect


def _without_volumes(hosts: dict[str, Any]) -> dict[str, Any]:
    return {host: {**found, "volumes": []} for host, found in hosts.items()}


@many
@given(topologies())
def test_destroy_with_volumes_leaves_those_alone_that_it_did_not_make(desired: Topology) -> None:
    world = World(desired)
    world.converge()
    World(retired(desired), world.cluster, Policy(prune_volumes=True)).apply()
    left = {name for host in world.cluster.hosts.values() for name in host.engine.volumes}
    used = {mount.source for found in desired.containers.values() for mount in found.volumes}
    assert left == used - set(desired.volumes)


@many
@given(topologies())
def test_destroy_leaves_the_hosts_as_they_were(desired: Topology) -> None:
    world = World(desired)
    before = world.cluster.snapshot()
    world.converge()
    world.destroy()
    after = world.cluster.snapshot()
    assert _without_volumes(after["hosts"]) == _without_volumes(before["hosts"])
    used = {(found.host, mount.source) for found in desired.containers.values() for mount in found.volumes}
    assert {(host, name) for host in HOSTS for name, *_ in after["hosts"][host]["volumes"]} == used
    assert after["store"]["networks"] == before["store"]["networks"]
    assert after["store"]["keys"] == before["store"]["keys"]


@many
@given(topologies(), topologies())
def test_the_same_drift_gives_the_same_plan_and_every_step_comes_after_what_it_needs(
    first: Topology,
    second: Topology,
) -> None:
    world = World(first)
    world.converge()
    world = World(second, world.cluster)
    plan = world.plan()
    assert json.dumps(plan_json(plan)) == json.dumps(plan_json(world.plan()))
    seen: set[str] = set()
    for step in plan.steps:
        assert {*step.needs, *step.follows} <= seen
        seen.add(step.id)


@many
@given(topologies(), topologies(), st.sampled_from(HOSTS))
def test_nothing_is_planned_where_a_host_could_not_be_read(first: Topology, second: Topology, lost: str) -> None:
    world = World(first)
    world.converge()
    world = World(second, world.cluster)
    world.cluster.faults.unreachable.add(lost)
    plan = world.plan()
    assert plan.incomplete
    assert all(step.action.host != lost for step in plan.steps)
    before = world.cluster.copy()
    world.apply()
    for name in before.hosts[lost].engine.containers:
        assert name in world.cluster.hosts[lost].engine.containers


@many
@given(topologies())
def test_every_container_has_its_fixed_address_and_no_address_is_given_twice(desired: Topology) -> None:
    world = World(desired)
    world.converge()
    hand = FakeFleet(world.cluster, by_hand=True)
    given_out: set[tuple[str, str, str]] = set()
    for name, declared in desired.containers.items():
        networks = hand.engine(declared.host).inspect_container(name)["NetworkSettings"]["Networks"]
        for network, attachment in declared.networks.items():
            place = declared.host if network == "lan" else ""
            for key, fixed in (("IPAddress", attachment.ipv4_address), ("GlobalIPv6Address", attachment.ipv6_address)):
                address = networks[network][key]
                assert fixed is None or address == str(fixed)
                assert not address or (network, place, address) not in given_out
                given_out.add((network, place, address))
            assert attachment.mac_address in (None, networks[network]["MacAddress"])


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_to_any_single_request_is_survived(*, after: bool) -> None:
    desired = topology({"c1": container(), "c2": container("h2", "web", 12, depends_on=["c1"])})
    for nth in range(1, 12):
        world = World(desired)
        world.cluster.faults.fail(EngineError("engine: unexpected EOF", status=500), nth=nth, after=after)
        world.apply()
        world.cluster.faults.planned.clear()
        world.converge()
