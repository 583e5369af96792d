"""A saved plan is carried out as it was agreed to, or not at all; what is saved holds no secret."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.errors import LockedError, PlanFileError, StalePlanError
from controller.model.identity import Generation
from controller.plan import Policy, Scope
from controller.plan.saved import read_saved, refuse_other_topology, saved_plan, saved_text
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import NAME, TAMPERINGS, Silent, World, container, tamper, topologies, topology

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.model.saved import SavedPlan
    from controller.model.topology import Topology
    from controller.ports import Engine
    from controller.reconcile import Applied

many = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FULL = {
    "db-1": container("h2", "db", 12),
    "web-1": {**container("h1", "web", 11), "depends_on": ["db-1"]},
    "other": container("h3", "multihost", 14),
}
CHANGED = {**FULL, "web-1": {**FULL["web-1"], "restart": "unless-stopped"}}


def save(world: World) -> SavedPlan:
    """Look, and return the plan as it is saved and read back."""
    cycle = world.cycle()
    _, plan = cycle.look(again=True)
    text = saved_text(saved_plan(plan, cycle.policy, cycle.generation, "/etc/topology.yaml"))
    return read_saved(text, "p.json")


def apply(world: World, saved: SavedPlan) -> Applied | None:
    cycle = replace(world.cycle(), saved=saved)
    return cycle.apply(lambda _: True, Silent(), lambda: False)


def stale(world: World, saved: SavedPlan) -> list[str]:
    """Apply what does not hold any more, see that nothing is done, and return what it says."""
    before = len(world.cluster.effects)
    with pytest.raises(StalePlanError) as caught:
        apply(world, saved)
    assert len(world.cluster.effects) == before
    assert caught.value.hint == "look at it again and save it anew: `ovctl plan --out FILE`"
    return [line.removeprefix("stale plan: ") for line in caught.value.message.splitlines()]


def applied(first: dict[str, Any], second: dict[str, Any], policy: Policy | None = None) -> World:
    world = World(topology(first))
    world.converge()
    return World(topology(second), world.cluster, policy or Policy(max_deletes=99))


def hand(world: World, host: str) -> Engine:
    return FakeFleet(world.cluster, by_hand=True).engine(host)


@pytest.mark.parametrize("first", [{}, FULL])
def test_a_saved_plan_is_carried_out(first: dict[str, Any]) -> None:
    world = applied(first, CHANGED)
    saved = save(world)
    assert saved.steps
    carried = apply(world, saved)
    assert carried is not None
    assert carried.report.ok
    assert [outcome.step.id for outcome in carried.report.outcomes] == [step.id for step in saved.steps]
    assert carried.left.empty


def test_a_plan_is_not_carried_out_twice() -> None:
    world = applied(FULL, CHANGED)
    saved = save(world)
    apply(world, saved)
    assert stale(world, saved) == [
        "container/web-1 on h1: restart was always, and is as declared",
        "update container/web-1 on h1: is no longer a step",
    ]


def test_a_plan_without_steps_can_be_saved_and_applied_while_all_is_as_declared() -> None:
    world = applied(FULL, FULL)
    saved = save(world)
    assert apply(world, saved) is None
    hand(world, "h3").stop_container("other")
    told = stale(world, saved)
    assert told[:2] == [
        "container/other on h3: was not part of it, and is different",
        "start container/other on h3: is a new step",
    ]


STOPPED = "container/db-1 on h2: state was as declared, and is exited"
MOVES: dict[str, tuple[Callable[[World], object], str]] = {
    "the object itself, in a field": (
        lambda world: hand(world, "h1").stop_container("web-1"),
        "container/web-1 on h1: state was as declared, and is exited",
    ),
    "a field of which the plan mends another value": (
        lambda world: hand(world, "h1").update_container("web-1", {"RestartPolicy": {"Name": "no"}}),
        "container/web-1 on h1: restart was always, and is no",
    ),
    "the object itself, as a whole": (
        lambda world: hand(world, "h1").remove_container("web-1", force=True),
        "container/web-1 on h1: was different, and is missing",
    ),
    "what it depends on": (lambda world: hand(world, "h2").stop_container("db-1"), STOPPED),
    "the host of what it depends on": (
        lambda world: world.cluster.faults.unreachable.add("h2"),
        "host/h2: was as declared, and is unread",
    ),
    "its host": (
        lambda world: setattr(world.cluster.hosts["h1"], "daemon_json", "{}"),
        "host/h1: daemon.json cluster-store was as declared, and is (none)",
    ),
}


@pytest.mark.parametrize("what", MOVES)
def test_a_plan_is_stale_when_what_it_leans_on_moved_and_says_what(what: str) -> None:
    world = applied(FULL, CHANGED)
    saved = save(world)
    move, said = MOVES[what]
    move(world)
    assert said in stale(world, saved)


def test_an_object_that_was_made_anew_is_another_one() -> None:
    world = applied(FULL, CHANGED)
    saved = save(world)
    engine = hand(world, "h2")
    before = engine.inspect_container("db-1")["Id"]
    engine.remove_container("db-1", force=True)
    World(topology(FULL), world.cluster).converge()
    assert engine.inspect_container("db-1")["Id"] != before
    assert "container/db-1 on h2: is another one of that name" in stale(world, saved)


def test_a_plan_holds_when_only_what_it_does_not_touch_moved() -> None:
    only_web = Policy(scope=Scope(("container/web-1",)))
    world = applied(FULL, CHANGED, only_web)
    saved = save(world)
    assert set(saved.fingerprint) == {
        "container/db-1 on h2",
        "container/web-1 on h1",
        "host/h1",
        "host/h2",
        "network/db",
        "network/web",
        "store/members",
    }
    hand(world, "h3").stop_container("other")
    carried = apply(world, saved)
    assert carried is not None
    assert carried.report.ok
    assert carried.left.limits is not None


def test_more_disruption_than_was_agreed_to_is_stale() -> None:
    world = World(topology(FULL))
    saved = save(world)
    engine = hand(world, "h1")
    engine.start_container(engine.create_container("somebody", {"Image": "busybox:1", "Cmd": ["sleep", "9"]}))
    assert stale(world, saved) == ["configure host/h1 on h1: would interrupt somebody, too"]


def test_a_stale_plan_tells_ten_differences_at_most() -> None:
    crowd = {f"c{number}": container("h1", number=11 + number) for number in range(12)}
    world = applied({}, crowd)
    saved = save(world)
    World(topology(crowd), world.cluster).converge()
    told = stale(world, saved)
    assert len(told) == 10
    assert told[-1].startswith("and ")


def test_the_lock_is_held_while_it_is_looked_whether_a_plan_holds_and_given_back() -> None:
    world = applied(FULL, CHANGED)
    saved = save(world)
    fence = FakeFleet(world.cluster, NAME).fence()
    fence.acquire(timeout_s=0)
    with pytest.raises(LockedError):
        apply(world, saved)
    fence.release()
    hand(world, "h1").stop_container("web-1")
    stale(world, saved)
    fence.acquire(timeout_s=0)


def test_another_topology_is_refused() -> None:
    saved = save(applied(FULL, CHANGED))
    refuse_other_topology(saved, Generation("g", "abc-dirty"), "topology.yaml")
    with pytest.raises(StalePlanError, match=r"topology.yaml is generation h \(commit abc\), and it was made for g"):
        refuse_other_topology(saved, Generation("h", "abc"), "topology.yaml")


def test_what_is_saved_holds_no_secret() -> None:
    secret: dict[str, Any] = {
        "environment": {"TOKEN": "s3cret-e"},
        "labels": {"key": "s3cret-l"},
        "command": ["run", "s3cret-c"],
        "entrypoint": ["s3cret-p"],
    }
    first = {"c1": container(**secret), "c2": container("h2", number=12)}
    second = {"c1": container("h1", number=11), "c2": container("h2", number=12, **secret)}
    for world in (World(topology(first)), applied(first, second)):
        cycle = world.cycle()
        text = saved_text(saved_plan(cycle.look()[1], cycle.policy, cycle.generation, "t.yaml"))
        assert "c1" in text
        assert "s3cret" not in text


def damaged() -> list[tuple[str, str]]:
    text = saved_text(save(applied(FULL, CHANGED)))
    data = json.loads(text)
    return [
        ("", "is no saved plan"),
        ("{", "is no saved plan"),
        ("[]", "is no saved plan"),
        ("[" * 99_999, "is no saved plan"),
        ('{"format": 1}', "is no saved plan"),
        ('{"format": "ovctl.plan/1"}', "is no saved plan"),
        (text.replace("saved-plan/1", "saved-plan/2"), "is of the format ovctl.saved-plan/2; this ovctl knows"),
        (text[:-100], "is no saved plan"),
        (json.dumps({**data, "steps": []}), "is damaged"),
        (json.dumps({**data, "more": 1}), "is damaged"),
        (json.dumps({**data, "steps": "s3cret"}), "is damaged"),
        (json.dumps({key: value for key, value in data.items() if key != "checksum"}), "is damaged"),
        (text.replace('"id": "update', '"id": "remove'), "is damaged"),
    ]


@pytest.mark.parametrize("number", range(13))
def test_a_file_that_is_no_whole_plan_is_refused(number: int) -> None:
    text, said = damaged()[number]
    with pytest.raises(PlanFileError) as caught:
        read_saved(text, "p.json")
    assert caught.value.message.startswith(f"p.json: {said}")
    assert caught.value.hint
    assert "s3cret" not in caught.value.message


scopes = st.sampled_from(
    [Scope(), Scope(("network/web",)), Scope((), ("h1",)), Scope(("container/c0", "container/c1"))]
)
tamperings = st.lists(st.tuples(st.sampled_from(TAMPERINGS), st.integers(0, 20)), max_size=2)


@many
@given(topologies(), topologies(), scopes)
def test_a_saved_plan_round_trips_byte_for_byte(first: Topology, second: Topology, scope: Scope) -> None:
    world = World(first)
    world.converge()
    cycle = World(second, world.cluster, Policy(max_deletes=3, scope=scope)).cycle()
    _, plan = cycle.look(again=True)
    text = saved_text(saved_plan(plan, cycle.policy, Generation("g", "c"), "/t.yaml"))
    assert saved_text(read_saved(text, "p.json")) == text


@many
@given(topologies(), topologies(), scopes, tamperings, tamperings)
def test_a_stale_plan_never_acts(
    first: Topology,
    second: Topology,
    scope: Scope,
    before: list[tuple[str, int]],
    after: list[tuple[str, int]],
) -> None:
    world = World(first)
    world.converge()
    world = World(second, world.cluster, Policy(max_deletes=99, scope=scope))
    for kind, number in before:
        tamper(world, kind, number)
    saved = save(world)
    for kind, number in after:
        tamper(world, kind, number)
    now = world.cycle().look(again=True)[1]
    same = {step.id for step in now.steps} == {step.id for step in saved.steps}
    effects = len(world.cluster.effects)
    carried = None
    with suppress(StalePlanError):
        carried = apply(world, saved)
    if carried is None:
        assert len(world.cluster.effects) == effects
    else:
        assert same
    if not after:
        assert carried is not None or not saved.steps
