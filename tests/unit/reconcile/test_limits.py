"""A plan that is limited to some objects and hosts touches these and what they depend on, and claims nothing more."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.errors import UsageError
from controller.model.identity import ASIDE_SUFFIX
from controller.plan import Policy, Scope
from controller.render.plan import in_sync_text, plan_json, plan_text
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import HOSTS, TAMPERINGS, World, container, tamper, topologies, topology

if TYPE_CHECKING:
    from controller.model.plan import Plan
    from controller.model.topology import Topology


def limited_to(*targets: str, hosts: tuple[str, ...] = (), max_deletes: int | None = None) -> Policy:
    return Policy(scope=Scope(targets, hosts), max_deletes=max_deletes)


def after(first: Topology, second: Topology, policy: Policy) -> World:
    """Return a world where *first* was applied and *second* is desired, within limits."""
    world = World(first)
    world.converge()
    return World(second, world.cluster, policy)


def planned(plan: Plan) -> set[str]:
    return {str(step.action.address) for step in plan.steps}


def names_on(world: World, host: str) -> set[str]:
    engine = FakeFleet(world.cluster, by_hand=True).engine(host)
    return {summary["Names"][0].lstrip("/") for summary in engine.containers()}


FULL = {
    "db-1": container("h2", "db", 12),
    "web-1": {**container("h1", "web", 11), "depends_on": ["db-1"]},
    "web-2": container("h2", "web", 13),
    "other": container("h3", "multihost", 14),
}


def test_a_target_brings_its_host_its_networks_and_its_dependencies_with_theirs() -> None:
    world = World(topology(FULL), policy=limited_to("container/web-1"))
    limits = world.plan().limits
    assert limits is not None
    assert [str(address) for address in limits.addresses] == [
        "container/db-1",
        "container/web-1",
        "host/h1",
        "host/h2",
        "network/db",
        "network/web",
        "store/members",
    ]
    world.converge()
    assert names_on(world, "h1") == {"web-1"}
    assert names_on(world, "h2") == {"db-1"}
    assert not names_on(world, "h3")
    assert not world.cluster.hosts["h3"].engine.cluster_store


def test_a_host_brings_what_is_declared_and_what_stands_there() -> None:
    moved = {**FULL, "web-2": container("h3", "web", 13)}
    del moved["db-1"]
    moved["web-1"] = container("h1", "web", 11, command=["httpd"])
    world = after(topology(FULL), topology(moved), limited_to(hosts=("h2",)))
    assert {step.id for step in world.plan().steps if step.action.verb in ("create", "remove", "replace")} == {
        "remove container/db-1 on h2",
        "remove container/web-2 on h2",
        "create container/web-2 on h3",
    }
    world.converge()


def test_targets_and_hosts_add_up() -> None:
    world = World(topology(FULL), policy=limited_to("container/other", hosts=("h1",)))
    assert {address for address in planned(world.plan()) if address.startswith("container/")} == {
        "container/other",
        "container/web-1",
        "container/db-1",
    }


def test_what_a_limited_apply_left_is_done_by_the_next_whole_one() -> None:
    world = World(topology(FULL), policy=limited_to("container/other"))
    world.converge()
    whole = World(world.topology, world.cluster)
    assert not whole.plan().empty
    whole.converge()


def test_a_limited_apply_records_no_host_and_no_container_that_it_does_not_place() -> None:
    world = World(topology(FULL), policy=limited_to("container/other"))
    world.converge()
    assert world.cycle().look()[0].recorded_members == {"h3": ("other",)}


def test_a_limited_apply_forgets_only_what_it_removed() -> None:
    world = after(topology(FULL), topology({}), limited_to("container/other"))
    world.apply()
    assert world.cycle().look(again=True)[0].recorded_members == {"h1": ("web-1",), "h2": ("db-1", "web-2"), "h3": ()}
    assert names_on(world, "h1") == {"web-1"}
    assert not names_on(world, "h3")


def test_trouble_beyond_the_limits_is_no_failure() -> None:
    world = World(topology(FULL), policy=limited_to("container/web-2"))
    hand = FakeFleet(world.cluster, by_hand=True).engine("h3")
    hand.start_container(hand.create_container("other", {"Image": "busybox:1", "Cmd": ["sleep", "9"]}))
    world.converge()
    world.cluster.faults.unreachable.add("h3")
    plan = world.plan()
    assert plan.empty
    assert not plan.incomplete


def test_trouble_within_the_limits_is_one() -> None:
    world = World(topology(FULL), policy=limited_to("container/web-1"))
    world.cluster.faults.unreachable.add("h2")
    assert [gap.place for gap in world.plan().gaps] == ["host/h2"]


def test_a_move_is_not_made_by_half_while_its_old_host_cannot_be_read() -> None:
    moved = {**FULL, "other": container("h1", "multihost", 14)}
    world = after(topology(FULL), topology(moved), limited_to("container/other"))
    world.cluster.faults.unreachable.add("h3")
    plan = world.plan()
    assert not [step for step in plan.steps if step.action.address.kind == "container"]
    assert [blocked.why for blocked in plan.blocked] == ["it may still run on h3, which could not be read"]


def test_a_network_is_not_recreated_under_containers_beyond_the_limits() -> None:
    changed = topology(FULL).model_dump(mode="json")
    changed["networks"]["web"]["internal"] = True
    desired = type(topology(FULL)).model_validate(changed, strict=False)
    world = after(topology(FULL), desired, limited_to("network/web"))
    (blocked,) = world.plan().blocked
    assert blocked.why == "still on it, and left alone by this plan: container/web-1, container/web-2"
    assert not world.plan().steps
    assert not world.plan().items
    both = limited_to("network/web", "container/web-1", "container/web-2")
    World(desired, world.cluster, both).converge()


def test_an_ip_address_that_is_given_up_beyond_the_limits_is_waited_for() -> None:
    first = {"c1": container("h1", number=11), "c2": container("h2", number=12)}
    second = {"c1": container("h1", number=12), "c2": container("h2", number=13)}
    world = after(topology(first), topology(second), limited_to("container/c1"))
    assert [blocked.why for blocked in world.plan().blocked] == [
        "its IP address 10.0.0.12 on web is still that of container/c2"
    ]
    World(topology(second), world.cluster, limited_to("container/c1", "container/c2")).converge()


def test_a_target_that_is_only_there_is_removed_and_then_unknown() -> None:
    second = {name: declared for name, declared in FULL.items() if name != "other"}
    world = after(topology(FULL), topology(second), limited_to("container/other"))
    assert planned(world.plan()) >= {"container/other"}
    world.apply()
    assert not names_on(world, "h3")
    with pytest.raises(UsageError, match="container/other: nothing of that address is declared, or there"):
        world.plan()


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("container/wbe-1", "did you mean container/web-1?"),
        ("web-1", "did you mean container/web-1?"),
        ("web", "did you mean network/web?"),
        ("", "one of: container/db-1, container/other, container/web-1, container/web-2, host/h1, …"),
    ],
)
def test_an_unknown_address_is_refused_with_what_was_probably_meant(asked: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        World(topology(FULL), policy=limited_to(asked)).plan()
    assert caught.value.hint == hint


def test_an_unknown_host_is_refused_before_anything_is_done() -> None:
    world = World(topology(FULL), policy=limited_to(hosts=("h4",)))
    with pytest.raises(UsageError, match="h4: no such host is declared"):
        world.apply()
    assert not world.cluster.effects


def test_a_container_that_was_left_aside_belongs_to_its_own() -> None:
    world = World(topology(FULL))
    world.converge()
    hand = FakeFleet(world.cluster, by_hand=True).engine("h3")
    hand.stop_container("other")
    hand.rename_container("other", f"other{ASIDE_SUFFIX}")
    world = World(world.topology, world.cluster, limited_to("container/other"))
    world.converge()
    assert names_on(world, "h3") == {"other"}


def test_nobody_beyond_the_limits_is_reattached_so_that_names_are_found() -> None:
    first = {"c1": container("h1", number=11), "c2": container("h2", number=12)}
    second = {**first, "c3": container("h1", number=13), "c4": container("h3", number=14)}
    world = after(topology(first), topology(second), limited_to("container/c3", "container/c4"))
    settled = {step.action.host for step in world.plan().steps if step.action.verb == "settle"}
    assert settled == {"h3"}
    everybody = World(topology(second), world.cluster, limited_to(*(f"container/{name}" for name in second)))
    assert {step.action.host for step in everybody.plan().steps if step.action.verb == "settle"} == set(HOSTS)


def test_a_placed_store_comes_along_and_goes_only_when_asked_for() -> None:
    store = {"url": "consul://192.168.112.13:8500", "place": {"host": "h3", "image": "consul:1.8"}}
    desired = topology(FULL, store=store)
    world = World(desired, Cluster(placed_on="h3"), limited_to("container/web-2"))
    world.converge()
    assert names_on(world, "h3") == {"ovctl-store"}
    assert not world.cluster.hosts["h3"].engine.cluster_store
    leaving = desired.model_dump(mode="json")
    leaving["hosts"]["h3"]["state"] = "absent"
    del leaving["containers"]["other"]
    left = type(desired).model_validate(leaving, strict=False)
    assert not World(left, world.cluster, limited_to("container/web-2")).plan().steps
    removed = {"remove store/consul on h3"}
    assert {step.id for step in World(left, world.cluster, limited_to("store/consul")).plan().steps} == removed
    on_host = World(left, world.cluster, limited_to(hosts=("h3",))).plan()
    assert removed <= {step.id for step in on_host.steps}


def test_the_rest_follows_when_the_placed_stores_own_host_joins_only_then() -> None:
    store = {"url": "consul://192.168.112.11:8500", "place": {"host": "h1", "image": "consul:1.8"}}
    desired = topology(FULL, store=store)
    world = World(desired, Cluster(placed_on="h1"), limited_to("container/other"))
    world.converge()
    # networks are planned to be made from h3 first, and from h1 once that has joined
    World(desired, world.cluster).converge()


def test_the_delete_budget_holds_within_limits() -> None:
    crowd = {f"c{number}": container("h1", number=11 + number) for number in range(8)}
    world = after(topology(crowd), topology({"c0": crowd["c0"]}), limited_to(hosts=("h1",)))
    assert len(world.plan().blocked) == 7
    few = World(world.topology, world.cluster, limited_to("container/c1", "container/c2"))
    few.apply()
    assert names_on(world, "h1") == {"c0", *(f"c{number}" for number in range(3, 8))}


def test_a_limited_plan_says_so_and_claims_nothing_of_the_rest() -> None:
    world = World(topology(FULL), policy=limited_to("container/web-2", hosts=("h3",)))
    text = plan_text(world.plan(), colours=False)
    assert text.splitlines()[1].startswith("limited to container/web-2, all on h3: 7 objects,")
    assert text.endswith("; 4 beyond the limits")
    world.converge()
    plan = world.plan()
    assert in_sync_text(plan) == "within the limits all is as declared; 4 objects beyond them are not"
    assert "hosts are as declared" not in plan_text(plan, colours=False)
    limits = plan_json(plan)["limits"]
    assert (limits["targets"], limits["hosts"], limits["outside"]) == (["container/web-2"], ["h3"], 4)
    assert plan_json(World(world.topology, world.cluster).plan())["limits"] is None


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    targets = draw(st.lists(st.sampled_from([*(f"container/c{n}" for n in range(7)), "network/web"]), max_size=3))
    hosts = draw(st.lists(st.sampled_from(HOSTS), max_size=1))
    return Scope(tuple(targets), tuple(hosts)) if targets or hosts else Scope(("network/web",))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    topologies(),
    topologies(),
    scopes(),
    st.lists(st.tuples(st.sampled_from(TAMPERINGS), st.integers(0, 20)), max_size=3),
)
def test_a_limited_plan_touches_only_its_targets(
    first: Topology, second: Topology, scope: Scope, what: list[tuple[str, int]]
) -> None:
    world = World(first)
    world.converge()
    for kind, number in what:
        tamper(world, kind, number)
    world = World(second, world.cluster, Policy(scope=scope, max_deletes=99))
    _, plan = world.cycle().look(again=True)
    assert plan.limits is not None
    within = {str(address) for address in plan.limits.addresses}
    restarted = {step.action.host for step in plan.steps if step.action.verb == "configure"}
    world.cluster.effects.clear()
    with suppress(UsageError):  # of a target that is in neither topology
        world.apply()
    for effect in world.cluster.effects:
        for touched in effect.touched:
            address = f"{touched.kind}/{touched.name.removesuffix(ASIDE_SUFFIX)}"
            # a container may leave a network that it is not declared on
            left = touched.kind == "network" and effect.method in ("connect", "disconnect")
            # a daemon's restart stops all that runs there; what ran is started again
            again = effect.method == "start_container" and effect.host in restarted
            assert address in within or left or again, effect
