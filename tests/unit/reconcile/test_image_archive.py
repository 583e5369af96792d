"""An image that comes from an archive: loaded where a host lacks it, and at no other time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.errors import UnreachableError
from controller.topology.load import load
from tests.fakes import FakeFleet, archives
from tests.unit.reconcile.worlds import World, container, topology

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return str(archives.write(tmp_path / "app.tar", "app:1"))


def app(archive: str | None, host: str = "h1", **more: Any) -> dict[str, Any]:
    return container(host, image="app:1", image_archive=archive, **more)


def made(world: World) -> list[str]:
    return [step.id for step in world.plan().steps if step.action.verb in ("load", "pull")]


def test_an_image_is_loaded_on_each_host_that_lacks_it_before_its_containers(archive: str) -> None:
    world = World(topology({"c1": app(archive), "c2": app(archive, number=12), "c3": app(archive, "h2", number=13)}))
    world.cluster.add_image("h2", "app:1")
    assert made(world) == ["load app:1 on h1"]
    (step,) = (step for step in world.plan().steps if step.id == "create container/c1 on h1")
    assert "load app:1 on h1" in step.needs
    world.converge()
    assert FakeFleet(world.cluster).engine("h1").inspect_image("app:1")


def test_who_uses_the_image_without_naming_the_archive_takes_it_from_there_too(archive: str) -> None:
    assert made(World(topology({"c1": app(None), "c2": app(archive, number=12)}))) == ["load app:1 on h1"]
    assert made(World(topology({"c1": app(None), "c2": app(archive, "h2", number=12)}))) == [
        "pull app:1 on h1",
        "load app:1 on h2",
    ]


def test_a_container_is_as_declared_whatever_its_image_came_from(archive: str) -> None:
    world = World(topology({"c1": app(archive)}))
    world.converge()
    assert World(topology({"c1": app(None)}), world.cluster).plan().empty
    assert World(topology({"c1": app(f"{archive}.other")}), world.cluster).plan().empty


def test_an_archive_without_the_image_fails_the_load_and_what_needs_it(tmp_path: Path) -> None:
    other = str(archives.write(tmp_path / "other.tar", "other:1"))
    world = World(topology({"c1": app(other), "c2": container(number=12)}))
    report = world.apply()
    assert report is not None
    results = {outcome.step.id: (outcome.result, outcome.hint) for outcome in report.outcomes}
    assert results["load app:1 on h1"] == ("failed", "it has other:1")
    assert results["create container/c1 on h1"][0] == "skipped"
    assert results["create container/c2 on h1"][0] == "done"


def test_a_load_that_broke_is_tried_again(archive: str) -> None:
    world = World(topology({"c1": app(archive)}))
    world.cluster.faults.fail(UnreachableError("the connection was closed"), method="load_image")
    world.converge()


def test_an_archive_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sites").mkdir()
    path = archives.write(tmp_path / "sites" / "app.tar", "app:1")
    main, site = tmp_path / "topology.yaml", tmp_path / "sites" / "north.yaml"
    main.write_text("version: 1\nname: t\nhosts: {h1: {address: 10.0.0.1}}\ninclude: [sites/north.yaml]\n")
    site.write_text("containers: {c1: {host: h1, image: 'app:1', image_archive: app.tar}}\n")
    loaded = load(main, {})
    found = loaded.topology.containers["c1"]
    assert (found.image_archive, found.archive) == ("app.tar", str(path))
    # the content is not part of the topology, nor is where it lies
    moved = tmp_path / "moved"
    (tmp_path / "sites").rename(moved)
    main.write_text(main.read_text().replace("sites/", "moved/"))
    assert load(main, {}).generation_digest == loaded.generation_digest
