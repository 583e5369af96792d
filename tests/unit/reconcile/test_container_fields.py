"""Every plain field of a container: applied, it is as declared; changed, one line; gone, the default again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.model.container_fields import FIELDS
from controller.render.plan import plan_json, plan_text
from tests.unit.reconcile.field_cases import (
    BY_HAND,
    CASES,
    LIMITS,
    applied,
    changed,
    fields,
    hand,
    host,
    inside,
    lines,
    make_again,
    verbs,
)
from tests.unit.reconcile.worlds import container

if TYPE_CHECKING:
    from tests.unit.reconcile.field_cases import Case

every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.named)


def test_every_field_of_the_table_has_a_case() -> None:
    assert {row.name for row in FIELDS} - {"annotations"} == {case.field for case in CASES}


@every
def test_an_applied_field_is_no_drift(case: Case) -> None:
    applied(case.declared(case.second), applied(case.declared(case.first)))


@every
def test_a_changed_field_is_exactly_one_line_of_drift(case: Case) -> None:
    world = applied(case.declared(case.first))
    assert lines(changed(world, case.declared(case.second)).plan()) == [case.named]


@every
def test_a_field_that_is_no_longer_declared_goes_back_to_its_default(case: Case) -> None:
    never = applied({**container(**dict(case.also)), "restart": "no"})
    world = applied(case.declared(case.first))
    world = applied({**container(**dict(case.also)), "restart": "no"}, world)
    assert fields(world) == fields(never)


@every
def test_a_field_that_was_never_declared_is_not_compared_unless_an_update_can_set_it(case: Case) -> None:
    world = applied(container(**dict(case.also)))
    make_again(world, applied(case.declared(case.first)))
    row = next(row for row in FIELDS if row.name == case.field)
    assert lines(world.plan()) == ([case.field] if row.update is not None and case.field != "restart" else [])


@every
def test_a_field_that_was_made_otherwise_by_hand_is_exactly_one_line_of_drift(case: Case) -> None:
    """Somebody made the container again, labels and all."""
    world = applied(case.declared(case.first))
    make_again(world, applied(case.declared(case.second)))
    assert lines(world.plan()) == [case.named]
    world.converge()


def test_all_fields_together_converge() -> None:
    declared: dict[str, Any] = {}
    for case in CASES:
        value = case.first
        declared[case.field] = {**declared.get(case.field, {}), **value} if isinstance(value, dict) else value
    applied(container(**{**declared, "memswap_limit": "128m"}))


@pytest.mark.parametrize("name", BY_HAND)
def test_an_update_by_hand_is_one_line_and_is_healed_in_place(name: str) -> None:
    world = applied(container(**LIMITS))
    before = hand(world).inspect_container("c1")
    update, line = BY_HAND[name]
    hand(world).update_container("c1", update)
    plan = world.plan()
    assert (lines(plan), verbs(plan)) == ([line], ["update"])
    world.converge()
    after = hand(world).inspect_container("c1")
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert after["HostConfig"] == before["HostConfig"]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_declared_later_is_set_in_place_and_taken_away_again(name: str) -> None:
    """The label of a container that was changed in place does not know: what it has is the truth."""
    also: dict[str, Any] = {"mem_limit": "64m"} if name == "memswap_limit" else {}
    world = applied(container(**also))
    first = inside(world)
    declared: dict[str, Any] = {**also, name: "100m" if name == "memswap_limit" else LIMITS[name]}
    world = changed(world, container(**declared))
    assert verbs(world.plan()) == ["update"]
    world.converge()
    assert inside(world).id == first.id
    world = changed(world, container(**also))
    assert lines(world.plan()) == [name]
    world.converge()
    assert fields(world) == fields(applied(container(**also)))


def test_several_limits_and_the_restart_policy_are_one_update() -> None:
    world = applied(container(**LIMITS))
    world = changed(
        world, container(**{**LIMITS, "cpus": 1, "pids_limit": 5, "mem_limit": "256m", "memswap_limit": -1})
    )
    assert verbs(world.plan()) == ["replace"]
    world = changed(world, container(**{**LIMITS, "cpus": 1, "pids_limit": 5, "restart": "no"}))
    plan = world.plan()
    assert (lines(plan), verbs(plan)) == (["restart", "cpus", "pids_limit"], ["update"])


def test_a_limit_in_place_and_a_field_that_is_not_are_one_replacement() -> None:
    world = applied(container(**LIMITS))
    plan = changed(world, container(**{**LIMITS, "cpus": 1, "tty": True})).plan()
    assert verbs(plan) == ["replace"]


def test_swap_that_the_daemon_derives_from_the_memory_is_no_drift() -> None:
    world = applied(container(mem_limit="64m"))
    assert inside(world).host_config["MemorySwap"] == 128 << 20
    world = changed(world, container(mem_limit="256m"))
    plan = world.plan()
    assert (lines(plan), verbs(plan)) == (["mem_limit"], ["update"])
    world.converge()
    assert inside(world).host_config["MemorySwap"] == 512 << 20


def test_swap_without_a_limit_is_no_update() -> None:
    """Engines note -1 down and never tell the kernel (seen on 20.10.5)."""
    world = applied(container(mem_limit="64m", memswap_limit="128m"))
    assert verbs(changed(world, container(mem_limit="64m", memswap_limit=-1)).plan()) == ["replace"]


def test_processors_by_quota_cannot_be_updated() -> None:
    world = applied(container())
    hand(world).update_container("c1", {"CpuQuota": 20_000})
    world = changed(world, container(cpus=0.5))
    plan = world.plan()
    assert (lines(plan), verbs(plan)) == (["cpus"], ["replace"])
    world.converge()


def test_what_daemon_json_fills_in_is_no_drift() -> None:
    world = applied(container(ulimits={"nproc": 100}, logging={"options": {"max-size": "1m"}}))
    settings = '"log-driver": "json-file", "log-opts": {"max-file": "3"}'
    limits = '"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 5, "Hard": 6}}'
    found = host(world)
    found.daemon_json = f"{(found.daemon_json or '{').rstrip().rstrip('}')}, {settings}, {limits}}}"
    world.cluster.kill_engine("h1")
    shown = hand(world).inspect_container("c1")["HostConfig"]["Ulimits"]
    assert [limit["Name"] for limit in shown] == ["nproc", "nofile"]
    world.converge()
    hand(world).remove_container("c1", force=True)
    world.converge()
    options = inside(world).host_config["LogConfig"]
    assert options == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "1m"}}


@pytest.mark.parametrize("name", ["ulimits", "logging"])
def test_an_entry_that_was_declared_and_no_longer_is_shows_although_the_engine_may_fill_it_in(name: str) -> None:
    both: dict[str, Any] = {
        "ulimits": {"nproc": 1, "core": 2},
        "logging": {"options": {"max-size": "1m", "max-file": 2}},
    }
    one: dict[str, Any] = {"ulimits": {"nproc": 1}, "logging": {"options": {"max-size": "1m"}}}
    world = applied(container(**{name: both[name]}))
    world = changed(world, container(**{name: one[name]}))
    plan = world.plan()
    assert lines(plan) == [name]
    assert {"ulimits": "core", "logging": "driver, options.max-file"}[name] in plan_text(plan, colours=False)
    world.converge()


@pytest.mark.parametrize("shares", [{"privileged": True}, {"ipc": "host"}, {"pid": "host"}])
def test_a_security_option_that_the_engine_generates_is_no_drift(shares: dict[str, Any]) -> None:
    world = applied(container(security_opt=["no-new-privileges:true"], **shares))
    assert inside(world).host_config["SecurityOpt"] == ["no-new-privileges", "label=disable"]


def test_a_security_option_that_was_declared_is_not_taken_for_a_generated_one() -> None:
    world = applied(container(security_opt=["no-new-privileges", "label=type:web"]))
    world = changed(world, container(security_opt=["no-new-privileges"]))
    assert lines(world.plan()) == ["security_opt"]
    world.converge()


@pytest.mark.parametrize(
    ("declared", "key", "spelling"),
    [
        ({"cap_add": ["net_admin", "SYS_PTRACE"]}, "CapAdd", ["cap_sys_ptrace", "CAP_NET_ADMIN"]),
        ({"extra_hosts": ["a:10.1.0.1", "b:::1"]}, "ExtraHosts", ["b:0:0:0:0:0:0:0:1", "a:10.1.0.1"]),
        (
            {"devices": ["/dev/null"]},
            "Devices",
            [{"PathOnHost": "/dev/null", "PathInContainer": "", "CgroupPermissions": "mrw"}],
        ),
        ({"group_add": [10, 20]}, "GroupAdd", ["20", "10"]),
        ({"cpuset": "0,1"}, "CpusetCpus", "0-1"),
        ({"security_opt": ["no-new-privileges"]}, "SecurityOpt", ["no-new-privileges:true"]),
        ({"pids_limit": -1}, "PidsLimit", 0),
    ],
)
def test_another_spelling_of_the_same_value_is_no_drift(declared: dict[str, Any], key: str, spelling: Any) -> None:
    world = applied(container(**declared))
    inside(world).host_config[key] = spelling
    assert world.plan().empty


def test_an_empty_value_of_a_mapping_is_told_from_none() -> None:
    world = applied(container(tmpfs=["/run"]))
    assert "tmpfs./run: (empty) -> (none)" in plan_text(changed(world, container()).plan(), colours=False)


def test_values_that_may_be_secrets_are_not_shown() -> None:
    def declared(secret: str) -> dict[str, Any]:
        return container(healthcheck={"test": secret}, logging={"driver": "json-file", "options": {"tag": secret}})

    plan = changed(applied(declared("hunter1")), declared("hunter2")).plan()
    assert lines(plan) == ["healthcheck.test", "logging.options.tag"]
    shown = f"{plan_text(plan, colours=False)}{plan_json(plan)}"
    assert "hunter" not in shown
    assert "healthcheck.test: (another value) -> (declared value)" in shown
