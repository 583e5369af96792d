"""What is made of an engine's words about networks: shapes of engine 20.10 and 26.1."""

from __future__ import annotations

from typing import Any

import pytest

from controller.model.observed import Pool
from controller.observe.container import container_state
from controller.observe.network import network_state


def network(**more: Any) -> dict[str, Any]:
    return {"Id": "n1", "Name": "lan", "Driver": "bridge", "Scope": "local", **more}


def endpoint_of(endpoint: dict[str, Any], **config: Any) -> Any:
    found = container_state(
        {
            "Id": "0123456789abcdef",
            "Name": "/c1",
            "Image": "sha256:1",
            "Config": {"Image": "busybox:1", "Hostname": "0123456789ab", **config},
            "HostConfig": {"NetworkMode": "lan"},
            "State": {"Status": "running"},
            "NetworkSettings": {"Networks": {"lan": endpoint}},
        }
    )
    return found, found.endpoints["lan"]


def test_pools_have_one_order_and_addresses_one_spelling() -> None:
    six = {"Subnet": "FD00:70:0::/64", "Gateway": "fd00:70::0001/64", "AuxiliaryAddresses": {"r": "fd00:70:0:0::9"}}
    four = {"Subnet": "10.70.0.0/24", "Gateway": "10.70.0.1/24", "IPRange": "10.70.0.128/25"}
    expected = (
        Pool("10.70.0.0/24", "10.70.0.1", "10.70.0.128/25", {}),
        Pool("fd00:70::/64", "fd00:70::1", "", {"r": "fd00:70::9"}),
    )
    for config in ([six, four], [four, six]):
        assert network_state(network(IPAM={"Config": config})).pools == expected


@pytest.mark.parametrize("ipam", [{}, {"IPAM": None}, {"IPAM": {"Driver": "default", "Options": None, "Config": None}}])
def test_what_an_engine_leaves_out_of_address_management_is_the_default(ipam: dict[str, Any]) -> None:
    found = network_state(network(**ipam))
    assert (found.pools, found.ipam_driver, found.ipam_options) == ((), "default", {})


def test_an_address_that_cannot_be_read_stays_as_it_is() -> None:
    (pool,) = network_state(network(IPAM={"Config": [{"Subnet": "10.70.0.0/24", "Gateway": "nowhere"}]})).pools
    assert pool.gateway == "nowhere"


def test_aliases_are_read_alike_with_and_without_the_short_id() -> None:
    old = {"Aliases": ["www", "0123456789ab"], "IPAMConfig": {"IPv6Address": "FD00:70:0::b"}}
    new = {"Aliases": ["www"], "DNSNames": ["c1", "www", "0123456789ab"], "IPAMConfig": {"IPv6Address": "fd00:70::b"}}
    (_, first), (_, second) = endpoint_of(old), endpoint_of(new)
    assert first == second
    assert (first.aliases, first.ipv6_address) == (frozenset({"www"}), "fd00:70::b")


def test_mac_addresses_are_read_in_lower_case() -> None:
    found, endpoint = endpoint_of({"MacAddress": "02:AA:00:00:00:01"}, MacAddress="02:AA:00:00:00:01")
    assert (found.mac_address, endpoint.mac_address) == ("02:aa:00:00:00:01", "02:aa:00:00:00:01")
    assert endpoint_of({"MacAddress": ""})[0].mac_address is None
