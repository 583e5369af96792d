"""The product on real hosts, through its command line, as a person uses it. The main story is examples/demo.sh."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bench.ground import failing_dials
from controller.lab import Lab
from controller.model.allocation import POOLS, pool_subnets
from tests.lab.fixtures import HOSTS, example_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.ports import Fleet

ROOT = Path(__file__).parents[2]
OVCTL = (sys.executable, "-m", "controller")


class Operator:
    """A person in a directory with a topology.yaml."""

    def __init__(self, directory: Path, text: str) -> None:
        self.directory = directory
        self.write(text)

    def write(self, text: str) -> None:
        """Save topology.yaml."""
        self.text = text
        (self.directory / "topology.yaml").write_text(text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ovctl."""
        return subprocess.Popen(
            [*OVCTL, *arguments],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )

    def ovctl(self, *arguments: str, code: int = 0) -> str:
        """Run ovctl to its end and return what it said; AssertionError unless it ends with *code*."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=400)
        assert process.returncode == code, f"ovctl {' '.join(arguments)}: {process.returncode}\n{said}"
        return said

    def drift(self) -> list[str]:
        """Return the addresses that plan names."""
        process = self.start("plan", "-o", "json")
        said, _ = process.communicate(timeout=100)
        return sorted(item["address"] for item in json.loads(said)["drift"])


@pytest.fixture
def operator(lab: Lab, tmp_path: Path, clean_hosts: None) -> Operator:  # noqa: ARG001 - a fixture for what it does
    """At the guide's topology, on hosts as new."""
    return Operator(tmp_path, example_text(lab).replace("sleep infinity", "sh -c 'trap exit TERM; sleep 9999 & wait'"))


def test_the_demo_tells_its_story_to_the_end() -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["bash", str(ROOT / "examples" / "demo.sh")]
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_second_apply_waits_for_the_first_or_says_who_holds_the_lock(operator: Operator, fleet: Fleet) -> None:
    operator.write(operator.text.replace("name: guide", "name: test"))
    fence = fleet.fence()
    fence.acquire(timeout_s=5)
    said = operator.ovctl("apply", "--yes", code=1)
    assert f"process {os.getpid()}" in said or f"pid {os.getpid()}" in said, said
    waiting = operator.start("apply", "--yes", "--lock-timeout", "60")
    threading.Timer(3, fence.release).start()
    said, _ = waiting.communicate(timeout=200)
    assert waiting.returncode == 0, said
    operator.ovctl("destroy", "--yes")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_apply_that_was_ended_in_the_middle_is_finished_by_the_next(
    operator: Operator, number: signal.Signals
) -> None:
    process = operator.start("apply", "--yes")
    assert process.stdout is not None
    for line in process.stdout:
        if "create network" in line:
            process.send_signal(number)
            break
    said, _ = process.communicate(timeout=200)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL), said
    if number == signal.SIGINT:
        assert "not begun" in said
    operator.ovctl("apply", "--yes", "--lock-timeout", "60")
    operator.ovctl("plan")
    operator.ovctl("verify")


def test_a_saved_plan_for_one_host_is_carried_out_once_and_then_stale(operator: Operator, lab: Lab) -> None:
    operator.ovctl("plan", "--host", "h1", "--out", "plan.json", code=2)
    said = operator.ovctl("apply", "--plan", "plan.json", "--yes")
    assert "within the limits all is as declared" in said
    running = {host: lab.exec(host, ("docker", "ps", "--format", "{{.Names}}")).stdout.split() for host in HOSTS}
    assert {host: sorted(names) for host, names in running.items()} == {
        "h1": ["overlay_1", "overlay_3"],
        "h2": [],
        "h3": [],
    }
    operator.ovctl("plan", "--host", "h1")
    said = operator.ovctl("apply", "--plan", "plan.json", "--yes", code=1)
    assert "stale plan: container/overlay_1 on h1: was missing, and is as declared" in said


def test_a_host_that_is_cut_off_stops_nobody_else(operator: Operator, lab: Lab) -> None:
    lab.link("h3", up=False)
    said = operator.ovctl("plan", code=1)
    assert "host/h3 is unknown" in said
    said = operator.ovctl("apply", "--yes", code=1)
    assert "incomplete: host/h3" in said
    assert "create container/overlay_2 on h2: ok" in said
    lab.link("h3", up=True)
    operator.ovctl("apply", "--yes")
    operator.ovctl("verify")


def test_changes_of_every_kind_are_made_and_leave_nothing_to_do(operator: Operator, lab: Lab) -> None:
    operator.ovctl("apply", "--yes")
    swapped = (
        operator.text.replace("10.0.1.11", "10.0.1.99")
        .replace("10.0.1.12", "10.0.1.11")
        .replace("10.0.1.99", "10.0.1.12")
    )
    changed = (
        swapped.replace("restart: always", "restart: unless-stopped", 1)  # in place
        .replace("subnet: 192.168.2.0/24", "subnet: 192.168.3.0/24")  # a network anew, its containers reattached
        .replace("192.168.2.1", "192.168.3.1")
        .replace("  overlay_2:\n    host: h2", "  overlay_2:\n    host: h3")  # moved, its address kept
        .replace("aliases: [web]", "aliases: [web, www]")  # reconnected
        .replace(
            "  overlay_6:\n    host: h3", "  overlay_6:\n    environment: {COLOUR: blue}\n    host: h3"
        )  # replaced
    )
    before = lab.exec("h1", ("docker", "inspect", "-f", "{{.Id}}", "overlay_1", "overlay_3")).stdout
    operator.write(changed)
    operator.ovctl("plan", code=2)
    operator.ovctl("apply", "--yes")
    operator.ovctl("plan")
    operator.ovctl("verify")
    after = lab.exec("h1", ("docker", "inspect", "-f", "{{.Id}}", "overlay_1", "overlay_3")).stdout
    assert before == after, "what could be changed in place was replaced"
    operator.ovctl("destroy", "--yes")


FIELDS: dict[str, Any] = {
    "dns_search": ["example.org"],
    "extra_hosts": {"db": "10.1.0.9"},
    "healthcheck": {"test": "true", "interval": "30s"},
    "cap_add": ["net_admin"],
    "sysctls": {"net.core.somaxconn": 512},
    "ulimits": {"nofile": {"soft": 512, "hard": 1024}},
    "logging": {"options": {"max-size": "1m"}},
    "stop_grace_period": "1s",
    "cpus": 0.5,
    "mem_limit": "64m",
    "pids_limit": 100,
}
UPDATES = {
    "cpus": ("--cpus", "1"),
    "mem_limit": ("--memory", "48m"),
    "memswap_limit": ("--memory-swap", "200m"),
    "pids_limit": ("--pids-limit", "7"),
}


def test_plain_fields_converge_and_what_hands_update_is_healed_in_place(operator: Operator, lab: Lab) -> None:
    host = {**yaml.safe_load(operator.text)["hosts"]["h1"], "member": False}
    plain = {"host": "h1", "image": "busybox:1", "command": ["sleep", "1000"]}
    declared: dict[str, Any] = {"version": 1, "name": "fields", "hosts": {"h1": host}}
    operator.write(yaml.safe_dump({**declared, "containers": {"c1": {**plain, **FIELDS}}}))
    operator.ovctl("apply", "--yes")
    operator.ovctl("plan")
    told = "{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{json .HostConfig}}"
    before = lab.exec("h1", ("docker", "inspect", "-f", told, "c1")).stdout
    for field, update in UPDATES.items():
        lab.exec("h1", ("docker", "update", *update, "c1"))
        assert f"~ container/c1 on h1: {field} is" in operator.ovctl("plan", code=2)
        operator.ovctl("apply", "--yes")
        assert lab.exec("h1", ("docker", "inspect", "-f", told, "c1")).stdout == before
    operator.write(yaml.safe_dump({**declared, "containers": {"c1": plain}}))
    assert "-/+ container/c1" in operator.ovctl("plan", code=2)
    operator.ovctl("apply", "--yes")
    operator.ovctl("plan")


def test_a_disconnect_that_broke_half_way_is_healed(operator: Operator, lab: Lab) -> None:
    """What moby#39036 leaves behind: an endpoint in the store, and a container without it."""
    operator.ovctl("apply", "--yes")
    # the same by hand: the container leaves, and a foreign one's crash leaves an endpoint of its name
    lab.exec("h3", ("docker", "network", "disconnect", "ov_net2", "overlay_4"))
    lab.exec(
        "h2",
        (
            "docker",
            "run",
            "-d",
            "--name",
            "overlay_4",
            "--network",
            "ov_net2",
            "--ip",
            "10.0.1.12",
            "busybox:1",
            "sleep",
            "99",
        ),
    )
    said = operator.ovctl("apply", "--yes", code=1)
    assert "belongs to the container overlay_4 on h2" in said, "a running container must never be cut off"
    lab.exec("h2", ("docker", "rm", "-f", "overlay_4"))
    operator.ovctl("apply", "--yes")
    operator.ovctl("verify")


def test_what_engines_leak_while_they_miss_their_store_is_mended_by_the_next_apply(
    operator: Operator, lab: Lab
) -> None:
    """A fifth of their dials fail, as some do under load (moby#39036): whatever came of it, apply mends it."""
    store = ("curl", "-sf", "http://localhost:8500/v1/kv/docker/network/v1.0/ipam/default/?recurse")
    with failing_dials(lab, HOSTS, 0.2):
        operator.start("apply", "--yes").communicate(timeout=400)
        lab.exec("h1", ("docker", "restart", "-t", "1", "overlay_1", "overlay_3"))
    operator.ovctl("apply", "--yes")
    operator.ovctl("plan")
    operator.ovctl("verify")
    with failing_dials(lab, HOSTS, 0.2):
        operator.start("destroy", "--yes").communicate(timeout=400)
    operator.ovctl("destroy", "--yes")
    left = {entry["Key"]: base64.b64decode(entry["Value"]) for entry in json.loads(lab.exec("store", store).stdout)}
    assert [pool_subnets(value) for key, value in left.items() if key == POOLS] == [()]


@pytest.fixture
def placed(tmp_path: Path) -> Iterator[Operator]:
    """At three hosts without a store, with consul's image on each."""
    lab = Lab("placed")
    lab.down()
    try:
        lab.up(hosts=3, subnet="192.168.120.0/24", store="none")
        text = example_text(lab, "store-in-container").replace("192.168.114.", "192.168.120.")
        yield Operator(tmp_path, text)
    finally:
        lab.down()


def test_the_guides_own_procedure_with_the_store_as_a_container(placed: Operator) -> None:
    placed.ovctl("plan", code=2)
    placed.ovctl("apply", "--yes")
    placed.ovctl("plan")
    placed.ovctl("verify")
    assert placed.drift() == []
    placed.ovctl("destroy", "--yes")
    placed.ovctl("destroy", "--yes")


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[tuple[Operator, Lab]]:
    """At engines that cannot: 20.10.24 without consul compiled in, and 26.1.5 without any store."""
    lab = Lab("mixed")
    lab.down()
    try:
        lab.up(hosts=3, engine="classic,etcd,modern", subnet="192.168.121.0/24")
        yield Operator(tmp_path, example_text(lab).replace("192.168.114.", "192.168.121.")), lab
    finally:
        lab.down()


def test_an_engine_that_cannot_join_is_refused_or_gets_its_configuration_back(mixed: tuple[Operator, Lab]) -> None:
    operator, lab = mixed
    said = operator.ovctl("plan", code=1)
    assert "host/h3: not acted on: engine 26.1.5" in said
    said = operator.ovctl("apply", "--yes", code=1)
    assert "configure host/h2 on h2: FAILED" in said
    assert "rolled back" in said
    for host in ("h2", "h3"):
        assert lab.exec(host, ("docker", "ps", "-q")).returncode == 0, "its engine must answer"
        assert lab.exec(host, ("test", "-e", "/etc/docker/daemon.json")).returncode == 1
    assert "create container/overlay_1 on h1: ok" in said
