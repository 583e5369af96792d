"""Images from a real registry that wants to know who asks: Debian's docker-registry, on a host of the lab."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from controller.errors import EngineError
from controller.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controller.lab import Lab
    from tests.lab.fixtures import LabExec, TopologyFactory

REGISTRY = "127.0.0.1:5000"  # engines ask one on their own host without TLS
IMAGE = f"{REGISTRY}/app:1"
PASSWORD = "not-shown-anywhere"  # noqa: S105 - of a registry that lives for one test
CONFIG = """
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: /var/lib/test-registry}}
http: {addr: 127.0.0.1:5000}
auth: {htpasswd: {realm: test, path: /run/test-registry.htpasswd}}
"""


@pytest.fixture
def registry(lab: Lab, lab_exec: LabExec, clean_hosts: None) -> Iterator[str]:  # noqa: ARG001 - a fixture for what it does
    """A registry on h1 that has IMAGE and gives it to the user ops; h1 itself has it no more."""
    salted = ["perl", "-e", 'print "ops:", crypt($ARGV[0], q($2b$05$abcdefghijklmnopqrstuu)), "\\n"', PASSWORD]
    hashed = subprocess.run(salted, capture_output=True, text=True, check=True).stdout
    assert "$2b$" in hashed
    for path, text in (("/run/test-registry.htpasswd", hashed), ("/run/test-registry.yml", CONFIG)):
        assert lab.exec("h1", ("tee", path), input=text).returncode == 0
    unit = ("systemd-run", "--unit=test-registry", "docker-registry", "serve", "/run/test-registry.yml")
    try:
        lab_exec("h1", *unit)
        login = ("docker", "login", "-u", "ops", "--password-stdin", REGISTRY)
        lab_exec("h1", "sh", "-c", "until curl -s http://127.0.0.1:5000/ >/dev/null; do sleep 0.1; done")
        assert lab.exec("h1", login, input=PASSWORD).returncode == 0
        lab_exec("h1", "docker", "tag", "busybox:1", IMAGE)
        lab_exec("h1", "docker", "push", "-q", IMAGE)
        lab_exec("h1", "docker", "rmi", IMAGE)
        lab_exec("h1", "docker", "logout", REGISTRY)
        yield IMAGE
    finally:
        lab.exec("h1", ("systemctl", "stop", "test-registry"))
        lab.exec("h1", ("sh", "-c", "rm -rf /var/lib/test-registry /run/test-registry.* /root/.docker"))
        lab.exec("h1", ("docker", "rmi", IMAGE))


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
    config.write_text(
        json.dumps({"auths": {REGISTRY: {"auth": base64.b64encode(f"ops:{PASSWORD}".encode()).decode()}}})
    )
    fleet = connect(topology_factory())
    fleet.engine("h1").pull_image(registry, list[str]().append)
    fleet.close()
    assert lab_exec("h1", "docker", "images", "-q", registry)
    assert PASSWORD not in lab_exec("h1", "sh", "-c", "cat /root/.docker/config.json 2>/dev/null; true")
