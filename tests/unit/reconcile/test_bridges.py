"""Bridges and external networks: one host's affair each, and what is not ours to make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller.checks.verify import ask
from controller.diff import diff
from controller.errors import EngineError
from controller.model.drift import Change
from controller.model.observed import EngineState, HostState
from controller.observe import observe
from controller.plan import Policy, make_plan
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import LAN, NAME, World, container, declared, topology

if TYPE_CHECKING:
    from controller.model.topology import Topology
    from controller.ports import Engine

MAC = "02:aa:00:00:00:01"


def on_lan(host: str = "h1", **attachment: Any) -> dict[str, Any]:
    """Return a declared container on the bridge alone."""
    return {"host": host, "image": "busybox:1", "command": ["sleep", "infinity"], "networks": {"lan": attachment}}


def bridged(containers: dict[str, Any], **more: Any) -> Topology:
    """Return a topology with a bridge and an overlay."""
    return topology(containers, {"lan": LAN | more, **declared(("web",))})


def applied(desired: Topology, cluster: Cluster | None = None) -> World:
    world = World(desired, cluster or Cluster())
    world.converge()
    return world


def hand(world: World, host: str) -> Engine:
    return FakeFleet(world.cluster, by_hand=True).engine(host)


def there(world: World, name: str = "lan") -> list[str]:
    """Return the hosts that have a network of that name of their own."""
    return [
        host.name
        for host in world.cluster.hosts.values()
        if any(network.name == name for network in host.engine.networks.values())
    ]


def seen(world: World, host: str, name: str) -> tuple[str, str]:
    """Return what stays when nothing but a connection changed: the container's id, and when it was started."""
    found = hand(world, host).inspect_container(name)
    return found["Id"], found["State"]["StartedAt"]


def test_a_bridge_is_made_on_each_host_that_uses_it_and_nowhere_else() -> None:
    fixed = {"ipv4_address": "10.70.0.11", "ipv6_address": "fd00:70::11"}
    world = applied(bridged({"c1": on_lan("h1", **fixed), "c2": on_lan("h3", **fixed)}))
    assert there(world) == ["h1", "h3"]
    for host, name in (("h1", "c1"), ("h3", "c2")):
        found = hand(world, host).inspect_container(name)["NetworkSettings"]["Networks"]["lan"]
        assert (found["IPAddress"], found["GlobalIPv6Address"]) == ("10.70.0.11", "fd00:70::11")


def test_a_bridge_goes_where_no_container_uses_it_any_more_and_stays_elsewhere() -> None:
    world = applied(bridged({"c1": on_lan("h1"), "c2": on_lan("h2"), "c3": container("h2")}))
    world = World(bridged({"c1": on_lan("h1"), "c3": container("h2")}), world.cluster)
    items = [(str(item.address), item.host, item.cls) for item in world.plan().items if item.address.kind == "network"]
    assert items == [("network/lan", "h2", "unexpected")]
    world.converge()
    assert there(world) == ["h1"]


def test_bridges_need_neither_store_nor_membership() -> None:
    hosts = {"h1": {"address": "192.168.112.11"}, "h2": {"address": "192.168.112.12", "member": False}}
    desired = topology({"c1": on_lan("h1"), "c2": on_lan("h2")}, {"lan": LAN}, store=None, hosts=hosts)
    world = applied(desired, Cluster(store=False))
    assert there(world) == ["h1", "h2"]
    world.destroy()
    assert there(world) == []


def test_bridges_are_made_while_the_store_is_away() -> None:
    world = applied(bridged({"c3": container("h3")}))
    assert world.cluster.store is not None
    world.cluster.store.up = False
    world = World(bridged({"c1": on_lan("h1"), "c2": container("h2"), "c3": container("h3")}), world.cluster)
    plan = world.plan()
    assert [step.id for step in plan.steps] == ["create network/lan on h1", "create container/c1 on h1"]
    assert "container/c2" in {str(blocked.item.address) for blocked in plan.blocked}


def test_a_foreign_network_with_the_bridges_name_keeps_that_hosts_containers_waiting_alone() -> None:
    world = World(bridged({"c1": on_lan("h1"), "c2": on_lan("h2")}))
    theirs = hand(world, "h1").create_network("lan", {"Driver": "bridge"})
    world.apply()
    blocked = {(str(item.item.address), item.item.host) for item in world.plan().blocked}
    assert blocked == {("network/lan", "h1"), ("container/c1", "h1")}
    assert hand(world, "h1").inspect_network("lan")["Id"] == theirs
    assert hand(world, "h2").inspect_container("c2")["State"]["Running"]


def test_an_overlay_of_ours_is_not_taken_for_the_bridge_that_it_is_to_become() -> None:
    world = applied(topology({"c1": container()}, ("web",)))
    lan = {"web": LAN | {"ipam": {"config": [{"subnet": "10.0.0.0/24"}]}, "enable_ipv6": False}}
    plan = World(topology({"c1": container()}, lan), world.cluster).plan()
    assert plan.steps == ()
    assert (
        "overlay network of ours has that name"
        in {str(item.item.address): item for item in plan.blocked}["network/web"].why
    )


def test_a_changed_bridge_is_recreated_with_its_containers_put_back_where_it_differs() -> None:
    containers = {"c1": on_lan("h1", ipv6_address="fd00:70::11", aliases=["www"]), "c2": on_lan("h2")}
    world = applied(bridged(containers))
    engine = hand(world, "h1")
    labels = engine.inspect_network("lan")["Labels"]
    engine.disconnect("lan", "c1")
    engine.remove_network("lan")
    engine.create_network("lan", {"Driver": "bridge", "Labels": labels, "Internal": True})
    engine.connect("lan", "c1", {"IPAMConfig": None, "Aliases": ["www"]})
    before = {name: seen(world, host, name) for host, name in (("h1", "c1"), ("h2", "c2"))}
    plan = world.plan()
    assert {step.action.host for step in plan.steps} == {"h1"}
    assert [step.action.disrupts for step in plan.steps if step.action.verb == "remove"] == [("c1",)]
    world.converge()
    assert before == {name: seen(world, host, name) for host, name in (("h1", "c1"), ("h2", "c2"))}
    found = engine.inspect_container("c1")["NetworkSettings"]["Networks"]["lan"]
    assert (found["GlobalIPv6Address"], found["Aliases"][:1]) == ("fd00:70::11", ["www"])


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("internal", True, ("internal", "true", "false")),
        ("attachable", True, ("attachable", "true", "false")),
        ("mtu", 1400, ("driver_opts.com.docker.network.driver.mtu", "1400", None)),
        (
            "ipam",
            {"config": LAN["ipam"]["config"], "options": {"team": "net"}},
            ("ipam.options.team", "net", None),
        ),
        (
            "ipam",
            {"config": [{"subnet": "fd00:70::/64"}, {"subnet": "10.70.0.0/24", "gateway": "10.70.0.9"}]},
            ("ipam.config.gateway", "10.70.0.9", "10.70.0.1"),
        ),
        (
            "ipam",
            {"config": [{"subnet": "fd00:71::/64"}, {"subnet": "10.70.0.0/24"}]},
            ("ipam.config.subnet", "fd00:71::/64, 10.70.0.0/24", "10.70.0.0/24, fd00:70::/64"),
        ),
    ],
)
def test_each_changed_field_of_a_bridge_is_one_line(
    field: str, value: object, shown: tuple[str, str | None, str | None]
) -> None:
    world = applied(bridged({"c1": on_lan()}))
    world = World(bridged({"c1": on_lan()}, **{field: value}), world.cluster)
    (item,) = (item for item in world.plan().items if item.address.kind == "network")
    assert item.changes == (Change(*shown),)
    world.converge()


def test_a_pool_of_the_engines_choice_beside_a_declared_one_is_no_drift() -> None:
    six = {"ipam": {"config": [{"subnet": "fd00:70::/64"}]}}
    world = applied(bridged({"c1": on_lan(ipv6_address="fd00:70::11")}, **six))
    assert len(hand(world, "h1").inspect_network("lan")["IPAM"]["Config"]) == 2
    # but one that was declared once is
    world = applied(bridged({"c1": on_lan()}))
    before = hand(world, "h1").inspect_network("lan")["Id"]
    World(bridged({"c1": on_lan()}, **six), world.cluster).converge()
    assert hand(world, "h1").inspect_network("lan")["Id"] != before


def test_bridges_that_a_power_cut_took_along_are_made_again_and_their_containers_reconnected() -> None:
    fixed = {"ipv4_address": "10.70.0.11", "ipv6_address": "fd00:70::11"}
    world = applied(bridged({"c1": on_lan("h1", **fixed) | {"restart": "always"}}))
    world.cluster.crash("h1")
    world.cluster.boot("h1")
    world.cluster.repair_engine("h1")
    assert there(world) == []
    steps = [step.id for step in world.plan().steps]
    assert steps[:2] == ["create network/lan on h1", "attach container/c1 to lan on h1"]
    before = hand(world, "h1").inspect_container("c1")["Id"]
    world.converge()
    found = hand(world, "h1").inspect_container("c1")
    assert (found["Id"], found["NetworkSettings"]["Networks"]["lan"]["IPAddress"]) == (before, "10.70.0.11")


def test_an_external_network_that_is_missing_keeps_its_containers_waiting_alone() -> None:
    containers = {"c1": on_lan("h1"), "c2": on_lan("h2"), "c3": container("h3")}
    desired = topology(containers, {"lan": {"external": True}, **declared(("web",))})
    world = World(desired)
    hand(world, "h2").create_network("lan", {"Driver": "bridge"})
    report = world.apply()
    assert report is not None
    assert report.ok
    plan = world.plan()
    assert {(str(item.item.address), item.item.host) for item in plan.blocked} == {
        ("network/lan", "h1"),
        ("container/c1", "h1"),
    }
    for host, name in (("h2", "c2"), ("h3", "c3")):
        assert hand(world, host).inspect_container(name)["State"]["Running"]
    hand(world, "h1").create_network("lan", {"Driver": "bridge"})
    world.converge()
    assert hand(world, "h1").inspect_container("c1")["State"]["Running"]


def test_an_external_network_is_never_created_changed_or_removed() -> None:
    world = World(topology({"c1": on_lan("h1", ipv4_address="10.70.0.11")}, {"lan": {"external": True}}))
    pool = {"Subnet": "10.70.0.0/24", "Gateway": "10.70.0.1"}
    # even one that bears our label: it was ours once, and was declared to be so no longer
    labels = {"ovctl.topology": NAME}
    hand(world, "h1").create_network("lan", {"Driver": "bridge", "IPAM": {"Config": [pool]}, "Labels": labels})
    world.converge()
    hand(world, "h1").disconnect("lan", "c1")
    world.converge()
    assert "c1" in {end["Name"] for end in hand(world, "h1").inspect_network("lan")["Containers"].values()}
    World(topology({}, {"lan": {"external": True}}), world.cluster).apply()
    assert there(world) == ["h1"]
    assert not [effect for effect in world.cluster.effects if effect.method in ("create_network", "remove_network")]


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
    plan = make_plan(diff(desired, _modern(desired, world)), Policy())
    ids = [step.id for step in plan.steps]
    assert sorted(ids[-2:]) == ["attach container/c2 to lan on h1", "replace container/c1 on h1"]
    (step,) = (step for step in plan.steps if step.action.verb == "replace")
    assert "create network/lan on h1" in step.needs
    assert "container/c1" in {str(item.address) for item in plan.items}


def _modern(desired: Topology, world: World) -> Any:
    """Return what is observed, as if the engines were of version 26."""
    observed = observe(desired, FakeFleet(world.cluster, NAME))
    hosts = {}
    for name, state in observed.hosts.items():
        assert isinstance(state, HostState)
        assert isinstance(state.engine, EngineState)
        hosts[name] = replace(state, engine=replace(state.engine, version="26.1.5+dfsg1"))
    return replace(observed, hosts=hosts)


def test_an_engine_without_a_cluster_store_has_bridges_all_the_same() -> None:
    desired = bridged({"c1": on_lan("h1"), "c2": container("h1")})
    plan = make_plan(diff(desired, _modern(desired, World(desired))), Policy())
    assert {step.id for step in plan.steps} >= {"create network/lan on h1", "create container/c1 on h1"}
    assert "create container/c2 on h1" not in {step.id for step in plan.steps}


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


def test_a_bridge_that_overlaps_is_no_matter_of_the_store() -> None:
    world = World(bridged({"c1": on_lan()}))
    error = EngineError("Pool overlaps with other one on this address space", status=403)
    world.cluster.faults.fail(error, method="create_network", times=9)
    report = world.apply()
    assert report is not None
    failed = next(outcome for outcome in report.outcomes if outcome.step.id == "create network/lan on h1")
    assert "Pool overlaps" in failed.detail
    assert failed.notes == ()


def test_verify_asks_for_a_bridge_on_its_own_host_alone() -> None:
    world = applied(bridged({"c1": on_lan("h1"), "c2": on_lan("h1"), "c3": on_lan("h2")}))
    observed = observe(world.topology, FakeFleet(world.cluster, NAME))
    questions = {(found.source, found.target, found.kind) for found in ask(world.topology, observed)}
    expected = {(a, b, kind) for a, b in (("c1", "c2"), ("c2", "c1")) for kind in ("address", "name")}
    assert questions == expected


def test_verify_asks_for_an_external_network_where_both_are_on_the_same_one() -> None:
    desired = topology({"c1": on_lan("h1"), "c2": on_lan("h1"), "c3": on_lan("h2")}, {"lan": {"external": True}})
    world = World(desired)
    for host in ("h1", "h2"):
        hand(world, host).create_network("lan", {"Driver": "bridge"})
    world.converge()
    pairs = {(found.source, found.target) for found in ask(desired, observe(desired, FakeFleet(world.cluster, NAME)))}
    assert pairs == {("c1", "c2"), ("c2", "c1")}
