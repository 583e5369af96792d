"""Replacing safely: the old container is kept until the new one stays up and is healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.errors import NotFoundError
from controller.model.desired import container_labels
from controller.model.health import within_s
from controller.model.identity import ASIDE_SUFFIX
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import NAME, World, check_images, container, topology

if TYPE_CHECKING:
    from controller.model.plan import Outcome
    from controller.ports import Json

_NS = 1_000_000_000
_WELL = {"test": "true", "interval": "2s", "timeout": "1s", "retries": 2}
_ILL = {**_WELL, "test": "false"}


def replacing(**change: Any) -> tuple[World, str]:
    """Return a world in which c1 is to be replaced by one with *change*, and the id of the c1 that runs."""
    world = World(topology({"c1": container()}), Cluster())
    world.converge()
    return World(topology({"c1": container(**change)}), world.cluster), found(world)["Id"]


def found(world: World, name: str = "c1") -> Json:
    """Return the container as its engine shows it."""
    return FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container(name)


def refused(world: World) -> Outcome:
    """Apply, and return the one step that failed."""
    report = world.apply()
    assert report is not None
    assert not report.ok
    (outcome,) = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    return outcome


def serves(world: World, container_id: str) -> bool:
    """Whether that container runs in its place, with its policy, and nothing is left aside."""
    now = found(world)
    with pytest.raises(NotFoundError):
        found(world, f"c1{ASIDE_SUFFIX}")
    policy = now["HostConfig"]["RestartPolicy"]["Name"]
    return (now["Id"], now["State"]["Status"], policy) == (container_id, "running", "always")


@pytest.mark.parametrize(
    ("restart", "command", "code"), [("always", "true", 0), ("on-failure", "false", 1), ("no", "false", 1)]
)
def test_a_replacement_that_does_not_stay_up_is_rolled_back(restart: str, command: str, code: int) -> None:
    world, before = replacing(command=[command], restart=restart)
    outcome = refused(world)
    told = f"container/c1 does not stay up: it ended with exit code {code}; rolled back: the old container runs"
    assert outcome.detail == told
    assert serves(world, before)
    assert [item.address.name for item in world.plan().items] == ["c1"]


@pytest.mark.parametrize("restart", ["no", "on-failure"])
def test_a_replacement_that_has_done_its_work_holds(restart: str) -> None:
    world, before = replacing(command=["true"], restart=restart)
    world.converge()
    assert found(world)["Id"] != before


def test_a_replacement_that_becomes_healthy_holds() -> None:
    world, before = replacing(healthcheck=_WELL)
    world.converge()
    now = found(world)
    assert (now["Id"] != before, now["State"]["Health"]["Status"]) == (True, "healthy")


def test_a_replacement_that_is_unhealthy_is_rolled_back_and_no_output_is_shown() -> None:
    world, before = replacing(healthcheck=_ILL)
    outcome = refused(world)
    assert outcome.detail == (
        "container/c1 is unhealthy: its healthcheck failed 2 times in a row; the last check ended with exit code 1; "
        "rolled back: the old container runs"
    )
    assert "hunter2" not in repr(outcome)
    assert serves(world, before)


def test_a_check_that_takes_too_long_is_told_as_such() -> None:
    world, before = replacing(healthcheck={**_ILL, "test": "sleep 9"})
    assert "the last check took too long or could not be run" in refused(world).detail
    assert serves(world, before)


def test_the_healthcheck_of_an_image_counts_as_a_declared_one() -> None:
    world, before = replacing(command=["httpd", "-f"])
    check_images(world.cluster, "false")
    assert "is unhealthy: its healthcheck failed 3 times in a row" in refused(world).detail
    assert found(world)["Id"] == before


def test_an_image_s_healthcheck_that_is_switched_off_is_not_awaited() -> None:
    world, before = replacing(healthcheck={"disable": True})
    check_images(world.cluster, "false")
    world.converge()
    assert found(world)["Id"] != before


def test_a_container_that_is_unhealthy_by_now_is_no_drift() -> None:
    world = World(topology({"c1": container(healthcheck=_ILL)}), Cluster())
    world.converge()
    world.cluster.pass_time(60)
    assert found(world)["State"]["Health"]["Status"] == "unhealthy"
    assert world.plan().empty


@pytest.mark.parametrize("check", [_ILL, _WELL])
def test_what_an_interrupted_replacement_left_aside_is_kept_until_its_successor_is_healthy(check: Json) -> None:
    world = World(topology({"c1": container(healthcheck=check)}), Cluster())
    world.converge()
    engine = FakeFleet(world.cluster, by_hand=True).engine("h1")
    labels = container_labels(NAME, world.topology.containers["c1"])
    engine.create_container(f"c1{ASIDE_SUFFIX}", {"Image": "busybox:1", "Labels": labels})
    if check == _WELL:
        world.converge()
        with pytest.raises(NotFoundError):
            found(world, f"c1{ASIDE_SUFFIX}")
        return
    assert refused(world).detail == (
        "container/c1 is unhealthy: its healthcheck failed 2 times in a row; the last check ended with exit code 1; "
        "container/c1.ovctl-aside, whose place it took, is kept"
    )
    assert found(world, f"c1{ASIDE_SUFFIX}")
    assert [item.address.name for item in world.plan().items] == [f"c1{ASIDE_SUFFIX}"]
    report = world.destroy()
    assert report is not None
    assert report.ok


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        ({}, 185.0),
        ({"Interval": 2 * _NS, "Timeout": _NS, "Retries": 2}, 11.0),
        ({"Interval": 2 * _NS, "Timeout": _NS, "Retries": 2, "StartPeriod": 10 * _NS}, 21.0),
    ],
)
def test_the_time_to_become_healthy_follows_from_the_healthcheck(check: Json, seconds: float) -> None:
    assert within_s(check) == seconds


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    interval=st.integers(1, 60),
    retries=st.integers(1, 5),
    start_period=st.integers(0, 90),
    ill=st.booleans(),
)
def test_what_served_is_given_up_only_for_what_is_healthy(
    interval: int, retries: int, start_period: int, *, ill: bool
) -> None:
    check = {"interval": f"{interval}s", "timeout": "1s", "retries": retries, "start_period": f"{start_period}s"}
    world, before = replacing(healthcheck={**check, "test": "false" if ill else "true"})
    report = world.apply()
    assert report is not None
    assert report.ok is not ill
    assert serves(world, before) is ill
    assert ill or found(world)["State"]["Health"]["Status"] == "healthy"
