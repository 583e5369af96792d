"""Claims about a host's shell: ``ports.HostShell``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import HostError, UnreachableError
from controller.ports import Ping
from tests.conformance.world import ABSENT, ALONE, TOPOLOGY, container, daemon_json, eventually, overlay, run, store_of

if TYPE_CHECKING:
    from controller.ports import Engine, HostShell
    from tests.conformance.world import World


@pytest.fixture
def shell(world: World) -> HostShell:
    """The shell of the host that uses no store."""
    return world.fleet.shell(ALONE)


@pytest.fixture
def engine(world: World) -> Engine:
    """Its engine."""
    return world.fleet.engine(ALONE)


def test_facts_of_a_host_as_it_is_installed(world: World, shell: HostShell) -> None:
    facts = shell.facts(TOPOLOGY)
    assert (facts.hostname, facts.daemon_json, facts.record, facts.engine_unit) == (ALONE, None, None, "active")
    assert facts.interfaces["eth0"] == world.address(ALONE)
    assert facts.interfaces["docker0"] == "172.17.0.1"
    assert facts.engine_arguments[:3] == ("/usr/sbin/dockerd", "-H", "fd://")
    assert facts.boot_id == shell.facts(TOPOLOGY).boot_id != world.fleet.shell("h1").facts(TOPOLOGY).boot_id


def test_a_host_that_does_not_answer_is_unreachable(world: World) -> None:
    with pytest.raises(UnreachableError):
        world.fleet.shell(ABSENT).facts(TOPOLOGY)


def test_daemon_json_is_replaced_only_if_it_says_what_was_expected(shell: HostShell) -> None:
    first, second = '{"debug": false}\n', '{\n  "debug": true\n}'
    shell.write_daemon_json(first, expected=None)
    assert shell.facts(TOPOLOGY).daemon_json == first
    for expected in (None, second, ""):
        with pytest.raises(HostError, match="changed by somebody else"):
            shell.write_daemon_json(second, expected=expected)
    assert shell.facts(TOPOLOGY).daemon_json == first
    shell.write_daemon_json(second, expected=first)
    assert shell.facts(TOPOLOGY).daemon_json == second
    with pytest.raises(HostError, match="changed by somebody else"):
        shell.write_daemon_json(None, expected=first)
    shell.write_daemon_json(None, expected=second)
    assert shell.facts(TOPOLOGY).daemon_json is None
    shell.write_daemon_json(None, expected=None)


def test_each_topology_has_a_record_of_its_own(shell: HostShell) -> None:
    shell.write_record(TOPOLOGY, "one\n")
    shell.write_record(TOPOLOGY, "two: ü\n")
    assert (shell.facts(TOPOLOGY).record, shell.facts("another").record) == ("two: ü\n", None)
    assert (shell.facts(TOPOLOGY).others, shell.facts("another").others) == ({}, {TOPOLOGY: "two: ü\n"})
    shell.write_record(TOPOLOGY, None)
    shell.write_record(TOPOLOGY, None)
    assert shell.facts(TOPOLOGY).record is None


def test_a_daemon_takes_what_daemon_json_says_when_it_is_restarted(
    world: World, shell: HostShell, engine: Engine
) -> None:
    text = f'{{"cluster-store": "{world.store_url}", "cluster-advertise": "eth0:2376"}}'
    shell.write_daemon_json(text, expected=None)
    assert "ClusterStore" not in engine.info()
    shell.restart_engine()
    info = engine.info()
    assert (info["ClusterStore"], info["ClusterAdvertise"]) == (world.store_url, f"{world.address(ALONE)}:2376")
    registered = f"{world.address(ALONE)}:2376"
    assert eventually(world, lambda: registered in [node.address for node in store_of(world).nodes()])
    shell.write_daemon_json(None, expected=text)
    shell.restart_engine()
    assert "ClusterStore" not in engine.info()


def _failure(shell: HostShell) -> str:
    """Return what a restart says that fails."""
    with pytest.raises(HostError, match=r"docker\.service does not come up") as caught:
        shell.restart_engine()
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "unexpected EOF"),
        ('{"nokey": 1}', "don't match any configuration option: nokey"),
        ("[]", "cannot unmarshal array"),
        ('{"cluster-store": 5}', "of type string"),
        ('{"cluster-advertise": "eth0:2376"}', "must be accompanied by --cluster-store"),
        ('{"cluster-store": "nostore://x:1", "cluster-advertise": "eth0:2376"}', "discovery service not supported"),
        ('{"cluster-store": "consul://x:1", "cluster-advertise": "nodev:2376"}', "invalid cluster advertise"),
        ('{"hosts": ["fd://"]}', "specified both as a flag and in the configuration file"),
    ],
)
def test_a_daemon_with_wrong_settings_does_not_come_up(shell: HostShell, engine: Engine, text: str, said: str) -> None:
    shell.write_daemon_json(text, expected=None)
    # the journal may lag behind the failure: the reason is there at the latest when asked again
    messages = [_failure(shell)]
    while said not in messages[-1] and len(messages) < 4:
        messages.append(_failure(shell))
    assert said in messages[-1], messages
    with pytest.raises(UnreachableError):
        engine.version()
    facts = shell.facts(TOPOLOGY)
    assert (facts.daemon_json, facts.engine_arguments) == (text, ())
    assert facts.engine_unit != "active"
    shell.write_daemon_json(None, expected=text)
    shell.restart_engine(kill=True)
    assert engine.version()["ApiVersion"] == "1.41"


def _after_restart(engine: Engine, shell: HostShell, *, kill: bool) -> dict[str, str]:
    """Return name -> state after a restart: of containers that ran, that were stopped by hand, that never ran."""
    for policy in ("no", "always", "unless-stopped", "on-failure"):
        host_config = {"RestartPolicy": {"Name": policy}}
        run(engine, f"{policy}-ran", HostConfig=host_config)
        run(engine, f"{policy}-stopped", HostConfig=host_config)
        engine.stop_container(f"{policy}-stopped", timeout_s=0)
        engine.create_container(f"{policy}-created", container(HostConfig=host_config))
    shell.restart_engine(kill=kill)
    return {summary["Names"][0].removeprefix("/"): summary["State"] for summary in engine.containers()}


@pytest.mark.parametrize("kill", [False, True])
def test_what_comes_back_after_a_restart(engine: Engine, shell: HostShell, *, kill: bool) -> None:
    assert _after_restart(engine, shell, kill=kill) == {
        "no-ran": "exited",
        "no-stopped": "exited",
        "no-created": "created",
        "always-ran": "running",
        "always-stopped": "running",
        "always-created": "created",
        "unless-stopped-ran": "exited" if kill else "running",
        "unless-stopped-stopped": "exited",
        "unless-stopped-created": "created",
        "on-failure-ran": "running",
        "on-failure-stopped": "running",
        "on-failure-created": "created",
    }


def test_overlay_containers_keep_their_addresses_over_a_restart(world: World) -> None:
    engine = world.fleet.engine("h1")
    engine.create_network("ov1", overlay())
    run(engine, "c1", "ov1", "10.60.0.11", HostConfig={"RestartPolicy": {"Name": "always"}})
    run(engine, "c2", "ov1", "10.60.0.12")
    world.fleet.shell("h1").restart_engine()
    found = {name: engine.inspect_container(name)["NetworkSettings"]["Networks"]["ov1"] for name in ("c1", "c2")}
    assert (found["c1"]["IPAddress"], found["c2"]["IPAddress"]) == ("10.60.0.11", "")
    seen = world.fleet.engine("h2").inspect_network("ov1")["Containers"].values()
    assert [endpoint["Name"] for endpoint in seen] == ["c1"]
    assert world.fleet.shell("h1").facts(TOPOLOGY).daemon_json == daemon_json(world, "h1")


def test_interfaces_inside_containers(world: World) -> None:
    engine, shell = world.fleet.engine("h1"), world.fleet.shell("h1")
    engine.create_network("ov1", overlay())
    container_id = run(engine, "c1", "ov1", "10.60.0.11")
    pid = engine.inspect_container("c1")["State"]["Pid"]
    bridge = engine.inspect_network("docker_gwbridge")["Containers"][container_id]
    way_out = bridge["IPv4Address"].partition("/")[0]
    found = shell.interfaces([pid, 4_000_000])
    assert {pid: dict(inside) for pid, inside in found.items()} == {
        pid: {"127.0.0.1": "lo", "10.60.0.11": "eth0", way_out: "eth1"}
    }


def test_pings_are_answered_in_their_order(engine: Engine, shell: HostShell) -> None:
    run(engine, "c1")
    pid = engine.inspect_container("c1")["State"]["Pid"]
    targets = ["172.17.0.1", "127.0.0.1", "172.17.0.99", "172.17.0.1"]
    pongs = shell.ping([Ping(pid, None, target) for target in targets])
    assert [pong.reached for pong in pongs] == [True, True, False, True]
    assert [pong.rtt_ms is not None for pong in pongs] == [True, True, False, True]
    assert [bool(pong.detail) for pong in pongs] == [False, False, True, False]
    assert shell.ping([]) == []


def test_a_ping_from_a_process_that_is_gone_is_not_answered(shell: HostShell) -> None:
    (pong,) = shell.ping([Ping(4_000_000, None, "127.0.0.1")])
    assert not pong.reached
    assert pong.detail
