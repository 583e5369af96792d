"""Claims about the health of containers, and about how often an engine had to start one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.model.health import health_of, within_s
from tests.conformance.world import ALONE, eventually, run

if TYPE_CHECKING:
    from controller.model.health import Health
    from controller.ports import Engine, Json
    from tests.conformance.world import World

_NS = 1_000_000_000


@pytest.fixture
def engine(world: World) -> Engine:
    """The engine that uses no store."""
    return world.fleet.engine(ALONE)


def check(*test: str, **more: Any) -> Json:
    """Return a healthcheck that runs *test* twice a second at most, and gives up at the second failure."""
    return {"Healthcheck": {"Test": ["CMD", *test], "Interval": _NS // 2, "Timeout": _NS // 2, "Retries": 2, **more}}


def health(engine: Engine, name: str = "c1") -> Health | None:
    """Return how it is."""
    return health_of(engine.inspect_container(name))


def comes_to(world: World, engine: Engine, status: str) -> Health | None:
    """Return the health of c1 once it is *status*."""

    def there() -> bool:
        found = health(engine)
        return found is not None and found.status == status

    assert eventually(world, there), health(engine)
    return health(engine)


def test_a_container_is_starting_until_a_check_succeeds(world: World, engine: Engine) -> None:
    run(engine, "c1", **check("true", Interval=2 * _NS))
    found = health(engine)
    assert found is not None
    assert (found.status, found.failures, found.exit_code) == ("starting", 0, None)
    found = comes_to(world, engine, "healthy")
    assert found is not None
    assert (found.failures, found.exit_code) == (0, 0)


def test_a_container_is_unhealthy_after_as_many_failures_as_its_retries(world: World, engine: Engine) -> None:
    run(engine, "c1", **check("false"))
    found = comes_to(world, engine, "unhealthy")
    assert found is not None
    assert found.failures >= 2
    assert found.exit_code == 1


def test_a_check_that_takes_too_long_has_the_exit_code_minus_one(world: World, engine: Engine) -> None:
    run(engine, "c1", **check("sleep", "3"))
    found = comes_to(world, engine, "unhealthy")
    assert found is not None
    assert found.exit_code == -1


def test_a_failure_within_the_start_period_does_not_count(world: World, engine: Engine) -> None:
    run(engine, "c1", **check("false", StartPeriod=60 * _NS))
    assert eventually(world, lambda: getattr(health(engine), "exit_code", None) == 1)
    found = health(engine)
    assert found is not None
    assert (found.status, found.failures) == ("starting", 0)


@pytest.mark.parametrize("config", [{}, {"Healthcheck": {"Test": ["NONE"]}}])
def test_a_container_without_a_healthcheck_has_no_health(engine: Engine, config: Json) -> None:
    run(engine, "c1", **config)
    assert health(engine) is None


def test_a_container_that_was_never_started_has_no_decided_health(engine: Engine) -> None:
    engine.create_container("c1", {"Image": "busybox:1", "Cmd": ["sleep", "1000"], **check("true")})
    found = health(engine)
    assert found is None or found.status == "starting"


def test_a_stopped_container_is_unhealthy_and_starting_again_when_it_is_started(world: World, engine: Engine) -> None:
    run(engine, "c1", **check("true"))
    comes_to(world, engine, "healthy")
    engine.stop_container("c1", timeout_s=0)
    comes_to(world, engine, "unhealthy")
    engine.start_container("c1")
    comes_to(world, engine, "healthy")


def test_the_time_for_health_is_the_engine_s_own_where_nothing_is_said(engine: Engine) -> None:
    run(engine, "c1", Healthcheck={"Test": ["CMD", "true"]})
    assert within_s(engine.inspect_container("c1")["Config"]["Healthcheck"]) == 185.0


def test_an_engine_counts_its_restarts_and_forgets_them_at_a_start_by_hand(world: World, engine: Engine) -> None:
    run(engine, "c1", Cmd=["false"], HostConfig={"RestartPolicy": {"Name": "always"}})
    assert eventually(world, lambda: engine.inspect_container("c1")["RestartCount"] >= 1)
    engine.stop_container("c1", timeout_s=0)
    engine.update_container("c1", {"RestartPolicy": {"Name": "no"}})
    engine.start_container("c1")
    assert eventually(world, lambda: engine.inspect_container("c1")["State"]["Status"] == "exited")
    assert engine.inspect_container("c1")["RestartCount"] == 0
