"""Plain fields of a container: every spelling has one form, and what is wrong is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.errors import TopologyError
from controller.model.container_config import ContainerConfig
from controller.model.topology import Container
from controller.topology.fields import known_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.topology.load import Loaded

    Facts = Callable[..., list[tuple[str, str]]]


def container(**fields: Any) -> Container:
    return Container.model_validate({"host": "h1", "image": "busybox:1", **fields})


SPELLINGS: list[tuple[str, Any, Any]] = [
    ("mem_limit", "64m", 64 << 20),
    ("mem_limit", "64MB", 64 << 20),
    ("mem_limit", "64 MiB", 64 << 20),
    ("mem_limit", "0.5g", 512 << 20),
    ("mem_limit", 67108864, 64 << 20),
    ("shm_size", "1gb", 1 << 30),
    ("shm_size", "8k", 8 << 10),
    ("memswap_limit", -1, -1),
    ("memswap_limit", "-1", -1),
    ("stop_grace_period", "90s", "1m30s"),
    ("stop_grace_period", "0s", "0s"),
    ("cpus", 0.5, "0.5"),
    ("cpus", "1.50", "1.5"),
    ("cpus", 2, "2"),
    ("cpus", "010", "10"),
    ("cpuset", 0, "0"),
    ("cpuset", "3,0-1, 2", "0-3"),
    ("cpuset", "0,2-3", "0,2-3"),
    ("dns", "10.1.0.53", ("10.1.0.53",)),
    ("dns", ["FE80::0:1"], ("fe80::1",)),
    ("dns_search", ".", (".",)),
    ("extra_hosts", ["a:10.1.0.1", "a=::1", "b:[::2]"], ("a:10.1.0.1", "a:::1", "b:::2")),
    ("extra_hosts", {"gw": "host-gateway"}, ("gw:host-gateway",)),
    ("extra_hosts", {"a": ["10.1.0.1", "10.1.0.2"]}, ("a:10.1.0.1", "a:10.1.0.2")),
    ("expose", [80, "81", "90-91/udp"], ("80/tcp", "81/tcp", "90/udp", "91/udp")),
    ("tmpfs", "/run/", ("/run",)),
    ("tmpfs", ["/run:size=1m,mode=755"], ("/run:size=1m,mode=755",)),
    ("cap_add", ["net_admin", "CAP_SYS_PTRACE", "All"], ("NET_ADMIN", "SYS_PTRACE", "ALL")),
    ("devices", ["/dev/a", "/dev/b:/x"], ("/dev/a:/dev/a:rwm", "/dev/b:/x:rwm")),
    ("devices", ["/dev/c:mr", "/dev/d:/y:r"], ("/dev/c:/dev/c:rm", "/dev/d:/y:r")),
    ("security_opt", ["no-new-privileges=true", "apparmor:x"], ("no-new-privileges", "apparmor=x")),
    ("security_opt", ["no-new-privileges:false", "label=type:y"], ("no-new-privileges=false", "label=type:y")),
    ("security_opt", ["seccomp:unconfined"], ("seccomp=unconfined",)),
    ("user", 1000, "1000"),
    ("group_add", [10, "audio"], ("10", "audio")),
    ("working_dir", "//a/../b/", "/b"),
    ("stop_signal", "usr1", "SIGUSR1"),
    ("stop_signal", "SIGRTMIN+3", "SIGRTMIN+3"),
    ("stop_signal", 15, "15"),
    ("sysctls", ["net.core.somaxconn=5"], {"net.core.somaxconn": "5"}),
    ("annotations", {"a": True}, {"a": "true"}),
    ("mem_limit", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "written", "read"), SPELLINGS)
def test_a_value_has_one_form_which_is_read_again_as_itself(field: str, written: Any, read: Any) -> None:
    found = getattr(container(**{field: written}), field)
    assert found == read
    assert getattr(container(**{field: list(found) if isinstance(found, tuple) else found}), field) == read


@pytest.mark.parametrize(
    ("written", "soft", "hard"), [(5, 5, 5), ({"soft": 1, "hard": -1}, 1, -1), ({"soft": -1, "hard": -1}, -1, -1)]
)
def test_a_limit_of_processes_is_one_number_or_two(written: Any, soft: int, hard: int) -> None:
    limit = container(ulimits={"nofile": written}).ulimits["nofile"]
    assert (limit.soft, limit.hard) == (soft, hard)


@pytest.mark.parametrize(
    ("written", "words"),
    [("a 'b c'", ("CMD-SHELL", "a 'b c'")), (["CMD", "a", 1], ("CMD", "a", "1")), (["NONE"], ("NONE",))],
)
def test_a_test_is_text_for_a_shell_or_words(written: Any, words: tuple[str, ...]) -> None:
    found = container(healthcheck={"test": written}).healthcheck
    assert found is not None
    assert found.test == words


@pytest.mark.parametrize(
    ("more", "path", "fact"),
    [
        ("mem_limit: 64x", "mem_limit", "'64x' is not a size"),
        ("mem_limit: true", "mem_limit", "True is not a size"),
        ("mem_limit: 0", "mem_limit", "a size of 0 means no limit"),
        ("mem_limit: 9999999p", "mem_limit", "'9999999p' is not a size"),
        ("mem_limit: 5m", "mem_limit", "'5m' is less than engines take"),
        ("memswap_limit: 64m", "memswap_limit", "it counts memory and swap together"),
        (
            "mem_limit: 64m, memswap_limit: 32m",
            "memswap_limit",
            "32m of memory and swap together is less than mem_limit (16:39)",
        ),
        ("mem_limit: 64m, mem_reservation: 65m", "mem_reservation", "65m is more than mem_limit (16:39)"),
        ("cpus: -1", "cpus", "-1 is not a number of processors"),
        ("cpus: 0.001", "cpus", "0.001 is not a number of processors"),
        ("cpuset: 1-", "cpuset", "'1-' is not a set of processors"),
        ("cpuset: 3-1", "cpuset", "'3-1' is not a set of processors"),
        ("cpu_shares: 1", "cpu_shares", "1 is too small"),
        ("pids_limit: -2", "pids_limit", "-2 is too small"),
        ("stop_grace_period: 10", "stop_grace_period", "10 is not a duration"),
        ("stop_grace_period: 1500ms", "stop_grace_period", "'1500ms' is not a whole number of seconds"),
        ("healthcheck: {interval: 10us}", "healthcheck.interval", "'10us' is less than engines take"),
        ("healthcheck: {test: [curl]}", "healthcheck.test", "the test does not start with a word that says what it is"),
        ("healthcheck: {test: ''}", "healthcheck.test", "the test is empty"),
        ("healthcheck: {test: {a: b}}", "healthcheck.test", "the test is neither text nor a list of words"),
        ("healthcheck: {test: a, disable: true}", "healthcheck.disable", "it is switched off, and has a test"),
        ("dns: [a, 10.1.0.1]", "dns[0]", "'a' is not an IP address"),
        ("dns: a", "dns", "'a' is not an IP address"),
        ("dns: [10.1.0.1, 10.1.0.1]", "dns[1]", "'10.1.0.1' stands twice"),
        ("dns_search: [a b]", "dns_search[0]", "'a b' is not a domain"),
        ("dns_opt: [5]", "dns_opt[0]", "5 is not an option of resolv.conf"),
        ("dns_opt: ndots", "dns_opt", "expected a list, got the text 'ndots'"),
        ("extra_hosts: [a]", "extra_hosts[0]", "'a' is not NAME:IP"),
        ("extra_hosts: {a: b}", "extra_hosts.a", "'b' is not an IP address"),
        ("expose: [0]", "expose[0]", "0 is not a port"),
        ("expose: ['8080:80']", "expose[0]", "'8080:80' is not a port"),
        ("tmpfs: [run]", "tmpfs[0]", "'run' is not a tmpfs"),
        ("tmpfs: [/]", "tmpfs[0]", "'/' is not a tmpfs"),
        ("tmpfs: [/run, '/run:size=1m']", "tmpfs[1]", "'/run' stands twice"),
        ("tmpfs: [/a], volumes: [aa:/a]", "tmpfs[0]", "/a is already the target of a volume"),
        ("cap_add: [CAP-X]", "cap_add[0]", "'CAP-X' is not a capability"),
        ("cap_add: [NET_RAW, cap_net_raw]", "cap_add[1]", "'NET_RAW' stands twice"),
        ("devices: [vendor.com/class=name]", "devices[0]", "'vendor.com/class=name' is not a device"),
        ("security_opt: [x]", "security_opt[0]", "'x' is not a security option"),
        (
            "security_opt: ['seccomp:./profile.json']",
            "security_opt[0]",
            "a seccomp profile is a file beside the docker client, and engines do not read it",
        ),
        (
            "security_opt: [systempaths=unconfined]",
            "security_opt[0]",
            "'systempaths=unconfined' is an option of the docker client, not of engines",
        ),
        (
            "sysctls: {vm.swappiness: 1}",
            "sysctls.vm.swappiness",
            "'vm.swappiness' is no parameter that a container has for itself",
        ),
        ("ulimits: {nofile: {soft: 3, hard: 2}}", "ulimits.nofile", "the soft limit 3 is above the hard one, 2"),
        ("ulimits: {nofile: {soft: 3}}", "ulimits.nofile", "hard is missing"),
        ("user: a b", "user", "'a b' is not a name or a number"),
        ("working_dir: a", "working_dir", "'a' is not an absolute path"),
        ("stop_signal: 'a b'", "stop_signal", "'a b' is not a signal"),
        ("runtime: a b", "runtime", "'a b' is not one word"),
        ("pid: shareable", "pid", "expected host, got the text 'shareable'"),
        ("logging: {driver: a b}", "logging.driver", "'a b' is not one word"),
        ("logging: {options: {a: }}", "logging.options.a", "expected text, got nothing"),
    ],
)
def test_a_value_that_is_wrong_gets_one_message(more: str, path: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(f"containers:\n  aa: {{host: h1, image: i, {more}}}\n") == [(f"containers.aa.{path}", fact)]


def test_an_unknown_limit_of_processes_is_told_with_the_near_one(read: Callable[..., Loaded], head: str) -> None:
    with pytest.raises(TopologyError) as caught:
        read(f"{head}containers:\n  aa: {{host: h1, image: i, ulimits: {{no_file: 5}}}}\n")
    assert caught.value.problems[0].path == "containers.aa.ulimits.no_file"
    assert caught.value.problems[0].hint == "did you mean nofile?"


def test_a_variable_may_hold_any_plain_value(read: Callable[..., Loaded], head: str) -> None:
    env = {"SIZE": "64m", "NUMBER": "5", "FLAG": "true"}
    fields = "mem_limit: $SIZE, pids_limit: $NUMBER, tty: $FLAG, cpus: $NUMBER, ulimits: {nofile: $NUMBER}"
    found = read(f"{head}containers:\n  aa: {{host: h1, image: i, {fields}}}\n", env).topology.containers["aa"]
    assert (found.mem_limit, found.pids_limit, found.tty, found.cpus) == (64 << 20, 5, True, "5")
    assert found.ulimits["nofile"].hard == 5


def test_what_a_wrong_test_says_is_not_part_of_the_message(facts_of: Facts) -> None:
    facts = facts_of("containers:\n  aa: {host: h1, image: i, healthcheck: {test: [hunter2, {a: hunter2}]}}\n")
    assert facts
    assert "hunter2" not in str(facts)


def test_the_plain_fields_are_known_keys_of_a_container() -> None:
    assert set(ContainerConfig.model_fields) < set(known_keys(("containers", "aa")))
