"""Claims about the store and the cycle lock: ``ports.Store`` and ``ports.Fence``."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from controller.errors import EngineError, FenceLostError, LockedError
from controller.model.allocation import (
    COUNTS,
    NETWORKS,
    POOLS,
    AddressMap,
    endpoint_address,
    endpoint_count,
    endpoint_count_value,
    endpoints_prefix,
    map_key,
    network_subnets,
    pool_subnets,
    without_pool,
)
from tests.conformance.world import ALONE, JOINED, PORT, TOPOLOGY, overlay, run, store_of

if TYPE_CHECKING:
    from controller.ports import Store
    from tests.conformance.world import World

OURS = f"ovctl/{TOPOLOGY}/"
SUBNET = IPv4Network("10.60.0.0/24")


@pytest.fixture
def store(world: World) -> Store:
    """The cluster store."""
    return store_of(world)


def test_every_daemon_that_uses_the_store_is_registered(world: World, store: Store) -> None:
    nodes = {node.address for node in store.nodes()}
    assert nodes >= {f"{world.address(host)}:{PORT}" for host in JOINED}


def test_a_key_is_what_was_put_there(store: Store) -> None:
    assert store.get(OURS + "members") is None
    for value in (b"one", b"", b"\x00\xff two"):
        store.put(OURS + "members", value)
        assert store.get(OURS + "members") == value


def test_keys_are_sorted_and_only_those_under_the_prefix(store: Store) -> None:
    for key in ("b", "a/c", "a/b"):
        store.put(OURS + key, b"x")
    assert store.keys(OURS) == (OURS + "a/b", OURS + "a/c", OURS + "b")
    assert store.keys(OURS + "a/") == (OURS + "a/b", OURS + "a/c")
    assert store.keys(OURS + "nothing/") == ()


def test_only_keys_of_a_topology_are_written(store: Store) -> None:
    for key in ("docker/nodes/x", "ovctl/members", "other", "", "/ovctl/x/y", OURS):
        with pytest.raises(ValueError, match="not a key"):
            store.put(key, b"x")


def test_only_keys_of_a_topology_are_deleted(store: Store) -> None:
    store.put(OURS + "members", b"x")
    for prefix in ("", "docker/", "docker/nodes/", "ovctl", "ovctl/", f"ovctl/{TOPOLOGY}", f"/{OURS}"):
        with pytest.raises(ValueError, match="not a prefix of ours"):
            store.delete_prefix(prefix)
    assert store.get(OURS + "members") == b"x"
    store.delete_prefix(OURS)
    store.delete_prefix(OURS)
    assert store.keys(OURS) == ()


def test_the_engines_endpoints_are_keys(world: World, store: Store) -> None:
    engine = world.fleet.engine("h1")
    network_id = engine.create_network("ov1", overlay())
    assert f"docker/network/v1.0/network/{network_id}/" in store.keys("docker/network/v1.0/network/")
    run(engine, "c1", "ov1")
    endpoint_id = engine.inspect_container("c1")["NetworkSettings"]["Networks"]["ov1"]["EndpointID"]
    prefix = f"docker/network/v1.0/endpoint/{network_id}/"
    assert f"{prefix}{endpoint_id}/" in store.keys(prefix)
    engine.remove_container("c1", force=True)
    assert f"{prefix}{endpoint_id}/" not in store.keys(prefix)


def test_an_address_that_is_marked_as_taken_is_taken_until_it_is_freed(world: World, store: Store) -> None:
    """The engines believe their map of addresses, whatever endpoints there are."""
    engine = world.fleet.engine("h1")
    engine.create_network("ov1", overlay())
    key = map_key(SUBNET)
    found = store.versioned(key)
    assert found is not None
    assert not AddressMap.parse(found.value).has(11)
    taken = AddressMap.parse(found.value).with_bit(11, taken=True)
    assert store.replace(key, taken.value(), version=found.version)
    with pytest.raises(EngineError, match="Address already in use"):
        run(engine, "c1", "ov1", "10.60.0.11")
    changed = store.versioned(key)
    assert changed is not None
    assert not store.replace(key, found.value, version=found.version), "it was written since"
    assert store.replace(key, found.value, version=changed.version)
    engine.start_container("c1")
    after = store.versioned(key)
    assert after is not None
    assert AddressMap.parse(after.value) == taken
    assert store.versioned(key + "none/") is None
    engine.remove_container("c1", force=True)


def test_a_count_that_is_too_high_keeps_a_network_until_it_is_corrected(world: World, store: Store) -> None:
    engine = world.fleet.engine("h1")
    network_id = engine.create_network("ov1", overlay())
    key = f"{COUNTS}{network_id}/"
    found = store.versioned(key)
    assert found is not None
    assert endpoint_count(found.value) == 0
    assert store.replace(key, endpoint_count_value(2), version=found.version)
    with pytest.raises(EngineError, match="active endpoints"):
        engine.remove_network("ov1")
    changed = store.versioned(key)
    assert changed is not None
    assert store.replace(key, endpoint_count_value(0), version=changed.version)
    engine.remove_network("ov1")


def test_a_networks_endpoints_and_subnets_are_values(world: World, store: Store) -> None:
    engine = world.fleet.engine("h1")
    network_id = engine.create_network("ov1", overlay())
    run(engine, "c1", "ov1", "10.60.0.11")
    endpoints = [value for value in store.values(endpoints_prefix(network_id)).values() if value]
    assert [endpoint_address(value) for value in endpoints] == ["10.60.0.11"]
    subnets = {key: network_subnets(value) for key, value in store.values(NETWORKS).items() if value}
    assert subnets[f"{NETWORKS}{network_id}/"] == (SUBNET,)
    pools = store.versioned(POOLS)
    assert pools is not None
    assert SUBNET in pool_subnets(pools.value)
    assert store.values("docker/nothing/") == {}


def test_a_pool_without_a_network_is_in_the_way_until_it_is_taken_out(world: World, store: Store) -> None:
    engine = world.fleet.engine("h1")
    engine.create_network("ov1", overlay())
    before = store.versioned(POOLS)
    assert before is not None
    engine.remove_network("ov1")
    removed = store.versioned(POOLS)
    assert removed is not None
    assert SUBNET not in pool_subnets(removed.value)
    assert store.replace(POOLS, before.value, version=removed.version)
    with pytest.raises(EngineError, match="Pool overlaps with other one on this address space"):
        engine.create_network("ov1", overlay())
    leaked = store.versioned(POOLS)
    assert leaked is not None
    assert store.replace(POOLS, without_pool(leaked.value, SUBNET), version=leaked.version)
    engine.create_network("ov1", overlay())


def test_no_other_key_of_the_engines_is_replaced(store: Store) -> None:
    for key in ("docker/nodes/x", f"{NETWORKS}x/", OURS + "members", "docker/network/v1.0/endpoint/x/y/"):
        with pytest.raises(ValueError, match="not a key that may be replaced"):
            store.replace(key, b"x", version=1)


def test_one_run_at_a_time_holds_the_lock(world: World) -> None:
    first, second = world.fleet.fence(), world.another_fleet().fence()
    first.acquire(timeout_s=0)
    first.check()
    with pytest.raises(LockedError) as caught:
        second.acquire(timeout_s=0)
    assert f"topology/{TOPOLOGY}: locked by " in caught.value.message
    assert "process " in caught.value.message
    with pytest.raises(LockedError):
        second.acquire(timeout_s=0.5)
    first.check()
    first.release()
    second.acquire(timeout_s=5)
    second.check()
    second.release()


def test_a_run_that_holds_the_lock_may_ask_for_it_again(world: World) -> None:
    fence = world.fleet.fence()
    fence.acquire(timeout_s=0)
    fence.acquire(timeout_s=0)
    fence.check()
    fence.release()
    assert world.fleet.fence() is fence


def test_a_lock_that_is_not_held_is_lost_and_can_be_released(world: World) -> None:
    fence = world.fleet.fence()
    with pytest.raises(FenceLostError):
        fence.check()
    fence.release()
    fence.acquire(timeout_s=0)
    fence.release()
    fence.release()
    with pytest.raises(FenceLostError):
        fence.check()


def test_a_lock_that_somebody_took_away_is_lost(world: World, store: Store) -> None:
    fence = world.fleet.fence()
    fence.acquire(timeout_s=0)
    store.delete_prefix(OURS)
    with pytest.raises(FenceLostError):
        fence.check()
    fence.release()


def test_the_lock_is_a_key_that_tells_its_holder(world: World, store: Store) -> None:
    fence = world.fleet.fence()
    fence.acquire(timeout_s=0)
    assert OURS + "lock" in store.keys(OURS)
    fence.release()
    assert store.keys(OURS) == ()


def test_a_fleet_is_closed_more_than_once_without_harm(world: World) -> None:
    fleet = world.another_fleet()
    fleet.engine(ALONE).version()
    fleet.close()
