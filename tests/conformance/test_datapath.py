"""Claims about the data path: who reaches whom, and what a container's resolver knows of its peers on other hosts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from controller.errors import HostError
from controller.model.allocation import COUNTS, endpoint_count, respelled
from controller.ports import Ping
from tests.conformance.world import eventually, heard, overlay, run, store_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controller.ports import Engine
    from tests.conformance.world import World


def reached(world: World, host: str, name: str, target: str, *, by_name: bool = False) -> bool:
    """Whether *target* answers a container."""
    found = world.fleet.engine(host).inspect_container(name)
    conf = found["ResolvConfPath"] if by_name else None
    return world.fleet.shell(host).ping([Ping(found["State"]["Pid"], conf, target)])[0].reached


def test_containers_reach_each_other_by_address_name_and_alias(world: World, h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    run(h1, "c1", "ov1", "10.60.0.11", Aliases=["web"])
    run(h2, "c2", "ov1", "10.60.0.12")
    assert eventually(world, lambda: reached(world, "h2", "c2", "10.60.0.11"), timeout_s=30)
    assert eventually(world, lambda: reached(world, "h1", "c1", "10.60.0.12"))
    for name in ("c1", "web"):
        claim = partial(reached, world, "h2", "c2", name, by_name=True)
        assert heard(world, claim, "h2", "c2", "10.60.0.12")
    assert not reached(world, "h2", "c2", "nobody", by_name=True)
    assert not reached(world, "h2", "c2", "10.60.0.99")


def test_containers_of_two_overlays_do_not_reach_each_other(world: World, h1: Engine, h2: Engine) -> None:
    h1.create_network("ov1", overlay())
    h1.create_network("ov2", overlay("10.61.0.0/24"))
    run(h1, "c1", "ov1", "10.60.0.11")
    run(h1, "c2", "ov2", "10.61.0.11")
    run(h2, "c3", "ov2", "10.61.0.12")
    assert eventually(world, lambda: reached(world, "h2", "c3", "10.61.0.11"), timeout_s=30)
    assert not reached(world, "h2", "c3", "10.60.0.11")
    bridge = h1.inspect_network("docker_gwbridge")["Containers"]
    way_out = bridge[h1.inspect_container("c2")["Id"]]["IPv4Address"].partition("/")[0]
    assert not reached(world, "h1", "c1", way_out)


def resolved(world: World, host: str, name: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return what a container knows of *names*."""
    found = world.fleet.engine(host).inspect_container(name)
    return world.fleet.shell(host).resolve(found["State"]["Pid"], found["ResolvConfPath"], names)


def test_the_names_of_peers_on_other_hosts_lead_to_their_addresses(world: World) -> None:
    world.fleet.engine("h1").create_network("ov1", overlay())
    run(world.fleet.engine("h1"), "c1", "ov1", "10.60.0.11")
    run(world.fleet.engine("h2"), "c2", "ov1", "10.60.0.12")
    run(world.fleet.engine("h2"), "c3", "ov1", "10.60.0.13")
    wanted = {"c2": ("10.60.0.12",), "c3": ("10.60.0.13",)}
    known = partial(resolved, world, "h1", "c1", ("c2", "c3", "nobody"))
    assert heard(world, lambda: known() == wanted, "h1", "c1", "10.60.0.11")


def test_names_are_not_asked_for_from_a_process_that_is_gone(world: World) -> None:
    with pytest.raises(HostError, match="names cannot be asked for from inside process 4000000"):
        world.fleet.shell("h1").resolve(4_000_000, "/etc/resolv.conf", ("c1",))


def test_a_count_that_says_the_same_in_other_bytes_is_as_good(world: World) -> None:
    """It wakes the engines that listen; they go on counting."""
    engine, store = world.fleet.engine("h1"), store_of(world)
    key = f"{COUNTS}{engine.create_network('ov1', overlay())}/"
    run(engine, "c1", "ov1")
    found = store.versioned(key)
    assert found is not None
    assert store.replace(key, respelled(found.value), version=found.version)
    run(engine, "c2", "ov1")
    counted = store.versioned(key)
    assert counted is not None
    assert endpoint_count(counted.value) == 2
