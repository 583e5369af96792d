"""When an image is pulled: as the container says, and only when one is made."""

from __future__ import annotations

from typing import Any

import pytest

from controller.model.action import PullImage
from tests.fakes.cluster import BUSYBOX
from tests.unit.reconcile.field_cases import applied, changed, lines, verbs
from tests.unit.reconcile.worlds import World, container, topology


def with_registry(declared: dict[str, Any]) -> World:
    """Return a world whose registry has the usual image, with one container as declared."""
    world = World(topology({}))
    world.cluster.registry["busybox:1"] = BUSYBOX
    return applied(declared, world)


def pulls(world: World) -> list[str]:
    return [step.action.reason for step in world.plan().steps if isinstance(step.action, PullImage)]


@pytest.mark.parametrize(
    ("policy", "reasons"),
    [("always", ["its pull_policy is always"]), ("missing", []), ("never", [])],
)
def test_an_image_that_the_host_has_is_pulled_for_a_new_container_if_that_is_its_policy(
    policy: str, reasons: list[str]
) -> None:
    assert pulls(World(topology({"c1": container(pull_policy=policy)}))) == reasons


def test_an_image_is_pulled_when_the_container_is_replaced_and_at_no_other_time() -> None:
    world = with_registry(container(pull_policy="always"))
    assert not lines(world.plan())
    world = changed(world, container(pull_policy="always", user="7"))
    assert verbs(world.plan())[-2:] == ["pull", "replace"]
    world.converge()
    assert not lines(world.plan())


def test_a_changed_policy_changes_no_container() -> None:
    world = with_registry(container(pull_policy="always"))
    assert not lines(changed(world, container(pull_policy="never")).plan())


@pytest.mark.parametrize("policy", ["missing", "never"])
def test_an_image_that_must_not_be_pulled_is_waited_for(policy: str) -> None:
    world = World(topology({"c1": container(pull_policy=policy, image="none:1")}))
    why = "h1 does not have image none:1, and its pull_policy is never"
    blocked = [one.why for one in world.plan().blocked]
    assert blocked == ([why] if policy == "never" else [])
    assert pulls(world) == ([] if policy == "never" else ["h1 does not have it"])


def test_a_container_stays_while_its_new_host_lacks_an_image_that_must_not_be_pulled() -> None:
    world = applied(container(pull_policy="never"))
    world.cluster.hosts["h2"].engine.images.clear()
    moved = World(topology({"c1": container("h2", pull_policy="never")}), world.cluster)
    assert verbs(moved.plan()) == ["record"]
    assert {one.why.rpartition(", and ")[2] for one in moved.plan().blocked} == {"its pull_policy is never"}
