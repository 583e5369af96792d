"""Claims about named volumes of one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import ConflictError, NotFoundError
from controller.observe.volume import volume_state, volumes_of
from tests.conformance.world import ALONE, container

if TYPE_CHECKING:
    from controller.ports import Engine, Json
    from tests.conformance.world import World

OPTIONS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}


@pytest.fixture
def engine(world: World) -> Engine:
    """The engine that uses no store."""
    return world.fleet.engine(ALONE)


def listed(engine: Engine) -> dict[str, Json]:
    return {found["Name"]: found for found in engine.volumes()}


def test_a_volume_is_listed_and_inspected_as_it_was_made(engine: Engine) -> None:
    assert engine.volumes() == []
    made = engine.create_volume("data", {"Driver": "local", "DriverOpts": OPTIONS, "Labels": {"a": "1"}})
    for found in (made, engine.inspect_volume("data"), listed(engine)["data"]):
        state = volume_state(found)
        assert (state.name, state.driver, state.options, state.labels) == ("data", "local", OPTIONS, {"a": "1"})


def test_a_volume_that_is_there_is_the_answer_and_stays_as_it_is(engine: Engine) -> None:
    engine.create_volume("data", {"Driver": "local", "Labels": {"a": "1"}})
    again = engine.create_volume("data", {"Driver": "local", "DriverOpts": OPTIONS, "Labels": {"a": "2"}})
    assert volume_state(again).labels == {"a": "1"}
    assert volume_state(engine.inspect_volume("data")).options == {}


def test_a_volume_that_a_container_mentions_is_made_without_labels(engine: Engine) -> None:
    engine.create_container("c1", container(HostConfig={"Binds": ["data:/data"]}))
    found = volume_state(engine.inspect_volume("data"))
    assert (found.driver, found.options, found.labels) == ("local", {}, {})
    (summary,) = engine.containers()
    assert list(volumes_of(summary)) == ["data"]


def test_a_volume_is_removed_only_when_no_container_has_it(engine: Engine) -> None:
    engine.create_container("c1", container(HostConfig={"Binds": ["data:/data"]}))
    with pytest.raises(ConflictError, match="volume is in use"):
        engine.remove_volume("data")
    engine.remove_container("c1")
    assert list(listed(engine)) == ["data"]
    engine.remove_volume("data")
    with pytest.raises(NotFoundError):
        engine.remove_volume("data")
    with pytest.raises(NotFoundError):
        engine.inspect_volume("data")


def test_a_driver_that_is_not_there_makes_no_volume(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match='plugin "none-such" not found'):
        engine.create_volume("data", {"Driver": "none-such"})
    assert engine.volumes() == []
