"""Images from a real registry that wants to know who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import EngineError
from controller.wiring import connect
from tests.lab.registry import PASSWORD, REGISTRY, credentials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.fixtures import LabExec, TopologyFactory


def test_an_image_is_pulled_with_the_persons_own_credentials(
    registry: str,
    topology_factory: TopologyFactory,
    lab_exec: LabExec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    config = tmp_path / "config.json"
    config.write_text("{}")
    fleet = connect(topology_factory())
    with pytest.raises(EngineError, match=r"no basic auth credentials|unauthorized") as caught:
        fleet.engine("h1").pull_image(registry, list[str]().append)
    assert caught.value.hint == f"log in on this machine: docker login {REGISTRY}"
    fleet.close()
    config.write_text(credentials())
    fleet = connect(topology_factory())
    fleet.engine("h1").pull_image(registry, list[str]().append)
    fleet.close()
    assert lab_exec("h1", "docker", "images", "-q", registry)
    assert PASSWORD not in lab_exec("h1", "sh", "-c", "cat /root/.docker/config.json 2>/dev/null; true")
