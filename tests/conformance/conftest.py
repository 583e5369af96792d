"""The world that a claim is tried in: each claim runs in the simulated one, and in the lab when lab tests run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.world import ABSENT, TOPOLOGY, FakeWorld, RealWorld
from tests.lab.fixtures import HOSTS, PREFIX, look, restore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.lab import Lab
    from controller.ports import Engine
    from tests.conformance.world import World
    from tests.lab.fixtures import TopologyFactory


@pytest.fixture(scope="package")
def real(lab: Lab, topology_factory: TopologyFactory) -> Iterator[RealWorld]:
    """The lab, joined for all claims together: a restart of a daemon takes a second."""
    before = look(lab)
    usual = topology_factory().model_dump(mode="json", exclude_defaults=True)
    absent = {**usual["hosts"][HOSTS[0]], "address": f"{PREFIX}.99", "member": False}
    world = RealWorld(topology_factory(name=TOPOLOGY, hosts={**usual["hosts"], ABSENT: absent}))
    try:
        world.join()
        yield world
    finally:
        world.close()
        restore(lab, before)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.lab)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each world in turn, with nothing in it."""
    if request.param == "fake":
        yield FakeWorld()
        return
    found: RealWorld = request.getfixturevalue("real")
    yield found
    found.clean()


@pytest.fixture
def h1(world: World) -> Engine:
    """An engine that uses the store."""
    return world.fleet.engine("h1")


@pytest.fixture
def h2(world: World) -> Engine:
    """Another one."""
    return world.fleet.engine("h2")
