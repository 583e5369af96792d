"""What libnetwork keeps in the store: values as engine 20.10.5 wrote them, and what is made of them."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.allocation import (
    AddressMap,
    endpoint_address,
    endpoint_count,
    endpoint_count_value,
    map_key,
    network_subnets,
    ordinal,
    pool_subnets,
    respelled,
    without_pool,
)

SUBNET = IPv4Network("10.0.0.0/24")
# .0, .1 (the gateway), .11, .12 and .255 are taken
RECORDED = (
    b'{"id":"GlobalDefault/10.0.0.0/24",'
    b'"sequence":"AAAAAAAAAQAAAAAAAAAA+8AYAAAAAAAAAAAAAQAAAAAAAAAAAAAABgAAAAEAAAAAAAAAAQ=="}'
)
POOLS = (
    b'{"Scope":"","Subnets":{"GlobalDefault/10.0.0.0/24":{"ParentKey":{"AddressSpace":"","Subnet":"","ChildSubnet":""},'
    b'"Pool":"10.0.0.0/24","RefCount":1},"GlobalDefault/10.0.0.0/24/10.0.0.128/25":{"ParentKey":{"AddressSpace":'
    b'"GlobalDefault","Subnet":"10.0.0.0/24","ChildSubnet":""},"Pool":"10.0.0.0/24","Range":{"End":255,"Start":128,'
    b'"Sub":"10.0.0.128/25"},"RefCount":1},"GlobalDefault/10.0.1.0/24":{"Pool":"10.0.1.0/24","RefCount":1},'
    b'"GlobalDefault/2001:db8::/64":{"Pool":"2001:db8::/64","RefCount":1}}}'
)


def taken(found: AddressMap) -> list[int]:
    return [number for number in range(found.bits) if found.has(number)]


def test_a_recorded_map_says_what_is_taken() -> None:
    found = AddressMap.parse(RECORDED)
    assert (found.bits, found.free, taken(found)) == (256, 251, [0, 1, 11, 12, 255])
    assert json.loads(found.value()) == json.loads(RECORDED)


def test_an_address_is_given_back_as_the_engine_does() -> None:
    place = ordinal(IPv4Address("10.0.0.11"), SUBNET)
    found = AddressMap.parse(RECORDED).with_bit(place, taken=False)
    assert (found.free, taken(found)) == (252, [0, 1, 12, 255])
    assert found.with_bit(place, taken=True) == AddressMap.parse(RECORDED)
    assert found.with_bit(place, taken=False) is found


@given(st.sets(st.integers(0, 1023)), st.sets(st.integers(0, 1023)))
def test_any_addresses_can_be_taken_and_given_back(first: set[int], second: set[int]) -> None:
    found = AddressMap.empty(IPv4Network("10.0.0.0/22"))
    for number in first:
        found = found.with_bit(number, taken=True)
    for number in second:
        found = found.with_bit(number, taken=False)
    again = AddressMap.parse(found.value())
    assert again == found
    assert taken(again) == sorted(first - second)
    assert again.free == 1024 - len(first - second)
    assert all(one[0] != other[0] for one, other in zip(again.runs, again.runs[1:], strict=False))
    assert sum(count for _, count in again.runs) == 32


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"id":"x","sequence":"AAAA"}', b'{"id":"x","sequence":7}'])
def test_what_is_no_map_is_not_taken_for_one(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"address map|Expecting"):
        AddressMap.parse(value)


def test_a_map_that_ends_early_is_not_taken_for_one() -> None:
    found = AddressMap("GlobalDefault/10.0.0.0/24", 256, 256, ((0, 7),))
    with pytest.raises(ValueError, match="shorter"):
        AddressMap.parse(found.value())


def test_pools_are_whole_subnets_without_their_ranges() -> None:
    assert pool_subnets(POOLS) == (SUBNET, IPv4Network("10.0.1.0/24"))
    left = without_pool(POOLS, SUBNET)
    assert sorted(json.loads(left)["Subnets"]) == ["GlobalDefault/10.0.1.0/24", "GlobalDefault/2001:db8::/64"]
    assert map_key(SUBNET) == "docker/network/v1.0/ipam/default/data/GlobalDefault/10.0.0.0/24/"


def test_endpoints_counts_and_networks_are_read() -> None:
    assert endpoint_address(b'{"ep_iface":{"addr":"10.0.0.11/24"},"name":"c1"}') == "10.0.0.11"
    assert endpoint_address(b'{"name":"c1"}') == ""
    assert endpoint_count(b'{"Count":2}') == 2
    assert endpoint_count(endpoint_count_value(3)) == 3
    for value in (b'{"Count":3}', b'{"Count": 3}', b'{ "Count": 3 }'):
        assert respelled(value) != value
        assert endpoint_count(respelled(value)) == 3
    data = json.dumps({"AddressSpace": "GlobalDefault", "Gateway": "10.0.0.1/24", "Pool": "10.0.0.0/24"})
    info = json.dumps([{"IPAMData": data, "PoolID": "GlobalDefault/10.0.0.0/24/10.0.0.128/25"}])
    assert network_subnets(json.dumps({"ipamV4Info": info}).encode()) == (SUBNET,)
    assert network_subnets(b"{}") == ()
    for value in (b"[]", b"{}", b'{"Count":null}', b"x"):
        with pytest.raises(ValueError, match=r"cannot be read|not an object|Expecting"):
            endpoint_count(value)
