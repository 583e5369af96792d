"""A real registry that wants to know who asks: Debian's docker-registry, on a host of the lab."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.lab import Lab
    from tests.lab.fixtures import LabExec

REGISTRY = "127.0.0.1:5000"  # engines ask one on their own host without TLS
IMAGE = f"{REGISTRY}/app:1"
BIG = f"{REGISTRY}/big:1"
"""Its one layer has three million bytes."""
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
    """A registry on h1 that has IMAGE and BIG and gives them to the user ops; h1 itself has them no more."""
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
        # bytes that no host has yet, and that do not shrink
        ballast = (
            "cd /tmp && head -c 3000000 /dev/urandom >ballast && tar -c ballast | docker import - $0 && rm ballast"
        )
        lab_exec("h1", "sh", "-c", ballast, BIG)
        for image in (IMAGE, BIG):
            lab_exec("h1", "docker", "push", "-q", image)
            lab_exec("h1", "docker", "rmi", image)
        lab_exec("h1", "docker", "logout", REGISTRY)
        yield IMAGE
    finally:
        lab.exec("h1", ("systemctl", "stop", "test-registry"))
        lab.exec("h1", ("sh", "-c", "rm -rf /var/lib/test-registry /run/test-registry.* /root/.docker"))
        lab.exec("h1", ("docker", "rmi", IMAGE, BIG))


def credentials() -> str:
    """Return the text of a docker configuration that may pull from it."""
    auth = base64.b64encode(f"ops:{PASSWORD}".encode()).decode()
    return json.dumps({"auths": {REGISTRY: {"auth": auth}}})
