"""
What runs on hosts by plain `docker run` is imported and adopted, untouched: on the oldest and the newest engine.

A lab of its own, ``adopting``, with a host for each of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.own import on, ovctl, own_lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controller.lab import Lab

NAME, PREFIX = "adopting", "192.168.146"
RUNS = ("sleep", "infinity")

BY_HAND: tuple[tuple[str, ...], ...] = (
    ("network", "create", "--subnet", "10.80.0.0/24", "-o", "com.docker.network.driver.mtu=1400", "lan"),
    ("network", "create", "--label", "team=x", "auto"),
    (
        *("run", "-d", "--name", "web", "--network", "lan", "--ip", "10.80.0.10", "--network-alias", "www"),
        *("-e", "SECRET=se$cret", "-p", "8080:80", "-p", "127.0.0.1:5300:53/udp", "--restart", "unless-stopped"),
        *(
            "--cap-add",
            "NET_ADMIN",
            "--ulimit",
            "nofile=100:200",
            "--log-opt",
            "max-size=1m",
            "--tmpfs",
            "/run:size=1m",
        ),
        *(
            "--hostname",
            "web",
            "--dns",
            "10.1.0.1",
            "--init",
            "--label",
            "a=b",
            "-v",
            "data:/data",
            "-v",
            "/srv:/srv:ro",
        ),
        *("--stop-timeout", "1", "busybox:1", *RUNS),
    ),
    (
        *("run", "-d", "--name", "job", "--network", "auto", "--user", "1000", "--entrypoint", "sleep", "--read-only"),
        *("--health-cmd", "test $HOME", "--health-interval", "5s", "--stop-signal", "INT", "--stop-timeout", "1"),
        *("--add-host", "a:10.1.1.1", "--security-opt", "no-new-privileges", "--pid", "host", "--shm-size", "32m"),
        *("--sysctl", "net.core.somaxconn=512", "--group-add", "10", "-w", "/tmp", "-t", "busybox:1", "infinity"),
    ),
    ("network", "connect", "--alias", "other", "lan", "job"),
    ("run", "-d", "--name", "plain", "--stop-timeout", "1", "busybox:1", *RUNS),
)
"""What somebody types on a host; names get the host's name."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """One host with engine 20.10.5 and one with 28.5."""
    with own_lab(NAME, engine="classic,newest", subnet=f"{PREFIX}.0/24") as found:
        yield found


def test_what_runs_by_hand_is_imported_adopted_and_left_alone_on_the_oldest_and_the_newest_engine(
    lab: Lab, tmp_path: Path
) -> None:
    for host in ("h1", "h2"):
        names = {name: f"{name}-{host}" for name in ("web", "job", "plain")}
        for argv in BY_HAND:
            on(lab, host, "docker", *(names.get(word, word) for word in argv))
    seen = "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}"
    before = {host: on(lab, host, "docker", "inspect", "-f", seen, *ids(lab, host)) for host in ("h1", "h2")}
    file = str(tmp_path / "topology.yaml")
    hosts = [word for at, name in enumerate(("h1", "h2"), 11) for word in ("--from-host", f"{name}={PREFIX}.{at}")]
    code, said = ovctl("import", *hosts, "--ssh-config", str(lab.ssh_config), "--project", NAME, "-o", file)
    assert (code, "left out" in said) == (0, False), said
    assert ovctl("plan", file)[0] == 1
    code, said = ovctl("adopt", "--all", "--yes", "-f", file)
    assert (code, "10 objects to write down as ours; none is changed\n" in said) == (0, True), said
    code, said = ovctl("plan", file)
    assert (code, "nothing to do: the hosts are as declared" in said) == (0, True), said
    assert {host: on(lab, host, "docker", "inspect", "-f", seen, *ids(lab, host)) for host in ("h1", "h2")} == before
    code, said = ovctl("destroy", "--yes", file)
    assert code == 0, said
    for host in ("h1", "h2"):
        assert ids(lab, host) == []
        assert lab.exec(host, ["test", "-e", "/var/lib/ovctl"], timeout_s=60).returncode == 1


def ids(lab: Lab, host: str) -> list[str]:
    """Return the ids of all containers of a host, sorted."""
    return sorted(on(lab, host, "docker", "ps", "-aq", "--no-trunc").split())
