"""Claims about plain fields of a container: what an engine makes of them, and what an update changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.apply.engine_config import container_config
from controller.errors import ConflictError, EngineError
from controller.model.container_fields import BY_NAME, FIELDS, read_fields, told_update
from controller.model.topology import Container
from tests.conformance.world import ALONE, container, run

if TYPE_CHECKING:
    from controller.model.engine_words import Comparable
    from controller.ports import Engine, Json
    from tests.conformance.world import World

MIB = 1 << 20

EVERYTHING: dict[str, Any] = {
    "restart": "on-failure:3",
    "domainname": "example.org",
    "dns": ["10.1.0.53", "10.1.0.54"],
    "dns_search": ["example.org"],
    "dns_opt": ["ndots:2"],
    "extra_hosts": ["db:10.1.0.9", "gw:host-gateway"],
    "expose": [80, "90-91/udp"],
    "tmpfs": ["/run:size=1m", "/scratch"],
    "healthcheck": {"test": "true", "interval": "1m30s", "timeout": "2s", "retries": 4, "start_period": "3s"},
    "cap_add": ["net_admin", "CAP_SYS_PTRACE"],
    "cap_drop": ["MKNOD"],
    "devices": ["/dev/null:/dev/nothing:rw", "/dev/zero"],
    "security_opt": ["no-new-privileges:true"],
    "sysctls": {"net.core.somaxconn": 512},
    "ulimits": {"nproc": 1000, "nofile": {"soft": 512, "hard": 1024}},
    "user": "0:0",
    "group_add": [10, 20],
    "working_dir": "/tmp//x/..",
    "init": True,
    "ipc": "host",
    "pid": "host",
    "shm_size": "16m",
    "stdin_open": True,
    "tty": True,
    "stop_signal": "usr1",
    "stop_grace_period": "2s",
    "logging": {"options": {"max-size": "1m"}},
    "cpus": 0.5,
    "cpu_shares": 512,
    "cpuset": "0-1",
    "mem_limit": "64m",
    "mem_reservation": "32m",
    "memswap_limit": "96m",
    "pids_limit": 100,
    "read_only": True,
    "runtime": "runc",
}
"""All fields but the three that an unprivileged lab and this engine lack: privileged, gpus, and annotations."""


@pytest.fixture
def engine(world: World) -> Engine:
    """The engine that uses no store."""
    return world.fleet.engine(ALONE)


def declared(**fields: Any) -> Container:
    """Return a declared container."""
    return Container.model_validate({"host": ALONE, "image": "busybox:1", "command": ["sleep", "1000"], **fields})


def made(engine: Engine, **fields: Any) -> dict[str, Comparable]:
    """Create c1 as declared and return its plain fields."""
    engine.create_container("c1", container_config(declared(**fields), {}))
    return found(engine)


def found(engine: Engine) -> dict[str, Comparable]:
    """Return the plain fields of c1."""
    inspected = engine.inspect_container("c1")
    return read_fields(inspected["Config"], inspected["HostConfig"])


def test_everything_that_is_declared_is_read_back_also_while_it_runs(engine: Engine) -> None:
    created = made(engine, **EVERYTHING)
    engine.start_container("c1")
    running = found(engine)
    for row in FIELDS:
        wanted = row.wanted(declared(**EVERYTHING), {})
        expected = {**wanted, "driver": "json-file"} if row.name == "logging" and isinstance(wanted, dict) else wanted
        if row.name == "security_opt":
            expected = ("label=disable", "no-new-privileges")
        assert created[row.name] == running[row.name] == expected, row.name


def test_what_is_not_declared_is_the_default_of_the_table(engine: Engine) -> None:
    engine.create_container("c1", {"Image": "busybox:1", "HostConfig": {}})
    shown = found(engine)
    assert {row.name: shown[row.name] for row in FIELDS if isinstance(row.default, (str, int, tuple, dict))} == {
        row.name: row.default for row in FIELDS if isinstance(row.default, (str, int, tuple, dict))
    }
    assert (shown["ipc"], shown["runtime"], shown["shm_size"]) == ("private", "runc", 64 * MIB)
    assert (shown["logging"], shown["ulimits"], shown["init"]) == ({"driver": "json-file"}, {}, None)


def test_privileged_is_written_down_with_a_security_option(engine: Engine) -> None:
    shown = made(engine, privileged=True)
    assert (shown["privileged"], shown["security_opt"]) == (True, ("label=disable",))


@pytest.mark.parametrize(
    "gpus", ["all", 2, [{"driver": "nvidia", "device_ids": [0, "a"], "capabilities": ["utility"], "options": {"a": 1}}]]
)
def test_a_request_for_gpus_is_read_back_also_where_the_host_has_none(engine: Engine, gpus: Any) -> None:
    assert made(engine, gpus=gpus)["gpus"] == BY_NAME["gpus"].wanted(declared(gpus=gpus), {}) != {}


def test_an_engine_drops_what_it_does_not_know_without_a_word(engine: Engine) -> None:
    assert made(engine, annotations={"a": "b"})["annotations"] == {}


def test_twice_the_memory_is_the_swap_that_nobody_declared(engine: Engine) -> None:
    assert made(engine, mem_limit="64m")["memswap_limit"] == 128 * MIB


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ({"cpus": 0.5}, {"cpus": "1.5"}),
        ({"cpu_shares": 512}, {"cpu_shares": 100}),
        ({"cpuset": "0"}, {"cpuset": "1"}),
        ({"mem_limit": "64m"}, {"mem_limit": "256m"}),
        ({"mem_limit": "64m"}, {"memswap_limit": "80m"}),
        ({"mem_limit": "64m", "memswap_limit": -1}, {"memswap_limit": "100m"}),
        ({}, {"mem_reservation": "20m"}),
        ({"pids_limit": 5}, {"pids_limit": 9}),
        ({"pids_limit": 5}, {"pids_limit": -1}),
        ({"restart": "always"}, {"restart": "on-failure:2"}),
        ({}, {"cpus": 1, "mem_limit": "64m", "pids_limit": 5, "restart": "always"}),
    ],
)
def test_an_update_brings_a_running_container_to_what_is_declared(
    engine: Engine, fields: dict[str, Any], more: dict[str, Any]
) -> None:
    made(engine, **fields)
    engine.start_container("c1")
    before = engine.inspect_container("c1")
    wanted = declared(**{**fields, **more})
    engine.update_container("c1", told_update(wanted, more))
    shown = found(engine)
    for row in FIELDS:
        if row.name in more:
            assert shown[row.name] == row.wanted(wanted, {})
    after = engine.inspect_container("c1")
    assert (after["Id"], after["State"]) == (before["Id"], before["State"])


@pytest.mark.parametrize(
    "update",
    [
        {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}]},
        {"ShmSize": 32 * MIB},
        {"CapAdd": ["NET_ADMIN"]},
        {"Memory": 0, "NanoCpus": 0, "CpuShares": 0, "CpusetCpus": "", "MemoryReservation": 0, "MemorySwap": 0},
        {"PidsLimit": None},
    ],
)
def test_an_update_of_anything_else_or_to_nothing_changes_nothing(engine: Engine, update: Json) -> None:
    before = made(engine, **EVERYTHING)
    engine.update_container("c1", update)
    assert found(engine) == before


def test_memory_above_the_swap_is_refused_unless_both_are_told(engine: Engine) -> None:
    made(engine, mem_limit="64m")
    with pytest.raises(EngineError, match="update the memoryswap at the same time"):
        engine.update_container("c1", {"Memory": 256 * MIB})
    engine.update_container("c1", {"Memory": 256 * MIB, "MemorySwap": 512 * MIB})
    assert found(engine)["mem_limit"] == 256 * MIB


def test_processors_are_limited_in_one_way_or_the_other(engine: Engine) -> None:
    made(engine)
    engine.update_container("c1", {"CpuQuota": 20_000})
    assert found(engine)["cpus"] == "cpu_quota 20000, cpu_period 0"
    with pytest.raises(ConflictError, match="Nano CPUs cannot be updated"):
        engine.update_container("c1", {"NanoCpus": 500_000_000})


@pytest.mark.parametrize(
    "host_config",
    [
        {"Memory": MIB},
        {"Memory": 64 * MIB, "MemorySwap": 32 * MIB},
        {"MemorySwap": 64 * MIB},
        {"NanoCpus": 99_000_000_000},
        {"CapAdd": ["CAP_FLY"]},
    ],
)
def test_limits_that_make_no_sense_are_refused(engine: Engine, host_config: Json) -> None:
    with pytest.raises(EngineError) as caught:
        engine.create_container("c1", container(HostConfig=host_config))
    assert caught.value.status == 400


def test_a_healthcheck_runs_at_least_a_millisecond_apart(engine: Engine) -> None:
    with pytest.raises(EngineError, match="cannot be less than 1ms"):
        engine.create_container("c1", container(Healthcheck={"Interval": 10}))


def test_defaults_of_daemon_json_are_shown_with_what_is_declared(world: World, engine: Engine) -> None:
    shell = world.fleet.shell(ALONE)
    limits = '"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 64, "Hard": 128}}'
    shell.write_daemon_json(f'{{"log-opts": {{"max-file": "3"}}, {limits}}}\n', expected=None)
    shell.restart_engine()
    shown = made(engine, ulimits={"nproc": 1000}, logging={"options": {"max-size": "1m"}})
    assert shown["ulimits"] == {"nproc": "1000:1000", "nofile": "64:128"}
    assert shown["logging"] == {"driver": "json-file", "options.max-file": "3", "options.max-size": "1m"}
    run(engine, "c2")
    assert engine.inspect_container("c2")["HostConfig"]["LogConfig"]["Config"] == {"max-file": "3"}


def test_an_engine_says_what_its_kernel_can_limit(engine: Engine) -> None:
    info = engine.info()
    assert {row.kernel: info[row.kernel] for row in FIELDS if row.kernel} == {
        row.kernel: True for row in FIELDS if row.kernel
    }
