"""What depends on the health of a container: it begins once that is healthy, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from controller.model.action import AwaitContainer
from controller.model.scope import Scope
from controller.plan import Policy
from tests.fakes import Cluster
from tests.unit.reconcile.worlds import World, check_images, container, topologies, topology

if TYPE_CHECKING:
    from controller.model.plan import Report
    from controller.model.topology import Topology

_WELL = {"test": "true", "interval": "2s", "timeout": "1s", "retries": 2, "start_period": "4s"}
_ILL = {**_WELL, "test": "false"}
_HEALTHY = {"c1": {"condition": "service_healthy"}}


def depending(check: dict[str, Any] | None = None, cluster: Cluster | None = None, **more: Any) -> World:
    """Return a world in which c2, on another host and with *more*, waits for the health of c1."""
    first = {**container(), **({"healthcheck": check} if check else {})}
    second = container("h2", number=12, **{"depends_on": _HEALTHY, **more})
    return World(topology({"c1": first, "c2": second}), cluster or Cluster())


def failed(world: World) -> tuple[str, str]:
    """Apply, and return the one step that failed, and why."""
    report = world.apply()
    assert report is not None
    (outcome,) = [outcome for outcome in report.outcomes if outcome.result == "failed"]
    return outcome.step.id, outcome.detail


def results(report: Report | None) -> dict[str, str]:
    """Return how each step ended."""
    assert report is not None
    return {outcome.step.id: outcome.result for outcome in report.outcomes}


def awaits(world: World) -> list[str]:
    """Return the steps of a plan that wait for health."""
    return [step.id for step in world.plan().steps if isinstance(step.action, AwaitContainer)]


def test_what_depends_on_health_is_made_once_it_is_healthy() -> None:
    world = depending(_WELL)
    world.converge()
    first, second = (world.cluster.hosts[host].engine.named(name) for host, name in (("h1", "c1"), ("h2", "c2")))
    assert first is not None
    assert second is not None
    assert second.created_s >= int(first.started_s + 2)


def test_what_depends_on_something_unhealthy_is_skipped_and_planned_again() -> None:
    world = depending(_ILL)
    report = world.apply()
    found = results(report)
    assert found["create container/c1 on h1"] == "done"
    assert found["await container/c1 on h1"] == "failed"
    assert found["create container/c2 on h2"] == "skipped"
    assert report is not None
    (why,) = [outcome.detail for outcome in report.outcomes if outcome.result == "failed"]
    assert why == (
        "container/c1 is unhealthy: its healthcheck failed 2 times in a row; the last check ended with exit code 1"
    )
    assert "hunter2" not in repr(report)
    assert [step.id for step in world.plan().steps if "container/c" in step.id] == [
        "await container/c1 on h1",
        "create container/c2 on h2",
    ]


def test_a_wait_in_vain_is_not_repeated_by_the_same_apply() -> None:
    world = depending({**_ILL, "start_period": "1h"})
    before = world.cluster.time_s
    assert failed(world)[0] == "await container/c1 on h1"
    assert 3600 <= world.cluster.time_s - before < 2 * 3600


def test_health_that_nobody_looks_after_is_an_error() -> None:
    world = depending(None)
    assert failed(world) == ("await container/c1 on h1", "container/c1 has no healthcheck, nor has its image")


def test_the_healthcheck_of_an_image_is_as_good_as_a_declared_one() -> None:
    world = depending(None)
    check_images(world.cluster, "true")
    world.converge()


def test_a_container_that_has_ended_does_not_become_healthy() -> None:
    first = container(command=["false"], restart="no", healthcheck=_WELL)
    world = World(topology({"c1": first, "c2": container("h2", number=12, depends_on=_HEALTHY)}), Cluster())
    assert failed(world) == ("await container/c1 on h1", "container/c1 does not run: it ended with exit code 1")


def test_what_runs_goes_on_while_its_successor_waits_in_vain() -> None:
    before = depending(_ILL, depends_on=["c1"])
    before.converge()
    found = before.cluster.hosts["h2"].engine.named("c2")
    assert found is not None
    world = depending(_ILL, before.cluster, environment={"A": "1"})
    assert failed(world)[0] == "await container/c1 on h1"
    now = before.cluster.hosts["h2"].engine.named("c2")
    assert now is not None
    assert (now.id, now.status) == (found.id, "running")


def test_nothing_is_awaited_for_what_is_only_changed_as_it_runs() -> None:
    world = depending(_WELL)
    world.converge()
    changed = depending(_WELL, world.cluster, mem_limit="64m")
    assert "update container/c2 on h2" in [step.id for step in changed.plan().steps]
    assert awaits(changed) == []


def test_health_that_several_wait_for_is_one_step_that_each_needs() -> None:
    containers = {"c1": container(healthcheck=_WELL)}
    for number in (2, 3):
        containers[f"c{number}"] = container("h2", number=10 + number, depends_on=_HEALTHY)
    world = World(topology(containers), Cluster())
    needs = {step.id: step.needs for step in world.plan().steps}
    assert awaits(world) == ["await container/c1 on h1"]
    assert needs["await container/c1 on h1"] == ("create container/c1 on h1",)
    assert all("await container/c1 on h1" in needs[f"create container/c{number} on h2"] for number in (2, 3))
    world.converge()


def test_health_on_a_host_that_could_not_be_read_is_not_taken_for_granted() -> None:
    world = depending(_WELL)
    world.converge()
    engine = world.cluster.hosts["h2"].engine
    found = engine.named("c2")
    assert found is not None
    del engine.containers[found.id]
    world.cluster.unplug("h1")
    why = {blocked.item.address.name: blocked.why for blocked in world.plan().blocked}
    assert why["c2"] == "waits for container/c1, whose host could not be read"


def test_a_limited_plan_awaits_the_health_it_depends_on() -> None:
    world = depending(_WELL)
    world.policy = Policy(max_deletes=99, scope=Scope(targets=("container/c2",)))
    assert awaits(world) == ["await container/c1 on h1"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topologies())
def test_nothing_is_made_before_what_it_awaits_is_healthy(desired: Topology) -> None:
    world = World(desired)
    world.converge()
    found = {one.name: one for host in world.cluster.hosts.values() for one in host.engine.containers.values()}
    for name, declared in desired.containers.items():
        for needed, how in declared.depends_on.items():
            if how.condition == "service_healthy":
                assert found[name].created_s >= int(found[needed].started_s + 30)


@pytest.mark.parametrize("started", [True, False])
def test_the_start_alone_is_awaited_where_nothing_more_is_asked(*, started: bool) -> None:
    how: Any = {"c1": {"condition": "service_started"}} if started else ["c1"]
    assert awaits(depending(_WELL, depends_on=how)) == []
