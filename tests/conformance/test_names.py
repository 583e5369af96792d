"""Claims about names: what a container's resolver knows of its peers on other hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import HostError
from controller.model.allocation import COUNTS, endpoint_count, respelled
from tests.conformance.world import eventually, overlay, run, store_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.conformance.world import World


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
    assert eventually(world, lambda: resolved(world, "h1", "c1", ("c2", "c3", "nobody")) == wanted)


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
