"""Claims about what networks can be besides a plain overlay: bridges, IPv6, MAC addresses, address management."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import EngineError
from controller.ports import Ping
from tests.conformance.world import ALONE, bridge, container, eventually, overlay, run

if TYPE_CHECKING:
    from controller.ports import Engine, Json
    from tests.conformance.world import World

MAC = "02:aa:00:00:00:01"


@pytest.fixture
def engine(world: World) -> Engine:
    """The engine that uses no store."""
    return world.fleet.engine(ALONE)


def attached(engine: Engine, name: str, network: str = "lan") -> Json:
    """Return a container's settings on *network*."""
    found: Json = engine.inspect_container(name)["NetworkSettings"]["Networks"][network]
    return found


def addresses(engine: Engine, name: str, network: str = "lan") -> tuple[str, str]:
    """Return the IPv4 and the IPv6 address that a container has."""
    found = attached(engine, name, network)
    return found["IPAddress"], found["GlobalIPv6Address"]


def test_a_bridge_gives_addresses_of_both_families(engine: Engine) -> None:
    engine.create_network("lan", bridge())
    run(engine, "c1", "lan", "10.70.0.11", "fd00:70::11")
    run(engine, "c2", "lan")
    assert addresses(engine, "c1") == ("10.70.0.11", "fd00:70::11")
    assert addresses(engine, "c2") == ("10.70.0.128", "fd00:70:0:0:4000::")
    assert attached(engine, "c1")["IPv6Gateway"] == "fd00:70::1"


def test_what_was_asked_for_is_given_back_as_it_was_written(engine: Engine) -> None:
    engine.create_network("lan", bridge())
    run(engine, "c1", "lan", "", "FD00:70:0::0011")
    assert attached(engine, "c1")["IPAMConfig"] == {"IPv6Address": "FD00:70:0::0011"}
    assert addresses(engine, "c1")[1] == "fd00:70::11"


def test_no_address_comes_from_an_ipv6_range_that_ends_with_a_64(engine: Engine) -> None:
    config = bridge()
    config["IPAM"]["Config"][1]["IPRange"] = "fd00:70:0:0:8000::/65"
    engine.create_network("lan", config)
    engine.create_container("c1", container("lan"))
    with pytest.raises(EngineError, match="invalid bit range"):
        engine.start_container("c1")
    run(engine, "c2", "lan", "10.70.0.12", "fd00:70::12")


@pytest.mark.parametrize(
    ("address", "message"),
    [("fd00:70::11", "Address already in use"), ("fd00:71::11", "does not belong to any of this network's subnets")],
)
def test_an_ipv6_address_that_cannot_be_given_fails_the_start(engine: Engine, address: str, message: str) -> None:
    engine.create_network("lan", bridge())
    run(engine, "c1", "lan", "10.70.0.11", "fd00:70::11")
    engine.create_container("c2", container("lan", "", address))
    with pytest.raises(EngineError, match=message):
        engine.start_container("c2")


@pytest.mark.parametrize("subnets", [("10.70.0.0/24", "10.71.0.0/24"), ("fd00:70::/64", "fd00:71::/64")])
def test_a_bridge_takes_one_subnet_of_a_family(engine: Engine, subnets: tuple[str, str]) -> None:
    with pytest.raises(EngineError, match="bridge driver doesn't support multiple subnets") as caught:
        engine.create_network("lan", bridge(*subnets, EnableIPv6=":" in subnets[0]))
    assert caught.value.status == 403


def test_an_engine_has_no_ipv6_subnet_of_its_own_choice(engine: Engine) -> None:
    with pytest.raises(EngineError, match="non-overlapping IPv6 address pool"):
        engine.create_network("lan", {"Driver": "bridge", "CheckDuplicate": True, "EnableIPv6": True})


def test_beside_an_ipv6_subnet_the_engine_chooses_one_of_ipv4(engine: Engine) -> None:
    pool = {"Subnet": "fd00:70::/64", "Gateway": "fd00:70::1"}
    engine.create_network("lan", bridge(IPAM={"Config": [pool]}))
    subnets = [config["Subnet"] for config in engine.inspect_network("lan")["IPAM"]["Config"]]
    assert sorted("IPv6" if ":" in subnet else "IPv4" for subnet in subnets) == ["IPv4", "IPv6"]
    assert pool in engine.inspect_network("lan")["IPAM"]["Config"]
    engine.create_container("c1", container("lan", "10.70.0.11"))
    with pytest.raises(EngineError, match="user specified IP address is supported only"):
        engine.start_container("c1")


def test_an_ipv6_subnet_without_ipv6_is_kept_and_not_used(engine: Engine) -> None:
    engine.create_network("lan", bridge(EnableIPv6=False))
    assert len(engine.inspect_network("lan")["IPAM"]["Config"]) == 2
    run(engine, "c1", "lan", "10.70.0.11", "fd00:70::11")
    assert addresses(engine, "c1") == ("10.70.0.11", "")


def test_ipv6_pools_overlap_as_ipv4_ones_do(engine: Engine) -> None:
    engine.create_network("lan", bridge())
    # in the words of the address management, or of the bridge where the prefixes differ a lot
    with pytest.raises(EngineError, match="overlap"):
        engine.create_network("lan2", bridge("10.71.0.0/24", "fd00:70::/112"))


def test_two_hosts_can_have_a_bridge_of_one_name_and_subnet(world: World) -> None:
    ids = set()
    for host in ("h2", ALONE):
        engine = world.fleet.engine(host)
        ids.add(engine.create_network("lan", bridge()))
        run(engine, "c1", "lan", "10.70.0.11", "fd00:70::11")
    assert len(ids) == 2


def test_options_of_address_management_and_attachable_are_given_back(engine: Engine) -> None:
    config = bridge(Attachable=True)
    config["IPAM"] |= {"Driver": "default", "Options": {"team": "net"}}
    engine.create_network("lan", config)
    found = engine.inspect_network("lan")
    assert (found["IPAM"]["Options"], found["Attachable"], found["EnableIPv6"]) == ({"team": "net"}, True, True)


def test_a_mac_address_is_the_containers_and_given_on_its_first_network_again_and_again(engine: Engine) -> None:
    engine.create_network("lan", bridge())
    engine.create_network("lan2", bridge("10.71.0.0/24", "fd00:71::/64"))
    run(engine, "c1", "lan", "10.70.0.11", MacAddress=MAC.upper())
    engine.connect("lan2", "c1", {"MacAddress": "02:aa:00:00:00:02", "IPAMConfig": {"IPv4Address": "10.71.0.11"}})
    assert (attached(engine, "c1")["MacAddress"], attached(engine, "c1", "lan2")["MacAddress"]) == (
        MAC,
        "02:42:0a:47:00:0b",
    )
    engine.disconnect("lan", "c1")
    engine.connect("lan", "c1", {"IPAMConfig": {"IPv4Address": "10.70.0.12"}})
    assert attached(engine, "c1")["MacAddress"] == MAC
    assert engine.inspect_container("c1")["Config"]["MacAddress"] == MAC.upper()
    engine.stop_container("c1", timeout_s=0)
    assert attached(engine, "c1")["MacAddress"] == ""


def test_an_overlay_gives_addresses_from_each_of_its_subnets(world: World) -> None:
    h1 = world.fleet.engine("h1")
    pools = [{"Subnet": "10.60.0.0/24", "Gateway": "10.60.0.1"}, {"Subnet": "10.61.0.0/24", "Gateway": "10.61.0.1"}]
    h1.create_network("ov1", overlay(IPAM={"Config": pools}))
    run(h1, "c1", "ov1", "10.61.0.11")
    run(world.fleet.engine("h2"), "c2", "ov1", "10.60.0.11")
    assert addresses(h1, "c1", "ov1") == ("10.61.0.11", "")


def test_an_overlay_gives_ipv6_addresses_by_which_no_other_host_is_reached(world: World) -> None:
    h1, h2 = world.fleet.engine("h1"), world.fleet.engine("h2")
    config = overlay(EnableIPv6=True)
    config["IPAM"]["Config"].append({"Subnet": "fd00:60::/64", "Gateway": "fd00:60::1"})
    h1.create_network("ov1", config)
    run(h1, "c1", "ov1", "10.60.0.11", "fd00:60::11")
    run(h2, "c2", "ov1", "10.60.0.12", "fd00:60::12")
    assert addresses(h2, "c2", "ov1") == ("10.60.0.12", "fd00:60::12")
    pid = h1.inspect_container("c1")["State"]["Pid"]

    def reached(target: str) -> bool:
        return world.fleet.shell("h1").ping([Ping(pid, None, target)])[0].reached

    assert eventually(world, lambda: reached("10.60.0.12"), timeout_s=30)
    assert not reached("fd00:60::12")
