"""Bridges and external networks: one host's affair each, and what is not ours to make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller.checks.verify import ask, judge
from controller.diff import diff
from controller.errors import EngineError
from controller.model.drift import Change
from controller.model.scope import Scope
from controller.observe import observe
from controller.plan import Policy, make_plan
from controller.render.status import status_json
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import LAN, NAME, World, bridged, container, declared, modern, on_lan, topology

if TYPE_CHECKING:
    from controller.model.topology import Topology
    from controller.ports import Engine


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


def test_an_engine_without_a_cluster_store_has_bridges_all_the_same() -> None:
    desired = bridged({"c1": on_lan("h1"), "c2": container("h1")})
    plan = make_plan(diff(desired, modern(desired, World(desired))), Policy())
    assert {step.id for step in plan.steps} >= {"create network/lan on h1", "create container/c1 on h1"}
    assert "create container/c2 on h1" not in {step.id for step in plan.steps}


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


def test_verify_asks_by_ipv6_too_and_tells_what_keeps_bridges_apart() -> None:
    second = {"ipam": {"config": [{"subnet": "10.71.0.0/24"}, {"subnet": "fd00:71::/64"}]}}
    other = {**on_lan(), "networks": {"lan2": {"ipv6_address": "fd00:71::13"}}}
    containers = {"c1": on_lan(ipv6_address="fd00:70::11"), "c2": on_lan(ipv6_address="fd00:70::12"), "c3": other}
    world = applied(topology(containers, {"lan": LAN, "lan2": LAN | second}))
    questions = ask(world.topology, observe(world.topology, FakeFleet(world.cluster, NAME)))
    asked = {(found.source, found.ping.target, found.kind) for found in questions if ":" in found.ping.target}
    assert asked >= {("c1", "fd00:70::12", "address"), ("c1", "fd00:71::13", "isolation")}
    pongs = FakeFleet(world.cluster, NAME).shell("h1").ping([found.ping for found in questions])
    assert all(finding.ok for finding in judge(questions, pongs))
    through = [replace(pong, reached=True) for pong in pongs]
    hints = {
        finding.hint for finding in judge(questions, through) if "fd00:71::13" in finding.message and not finding.ok
    }
    assert hints == {
        "engines keep bridges apart by IPv6 only with ip6tables in daemon.json: see docs/topology.md",
    }


def test_status_shows_both_addresses_of_an_interface() -> None:
    world = applied(bridged({"c1": on_lan(ipv4_address="10.70.0.11", ipv6_address="fd00:70::11")}))
    observed, plan = world.cycle().look()
    shown = status_json(world.topology, observed, plan, {"c1": {"10.70.0.11": "eth0"}})["containers"][0]["addresses"]
    assert shown == [
        {"network": "lan", "ip_address": "10.70.0.11", "interface": "eth0"},
        {"network": "lan", "ip_address": "fd00:70::11", "interface": "eth0"},
    ]


def test_verify_asks_for_an_external_network_where_both_are_on_the_same_one() -> None:
    desired = topology({"c1": on_lan("h1"), "c2": on_lan("h1"), "c3": on_lan("h2")}, {"lan": {"external": True}})
    world = World(desired)
    for host in ("h1", "h2"):
        hand(world, host).create_network("lan", {"Driver": "bridge"})
    world.converge()
    pairs = {(found.source, found.target) for found in ask(desired, observe(desired, FakeFleet(world.cluster, NAME)))}
    assert pairs == {("c1", "c2"), ("c2", "c1")}


def test_a_limited_plan_is_about_the_bridge_of_its_own_host_alone() -> None:
    world = World(
        bridged({"c1": on_lan("h1"), "c2": on_lan("h2")}), policy=Policy(scope=Scope(targets=("container/c1",)))
    )
    assert "create network/lan on h1" in [step.id for step in world.plan().steps]
    assert "create network/lan on h2" not in [step.id for step in world.plan().steps]
    world = World(world.topology, world.cluster, Policy(scope=Scope(targets=("network/lan",))))
    assert "create network/lan on h2" in [step.id for step in world.plan().steps]


def test_a_saved_plan_leans_on_the_bridge_of_each_host() -> None:
    world = applied(bridged({"c1": on_lan("h1"), "c2": on_lan("h2")}))
    hand(world, "h2").disconnect("lan", "c2")
    seen_then = world.plan().seen
    ids = {host: hand(world, host).inspect_network("lan")["Id"] for host in ("h1", "h2")}
    assert {host: seen_then[f"network/lan on {host}"].id for host in ids} == ids
