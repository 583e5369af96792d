"""Claims about what a host's shell delivers, and what an engine makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller.errors import EngineError
from controller.model.files import Delivery, files_of
from tests.conformance.world import ALONE, TOPOLOGY, container

if TYPE_CHECKING:
    from controller.ports import Engine, HostShell, Json
    from tests.conformance.world import World

SECRET = Delivery(TOPOLOGY, "c1", "secrets", "db", b"c4n4ry\x00\n", mode="0440", uid="1000", gid="1001")


@pytest.fixture
def shell(world: World) -> HostShell:
    """The shell of the host that uses no store."""
    return world.fleet.shell(ALONE)


@pytest.fixture
def engine(world: World) -> Engine:
    """Its engine."""
    return world.fleet.engine(ALONE)


def reading(path: str) -> Json:
    """Return the configuration of a container that reads the file at *path*."""
    config = container()
    mount = {"Type": "bind", "Source": path, "Target": "/run/secrets/db", "ReadOnly": True}
    config["HostConfig"] = {**config.get("HostConfig", {}), "Mounts": [mount]}
    return config


def test_a_delivered_file_is_told_by_the_facts_and_used_again(shell: HostShell) -> None:
    path = shell.deliver(SECRET)
    assert path.startswith(f"{files_of(TOPOLOGY, 'c1')}secrets/db/")
    assert shell.deliver(SECRET) == path
    (found,) = shell.facts(TOPOLOGY).files
    assert found.path == path
    assert SECRET.is_like(found)
    assert not replace(SECRET, content=b"another").is_like(found)
    assert not replace(SECRET, mode="0400").is_like(found)
    assert shell.facts("another").files == ()


def test_another_content_is_another_file_and_the_first_stays_until_it_is_swept(shell: HostShell) -> None:
    first, second = shell.deliver(SECRET), shell.deliver(replace(SECRET, content=b"another"))
    other = shell.deliver(replace(SECRET, container="c10"))
    assert {copy.path for copy in shell.facts(TOPOLOGY).files} == {first, second, other}
    shell.sweep(TOPOLOGY, "c1", (second,))
    assert {copy.path for copy in shell.facts(TOPOLOGY).files} == {second, other}
    shell.sweep(TOPOLOGY, "c1", ())
    shell.sweep(TOPOLOGY, "c10", ())
    assert shell.facts(TOPOLOGY).files == ()


def test_a_container_is_given_the_file_as_it_was_asked_for(shell: HostShell, engine: Engine) -> None:
    config = reading(shell.deliver(SECRET))
    engine.create_container("c1", config)
    engine.start_container("c1")
    found = engine.inspect_container("c1")
    assert found["State"]["Running"]
    (mount,) = found["HostConfig"]["Mounts"]
    assert {key: mount[key] for key in config["HostConfig"]["Mounts"][0]} == config["HostConfig"]["Mounts"][0]


def test_a_file_that_is_gone_is_an_error_of_the_creation_and_no_directory(shell: HostShell, engine: Engine) -> None:
    path = shell.deliver(SECRET)
    shell.sweep(TOPOLOGY, "c1", ())
    with pytest.raises(EngineError, match="bind source path does not exist"):
        engine.create_container("c1", reading(path))
    assert shell.facts(TOPOLOGY).files == ()
