"""Configs and secrets on the fake fleet: delivered, compared, renewed, removed; and shown nowhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller.errors import EngineError, HostError, StalePlanError
from controller.model.files import files_of
from controller.plan import Policy, Scope
from controller.plan.saved import saved_plan, saved_text
from controller.render.plan import outcome_text, plan_json, plan_text
from controller.topology.load import generation
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import NAME, Silent, World, container, topology

if TYPE_CHECKING:
    from controller.model.plan import Plan, Report
    from controller.model.topology import Topology

CANARY = "c4n4ry-0f-the-m1ne"
FRESH = "fr3sh"
LONG = {"source": "db", "target": "token", "uid": 1000, "gid": 1001, "mode": "0440"}


def desired(secret: str = CANARY, config: str = "one", **more: Any) -> Topology:
    """Return a topology of c1 on h1, which reads a config and a secret."""
    fields = {"configs": ["motd"], "secrets": ["db"]} | more
    return holding({"c1": container(**fields)}, secret, config)


def holding(containers: dict[str, Any], secret: str = CANARY, config: str = "one") -> Topology:
    """Return a topology of *containers* with the secret db and the config motd."""
    declared = topology(containers, secrets={"db": {"file": "db.txt"}}, configs={"motd": {"content": config}})
    return declared.model_copy(update={"secrets": {"db": declared.secrets["db"].holding(secret.encode())}})


def converged(first: Topology, second: Topology | None = None) -> World:
    """Return a world with *first* applied, in which *second* is desired."""
    world = World(first)
    world.converge()
    return World(second or first, world.cluster)


def files(world: World, host: str = "h1") -> dict[str, str]:
    """Return what stands on a host, by what it is of."""
    copies = world.cluster.hosts[host].files.items()
    return {path.split("/", 6)[6].rpartition("/")[0]: content.decode() for path, (content, *_) in copies}


def read_inside(world: World, name: str = "c1", host: str = "h1") -> dict[str, tuple[str, str, str, str]]:
    """Return target -> content, mode, user and group of what a container has mounted, all of it read-only."""
    mounts = FakeFleet(world.cluster, by_hand=True).engine(host).inspect_container(name)["HostConfig"]["Mounts"]
    assert all(mount["ReadOnly"] for mount in mounts)
    found = world.cluster.hosts[host].files
    return {mount["Target"]: (found[mount["Source"]][0].decode(), *found[mount["Source"]][1:]) for mount in mounts}


def changes(plan: Plan) -> list[tuple[str, str | None, str | None]]:
    return [(change.field, change.observed, change.desired) for item in plan.items for change in item.changes]


def shown(plan: Plan, report: Report | None = None) -> str:
    """Return all that people and programs get to see of a plan and its report, and how Python would print them."""
    outcomes = report.outcomes if report else ()
    texts = [outcome_text(outcome, 1, 1, colours=False) for outcome in outcomes]
    return "\n".join([plan_text(plan, colours=False), json.dumps(plan_json(plan)), repr(plan), repr(report), *texts])


def test_a_container_reads_what_is_declared_where_and_as_whom_it_is_declared() -> None:
    world = converged(desired(secrets=["db", LONG]))
    assert read_inside(world) == {
        "/motd": ("one", "0400", "0", "0"),
        "/run/secrets/db": (CANARY, "0400", "0", "0"),
        "/run/secrets/token": (CANARY, "0440", "1000", "1001"),
    }
    assert world.plan().empty


def test_files_are_there_before_the_container_is_created() -> None:
    world = converged(desired())
    methods = [effect.method for effect in world.cluster.effects if effect.host == "h1"]
    assert methods.index("deliver") < methods.index("create_container")
    assert methods.count("deliver") == 2


@pytest.mark.parametrize(
    ("second", "change"),
    [
        (desired(FRESH), ("secrets.db", "(another content)", "(declared content)")),
        (desired(config="two"), ("configs.motd", "(another content)", "(declared content)")),
        (desired(configs=[]), ("configs.motd", "at /motd", None)),
        (desired(secrets=["db", LONG]), ("secrets.db", None, "(declared content)")),
        (
            desired(secrets=[LONG]),
            ("secrets.db", "at /run/secrets/db", "at /run/secrets/token"),
        ),
        (
            desired(secrets=[{"source": "db", "mode": "0444"}]),
            ("secrets.db", "mode 0400, owner 0:0", "mode 0444, owner 0:0"),
        ),
    ],
)
def test_what_changed_is_one_line_and_gives_the_container_a_successor(
    second: Topology, change: tuple[str, str | None, str | None]
) -> None:
    world = converged(desired(), second)
    plan = world.plan()
    assert changes(plan) == [change]
    assert [step.id for step in plan.steps] == ["replace container/c1 on h1"]
    world.converge()
    assert len(world.cluster.hosts["h1"].files) == len(
        second.containers["c1"].configs + second.containers["c1"].secrets
    )


def test_the_old_container_keeps_its_content_until_the_new_one_runs_and_after_a_rollback() -> None:
    world = converged(desired(), desired(FRESH))
    before = dict(world.cluster.hosts["h1"].files)
    world.cluster.faults.fail(EngineError("no such command", status=400), method="start_container", times=1)
    report = world.apply()
    assert report is not None
    assert "rolled back" in report.outcomes[0].detail
    assert world.cluster.hosts["h1"].files == before
    assert read_inside(world)["/run/secrets/db"][0] == CANARY
    world.converge()
    assert read_inside(world)["/run/secrets/db"][0] == FRESH
    assert files(world) == {"c1/configs/motd": "one", "c1/secrets/db": FRESH}


def test_a_container_stays_as_it_is_when_its_file_cannot_be_delivered() -> None:
    world = converged(desired(), desired(FRESH))
    world.cluster.faults.fail(HostError("host/h1: secrets/db cannot be written"), method="deliver")
    begun = len(world.cluster.effects)
    report = world.apply()
    assert report is not None
    assert [outcome.result for outcome in report.outcomes] == ["failed"]
    assert {effect.method for effect in world.cluster.effects[begun:]} <= {"deliver", "acquire", "release"}
    assert read_inside(world)["/run/secrets/db"][0] == CANARY


@pytest.mark.parametrize("position", [0, 1])
def test_a_file_that_was_changed_on_its_host_is_drift_of_what_it_holds_and_is_healed(position: int) -> None:
    world = converged(desired())
    found = world.cluster.hosts["h1"].files
    path = sorted(found)[position]
    found[path] = (b"by hand", *found[path][1:])
    field = ("configs.motd", "secrets.db")[position]
    assert changes(world.plan()) == [(field, "(another content)", "(declared content)")]
    world.converge()
    assert files(world) == {"c1/configs/motd": "one", "c1/secrets/db": CANARY}
    assert path not in world.cluster.hosts["h1"].files


def test_a_file_that_is_gone_from_its_host_is_delivered_again() -> None:
    world = converged(desired())
    del world.cluster.hosts["h1"].files[min(world.cluster.hosts["h1"].files)]
    assert changes(world.plan()) == [("configs.motd", "(its file is gone from the host)", "(declared content)")]
    world.converge()
    assert files(world) == {"c1/configs/motd": "one", "c1/secrets/db": CANARY}


def test_nothing_is_left_by_destroy_or_where_a_container_moved_away() -> None:
    world = converged(desired(), holding({"c1": container("h2", number=11, secrets=["db"])}))
    world.converge()
    assert files(world) == {}
    assert files(world, "h2") == {"c1/secrets/db": CANARY}
    report = world.destroy()
    assert report is not None
    assert report.ok
    assert all(not host.files for host in world.cluster.hosts.values())


def test_a_content_that_is_read_at_two_places_is_told_once() -> None:
    world = converged(desired(secrets=["db", LONG]), desired(FRESH, secrets=["db", LONG]))
    assert changes(world.plan()) == [("secrets.db", "(another content)", "(declared content)")]
    world.converge()
    assert {content for content, *_ in read_inside(world).values()} == {"one", FRESH}


def test_destroy_leaves_nothing_of_a_container_that_was_removed_by_hand() -> None:
    world = converged(desired())
    FakeFleet(world.cluster, by_hand=True).engine("h1").remove_container("c1", force=True)
    report = world.destroy()
    assert report is not None
    assert "remove files/c1 on h1" in [outcome.step.id for outcome in report.outcomes]
    assert world.cluster.hosts["h1"].files == {}


def test_a_container_that_was_removed_by_hand_gets_its_copies_back_without_another_delivery() -> None:
    world = converged(desired())
    before = dict(world.cluster.hosts["h1"].files)
    FakeFleet(world.cluster, by_hand=True).engine("h1").remove_container("c1", force=True)
    assert [step.id for step in world.plan().steps if "c1" in step.id] == ["create container/c1 on h1"]
    world.converge()
    assert world.cluster.hosts["h1"].files == before


def test_copies_of_a_container_that_reads_none_any_more_go_with_its_creation() -> None:
    world = converged(desired(), desired(configs=[], secrets=[]))
    FakeFleet(world.cluster, by_hand=True).engine("h1").remove_container("c1", force=True)
    assert [step.id for step in world.plan().steps if "c1" in step.id] == [
        "create container/c1 on h1",
        "remove files/c1 on h1",
    ]
    world.converge()
    assert world.cluster.hosts["h1"].files == {}


def test_a_sweep_that_fails_is_told_and_made_up_for_by_the_next_apply() -> None:
    world = converged(desired(), desired(FRESH))
    world.cluster.faults.fail(HostError("host/h1: a file cannot be removed"), method="sweep")
    report = world.apply()
    assert report is not None
    assert report.ok
    assert report.outcomes[0].notes == (
        "copies of its configs and secrets that nobody reads stay for now: host/h1: a file cannot be removed",
    )
    assert [step.id for step in world.plan().steps] == ["remove files/c1 on h1"]
    world.converge()
    assert files(world) == {"c1/configs/motd": "one", "c1/secrets/db": FRESH}


def test_copies_that_nobody_reads_are_removed_and_those_in_use_stay() -> None:
    world = converged(desired())
    mine = dict(world.cluster.hosts["h1"].files)
    for name in ("c1", "gone"):
        world.cluster.hosts["h1"].files[f"{files_of(NAME, name)}secrets/db/000099"] = (b"old", "0400", "0", "0")
    world.cluster.hosts["h1"].files["/var/lib/ovctl/files/another/c1/secrets/db/1"] = (b"theirs", "0400", "0", "0")
    plan = world.plan()
    assert [step.id for step in plan.steps] == ["remove files/c1 on h1", "remove files/gone on h1"]
    cycle = world.cycle()
    saved = saved_plan(plan, cycle.policy, cycle.generation, "/etc/topology.yaml")
    assert {"files/c1 on h1", "files/gone on h1"} <= set(saved.fingerprint)
    assert "files/gone on h1: a copy of its configs and secrets that no container reads" in plan_text(
        plan, colours=False
    )
    world.converge()
    theirs = world.cluster.hosts["h1"].files.pop("/var/lib/ovctl/files/another/c1/secrets/db/1")
    assert theirs[0] == b"theirs"
    assert world.cluster.hosts["h1"].files == mine


def test_copies_are_left_alone_where_the_engine_could_not_be_read_or_nothing_may_be_removed() -> None:
    world = converged(desired())
    world.cluster.hosts["h1"].files[f"{files_of(NAME, 'gone')}secrets/db/000099"] = (b"old", "0400", "0", "0")
    world.cluster.faults.hung_engines.add("h1")
    assert world.plan().steps == ()
    world.cluster.faults.hung_engines.clear()
    world.policy = Policy(prune=False)
    plan = world.plan()
    assert (plan.steps, [blocked.why for blocked in plan.blocked]) == ((), ["prune is off"])


@pytest.mark.parametrize(
    ("scope", "steps"),
    [
        (Scope(targets=("container/c1",)), ["replace container/c1 on h1"]),
        (Scope(hosts=("h1",)), ["remove files/gone on h1", "replace container/c1 on h1"]),
        (Scope(targets=("container/gone",)), ["remove files/gone on h1"]),
        (Scope(hosts=("h2",)), []),
    ],
)
def test_a_limited_plan_keeps_to_its_limits(scope: Scope, steps: list[str]) -> None:
    world = converged(desired(), desired(FRESH))
    world.cluster.hosts["h1"].files[f"{files_of(NAME, 'gone')}secrets/db/000099"] = (b"old", "0400", "0", "0")
    world.policy = Policy(scope=scope)
    assert sorted(step.id for step in world.plan().steps) == steps


def test_a_saved_plan_holds_no_content_and_delivers_it_all_the_same() -> None:
    world = converged(desired(), desired(FRESH))
    cycle = world.cycle()
    _, plan = cycle.look()
    saved = saved_plan(plan, cycle.policy, cycle.generation, "/etc/topology.yaml")
    assert CANARY not in saved_text(saved)
    assert FRESH not in saved_text(saved)
    carried = replace(cycle, saved=saved).apply(lambda _: True, Silent(), lambda: False)
    assert carried is not None
    assert carried.report.ok
    assert files(world)["c1/secrets/db"] == FRESH


def test_a_saved_plan_is_stale_once_a_content_is_another_one() -> None:
    world = converged(desired())
    cycle = world.cycle()
    saved = saved_plan(cycle.look()[1], cycle.policy, cycle.generation, "/etc/topology.yaml")
    moved = replace(cycle, desired=desired(FRESH), saved=saved)
    with pytest.raises(StalePlanError, match="replace container/c1 on h1: is a new step"):
        moved.apply(lambda _: True, Silent(), lambda: False)
    assert files(world)["c1/secrets/db"] == CANARY


def test_a_content_is_shown_by_nothing_and_kept_nowhere_but_in_its_file() -> None:
    world = World(desired())
    first, seen = world.plan(), []
    seen.append(shown(first, world.apply()))
    world = World(desired(f"{CANARY}-2"), world.cluster)
    world.cluster.faults.fail(EngineError("no", status=400), method="start_container", times=1)
    seen.append(shown(world.plan(), world.apply()))
    observed, plan = world.cycle().look()
    seen += [shown(plan), repr(observed), repr(world.topology), json.dumps(world.topology.model_dump(mode="json"))]
    for effect in world.cluster.effects:
        seen.append(repr(effect))
    seen.append(json.dumps(FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container("c1")))
    assert not [text for text in seen if CANARY in text]
    assert [content for content, *_ in world.cluster.hosts["h1"].files.values() if CANARY.encode() in content]


def test_the_generation_tells_configs_apart_and_says_nothing_of_secrets() -> None:
    assert generation(desired("a")) == generation(desired("b"))
    assert generation(desired(config="one")) != generation(desired(config="two"))
