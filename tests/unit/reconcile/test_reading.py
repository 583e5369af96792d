"""Declarations in every spelling converge, and odd foreign containers stop nobody."""

from __future__ import annotations

from typing import Any

import pytest

from controller.observe.container import container_state
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import World, container, topology


@pytest.mark.parametrize(
    "declared",
    [
        {"ports": ["0.0.0.0:8080:80"]},
        {"restart": "on-failure:0"},
        {"restart": "on-failure:05"},
        {"hostname": "front"},
    ],
)
def test_every_spelling_of_a_field_converges(declared: dict[str, Any]) -> None:
    World(topology({"c1": container(**declared)})).converge()


def test_words_and_labels_of_a_container_are_not_shown_in_a_plan() -> None:
    world = World(topology({"c1": container(command=["serve", "--password=hunter1"], labels={"key": "hunter1"})}))
    world.converge()
    changed = container(command=["serve", "--password=hunter2"], labels={"key": "hunter2"})
    plan = World(topology({"c1": changed}), world.cluster).plan()
    assert plan.items
    assert "hunter" not in str([item.changes for item in plan.items])


def test_a_foreign_container_with_odd_mounts_and_ports_can_be_read() -> None:
    world = World(topology({"c1": container()}))
    world.converge()
    found = FakeFleet(world.cluster, by_hand=True).engine("h1").inspect_container("c1")
    found["HostConfig"]["Mounts"] = [{"Type": "volume", "Target": "/data"}]
    found["HostConfig"]["Binds"] = ["/data"]
    found["HostConfig"]["PortBindings"] = {"80/tcp": [{"HostIp": "::1", "HostPort": "8000-8002"}]}
    state = container_state(found)
    assert {port.published for port in state.ports} == {8000, 8001, 8002}
