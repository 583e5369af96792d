"""What engines leave taken in the store for nobody, and what they lose sight of: mended, and nobody is cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.apply.knife import clear_endpoint
from controller.apply.leaks import release_address
from controller.errors import RefusedError
from controller.ports import Versioned
from tests.fakes import FakeFleet
from tests.fakes.store import FakeStore
from tests.unit.reconcile.test_carrying_out import by_hand, cuts, failed, foreign, hands_on
from tests.unit.reconcile.test_hard_cases import address_of, applied
from tests.unit.reconcile.worlds import NAME, World, container, tamper, topology

if TYPE_CHECKING:
    from controller.model.plan import Report
    from tests.fakes import Cluster
    from tests.fakes.state import Network

C1, C2 = container(), container("h2", number=12)
ADDRESS = "10.0.0.11"


def web(world: World) -> Network:
    assert world.cluster.store is not None
    return next(network for network in world.cluster.store.networks.values() if network.name == "web")


def leak(world: World, number: int = 11) -> None:
    web(world).leaked.add((10 << 24) + number)


def notes(report: Report | None) -> list[str]:
    assert report is not None
    return [note for outcome in report.outcomes for note in outcome.notes]


def lost() -> World:
    """Return a world in which c1 has to be made again, and its address is taken for nobody."""
    world = applied(topology({"c1": C1, "c2": C2}))
    by_hand(world).remove_container("c1", force=True)
    leak(world)
    return world


def test_an_address_that_is_taken_for_nobody_is_freed() -> None:
    world = lost()
    report = world.apply()
    assert f"freed the IP address {ADDRESS} of network/web, which the store held for no endpoint" in notes(report)
    assert world.plan().empty
    assert address_of(world, "c1") == ADDRESS
    assert not cuts(world)


def test_a_container_joins_another_network_at_an_address_that_was_taken_for_nobody() -> None:
    world = applied(topology({"c1": container("h1", "db"), "c2": C2}))
    leak(world)
    networks = {"db": {"ipv4_address": "10.0.1.11"}, "web": {"ipv4_address": ADDRESS}}
    world = World(topology({"c1": {**C1, "networks": networks}, "c2": C2}), world.cluster)
    world.converge()
    assert address_of(world, "c1") == ADDRESS


def test_no_address_is_freed_while_a_host_cannot_be_read() -> None:
    world = lost()
    world.cluster.faults.unreachable.add("h3")
    assert any("is not cleared: host/h3" in outcome.detail for outcome in failed(world))
    assert web(world).leaked


def test_no_address_is_freed_while_a_stranger_is_registered() -> None:
    world = lost()
    world.cluster.add_host("h4", "192.168.112.14")
    world.cluster.join("h4")
    assert any("192.168.112.14:2376 is registered" in outcome.detail for outcome in failed(world))
    assert web(world).leaked


def test_an_address_that_a_container_uses_is_not_freed_whatever_the_store_says() -> None:
    world = lost()
    hand = by_hand(world, "h3")
    web(world).leaked.clear()
    hand.start_container(hand.create_container("theirs", foreign(ADDRESS)))
    leak(world)
    web(world).endpoints = {item.id: item for item in web(world).endpoints.values() if item.name != "theirs"}
    assert any("is in use by the container theirs on h3" in outcome.detail for outcome in failed(world))
    assert web(world).leaked


class Odd(FakeStore):
    """A store in which somebody writes between every look and every write, or whose values nobody understands."""

    def __init__(self, cluster: Cluster, value: bytes | None) -> None:
        super().__init__(cluster)
        self.value = value

    def versioned(self, key: str) -> Versioned | None:
        found = super().versioned(key)
        return found and Versioned(self.value or found.value, found.version + 1)


class OddFleet(FakeFleet):
    """A fleet with that store."""

    value: bytes | None = None

    def store(self) -> FakeStore:
        return Odd(self.cluster, self.value)


def test_an_address_map_that_changes_all_the_time_is_left_alone() -> None:
    world = lost()
    told: list[str] = []
    assert not release_address("web", ADDRESS, hands_on(world, OddFleet(world.cluster, NAME)), told.append)
    assert web(world).leaked
    assert not told


def test_a_value_that_cannot_be_read_is_left_alone() -> None:
    world = lost()
    fleet = OddFleet(world.cluster, NAME)
    fleet.value = b"{}"
    with pytest.raises(RefusedError, match="an address map that cannot be read"):
        release_address("web", ADDRESS, hands_on(world, fleet), list[str]().append)
    assert web(world).leaked


def test_a_count_that_is_too_high_does_not_keep_a_network() -> None:
    world = applied(topology({"c1": C1}))
    web(world).miscounted = 2
    report = world.destroy()
    assert "corrected the endpoint count of network/web, which counted endpoints that are gone" in notes(report)
    assert world.cluster.store is not None
    assert not world.cluster.store.networks


def test_a_pool_of_no_network_is_given_back() -> None:
    world = World(topology({"c1": C1}))
    assert world.cluster.store is not None
    world.cluster.store.leaked_pools = ["10.0.0.0/16", "10.9.0.0/24"]
    world.converge()
    assert world.cluster.store.leaked_pools == ["10.9.0.0/24"]


def test_a_pool_that_leaks_when_its_network_is_removed_is_given_back() -> None:
    world = applied(topology({"c1": C1}))
    assert world.cluster.store is not None
    world.cluster.store.leaked_pools = ["10.0.0.0/24"]
    report = world.destroy()
    assert "gave back the address pool 10.0.0.0/24, which the store held for no network" in notes(report)
    assert not world.cluster.store.leaked_pools


def test_a_pool_that_a_network_has_is_not_given_back() -> None:
    world = applied(topology({}, networks=()))
    by_hand(world).create_network("theirs", {"Driver": "overlay", "IPAM": {"Config": [{"Subnet": "10.0.0.0/16"}]}})
    world = World(topology({"c1": C1}), world.cluster)
    assert any("belongs to the network" in outcome.detail for outcome in failed(world))
    assert [found["Name"] for found in by_hand(world).networks() if found["Scope"] == "global"].count("theirs") == 1


# Endpoints that their engine does not tell of.


def untold() -> World:
    """Return a world in which c1 is attached, and its engine shows it without an endpoint."""
    world = applied(topology({"c1": C1, "c2": C2}))
    tamper(world, "untell", 0)
    shown = by_hand(world).inspect_container("c1")["NetworkSettings"]["Networks"]["web"]
    assert (shown["EndpointID"], shown["IPAddress"]) == ("", "")
    return world


def test_a_container_whose_endpoint_is_not_told_of_is_reattached_without_the_knife() -> None:
    world = untold()
    assert [item.reason for item in world.plan().items] == ["networks.web is listed, without an endpoint"]
    world.converge()
    assert address_of(world, "c1") == ADDRESS
    assert [
        effect for effect in world.cluster.effects if effect.method == "disconnect" and True in effect.arguments
    ] == []
    assert [effect.method for effect in world.cluster.effects[-3:]] == ["disconnect", "connect", "put"]


@pytest.mark.parametrize("seen", [True, False])
def test_the_knife_does_not_cut_off_a_container_whose_endpoint_is_not_told_of(*, seen: bool) -> None:
    """Neither where its own engine lists the endpoint as its own, nor where it does not see the network just now."""
    world = untold()
    if not seen:
        world.cluster.hosts["h1"].engine.cluster_store = ""
    with pytest.raises(RefusedError, match="belongs to the container c1 on h1"):
        clear_endpoint("web", "c1", hands_on(world), list[str]().append)
    assert not cuts(world)
