"""Claims about images that are loaded from an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import EngineError
from tests.conformance.world import ALONE
from tests.fakes import archives

if TYPE_CHECKING:
    from pathlib import Path

    from controller.ports import Engine
    from tests.conformance.world import World


@pytest.fixture
def engine(world: World) -> Engine:
    """The engine that uses no store."""
    return world.fleet.engine(ALONE)


def test_an_image_is_there_after_it_was_loaded_also_for_the_second_time(engine: Engine, tmp_path: Path) -> None:
    path, told = archives.write(tmp_path / "a.tar", "archived:1", command=["sleep", "7"]), list[str]()
    for _ in range(2):
        engine.load_image("archived:1", str(path), told.append)
        assert engine.inspect_image("archived:1")["Config"]["Cmd"] == ["sleep", "7"]
    assert told


def test_an_archive_without_the_image_is_not_loaded(engine: Engine, tmp_path: Path) -> None:
    path = archives.write(tmp_path / "a.tar", "another:1")
    with pytest.raises(EngineError, match="its image_archive has no image of that name"):
        engine.load_image("archived:2", str(path), list[str]().append)
    with pytest.raises(EngineError):
        engine.inspect_image("another:1")


def test_what_is_no_archive_is_not_loaded(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"nothing")
    with pytest.raises(EngineError, match="is no archive of images"):
        engine.load_image("archived:3", str(path), list[str]().append)
