"""What goes wrong on real hosts while a container is replaced: the old one goes on serving, and the cause is told."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.fixtures import PREFIX
from tests.lab.registry import BIG, IMAGE, PASSWORD, REGISTRY, credentials
from tests.lab.test_scenarios import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controller.lab import Lab
    from tests.lab.fixtures import LabExec

DOWNLOADS = "/var/lib/docker/tmp"
"""Where an engine puts what it pulls before it unpacks it."""

SECRET = "not-for-reports"  # noqa: S105 - of a container that lives for one test
CHECK = {"interval": "500ms", "timeout": "1s", "retries": 2}


@dataclass(frozen=True)
class Fault:
    """
    A change of a container that comes to nothing.

    Args:
        change: What is declared otherwise.
        said: What the report has to say.
        step: The step that fails, or that is never reached.
        logged_in: Whether the person may pull from the registry.
        full: Whether the host has no room for downloads.
    """

    change: dict[str, Any]
    said: tuple[str, ...]
    step: str = "replace container/web on h1: FAILED"
    logged_in: bool = False
    full: bool = False


ROLLED_BACK = "rolled back: the old container runs"
SKIPPED = "replace container/web on h1: skipped"
FAULTS = {
    "no such image": Fault({"image": f"{REGISTRY}/nothing:1"}, ("manifest unknown",), SKIPPED, logged_in=True),
    "no such tag": Fault({"image": IMAGE.replace(":1", ":9")}, ("manifest unknown",), SKIPPED, logged_in=True),
    "no access": Fault({"image": IMAGE}, (f"docker login {REGISTRY}",), SKIPPED),
    "no room": Fault({"image": BIG}, ("no space left on device",), SKIPPED, logged_in=True, full=True),
    "no such command": Fault({"command": [f"/{SECRET}"]}, (ROLLED_BACK,)),
    "ends at once": Fault({"command": ["false"]}, ("container/web does not stay up: it ", ROLLED_BACK)),
    "never healthy": Fault(
        {"healthcheck": {**CHECK, "test": f"echo {SECRET}; exit 3"}},
        ("is unhealthy: its healthcheck failed 2 times in a row; the last check ended with exit code 3", ROLLED_BACK),
    ),
    "hangs": Fault({"healthcheck": {**CHECK, "test": "sleep 9"}}, ("took too long or could not be run", ROLLED_BACK)),
}


@dataclass
class Site:
    """One container that serves on h1, and the person who changes it."""

    operator: Operator
    lab: Lab
    config: Path
    web: dict[str, Any] = field(
        default_factory=lambda: {
            "host": "h1",
            "image": "busybox:1",
            "command": ["sh", "-c", "mkdir /www; echo served >/www/index.html; exec httpd -f -h /www"],
            "restart": "always",
            "ports": ["8080:80"],
            "stop_grace_period": "1s",
        }
    )

    def declare(self, **change: Any) -> None:
        """Write the topology, with *change* of the container."""
        host = {"address": f"{PREFIX}.11", "ssh": {"config": str(self.lab.ssh_config)}}
        containers = {"web": {**self.web, **change}}
        self.operator.write(json.dumps({"version": 1, "name": "f", "hosts": {"h1": host}, "containers": containers}))

    @contextmanager
    def under(self, fault: Fault) -> Iterator[None]:
        """Log in, or not; take the room for downloads away, or not."""
        (self.config / "config.json").write_text(credentials() if fault.logged_in else "{}")
        if not fault.full:
            yield
            return
        mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "none", DOWNLOADS)
        assert self.lab.exec("h1", mount).returncode == 0
        try:
            yield
        finally:
            assert self.lab.exec("h1", ("umount", DOWNLOADS)).returncode == 0


@pytest.fixture
def site(
    lab: Lab,
    registry: str,  # noqa: ARG001 - a fixture for what it does
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """A site without a store, on a host that has a registry."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return Site(Operator(tmp_path, ""), lab, tmp_path)


def test_whatever_is_wrong_with_a_successor_the_old_container_serves_on(site: Site, lab_exec: LabExec) -> None:
    def serving() -> tuple[str, str]:
        found = lab_exec("h1", "docker", "ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}")
        # what is published needs a moment after a start
        page = lab_exec("h1", "curl", "-sS", "--retry", "9", "--retry-connrefused", "http://127.0.0.1:8080/")
        return found.strip(), page.strip()

    site.declare()
    site.operator.ovctl("apply", "--yes")
    before = serving()
    assert before[1] == "served"
    for name, fault in FAULTS.items():
        site.declare(**fault.change)
        with site.under(fault):
            said = site.operator.ovctl("apply", "--yes", code=1)
        for words in (*fault.said, fault.step):
            assert words in said, f"{name}: {words!r} is missing\n{said}"
        assert not {word for word in (SECRET, PASSWORD) if word in said}, f"{name}\n{said}"
        assert serving() == before, name
        assert site.operator.drift() == ["container/web"], name
    site.declare(environment={"A": "1"}, healthcheck={**CHECK, "test": "wget -q -O - http://127.0.0.1/"})
    site.operator.ovctl("apply", "--yes")
    site.operator.ovctl("plan")
    assert serving()[0] != before[0]
    assert serving()[1] == "served"
    site.operator.ovctl("destroy", "--yes")
