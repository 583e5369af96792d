"""The arguments of a lab."""

from __future__ import annotations

import pytest

from controller.errors import LabError
from controller.lab.spec import LabSpec, check_name, make_spec

DEFAULTS = {"engine": "classic", "subnet": "192.168.112.0/24", "store": "consul"}


def spec(hosts: int | None = None, **given: str) -> LabSpec:
    return make_spec("ovctl", hosts=hosts, **(DEFAULTS | given))


def test_a_lab_has_three_hosts_and_a_store_unless_told_otherwise() -> None:
    assert [(host.name, str(host.ip), host.suite, host.role) for host in spec().hosts] == [
        ("h1", "192.168.112.11", "bullseye", "engine"),
        ("h2", "192.168.112.12", "bullseye", "engine"),
        ("h3", "192.168.112.13", "bullseye", "engine"),
        ("store", "192.168.112.10", "bullseye", "store"),
    ]


def test_a_list_of_engines_makes_one_host_each() -> None:
    lab = spec(engine="classic,classic,modern", store="none")
    assert [host.suite for host in lab.hosts] == ["bullseye", "bullseye", "trixie"]
    assert lab.suites == ("bullseye", "trixie")


def test_a_store_needs_its_suite_even_beside_other_engines() -> None:
    assert spec(engine="modern").suites == ("trixie", "bullseye")
    assert spec(engine="newest").suites == ("forky", "bullseye")


def test_a_lab_is_read_back_as_it_was_written() -> None:
    lab = spec(engine="modern,etcd", subnet="10.9.8.0/25", store="none")
    assert LabSpec.from_json(lab.to_json()) == lab


@pytest.mark.parametrize(
    ("hosts", "given", "fact"),
    [
        (None, {"engine": "podman"}, "--engine: no engine 'podman'"),
        (3, {"engine": "classic,modern"}, "--engine lists 2 hosts, --hosts says 3"),
        (0, {}, "--hosts: 0 is not between 1 and 99"),
        (-1, {}, "--hosts: 0 is not between 1 and 99"),
        (None, {"store": "redis"}, "--store: no store 'redis'"),
        (None, {"subnet": "192.168.112.1/24"}, "192.168.112.1/24 has host bits set"),
        (None, {"subnet": "8.8.8.0/24"}, "8.8.8.0/24 is not a private network"),
        (None, {"subnet": "10.0.0.0/8"}, "10.0.0.0/8 is not a private network between /16 and /28"),
        (5, {"subnet": "10.0.0.0/28"}, "10.0.0.0/28 has no room for 5 hosts"),
        (None, {"subnet": "lab"}, "--subnet: "),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_wrong(hosts: int | None, given: dict[str, str], fact: str) -> None:
    with pytest.raises(LabError) as caught:
        spec(hosts, **given)
    assert fact in caught.value.message
    assert caught.value.hint or hosts is not None


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "a-b", "tenletters", "rootfs", "../up"])
def test_a_name_that_no_interface_could_carry_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot name a lab"):
        check_name(name)


def test_an_unknown_host_is_answered_with_those_there_are() -> None:
    with pytest.raises(LabError) as caught:
        spec().host("h9")
    assert caught.value.message == "no host h9 in lab ovctl; it has h1, h2, h3, store"
