"""Rules for what networks can be besides plain overlays: bridges, IPv6, external ones, MAC addresses."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Facts = Callable[..., list[tuple[str, str]]]

LAN = "ipam: {config: [{subnet: 10.5.0.0/24}, {subnet: 'fd00:5::/64', aux_addresses: {r: 'fd00:5::9'}}]}"


@pytest.fixture
def facts(facts_of: Facts, head: str) -> Facts:
    """Return path and fact of each problem of the usual topology with *more* behind it, or of *whole*."""
    return lambda more="", *, whole=None: facts_of(whole=head + more if whole is None else whole)


def networks(*lines: str) -> str:
    """Return further networks, to stand right behind the usual ones."""
    return indent("\n".join(lines), "  ") + "\n"


def containers(*entries: tuple[str, str, str]) -> str:
    """Return containers from name, host and networks."""
    lines = [f"{name}: {{host: {host}, image: busybox:1, networks: {on}}}" for name, host, on in entries]
    return "containers:\n" + indent("\n".join(lines), "  ")


def lan(name: str = "lan", more: str = LAN) -> str:
    return networks(f"{name}: {{driver: bridge, enable_ipv6: true, {more}}}")


def test_what_a_bridge_can_be_has_no_problems(facts: Facts) -> None:
    on = "{lan: {ipv4_address: 10.5.0.11, ipv6_address: 'FD00:5:0::000b', mac_address: 02-42-AA-00-00-01, priority: 9}}"
    more = lan() + networks(
        "other: {driver: bridge, ipam: {driver: 'infoblox/ipam:1', options: {a: 1}, config: [{subnet: 10.5.0.0/24}]}}",
        "theirs: {external: true}",
    )
    more += containers(
        ("aa", "h1", on),
        ("bb", "h2", on),
        ("cc", "outside", "{lan: {ipv6_address: 'fd00:5::11'}, theirs: {ipv4_address: 10.9.0.9, aliases: [aa]}}"),
        ("dd", "h1", "[theirs, web]"),
    )
    assert facts(more) == []


def test_bridges_alone_need_no_store(facts: Facts) -> None:
    whole = "version: 1\nname: t\nhosts: {h1: {address: 10.0.0.1}}\nnetworks:\n"
    assert facts(whole=whole + lan() + containers(("aa", "h1", "[lan]"))) == []
    assert facts(whole=whole + lan() + "  web: {}\n") == [
        ("networks", "overlay networks need a store, and the topology has none")
    ]


@pytest.mark.parametrize(
    ("line", "path", "fact"),
    [
        (
            "odd: {enable_ipv6: true}",
            "enable_ipv6",
            "overlays with a store carry IPv4 only: by its IPv6 address no container on another host is reached",
        ),
        (
            "odd: {ipam: {config: [{subnet: 'fd00:6::/64'}]}}",
            "ipam.config[0].subnet",
            "overlays with a store carry IPv4 only: by its IPv6 address no container on another host is reached",
        ),
        (
            "odd: {driver: bridge, enable_ipv6: true}",
            "enable_ipv6",
            "engines have no IPv6 subnet of their own choice",
        ),
        (
            "odd: {driver: bridge, ipam: {config: [{subnet: 'fd00:6::/64'}]}}",
            "ipam.config[0].subnet",
            "an IPv6 subnet is not used without enable_ipv6",
        ),
        (
            "odd: {driver: bridge, ipam: {config: [{subnet: 10.6.0.0/24}, {subnet: 10.7.0.0/24}]}}",
            "ipam.config[1].subnet",
            "a bridge takes one IPv4 subnet, and this is another one",
        ),
        (
            "odd: {external: true, mtu: 1400}",
            "mtu",
            "is not looked at: the network is external, as others made it",
        ),
        ("odd: {ipam: {driver: 'a b'}}", "ipam.driver", "'a b' is not the name of a driver"),
        ("odd: {enable_ipv6: 6}", "enable_ipv6", "expected true or false, got the number 6"),
    ],
)
def test_a_network_that_cannot_work_is_an_error(line: str, path: str, fact: str, facts: Facts) -> None:
    assert facts(networks(line)) == [(f"networks.odd.{path}", fact)]


@pytest.mark.parametrize(
    ("pool", "path", "fact"),
    [
        ("{subnet: 'fd00:6::/126'}", "subnet", "fd00:6::/126 is too small"),
        (
            "{subnet: 'fd00:6::/48'}",
            "subnet",
            "fd00:6::/48 is too large: engines count the addresses of a subnet in 64 bits",
        ),
        ("{subnet: 'fe80:1::/64'}", "subnet", "fe80:1::/64 is not for networks of one's own"),
        ("{subnet: 'fd00:6::1/64'}", "subnet", "fd00:6::1/64 has host bits set"),
        ("{subnet: 'fd00:6::'}", "subnet", "fd00:6:: has no prefix length"),
        ("{subnet: 'fd00:x::/64'}", "subnet", "'fd00:x::/64' is not an IPv6 subnet"),
        (
            "{subnet: 'fd00:6::/64', gateway: 10.6.0.1}",
            "gateway",
            "10.6.0.1 is outside the subnet fd00:6::/64",
        ),
        (
            "{subnet: 'fd00:6::/64', gateway: 'fd00:6::'}",
            "gateway",
            "fd00:6:: is the network address of fd00:6::/64",
        ),
        (
            "{subnet: 'fd00:6::/64', ip_range: 'fd00:6:0:0:8000::/65'}",
            "ip_range",
            "engines give no address from fd00:6:0:0:8000::/65: it ends with a /64, and they count in 64 bits",
        ),
        (
            "{subnet: 'fd00:6::/64', ip_range: 10.0.0.0/25}",
            "ip_range",
            "10.0.0.0/25 is outside the subnet fd00:6::/64",
        ),
        (
            "{subnet: 'fd00:6::/64', aux_addresses: {r: 'fd00:6::1'}}",
            "aux_addresses.r",
            "fd00:6::1 is already the gateway",
        ),
        (
            "{subnet: 'fd00:6::/64', aux_addresses: {r: 'fd00:6::ffff:ffff:ffff:ffff'}}",
            "aux_addresses.r",
            "fd00:6::ffff:ffff:ffff:ffff is the last address of fd00:6::/64",
        ),
        ("{subnet: 'fd00:6::/64', gateway: 'fd00::g'}", "gateway", "'fd00::g' is not an IPv6 address"),
    ],
)
def test_an_ipv6_pool_that_does_not_hold_together_is_an_error(pool: str, path: str, fact: str, facts: Facts) -> None:
    found = facts(lan("odd", f"ipam: {{config: [{pool}]}}"))
    assert found == [(f"networks.odd.ipam.config[0].{path}", fact)]


@pytest.mark.parametrize(
    ("address", "fact"),
    [
        ("fd00:5::1", "fd00:5::1 is the gateway of fd00:5::/64"),
        ("fd00:5::9", "fd00:5::9 is the aux address r"),
        ("fd00:6::2", "fd00:6::2 is outside the subnet fd00:5::/64 of network lan"),
        (
            "fd00:5:0:0:4000::1",
            "fd00:5::4000:0:0:1 is inside the subnet's dynamic range: fd00:5:0:0:4000::/66",
        ),
        ("10.5.0.11", "'10.5.0.11' is not an IPv6 address"),
        ("fe80::1%eth0", "'fe80::1%eth0' is not an IPv6 address"),
    ],
)
def test_an_ipv6_address_that_cannot_be_given_is_an_error(address: str, fact: str, facts: Facts) -> None:
    found = facts(lan() + containers(("aa", "h1", f"{{lan: {{ipv6_address: '{address}'}}}}")))
    assert found == [("containers.aa.networks.lan.ipv6_address", fact)]


def test_a_fixed_ipv6_address_needs_an_ipv6_subnet(facts: Facts) -> None:
    assert facts(containers(("aa", "h1", "{web: {ipv6_address: 'fd00:5::2'}}"))) == [
        (
            "containers.aa.networks.web.ipv6_address",
            "a fixed IPv6 address needs a declared IPv6 subnet, and network web has none",
        )
    ]


def test_addresses_on_a_bridge_are_unique_on_their_host_alone(facts: Facts) -> None:
    on = "{lan: {ipv6_address: 'fd00:5::11', mac_address: '02:42:aa:00:00:01'}}"
    found = facts(lan() + containers(("aa", "h1", on), ("bb", "h2", on), ("cc", "h1", on)))
    assert [path for path, _ in found] == [
        "containers.cc.networks.lan.ipv6_address",
        "containers.cc.networks.lan.mac_address",
    ]
    assert [fact.partition(" (")[0] for _, fact in found] == [
        "fd00:5::11 is already the address of container aa",
        "02:42:aa:00:00:01 is already the MAC address of container aa",
    ]


def test_each_host_has_the_whole_range_of_a_bridge(facts: Facts) -> None:
    small = lan("lan", "ipam: {config: [{subnet: 10.5.0.0/29}, {subnet: 'fd00:5::/64'}]}")
    three = [(f"c{host}{number}", host, "[lan]") for host in ("h1", "h2") for number in range(3)]
    assert facts(small + containers(*three)) == []
    assert facts(small + containers(*three, ("cc", "h2", "[lan]"))) == [
        ("networks.lan.ipam", "4 containers want an automatic address, and 10.5.0.4/30 has 3")
    ]


def test_pools_overlap_where_two_networks_meet(facts: Facts) -> None:
    second = lan("lan2", "ipam: {config: [{subnet: 10.6.0.0/24}, {subnet: 'fd00:5::/96'}]}")
    apart = containers(("aa", "h1", "[lan]"), ("bb", "h2", "[lan2]"))
    assert facts(lan() + second + apart) == []
    together = containers(("aa", "h1", "[lan]"), ("bb", "h1", "[lan2]"))
    found = facts(lan() + second + together)
    assert [(path, fact.partition(" (")[0]) for path, fact in found] == [
        ("networks.lan2.ipam.config[1].subnet", "fd00:5::/96 overlaps fd00:5::/64 of network lan")
    ]


def test_a_bridge_and_an_overlay_of_one_host_do_not_overlap(facts: Facts) -> None:
    inside = networks("in: {driver: bridge, ipam: {config: [{subnet: 10.0.0.0/25}]}}")
    assert facts(inside + containers(("aa", "h1", "[in]"), ("bb", "h2", "[web]"))) == []
    found = facts(inside + containers(("aa", "h1", "[in]"), ("bb", "h1", "[web]")))
    assert [path for path, _ in found] == ["networks.in.ipam.config[0].subnet"]


def test_an_alias_may_be_the_name_of_a_container_on_another_hosts_bridge(facts: Facts) -> None:
    on = containers(("aa", "h1", "{lan: {aliases: [bb]}}"), ("bb", "h2", "[lan]"))
    assert facts(lan() + on) == []
    on = containers(("aa", "h1", "{lan: {aliases: [bb]}}"), ("bb", "h1", "[lan]"))
    assert [path for path, _ in facts(lan() + on)] == ["containers.aa.networks.lan.aliases[0]"]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("02:42:aa", "'02:42:aa' is not a MAC address"),
        ("03:42:aa:00:00:01", "'03:42:aa:00:00:01' is the MAC address of a group"),
        ("00:00:00:00:00:00", "'00:00:00:00:00:00' is no interface's MAC address"),
    ],
)
def test_what_is_no_mac_address_of_an_interface_is_an_error(text: str, fact: str, facts: Facts) -> None:
    found = facts(containers(("aa", "h1", f"{{web: {{mac_address: '{text}'}}}}")))
    assert found == [("containers.aa.networks.web.mac_address", fact)]


def test_a_mac_address_is_for_the_first_network_by_priority(facts: Facts) -> None:
    on = "{{web: {{mac_address: '02:42:aa:00:00:01'}}, back: {{priority: {priority}}}}}"
    assert facts(containers(("aa", "h1", on.format(priority=-1)))) == []
    assert facts(containers(("aa", "h1", on.format(priority=1)))) == [
        (
            "containers.aa.networks.web.mac_address",
            "engines give a MAC address at a container's creation, on its first network alone: that is back",
        )
    ]


def test_an_encrypted_option_is_refused_on_overlays_alone(facts: Facts) -> None:
    assert facts(networks("odd: {driver: bridge, driver_opts: {encrypted: ''}}")) == []
