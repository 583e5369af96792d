"""What status says of containers beside their addresses: state and health."""

from __future__ import annotations

import pytest

from controller.render.status import status_json, status_text
from tests.fakes import Cluster
from tests.unit.reconcile.worlds import World, container, topology

_CHECK = {"test": "true", "interval": "10s", "retries": 1}


def shown(world: World) -> tuple[str, str, str | None]:
    """Return the state of c1 in the text, and state and health in the JSON."""
    observed, plan = world.cycle().look()
    assert plan.empty
    (line,) = [line for line in status_text(world.topology, observed, plan, {}).splitlines() if line.startswith("c1 ")]
    (found,) = status_json(world.topology, observed, plan, {})["containers"]
    return line.partition(" h1 ")[2].partition(" web ")[0].strip(), found["state"], found["health"]


@pytest.mark.parametrize(
    ("test", "seconds", "health"), [("true", 1, "starting"), ("true", 30, "healthy"), ("false", 30, "unhealthy")]
)
def test_status_says_how_healthy_a_container_is_and_finds_no_drift_in_it(test: str, seconds: int, health: str) -> None:
    world = World(topology({"c1": container(healthcheck={**_CHECK, "test": test})}), Cluster())
    world.converge()
    world.cluster.pass_time(seconds)
    assert shown(world) == (f"running ({health})", "running", health)


def test_status_says_nothing_of_the_health_of_what_has_no_healthcheck() -> None:
    world = World(topology({"c1": container()}), Cluster())
    world.converge()
    assert shown(world) == ("running", "running", None)


def test_status_says_nothing_of_the_health_of_what_does_not_run() -> None:
    done = container(command=["true"], restart="no", healthcheck=_CHECK)
    world = World(topology({"c1": done}), Cluster())
    world.converge()
    assert shown(world) == ("exited", "exited", None)
