"""Containers without networks: in none, in their host's own, on the engine's bridge."""

from __future__ import annotations

from typing import Any

import pytest

from controller.checks.verify import ask, not_running
from controller.observe import observe
from controller.render.status import status_json
from tests.fakes import FakeFleet
from tests.unit.reconcile.field_cases import applied, changed, hand, inside, lines, verbs
from tests.unit.reconcile.worlds import NAME, container

MODES = ("none", "host", "bridge")


def alone(mode: str | None, **more: Any) -> dict[str, Any]:
    return container(networks={}, network_mode=mode, **more)


@pytest.mark.parametrize("mode", MODES)
def test_a_container_is_made_in_its_mode_and_is_then_as_declared(mode: str) -> None:
    world = applied(alone(mode))
    found = hand(world).inspect_container("c1")
    assert (found["HostConfig"]["NetworkMode"], list(found["NetworkSettings"]["Networks"])) == (mode, [mode])
    hand(world).stop_container("c1")
    assert lines(world.plan()) == ["state"]
    world.converge()


@pytest.mark.parametrize("before", [*MODES, None, "web"])
@pytest.mark.parametrize("after", [*MODES, None, "web"])
def test_another_mode_is_one_line_and_replaces_the_container(before: str | None, after: str | None) -> None:
    first, second = (container() if mode == "web" else alone(mode) for mode in (before, after))
    world = changed(applied(first), second)
    plan = world.plan()
    if {before, after} <= {"bridge", None} or before == after:
        assert plan.empty
    elif {before, after} <= {"bridge", "web", None}:
        assert set(lines(plan)) == {"networks.bridge", "networks.web"}
    else:
        assert lines(plan) == ["network_mode"]
        assert verbs(plan)[-1] == "replace"
    world.converge()


@pytest.mark.parametrize("declared", ["bridge", None])
@pytest.mark.parametrize("shown", ["default", "bridge"])
def test_the_bridge_is_the_default_however_an_engine_calls_it(declared: str | None, shown: str) -> None:
    world = applied(alone(declared))
    inside(world).host_config["NetworkMode"] = shown
    assert world.plan().empty


def test_in_the_hosts_network_a_container_has_the_hosts_name_unless_one_is_declared() -> None:
    world = applied(alone("host"))
    assert hand(world).inspect_container("c1")["Config"]["Hostname"] == world.cluster.hosts["h1"].hostname
    world = changed(world, alone("host", hostname="web"))
    assert lines(world.plan()) == ["hostname"]
    world.converge()
    assert hand(world).inspect_container("c1")["Config"]["Hostname"] == "web"
    world = changed(world, alone("host"))
    assert lines(world.plan()) == ["hostname"]
    world.converge()
    world.cluster.hosts["h1"].hostname = "renamed"
    assert "hostname" not in lines(world.plan())


def test_what_was_put_on_a_network_by_hand_gets_a_successor_without_one() -> None:
    world = applied(alone("none"))
    hand(world).create_network("lan", {"Driver": "bridge"})
    hand(world).disconnect("none", "c1")
    hand(world).connect("lan", "c1", {})
    (item,) = world.plan().items
    (change,) = item.changes
    assert (change.field, change.desired, change.observed) == ("network_mode", "none", "none and lan")
    world.converge()


@pytest.mark.parametrize("mode", ["none", "host"])
def test_verify_asks_nothing_of_a_container_without_a_network_of_its_own(mode: str) -> None:
    world = applied(alone(mode))
    observed = observe(world.topology, FakeFleet(world.cluster, NAME))
    assert (ask(world.topology, observed), not_running(world.topology, observed)) == ((), ())


@pytest.mark.parametrize(("mode", "address", "interface"), [("host", "192.168.112.11", "eth0"), ("none", "-", "-")])
def test_status_shows_the_hosts_ip_address_for_a_container_in_its_network(
    mode: str, address: str, interface: str
) -> None:
    world = applied(alone(mode))
    observed, plan = world.cycle().look()
    shown = status_json(world.topology, observed, plan, {"c1": {"192.168.112.11": "eth0"}})["containers"][0]
    assert shown["addresses"] == [{"network": mode, "ip_address": address, "interface": interface}]
