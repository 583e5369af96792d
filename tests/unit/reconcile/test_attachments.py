"""How containers sit on networks: what was changed by hand, MAC addresses, and which network comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.diff import diff
from controller.plan import Policy, make_plan
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import World, bridged, modern, on_lan

if TYPE_CHECKING:
    from controller.model.topology import Topology
    from controller.ports import Engine

MAC = "02:aa:00:00:00:01"


def applied(desired: Topology) -> World:
    world = World(desired, Cluster())
    world.converge()
    return world


def hand(world: World, host: str) -> Engine:
    return FakeFleet(world.cluster, by_hand=True).engine(host)


def seen(world: World, host: str, name: str) -> tuple[str, str]:
    """Return what stays when nothing but a connection changed: the container's id, and when it was started."""
    found = hand(world, host).inspect_container(name)
    return found["Id"], found["State"]["StartedAt"]


@pytest.mark.parametrize(
    ("by_hand", "field"),
    [
        ({"IPAMConfig": {"IPv4Address": "10.70.0.12", "IPv6Address": "fd00:70::11"}}, "ipv4_address"),
        ({"IPAMConfig": {"IPv4Address": "10.70.0.11", "IPv6Address": "fd00:70::12"}}, "ipv6_address"),
        ({"IPAMConfig": {"IPv4Address": "10.70.0.11", "IPv6Address": "FD00:70:0::11"}, "Aliases": ["no"]}, "aliases"),
    ],
)
def test_what_was_reconnected_by_hand_is_one_line_and_healed_without_a_restart(
    by_hand: dict[str, Any], field: str
) -> None:
    fixed = {"ipv4_address": "10.70.0.11", "ipv6_address": "fd00:70:0:0::0011", "mac_address": MAC}
    world = applied(bridged({"c1": on_lan(aliases=["www"], **fixed)}))
    before = seen(world, "h1", "c1")
    hand(world, "h1").disconnect("lan", "c1")
    hand(world, "h1").connect("lan", "c1", {"Aliases": ["www"], **by_hand})
    plan = world.plan()
    assert [change.field for item in plan.items for change in item.changes] == [f"networks.lan.{field}"]
    assert [step.id for step in plan.steps] == ["attach container/c1 to lan on h1"]
    world.converge()
    assert seen(world, "h1", "c1") == before


def test_an_address_in_other_letters_is_no_drift() -> None:
    world = applied(bridged({"c1": on_lan(ipv6_address="fd00:70::11")}))
    hand(world, "h1").disconnect("lan", "c1")
    hand(world, "h1").connect("lan", "c1", {"IPAMConfig": {"IPv6Address": "FD00:70:0::0011"}})
    assert world.plan().empty


def test_a_mac_address_is_compared_only_where_it_is_declared() -> None:
    world = applied(bridged({"c1": on_lan(mac_address=MAC)}))
    assert hand(world, "h1").inspect_container("c1")["NetworkSettings"]["Networks"]["lan"]["MacAddress"] == MAC
    assert World(bridged({"c1": on_lan()}), world.cluster).plan().empty


@pytest.mark.parametrize("running", [True, False])
def test_another_mac_address_replaces_the_container(*, running: bool) -> None:
    world = applied(bridged({"c1": on_lan(mac_address=MAC)}))
    if not running:
        hand(world, "h1").stop_container("c1")
    world = World(bridged({"c1": on_lan(mac_address="02:aa:00:00:00:02")}), world.cluster)
    assert [step.id for step in world.plan().steps] == ["replace container/c1 on h1"]
    world.converge()


def test_the_network_with_the_highest_priority_comes_first() -> None:
    both = on_lan() | {"networks": {"web": {}, "lan": {"priority": 10}}}
    world = applied(bridged({"c1": both}))
    assert hand(world, "h1").inspect_container("c1")["HostConfig"]["NetworkMode"] == "lan"
    swapped = on_lan() | {"networks": {"web": {"priority": 20}, "lan": {"priority": 10}}}
    world = World(bridged({"c1": swapped}), world.cluster)
    assert [step.id for step in world.plan().steps if "settle" not in step.id] == ["replace container/c1 on h1"]
    world.converge()
    assert hand(world, "h1").inspect_container("c1")["HostConfig"]["NetworkMode"] == "web"


def test_an_engine_that_forgets_mac_addresses_gets_a_new_container_instead_of_a_connection() -> None:
    world = applied(bridged({"c1": on_lan(mac_address=MAC), "c2": on_lan()}))
    desired = bridged({"c1": on_lan(mac_address=MAC), "c2": on_lan()}, mtu=1400)
    plan = make_plan(diff(desired, modern(desired, world)), Policy())
    ids = [step.id for step in plan.steps]
    assert sorted(ids[-2:]) == ["attach container/c2 to lan on h1", "replace container/c1 on h1"]
    (step,) = (step for step in plan.steps if step.action.verb == "replace")
    assert "create network/lan on h1" in step.needs
    assert "container/c1" in {str(item.address) for item in plan.items}


def test_a_limit_and_an_alias_beside_a_mac_address_are_changed_in_place_where_engines_keep_it() -> None:
    world = applied(bridged({"c1": on_lan(mac_address=MAC) | {"mem_limit": "64m"}}))
    changed = bridged({"c1": on_lan(mac_address=MAC, aliases=["www"]) | {"mem_limit": "128m"}})
    kept = make_plan(diff(changed, World(changed, world.cluster).cycle().look()[0]), Policy())
    assert [step.id for step in kept.steps] == ["update container/c1 on h1", "attach container/c1 to lan on h1"]
    lost = make_plan(diff(changed, modern(changed, world)), Policy())
    assert [step.id for step in lost.steps] == ["replace container/c1 on h1"]
    limit_alone = bridged({"c1": on_lan(mac_address=MAC) | {"mem_limit": "128m"}})
    plan = make_plan(diff(limit_alone, modern(limit_alone, world)), Policy())
    assert [step.id for step in plan.steps] == ["update container/c1 on h1"]


def test_a_network_stays_where_a_container_would_need_a_successor_without_its_limit() -> None:
    world = applied(bridged({"c1": on_lan(mac_address=MAC), "c2": on_lan()}))
    world.cluster.hosts["h1"].lacks.add("MemoryLimit")
    desired = bridged({"c1": on_lan(mac_address=MAC) | {"mem_limit": "64m"}, "c2": on_lan()}, mtu=1400)
    plan = make_plan(diff(desired, modern(desired, world)), Policy())
    assert plan.steps == ()
    why = {str(blocked.item.address): blocked.why for blocked in plan.blocked}
    assert why["network/lan"] == "still on it, and left alone by this plan: container/c1"
    assert "cannot limit it" in why["container/c1"]


def test_two_containers_of_a_bridge_swap_their_ipv6_addresses() -> None:
    first, second = "fd00:70::11", "fd00:70::12"
    world = applied(bridged({"c1": on_lan(ipv6_address=first), "c2": on_lan(ipv6_address=second)}))
    before = [seen(world, "h1", name) for name in ("c1", "c2")]
    world = World(bridged({"c1": on_lan(ipv6_address=second), "c2": on_lan(ipv6_address=first)}), world.cluster)
    report = world.apply()
    assert report is not None
    assert report.ok
    assert world.plan().empty
    assert before == [seen(world, "h1", name) for name in ("c1", "c2")]


def test_an_address_of_one_hosts_bridge_is_not_taken_from_another_hosts() -> None:
    world = applied(bridged({"c1": on_lan("h1", ipv4_address="10.70.0.11"), "c2": on_lan("h2")}))
    changed = {"c1": on_lan("h1", ipv4_address="10.70.0.12"), "c2": on_lan("h2", ipv4_address="10.70.0.11")}
    plan = World(bridged(changed), world.cluster).plan()
    assert [step.id for step in plan.steps] == ["attach container/c1 to lan on h1", "attach container/c2 to lan on h2"]
    assert all(not step.needs for step in plan.steps)
