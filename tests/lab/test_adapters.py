"""
The adapters on real hosts: engines 20.10.5 over OpenSSH, and a real Consul.

Fixtures that are not here: ``fleet``, a connected ports.Fleet for the hosts h1, h2, h3 and the store of the lab, and
``lab_exec(host, *argv) -> str``, which runs a program on a host and returns what it said. Everything is put back.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from controller.adapters.holder import this_process
from controller.errors import (
    ConflictError,
    EngineError,
    FenceLostError,
    HostError,
    LockedError,
    NotFoundError,
    UnreachableError,
)
from controller.ports import Ping
from controller.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.model.topology import Topology
    from controller.ports import Fleet, HostShell, Store

    LabExec = Callable[..., str]

pytestmark = pytest.mark.lab

RECORD = "adapters-test"
HOLD = """
import json, sys, time
from controller.model.topology import Topology
from controller.wiring import connect
fence = connect(Topology.model_validate(json.loads(sys.stdin.readline()))).fence()
fence.acquire(timeout_s=5)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def store(fleet: Fleet) -> Iterator[Store]:
    store = fleet.store()
    assert store is not None
    yield store
    store.delete_prefix(f"ovctl/{RECORD}/")


@pytest.fixture
def shell(fleet: Fleet) -> HostShell:
    return fleet.shell("h1")


@pytest.fixture
def topology(fleet: Fleet) -> Topology:
    """The topology behind the fleet, under a name of its own so that its lock is nobody else's."""
    found: Topology = fleet._topology  # type: ignore[attr-defined] # the real fleet, not the port
    return found.model_copy(update={"name": RECORD})


@pytest.fixture
def container(fleet: Fleet) -> Iterator[str]:
    """A running container on h1 on a bridge of its own, at 10.99.7.7."""
    engine = fleet.engine("h1")
    network = engine.create_network(
        "adapters-test", {"Driver": "bridge", "IPAM": {"Config": [{"Subnet": "10.99.7.0/24", "Gateway": "10.99.7.1"}]}}
    )
    endpoints = {"adapters-test": {"IPAMConfig": {"IPv4Address": "10.99.7.7"}}}
    config = {
        "Image": "busybox:1",
        "Cmd": ["sleep", "1000"],
        "HostConfig": {"NetworkMode": "adapters-test"},
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    made = engine.create_container("adapters-test", config)
    engine.start_container(made)
    yield made
    with contextlib.suppress(NotFoundError):
        engine.remove_container(made, force=True)
    engine.remove_network(network)


def test_facts_are_those_of_the_host(shell: HostShell, lab_exec: LabExec) -> None:
    facts = shell.facts(RECORD)
    assert facts.hostname == lab_exec("h1", "hostname").strip()
    assert facts.boot_id == lab_exec("h1", "cat", "/proc/sys/kernel/random/boot_id").strip()
    assert facts.engine_unit == "active"
    assert facts.engine_arguments[0].endswith("dockerd")
    assert "eth0" in facts.interfaces
    assert facts.record is None


def test_record_goes_to_the_host_and_away_again(shell: HostShell, lab_exec: LabExec) -> None:
    shell.write_record(RECORD, '{"ä": "$(x) \'"}\n')
    assert shell.facts(RECORD).record == '{"ä": "$(x) \'"}\n'
    assert lab_exec("h1", "stat", "-c", "%a %U", f"/var/lib/ovctl/{RECORD}.json").split() == ["600", "root"]
    shell.write_record(RECORD, None)
    assert shell.facts(RECORD).record is None


def test_broken_daemon_json_is_told_with_the_log_and_healed(fleet: Fleet, shell: HostShell) -> None:
    before = shell.facts(RECORD).daemon_json
    broken = '{"cluster-store": "consul://u:hunter2@x", '
    shell.write_daemon_json(broken, expected=before)
    try:
        with pytest.raises(HostError, match="changed by somebody else"):
            shell.write_daemon_json("{}", expected=before)
        with pytest.raises(HostError, match=r"docker\.service does not come up") as caught:
            shell.restart_engine()
        assert "daemon.json" in caught.value.message
        assert "hunter2" not in caught.value.message
    finally:
        shell.write_daemon_json(before, expected=broken)
        shell.restart_engine()
    assert fleet.engine("h1").version()["ApiVersion"] == "1.41"


def test_engine_can_be_restarted_more_often_than_systemd_likes(fleet: Fleet, shell: HostShell) -> None:
    for kill in (False, False, True, False, True):
        shell.restart_engine(kill=kill)
    assert fleet.engine("h1").info()["ServerVersion"].startswith("20.10.5")


def test_container_lives_its_life(fleet: Fleet, container: str) -> None:
    engine = fleet.engine("h1")
    engine.start_container(container)
    with pytest.raises(ConflictError, match="already in use") as caught:
        engine.create_container("adapters-test", {"Image": "busybox:1"})
    assert caught.value.status == 409
    with pytest.raises(EngineError, match="active endpoints") as busy:
        engine.remove_network("adapters-test")
    assert busy.value.status == 403
    engine.update_container(container, {"RestartPolicy": {"Name": "always"}})
    engine.rename_container(container, "adapters-test2")
    engine.disconnect("adapters-test", "adapters-test2")
    endpoint = {"IPAMConfig": {"IPv4Address": "10.99.7.8"}, "Aliases": ["other"]}
    engine.connect("adapters-test", container, endpoint)
    found = engine.inspect_container("adapters-test2")
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert found["NetworkSettings"]["Networks"]["adapters-test"]["IPAMConfig"]["IPv4Address"] == "10.99.7.8"
    assert container in [item["Id"] for item in engine.containers()]
    engine.stop_container(container, timeout_s=0)
    engine.stop_container(container, timeout_s=0)
    engine.remove_container(container)
    for gone in (engine.inspect_container, engine.remove_container, engine.start_container):
        with pytest.raises(NotFoundError, match="host/h1: "):
            gone(container)


def test_pings_from_inside_a_container(fleet: Fleet, shell: HostShell, container: str) -> None:
    found = fleet.engine("h1").inspect_container(container)
    pid, conf = found["State"]["Pid"], found["ResolvConfPath"]
    pongs = shell.ping(
        [
            Ping(pid, None, "10.99.7.1"),
            Ping(pid, conf, "adapters-test"),
            Ping(pid, None, "10.99.7.200"),
            Ping(pid, conf, "nosuchname"),
            Ping(4_000_000, None, "10.99.7.1"),
        ]
    )
    assert [pong.reached for pong in pongs] == [True, True, False, False, False]
    assert pongs[0].rtt_ms is not None
    assert "No such file" in pongs[4].detail
    assert all(pong.reached for pong in shell.ping([Ping(pid, None, "10.99.7.1")] * 40))
    assert shell.interfaces([pid, 4_000_000]) == {pid: {"127.0.0.1": "lo", "10.99.7.7": "eth0"}}


def test_threads_use_one_engine_at_once(fleet: Fleet) -> None:
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(len(fleet.engine("h2").networks()))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 16
    assert len(set(counts)) == 1


def test_host_where_nobody_listens_is_unreachable_in_time(topology: Topology) -> None:
    host = topology.hosts["h1"]
    nobody = type(host.address)(int(host.address) + 150)
    hosts = {**topology.hosts, "h1": host.model_copy(update={"address": nobody})}
    other = connect(topology.model_copy(update={"hosts": hosts}))
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=f"host/h1: ssh {nobody}:22: "):
        other.engine("h1").version()
    assert time.monotonic() - started < 6
    other.close()


def test_dead_master_is_replaced(fleet: Fleet, topology: Topology) -> None:
    fleet.engine("h3").version()
    # What a reboot, or somebody's kill, leaves behind: sockets that nobody listens on, and a fleet that trusts them.
    fleet._way("h3").disconnect()  # type: ignore[attr-defined] # the real fleet, not the port
    assert fleet.shell("h3").facts(RECORD).hostname == "h3"
    assert fleet.engine("h3").version()["ApiVersion"] == "1.41"
    second = connect(topology)
    assert second.engine("h3").version()["ApiVersion"] == "1.41"
    second.close()


def test_sudo_user_reaches_the_engine_and_the_helper(topology: Topology, lab_exec: LabExec) -> None:
    user = "ovctl-op"
    lab_exec("h2", "useradd", "-m", "-s", "/bin/sh", user)
    try:
        script = (
            f"install -d -m 700 -o {user} /home/{user}/.ssh && "
            f"install -m 600 -o {user} /root/.ssh/authorized_keys /home/{user}/.ssh/ && "
            f"echo '{user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{user}"
        )
        lab_exec("h2", "sh", "-c", script)
        host = topology.hosts["h2"]
        ssh = host.ssh.model_copy(update={"user": user})
        sudo = host.model_copy(update={"ssh": ssh, "sudo": True})
        store = topology.store
        assert store is not None
        with_via = {"hosts": {**topology.hosts, "h2": sudo}, "store": store.model_copy(update={"via": "h2"})}
        other = connect(topology.model_copy(update=with_via))
        try:
            assert other.engine("h2").version()["ApiVersion"] == "1.41"
            assert other.shell("h2").facts(RECORD).hostname == "h2"
            made = other.engine("h2").create_container("adapters-sudo", {"Image": "busybox:1"})
            other.engine("h2").remove_container(made)
            forwarded = other.store()
            assert forwarded is not None
            forwarded.put(f"ovctl/{RECORD}/via", b"1")
            assert forwarded.get(f"ovctl/{RECORD}/via") == b"1"
            forwarded.delete_prefix(f"ovctl/{RECORD}/")
            other.fence().acquire(timeout_s=5)
            other.fence().check()
            other.fence().release()
        finally:
            other._way("h2").disconnect()  # type: ignore[attr-defined] # the real fleet, not the port
            other.close()
        plain = {"hosts": {**topology.hosts, "h2": host.model_copy(update={"ssh": ssh})}}
        without = connect(topology.model_copy(update=plain))
        with pytest.raises(HostError, match="is not root"):
            without.shell("h2").facts(RECORD)
        with pytest.raises(UnreachableError, match="host/h2: engine: "):
            without.engine("h2").version()
        without._way("h2").disconnect()  # type: ignore[attr-defined] # the real fleet, not the port
        without.close()
    finally:
        lab_exec("h2", "rm", "-f", f"/etc/sudoers.d/{user}")
        lab_exec("h2", "sh", "-c", f"loginctl terminate-user {user} 2>/dev/null; sleep 0.5; userdel -rf {user} 2>&1")


def test_store_keeps_bytes_under_any_name(store: Store) -> None:
    key = f"ovctl/{RECORD}/a b/ä?&#%"
    store.put(key, bytes(range(256)))
    assert store.get(key) == bytes(range(256))
    assert store.keys(f"ovctl/{RECORD}/") == (key,)
    assert store.get(f"ovctl/{RECORD}/none") is None
    store.delete_prefix(f"ovctl/{RECORD}/")
    assert store.keys(f"ovctl/{RECORD}/") == ()


def test_daemon_that_joins_is_seen_in_the_store(fleet: Fleet, store: Store, topology: Topology) -> None:
    shell, host = fleet.shell("h3"), topology.hosts["h3"]
    assert topology.store is not None
    before = shell.facts(RECORD).daemon_json
    settings = {"cluster-store": topology.store.url, "cluster-advertise": host.effective_advertise}
    joined = json.dumps({**json.loads(before or "{}"), **settings})
    shell.write_daemon_json(joined, expected=before)
    try:
        shell.restart_engine()
        assert fleet.engine("h3").info()["ClusterStore"] == topology.store.url
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and host.effective_advertise not in [node.address for node in store.nodes()]:
            time.sleep(0.1)
        assert host.effective_advertise in [node.address for node in store.nodes()]
    finally:
        shell.write_daemon_json(before, expected=joined)
        shell.restart_engine()


def test_second_apply_is_told_who_holds_the_lock_and_waits(topology: Topology, store: Store) -> None:
    first, second = connect(topology), connect(topology)
    assert store.get(f"ovctl/{RECORD}/lock") is None
    first.fence().acquire(timeout_s=0)
    first.fence().check()
    who = this_process().holder
    with pytest.raises(LockedError, match=f"locked by {who.user}@{who.host}, process {os.getpid()}, since 2"):
        second.fence().acquire(timeout_s=0)
    timer = threading.Timer(0.5, first.fence().release)
    timer.start()
    started = time.monotonic()
    second.fence().acquire(timeout_s=10)
    assert time.monotonic() - started < 2
    timer.join()
    with pytest.raises(FenceLostError):
        first.fence().check()
    second.fence().release()
    assert store.get(f"ovctl/{RECORD}/lock") is None
    first.close()
    second.close()


def test_lock_of_a_killed_run_on_this_machine_is_free_at_once(topology: Topology, store: Store) -> None:
    argv = (sys.executable, "-c", HOLD)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(topology.model_dump_json() + "\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    fleet = connect(topology)
    started = time.monotonic()
    fleet.fence().acquire(timeout_s=10)
    assert time.monotonic() - started < 2
    fleet.fence().check()
    fleet.fence().release()
    assert store.get(f"ovctl/{RECORD}/lock") is None
    fleet.close()


def test_deleted_lock_is_a_lost_lock(topology: Topology, store: Store) -> None:
    fleet = connect(topology)
    fleet.fence().acquire(timeout_s=5)
    store.delete_prefix(f"ovctl/{RECORD}/lock")
    with pytest.raises(FenceLostError, match=f"topology/{RECORD}"):
        fleet.fence().check()
    fleet.fence().release()
    fleet.close()
