"""The lab itself, on real hosts: what is built answers, is contained, and goes away without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.errors import LabError
from controller.lab import Lab, cgroups
from controller.lab.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.lab

SUBNET = "192.168.115.0/25"
SECOND_SUBNET = "192.168.115.128/25"
BOOT_ID = ["cat", "/proc/sys/kernel/random/boot_id"]


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    """Let one process at a time use the names of these labs."""
    with locked(Path(__file__).parent):
        yield


@pytest.fixture(scope="module")
def lab(_alone: None) -> Iterator[Lab]:
    """Two hosts with an engine, and both images."""
    lab = Lab("labtest")
    lab.down()  # of a run that was killed
    try:
        lab.up(hosts=2, subnet=SUBNET, store="none")
        yield lab
    finally:
        lab.down()


@pytest.fixture
def second() -> Iterator[Lab]:
    """A lab that is not up, for tests of its beginning and its end."""
    lab = Lab("labtestb")
    lab.down()
    try:
        yield lab
    finally:
        lab.down()


def said(lab: Lab, host: str, *argv: str) -> str:
    """Return what a command said that must succeed."""
    result = lab.exec(host, argv, timeout_s=30)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def eventually(claim: Callable[[], bool], timeout_s: float = 30) -> bool:
    """Whether *claim* becomes true in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.1)
    return claim()


def traces(lab: Lab) -> list[str]:
    """Return everything on the machine that carries the lab's name, as the kernel tells it."""
    found = [str(lab.state_dir)] if lab.state_dir.exists() else []
    for command in (["link"], ["netns"], ["rule"], ["-6", "rule"], ["route"]):
        told = subprocess.run(["ip", *command], capture_output=True, text=True, check=True).stdout
        found += [line for line in told.splitlines() if f"{lab.name}-" in line]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f"{lab.name}" in line]
    found += [str(place) for place in cgroups.ROOT.glob(f"**/{cgroups.PARENT}/{lab.name}")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()  # empty for one that only waits to be collected
            groups = (process / "cgroup").read_text()
        except OSError:
            continue
        if words and (f"{cgroups.PARENT}/{lab.name}/" in groups or f"{lab.state_dir}".encode() in words):
            found.append(f"{process.name} {words!r}")
    return found


def command(lab: Lab, *words: str) -> list[str]:
    """Return the command line of ``ovctl lab`` for *lab*."""
    return [sys.executable, "-m", "controller", "lab", "--name", lab.name, *words]


@pytest.mark.parametrize("host", ["h1", "192.168.115.12"])
def test_a_host_is_reached_by_name_and_by_address_with_strict_host_keys(lab: Lab, host: str) -> None:
    answer = subprocess.run(
        ["ssh", "-F", lab.ssh_config, host, "hostname"], capture_output=True, text=True, check=False
    )
    assert answer.stdout == ("h1\n" if host == "h1" else "h2\n"), answer.stderr


def test_a_host_with_another_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    one, two = (line.split()[2] for line in (lab.state_dir / "known_hosts").read_text().splitlines())
    known.write_text(f"192.168.115.11 ssh-ed25519 {two}\n")
    answer = subprocess.run(
        ["ssh", "-F", lab.ssh_config, "-o", f"UserKnownHostsFile={known}", "h1", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert one != two
    assert "Host key verification failed" in answer.stderr


def test_arguments_input_and_exit_code_pass_through(lab: Lab) -> None:
    result = subprocess.run(
        command(
            lab, "exec", "h1", "--", "sh", "-c", 'printf "<%s>" "$@"; cat; exit 7', "sh", "a  b", "$HOME", "it's", ""
        ),
        input="from here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.returncode) == ("<a  b><$HOME><it's><>from here", 7)


def test_status_tells_what_runs(lab: Lab) -> None:
    told = json.loads(subprocess.run(command(lab, "status", "-o", "json"), capture_output=True, check=True).stdout)
    assert [(host["name"], host["state"], host["link"]) for host in told["hosts"]] == [
        ("h1", "running", "up"),
        ("h2", "running", "up"),
    ]


def test_engines_come_unconfigured(lab: Lab) -> None:
    assert said(lab, "h1", "docker", "info", "--format", "{{.ClusterStore}}{{.Swarm.LocalNodeState}}") == "inactive"


def test_both_images_run_in_containers(lab: Lab) -> None:
    assert "1 packets received" in said(lab, "h1", "docker", "run", "--rm", "busybox:1", "ping", "-c1", "127.0.0.1")
    said(lab, "h1", "docker", "run", "--detach", "--name", "kv", "--publish", "8500:8500", "consul:1.8")
    try:
        leader = ["curl", "-sf", "http://192.168.115.11:8500/v1/status/leader"]
        assert eventually(lambda: ":8300" in lab.exec("h2", leader).stdout)
    finally:
        said(lab, "h1", "docker", "rm", "--force", "--volumes", "kv")


def test_names_are_resolved_between_containers(lab: Lab) -> None:
    said(lab, "h1", "docker", "network", "create", "names")
    said(lab, "h1", "docker", "run", "--detach", "--name", "one", "--network", "names", "busybox", "sleep", "60")
    try:
        told = said(lab, "h1", "docker", "run", "--rm", "--network", "names", "busybox", "ping", "-c1", "one")
        assert "1 packets received" in told
    finally:
        said(lab, "h1", "docker", "rm", "--force", "one")
        said(lab, "h1", "docker", "network", "rm", "names")


def test_up_again_leaves_running_hosts_alone(lab: Lab) -> None:
    before = [host.pid for host in lab.status()]
    lab.up(hosts=2, subnet=SUBNET, store="none")
    assert [host.pid for host in lab.status()] == before


def test_up_with_other_arguments_is_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match="is there already, made with --hosts 2") as caught:
        lab.up(hosts=1, subnet=SUBNET, store="none")
    assert caught.value.hint == "ovctl lab --name labtest down"


def test_a_subnet_in_use_is_refused(lab: Lab, second: Lab) -> None:
    with pytest.raises(LabError, match=r"192\.168\.115\.0/24 is in use on this machine: labtest-br has"):
        second.up(hosts=1, subnet="192.168.115.0/24")
    assert lab.status()[0].state == "running"
    assert not traces(second)


def test_a_lab_of_the_same_name_elsewhere_is_not_touched(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=f"a lab labtest is up in {lab.state_dir}"):
        Lab("labtest", base=tmp_path / "elsewhere").up(hosts=2, subnet=SUBNET, store="none")
    assert lab.status()[0].state == "running"
    assert not (tmp_path / "elsewhere").exists()


def test_up_does_not_wait_for_a_host_whose_cable_is_pulled(lab: Lab) -> None:
    lab.link("h2", up=False)
    try:
        lab.up(hosts=2, subnet=SUBNET, store="none")
        assert [host.link for host in lab.status()] == ["up", "down"]
    finally:
        lab.link("h2", up=True)


def test_an_unknown_host_is_answered_with_those_there_are(lab: Lab) -> None:
    with pytest.raises(LabError, match="no host h9 in lab labtest; it has h1, h2"):
        lab.crash("h9")


def test_a_host_cannot_touch_the_machines_clock_modules_or_settings(lab: Lab) -> None:
    assert lab.exec("h1", ["date", "-s", f"@{int(time.time())}"]).returncode != 0
    bounding = int(said(lab, "h1", "sed", "-n", "s/^CapBnd:\\s*//p", "/proc/1/status"), 16)
    assert not bounding & (1 << 25 | 1 << 16)  # CAP_SYS_TIME, CAP_SYS_MODULE
    for setting in ("vm/swappiness", "kernel/printk", "fs/file-max"):
        assert lab.exec("h1", ["sh", "-c", f"cat /proc/sys/{setting} | tee /proc/sys/{setting}"]).stderr
    said(lab, "h1", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")


def test_nothing_of_a_host_is_routed_out_of_the_machine(lab: Lab) -> None:
    assert Path(f"/proc/sys/net/ipv4/conf/{lab.name}-br/forwarding").read_text() == "0\n"
    rules = subprocess.run(["ip", "rule"], capture_output=True, text=True, check=True).stdout
    assert f"from all iif {lab.name}-br prohibit" in rules
    assert "default via 192.168.115.1 dev eth0" in said(lab, "h1", "ip", "route")


def test_a_pulled_cable_cuts_the_host_off_and_leaves_its_address(lab: Lab) -> None:
    ping = ["ping", "-c1", "-W1", "192.168.115.12"]
    assert lab.exec("h1", ping).returncode == 0
    lab.link("h2", up=False)
    try:
        assert lab.status()[1].link == "down"
        assert lab.exec("h1", ping).returncode != 0
        inside = ["nsenter", "--target", str(lab.status()[1].pid), "--net", "ip", "-4", "address", "show", "eth0"]
        assert "192.168.115.12/25" in subprocess.run(inside, capture_output=True, text=True, check=True).stdout
    finally:
        lab.link("h2", up=True)
    assert eventually(lambda: lab.exec("h1", ping).returncode == 0)


def test_a_host_that_reboots_comes_back(lab: Lab) -> None:
    before = said(lab, "h1", *BOOT_ID)
    lab.exec("h1", ["systemctl", "reboot"])
    assert eventually(lambda: lab.exec("h1", BOOT_ID).stdout.strip() not in {before, ""})
    lab.wait_ready("h1")
    assert len(said(lab, "h1", "journalctl", "--list-boots", "--no-pager").splitlines()) >= 2


def test_after_a_power_cut_a_host_stays_off_until_it_is_booted(lab: Lab) -> None:
    said(lab, "h1", "touch", "/root/kept")
    lab.crash("h1")
    assert [host.state for host in lab.status()] == ["off", "running"]
    with pytest.raises(LabError, match="host h1 is off"):
        lab.crash("h1")
    lab.boot("h1")
    said(lab, "h1", "test", "-e", "/root/kept")


def test_a_killed_supervisor_takes_its_host_along(lab: Lab) -> None:
    host = lab.host("h2")
    (supervisor,) = cgroups.processes(host.supervisor_group)
    os.kill(supervisor, signal.SIGKILL)
    assert eventually(lambda: not cgroups.processes(host.group))
    lab.boot("h2")
    assert said(lab, "h2", "hostname") == "h2"


def test_a_store_answers_and_runs_no_docker(second: Lab) -> None:
    second.up(hosts=1, subnet=SECOND_SUBNET)
    leader = said(second, "h1", "curl", "-sf", "http://192.168.115.138:8500/v1/status/leader")
    assert leader == '"192.168.115.138:8300"'
    assert second.exec("store", ["systemctl", "is-active", "docker"]).stdout == "inactive\n"


@pytest.mark.parametrize("after_s", [0.3, 0.6, 1.5])
def test_an_up_killed_at_any_moment_can_be_undone(second: Lab, after_s: float) -> None:
    with subprocess.Popen(
        command(second, "up", "--hosts", "2", "--subnet", SECOND_SUBNET), stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(after_s)
        process.kill()
    second.down()
    assert eventually(lambda: not traces(second), timeout_s=3), traces(second)


def test_an_up_killed_in_the_middle_can_be_repeated(second: Lab) -> None:
    with subprocess.Popen(
        command(second, "up", "--hosts", "1", "--subnet", SECOND_SUBNET), stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(0.7)
        process.kill()
    second.up(hosts=1, subnet=SECOND_SUBNET)
    assert [host.state for host in second.status()] == ["running", "running"]


def test_down_leaves_nothing_behind_and_may_be_repeated(lab: Lab, second: Lab) -> None:
    second.up(hosts=1, subnet=SECOND_SUBNET, store="none")
    assert traces(second)
    second.down()
    assert eventually(lambda: not traces(second), timeout_s=3), traces(second)
    assert not second.down()
    assert said(lab, "h1", "hostname") == "h1"
