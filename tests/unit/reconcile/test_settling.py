"""Settling: who is asked, what is a reason to reattach, and when it is given up."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from controller.apply.perform import perform
from controller.apply.settle import ROUNDS
from controller.errors import HostError, StoreError
from controller.model.action import SettleHost
from controller.model.identity import Address, Generation
from controller.plan import Policy
from controller.reconcile import Cycle
from tests.fakes import Cluster, FakeFleet, Killed
from tests.fakes.fleet import FakeShell
from tests.unit.reconcile.test_carrying_out import by_hand, cuts, hands_on
from tests.unit.reconcile.test_hard_cases import applied
from tests.unit.reconcile.worlds import NAME, Silent, World, container, topology

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controller.ports import HostShell


class Deaf(FakeShell):
    """A shell on whose host *names* are not known until somebody has done *cure* so many *times*."""

    def __init__(self, cluster: Cluster, names: set[str], cure: str = "", times: int = 1) -> None:
        super().__init__(cluster, "h1")
        self.names, self.cure, self.times = names, cure, times
        self.asked: list[str] = []

    def resolve(self, pid: int, resolv_conf: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        self.asked += names
        found = super().resolve(pid, resolv_conf, names)
        done = sum(effect.method == self.cure for effect in self._cluster.effects)
        hidden = set() if self.cure and done >= self.times else self.names
        return {name: addresses for name, addresses in found.items() if name not in hidden}


class OneShell(FakeFleet):
    """A fleet with that shell on every host."""

    def __init__(self, cluster: Cluster, shell: HostShell) -> None:
        super().__init__(cluster, NAME)
        self.only = shell

    def shell(self, host: str) -> HostShell:  # noqa: ARG002 - every host has it
        return self.only


SETTLE = SettleHost(address=Address("host", "h1"), host="h1", reason="", networks=("web",))
PEERS = {"c1": container(), "c2": container("h2", number=12), "c3": container("h3", number=13)}


def settling(world: World, shell: HostShell) -> list[str]:
    """Settle h1 with that shell and return what was noted."""
    notes: list[str] = []
    world.cluster.effects.clear()
    perform(SETTLE, hands_on(world, OneShell(world.cluster, shell)), notes.append)
    return notes


def test_every_peer_elsewhere_is_asked_for_and_nothing_is_done_when_all_are_known() -> None:
    world = applied(topology({**PEERS, "c4": container(number=14)}))
    shell = Deaf(world.cluster, set())
    assert settling(world, shell) == []
    assert shell.asked == ["c2", "c3"]
    assert not world.cluster.effects


def test_an_engine_that_missed_one_name_is_woken_and_nobody_is_cut_off() -> None:
    world = applied(topology(PEERS))
    notes = settling(world, Deaf(world.cluster, {"c3"}, "replace"))
    assert notes == ["c1 did not find c3 by name on network/web: woken"]
    assert not cuts(world)
    assert world.plan().empty


def test_an_engine_that_does_not_listen_is_made_to_by_reattaching_its_containers() -> None:
    world = applied(topology({**PEERS, "c4": container(number=14)}))
    notes = settling(world, Deaf(world.cluster, {"c2", "c3"}, "connect", times=2))
    assert notes == [
        "c1 did not find c2, c3 by name on network/web: woken",
        "c1 did not find c2, c3 by name on network/web: reattached",
    ]
    assert sorted(cuts(world)) == ["c1", "c4"]
    assert world.plan().empty


def test_without_the_store_only_reattaching_is_left() -> None:
    world = applied(topology(PEERS))
    world.cluster.faults.fail(StoreError("store: permission denied"), method="replace")
    notes = settling(world, Deaf(world.cluster, {"c2"}, "connect"))
    assert notes == ["c1 did not find c2 by name on network/web: reattached"]


def test_a_network_on_which_a_name_is_never_found_fails_its_step_after_some_rounds() -> None:
    world = applied(topology(PEERS))
    with pytest.raises(HostError, match="c1 does not find c2 by name on web"):
        settling(world, Deaf(world.cluster, {"c2"}))
    assert cuts(world) == ["c1"] * ROUNDS


def test_a_peer_that_is_not_reached_says_nothing_about_names() -> None:
    world = applied(topology(PEERS))
    world.cluster.unreachable_pairs.add(frozenset(("c1", "c2")))
    notes = settling(world, Deaf(world.cluster, {"c2"}))
    assert notes == ["c1 does not reach c2 on web yet: see `ovctl verify`"]
    assert not world.cluster.effects


def test_a_container_that_cannot_be_asked_from_is_told_of() -> None:
    world = applied(topology(PEERS))

    class Mute(FakeShell):
        def resolve(self, pid: int, resolv_conf: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002 - as the port has it
            raise HostError("host/h1: nsenter is not installed")

    assert settling(world, Mute(world.cluster, "h1")) == [
        "not asked whether names are found: host/h1: nsenter is not installed"
    ]


def test_a_name_that_leads_to_a_former_address_is_not_known() -> None:
    world = applied(topology(PEERS))

    class Stale(FakeShell):
        def resolve(self, pid: int, resolv_conf: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
            return {**super().resolve(pid, resolv_conf, names), "c2": ("10.0.0.99",)}

    with pytest.raises(HostError, match="c1 does not find c2 by name on web"):
        settling(world, Stale(world.cluster, "h1"))


def test_a_container_without_a_resolv_conf_is_not_asked() -> None:
    world = applied(topology(PEERS))
    found = world.cluster.hosts["h1"].engine.named("c1")
    assert found is not None
    found.started = "0001-01-01T00:00:00Z"  # the fake's containers have none before their first start
    shell = Deaf(world.cluster, set())
    settling(world, shell)
    assert not shell.asked


def settled(world: World) -> dict[str, tuple[str, ...]]:
    """Return host -> networks that the plan settles there."""
    return {
        step.action.host: step.action.networks for step in world.plan().steps if isinstance(step.action, SettleHost)
    }


def test_who_was_there_before_has_to_hear_of_who_joins() -> None:
    before = {"c1": container(), "c2": container("h2", number=12), "d2": container("h2", "db", 12)}
    world = applied(topology(before))
    world = World(topology({**before, "c3": container("h3", number=13)}), world.cluster)
    assert settled(world) == {"h1": ("web",), "h2": ("web",), "h3": ("web",)}


def test_nobody_is_asked_on_a_host_that_could_not_be_read() -> None:
    before = {"c1": container(), "c2": container("h2", number=12)}
    world = applied(topology(before))
    world = World(topology({**before, "c3": container("h3", number=13)}), world.cluster)
    world.cluster.faults.unreachable.add("h1")
    assert "h1" not in settled(world)


# What an apply that did not come to its end leaves to the next.


def recorded(world: World) -> bool:
    """Return whether all is settled, as the store says."""
    store = FakeFleet(world.cluster, NAME).store()
    assert store is not None
    return bool(json.loads(store.get(f"ovctl/{NAME}/members") or b"{}")["settled"])


def test_an_apply_that_was_killed_while_containers_joined_leaves_their_settling_to_the_next() -> None:
    world = applied(topology(PEERS))
    assert recorded(world)
    by_hand(world).remove_container("c1", force=True)
    before = len(world.cluster.effects)
    while not any(effect.method == "start_container" for effect in world.cluster.effects[before:]):
        world.cluster.faults.stop_after(1)
        with suppress(Killed):
            world.apply()
        world.cluster.faults.resume()
    assert not recorded(world)
    (item,) = world.plan().items
    assert (str(item.address), item.reason) == (
        "store/members",
        "an apply ended before the containers that it started had found each other",
    )
    assert settled(world) == {"h1": ("web",), "h2": ("web",), "h3": ("web",)}
    world.converge()
    assert recorded(world)


def test_what_could_not_be_settled_is_settled_by_the_next_apply() -> None:
    world = applied(topology(PEERS))
    by_hand(world).remove_container("c1", force=True)

    class DeafFleet(FakeFleet):
        def shell(self, host: str) -> HostShell:
            return Deaf(self.cluster, {"c2"}) if host == "h1" else super().shell(host)

    fleet = DeafFleet(world.cluster, NAME)
    carried = Cycle(world.topology, Generation("g"), fleet, fleet.clock, Policy()).apply(
        lambda _: True, Silent(), lambda: False
    )
    assert carried is not None
    assert not carried.report.ok
    assert not recorded(world)
    assert not world.plan().empty
    world.converge()
    assert recorded(world)


def test_a_host_that_was_not_asked_is_settled_when_it_is_back() -> None:
    world = applied(topology(PEERS))
    by_hand(world).remove_container("c1", force=True)
    world.cluster.faults.unreachable.add("h3")
    world.apply()
    assert not recorded(world)
    world.cluster.faults.unreachable.clear()
    world.converge()
    assert recorded(world)


def test_nothing_is_marked_for_what_joins_nothing() -> None:
    world = applied(topology(PEERS))
    desired = topology({**PEERS, "c1": container(restart="no")})
    assert [step.id for step in World(desired, world.cluster).plan().steps] == ["update container/c1 on h1"]
    alone = topology({"c1": container("h1", "db")})
    steps = [step.id for step in World(alone, applied(topology({})).cluster).plan().steps]
    assert not [step for step in steps if step.startswith("settle")]
