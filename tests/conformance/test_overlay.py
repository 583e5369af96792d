"""Claims about classic overlays: what engines that share a store let each other see, give and refuse."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from controller.errors import ConflictError, EngineError, NotFoundError
from tests.conformance.world import ALONE, container, overlay, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.ports import Engine, Json
    from tests.conformance.world import World


def endpoints(engine: Engine, network: str = "ov1") -> dict[str, str]:
    """Return the name of each endpoint of *network* -> its key, ``ep-…`` shortened."""
    found = engine.inspect_network(network)["Containers"]
    return {endpoint["Name"]: "ep-" if key.startswith("ep-") else key for key, endpoint in found.items()}


def attached(engine: Engine, name: str, network: str = "ov1") -> Json:
    """Return a container's settings on *network*."""
    found: Json = engine.inspect_container(name)["NetworkSettings"]["Networks"][network]
    return found


def test_a_new_overlay_is_seen_by_all_engines_of_the_store_at_once(world: World, h1: Engine, h2: Engine) -> None:
    network_id = h1.create_network("ov1", overlay(Labels={"a": "1"}))
    seen = h2.inspect_network("ov1")
    assert (seen["Id"], seen["Scope"], seen["Labels"]) == (network_id, "global", {"a": "1"})
    assert network_id in [network["Id"] for network in h2.networks()]
    with pytest.raises(NotFoundError):
        world.fleet.engine(ALONE).inspect_network("ov1")


def test_a_network_is_found_by_id_and_name_and_not_by_the_start_of_its_id(h1: Engine) -> None:
    network_id = h1.create_network("ov1", overlay())
    assert {h1.inspect_network(ref)["Id"] for ref in (network_id, "ov1")} == {network_id}
    start = network_id[:4]
    run(h1, "c1")
    for effect in (h1.inspect_network, h1.remove_network, lambda ref: h1.connect(ref, "c1", {})):
        with pytest.raises(NotFoundError):
            effect(start)
    assert h1.inspect_network("ov1")["Id"] == network_id


def test_a_name_in_use_is_a_conflict_on_every_engine(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    for engine in (h1, h2):
        with pytest.raises(ConflictError) as caught:
            engine.create_network("ov1", overlay("10.61.0.0/24"))
        assert caught.value.status == 409


def test_without_the_duplicate_check_a_name_can_be_had_twice(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    h2.create_network("ov1", overlay("10.61.0.0/24", CheckDuplicate=False))
    with pytest.raises(EngineError, match="ambiguous") as caught:
        h1.inspect_network("ov1")
    assert caught.value.status == 400


def test_overlapping_pools_are_refused(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    with pytest.raises(EngineError, match="Pool overlaps with other one on this address space") as caught:
        h2.create_network("ov2", overlay())
    assert caught.value.status == 403


def test_a_gateway_outside_the_subnet_is_refused(h1: Engine) -> None:
    pool = {"Subnet": "10.60.0.0/24", "Gateway": "10.61.0.1"}
    with pytest.raises(EngineError, match="failed to allocate gateway") as caught:
        h1.create_network("ov1", overlay(IPAM={"Config": [pool]}))
    assert caught.value.status == 500


@pytest.mark.parametrize("pool", [{}, {"IPRange": "10.60.0.128/25"}, {"Gateway": "10.60.0.1"}])
def test_what_a_pool_does_not_say_is_not_filled_in(h1: Engine, h2: Engine, pool: dict[str, str]) -> None:
    asked = {"Subnet": "10.60.0.0/24", **pool}
    h1.create_network("ov1", overlay(IPAM={"Config": [asked]}))
    assert h2.inspect_network("ov1")["IPAM"] == {"Driver": "default", "Options": None, "Config": [asked]}


def test_without_a_subnet_the_engine_chooses_one_and_refuses_fixed_addresses(h1: Engine) -> None:
    h1.create_network("ov1", {"Driver": "overlay", "CheckDuplicate": True})
    (pool,) = h1.inspect_network("ov1")["IPAM"]["Config"]
    subnet = IPv4Network(pool["Subnet"])
    assert subnet.subnet_of(IPv4Network("10.0.0.0/8"))
    assert (subnet.prefixlen, pool["Gateway"]) == (24, str(subnet[1]))
    h1.create_container("c1", container("ov1", str(subnet[9])))
    h1.create_container("c2", container())
    asks: tuple[Callable[[], None], ...] = (
        lambda: h1.start_container("c1"),
        lambda: h1.connect("ov1", "c2", {"IPAMConfig": {"IPv4Address": str(subnet[9])}}),
    )
    for ask in asks:
        with pytest.raises(EngineError, match="user specified IP address is supported only") as caught:
            ask()
        assert caught.value.status == 400


def test_only_one_network_can_be_given_at_creation(h1: Engine) -> None:
    config = container("ov1")
    config["NetworkingConfig"]["EndpointsConfig"]["ov2"] = {}
    with pytest.raises(EngineError, match="cannot be connected to network endpoints") as caught:
        h1.create_container("c1", config)
    assert caught.value.status == 400


def test_an_endpoint_is_there_from_start_to_stop(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_container("c1", container("ov1", "10.60.0.11"))
    created = attached(h1, "c1")
    assert (created["IPAMConfig"], created["IPAddress"], created["NetworkID"]) == (
        {"IPv4Address": "10.60.0.11"},
        "",
        "",
    )
    (listed,) = (found["NetworkSettings"]["Networks"] for found in h1.containers() if found["Names"] == ["/c1"])
    assert [(word, endpoint["NetworkID"]) for word, endpoint in listed.items()] == [("ov1", "")]
    assert endpoints(h2) == {}
    h1.start_container("c1")
    container_id = h1.inspect_container("c1")["Id"]
    started = attached(h1, "c1")
    assert (started["IPAddress"], started["IPPrefixLen"], started["MacAddress"]) == (
        "10.60.0.11",
        24,
        "02:42:0a:3c:00:0b",
    )
    assert started["Aliases"] == [container_id[:12]]
    assert (endpoints(h1), endpoints(h2)) == ({"c1": container_id}, {"c1": "ep-"})
    h1.stop_container("c1", timeout_s=0)
    stopped = attached(h1, "c1")
    assert (stopped["IPAMConfig"], stopped["IPAddress"], stopped["EndpointID"]) == (
        {"IPv4Address": "10.60.0.11"},
        "",
        "",
    )
    assert stopped["NetworkID"] == h1.inspect_network("ov1")["Id"]
    assert endpoints(h2) == {}
    h1.start_container("c1")
    assert attached(h1, "c1")["IPAddress"] == "10.60.0.11"


def test_automatic_addresses_come_from_the_range(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1")
    found = attached(h1, "c1")
    assert (found["IPAMConfig"], found["IPAddress"]) == (None, "10.60.0.128")


def test_a_range_ends(h1: Engine) -> None:
    pool = {"Subnet": "10.60.0.0/24", "Gateway": "10.60.0.1", "IPRange": "10.60.0.128/31"}
    h1.create_network("ov1", overlay(IPAM={"Config": [pool]}))
    for name in ("c1", "c2"):
        run(h1, name, "ov1")
    h1.create_container("c3", container("ov1"))
    with pytest.raises(EngineError, match="no available IPv4 addresses") as caught:
        h1.start_container("c3")
    assert caught.value.status == 500


@pytest.mark.parametrize("ip", ["10.60.0.11", "10.60.0.1", "10.60.0.9"])
def test_an_address_in_use_fails_the_start(h1: Engine, h2: Engine, ip: str) -> None:
    pool = {"Subnet": "10.60.0.0/24", "Gateway": "10.60.0.1", "AuxiliaryAddresses": {"router": "10.60.0.9"}}
    h1.create_network("ov1", overlay(IPAM={"Config": [pool]}))
    run(h1, "c1", "ov1", "10.60.0.11")
    h2.create_container("c2", container("ov1", ip))
    with pytest.raises(EngineError, match="Address already in use") as caught:
        h2.start_container("c2")
    state = h2.inspect_container("c2")["State"]
    assert (caught.value.status, state["Status"], state["ExitCode"]) == (403, "created", 128)
    assert state["Error"] == "Address already in use"
    assert endpoints(h1).keys() == {"c1"}


def test_an_address_outside_the_subnet_fails_the_start(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_container("c1", container("ov1", "10.99.0.1"))
    with pytest.raises(EngineError, match="does not belong to any of this network's subnets") as caught:
        h1.start_container("c1")
    assert caught.value.status == 500


def test_an_endpoint_name_is_unique_across_hosts(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1")
    h2.create_container("c1", container("ov1"))
    with pytest.raises(EngineError, match="endpoint with name c1 already exists in network ov1") as caught:
        h2.start_container("c1")
    assert caught.value.status == 403
    h1.rename_container("c1", "c9")
    assert endpoints(h2) == {"c9": "ep-"}
    h2.start_container("c1")


def test_a_network_with_endpoints_stays(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1")
    for engine in (h1, h2):
        with pytest.raises(EngineError, match="has active endpoints") as caught:
            engine.remove_network("ov1")
        assert caught.value.status == 403
    h1.remove_container("c1", force=True)
    h2.remove_network("ov1")
    with pytest.raises(NotFoundError):
        h1.inspect_network("ov1")


def test_a_network_that_is_not_there_fails_the_start(h1: Engine) -> None:
    h1.create_container("c1", container("ov1"))
    with pytest.raises(NotFoundError, match="network ov1 not found"):
        h1.start_container("c1")
    h1.create_network("ov1", overlay())
    h1.start_container("c1")


def test_a_stopped_container_is_bound_to_its_network_by_id(h1: Engine) -> None:
    first = h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1", "10.60.0.11")
    h1.stop_container("c1", timeout_s=0)
    h1.remove_network("ov1")
    h1.create_network("ov1", overlay())
    with pytest.raises(NotFoundError, match=f"network {first} not found"):
        h1.start_container("c1")
    h1.disconnect("ov1", "c1")
    h1.connect("ov1", "c1", {"IPAMConfig": {"IPv4Address": "10.60.0.11"}})
    h1.start_container("c1")
    assert attached(h1, "c1")["IPAddress"] == "10.60.0.11"


def test_a_second_network_is_connected_before_and_after_the_start(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_network("ov2", overlay("10.61.0.0/24"))
    h1.create_network("ov3", overlay("10.62.0.0/24"))
    container_id = h1.create_container("c1", container("ov1", "10.60.0.11"))
    h1.connect("ov2", "c1", {"IPAMConfig": {"IPv4Address": "10.61.0.11"}, "Aliases": ["web"]})
    assert attached(h1, "c1", "ov2")["Aliases"] == ["web", container_id[:12]]
    h1.start_container("c1")
    h1.connect("ov3", container_id, {"IPAMConfig": {"IPv4Address": "10.62.0.11"}})
    ips = {name: attached(h1, "c1", name)["IPAddress"] for name in ("ov1", "ov2", "ov3")}
    assert ips == {"ov1": "10.60.0.11", "ov2": "10.61.0.11", "ov3": "10.62.0.11"}
    with pytest.raises(EngineError, match="already exists in network ov3") as caught:
        h1.connect("ov3", "c1", {})
    assert caught.value.status == 403
    h1.disconnect("ov3", "c1")
    assert "ov3" not in h1.inspect_container("c1")["NetworkSettings"]["Networks"]
    with pytest.raises(EngineError, match="is not connected to") as again:
        h1.disconnect("ov3", "c1")
    assert again.value.status == 500


def test_a_stopped_container_can_be_connected_to_what_does_not_exist(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_container("c1", container("ov1"))
    h1.connect("nowhere", "c1", {})
    with pytest.raises(NotFoundError, match="network nowhere not found"):
        h1.start_container("c1")
    h1.disconnect("nowhere", "c1")
    h1.start_container("c1")


def test_a_failed_connect_leaves_an_entry_without_endpoint(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_network("ov2", overlay("10.61.0.0/24"))
    run(h1, "c1", "ov2", "10.61.0.11")
    run(h1, "c2", "ov1")
    wanted = {"IPAMConfig": {"IPv4Address": "10.61.0.11"}}
    with pytest.raises(EngineError, match="Address already in use"):
        h1.connect("ov2", "c2", wanted)
    left = attached(h1, "c2", "ov2")
    assert (left["IPAMConfig"], left["NetworkID"], left["EndpointID"]) == ({"IPv4Address": "10.61.0.11"}, "", "")
    with pytest.raises(EngineError, match="is not connected to"):
        h1.disconnect("ov2", "c2", force=True)
    h1.connect("ov2", "c2", {"IPAMConfig": {"IPv4Address": "10.61.0.12"}})
    assert attached(h1, "c2", "ov2")["IPAddress"] == "10.61.0.12"


def test_a_forced_disconnect_is_a_knife(world: World, h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1", "10.60.0.11")
    with pytest.raises(NotFoundError):
        h2.disconnect("ov1", "c1")
    h2.disconnect("ov1", "c1", force=True)
    assert (endpoints(h1), endpoints(h2)) == ({}, {})
    assert attached(h1, "c1")["IPAddress"] == "10.60.0.11"
    run(h2, "c2", "ov1", "10.60.0.11")
    for force in (False, True):
        with pytest.raises(EngineError, match="is not connected to") as caught:
            h1.disconnect("ov1", "c1", force=force)
        assert caught.value.status == 500
    h2.remove_container("c2", force=True)
    with pytest.raises(EngineError, match="conflicts with existing route"):
        h1.connect("ov1", "c1", {"IPAMConfig": {"IPv4Address": "10.60.0.11"}})
    h1.stop_container("c1", timeout_s=0)
    h1.start_container("c1")
    assert endpoints(h2) == {"c1": "ep-"}
    assert world.fleet.engine("h1").inspect_container("c1")["State"]["Running"]


def test_the_knife_leaves_published_ports_allocated(h1: Engine, h2: Engine) -> None:
    # a port of its own: neither a restart nor a forced disconnect from docker_gwbridge gives it back
    ports: Json = {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18099"}]}}}
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1", "10.60.0.11", **ports)
    h2.disconnect("ov1", "c1", force=True)
    h1.stop_container("c1", timeout_s=0)
    with pytest.raises(EngineError, match="port is already allocated"):
        h1.start_container("c1")
    with pytest.raises(EngineError, match="endpoint with name c1 already exists"):
        h1.start_container("c1")
    h2.disconnect("ov1", "c1", force=True)


def test_a_forced_disconnect_takes_names_only(h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    container_id = run(h1, "c1", "ov1")
    endpoint_id = attached(h1, "c1")["EndpointID"]
    for ref in (container_id, endpoint_id, f"ep-{endpoint_id}"):
        with pytest.raises(NotFoundError):
            h2.disconnect("ov1", ref, force=True)
    assert endpoints(h2) == {"c1": "ep-"}


def test_on_its_own_host_a_forced_disconnect_strips_a_stopped_container(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_container("c1", container("ov1"))
    h1.disconnect("ov1", "c1", force=True)
    assert h1.inspect_container("c1")["NetworkSettings"]["Networks"] == {}
    h1.start_container("c1")
    assert h1.inspect_container("c1")["NetworkSettings"]["Networks"] == {}


def test_a_port_that_is_taken_leaks_the_endpoint_and_another_host_clears_it(h1: Engine, h2: Engine) -> None:
    ports: Json = {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18080"}]}}}
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1", **ports)
    h1.create_container("c2", container("ov1", **ports))
    with pytest.raises(EngineError, match="port is already allocated") as caught:
        h1.start_container("c2")
    assert caught.value.status == 500
    assert endpoints(h1)["c2"] == endpoints(h2)["c2"] == "ep-"
    with pytest.raises(EngineError, match="endpoint with name c2 already exists") as again:
        h1.start_container("c2")
    assert again.value.status == 403
    h2.disconnect("ov1", "c2", force=True)
    assert endpoints(h2).keys() == {"c1"}


def test_docker_gwbridge_shows_the_way_out_of_each_running_container(h1: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_network("inner", overlay("10.61.0.0/24", Internal=True))
    container_id = run(h1, "c1", "ov1")
    run(h1, "c2", "inner")
    found = h1.inspect_network("docker_gwbridge")
    assert (found["Scope"], found["Driver"]) == ("local", "bridge")
    # a start that failed on the store may have leaked its endpoint here too
    assert {key for key in found["Containers"] if not key.startswith("ep-")} == {container_id}
    endpoint = found["Containers"][container_id]
    assert endpoint["Name"] == f"gateway_{h1.inspect_container('c1')['NetworkSettings']['SandboxID'][:12]}"
    assert "/" in endpoint["IPv4Address"]
    h1.stop_container("c1", timeout_s=0)
    assert container_id not in h1.inspect_network("docker_gwbridge")["Containers"]
