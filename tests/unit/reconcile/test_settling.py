"""Settling: who is asked, what is a reason to reattach, and when it is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.apply.perform import perform
from controller.apply.settle import ROUNDS
from controller.errors import HostError
from controller.model.action import SettleHost
from controller.model.identity import Address
from controller.ports import Pong
from tests.fakes import Cluster, FakeFleet
from tests.fakes.fleet import FakeShell
from tests.unit.reconcile.test_carrying_out import cuts, hands_on
from tests.unit.reconcile.test_hard_cases import applied
from tests.unit.reconcile.worlds import NAME, World, container, topology

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.ports import HostShell, Ping


class Answering(FakeShell):
    """A shell whose names are asked in vain."""

    def __init__(self, cluster: Cluster, host: str, pong: Pong) -> None:
        super().__init__(cluster, host)
        self.pong = pong
        self.asked: list[Ping] = []

    def ping(self, questions: Sequence[Ping], *, within_s: int = 3) -> list[Pong]:
        self.asked += questions
        answers = super().ping(questions, within_s=within_s)
        return [
            self.pong if ping.resolv_conf is not None else pong for ping, pong in zip(questions, answers, strict=True)
        ]


class OneShell(FakeFleet):
    """A fleet with that shell on every host."""

    def __init__(self, cluster: Cluster, shell: HostShell) -> None:
        super().__init__(cluster, NAME)
        self.only = shell

    def shell(self, host: str) -> HostShell:  # noqa: ARG002 - every host has it
        return self.only


SETTLE = SettleHost(address=Address("host", "h1"), host="h1", reason="", networks=("web",))


@pytest.mark.parametrize(
    ("pong", "reattached"),
    [
        (Pong(reached=False, rtt_ms=None, detail="ping: c2: Name or service not known"), True),
        (Pong(reached=False, rtt_ms=None, detail="ping: c2: Temporary failure in name resolution"), True),
        (Pong(reached=False, rtt_ms=None, detail="ping: bad address 'c2'"), True),
        (Pong(reached=False, rtt_ms=None, detail="no answer"), True),
        (Pong(reached=False, rtt_ms=None, detail="ping: connect: Network is unreachable"), False),
        (Pong(reached=False, rtt_ms=None, detail="unshare: not permitted", asked=False), False),
    ],
)
def test_only_a_name_that_is_not_resolved_is_a_reason_to_reattach(pong: Pong, *, reattached: bool) -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", number=12)}))
    notes: list[str] = []
    try:
        perform(SETTLE, hands_on(world, OneShell(world.cluster, Answering(world.cluster, "h1", pong))), notes.append)
    except HostError:
        assert reattached
    assert bool(cuts(world)) == reattached
    assert reattached or notes == [f"not asked whether c1 finds c2 on web: {pong.detail}"]


def test_a_container_without_a_resolv_conf_is_not_asked_by_name() -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", number=12)}))
    found = world.cluster.hosts["h1"].engine.named("c1")
    assert found is not None
    found.started = "0001-01-01T00:00:00Z"  # the fake's containers have none before their first start
    shell = Answering(world.cluster, "h1", Pong(reached=False, rtt_ms=None, detail="bad address"))
    perform(SETTLE, hands_on(world, OneShell(world.cluster, shell)), list[str]().append)
    assert not shell.asked


def test_a_network_on_which_nobody_is_ever_found_by_name_fails_its_step_after_some_rounds() -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", number=12)}))
    shell = Answering(world.cluster, "h1", Pong(reached=False, rtt_ms=None, detail="bad address 'c2'"))
    with pytest.raises(HostError, match="c1 does not find c2 by name on web"):
        perform(SETTLE, hands_on(world, OneShell(world.cluster, shell)), list[str]().append)
    assert cuts(world) == [world.cluster.hosts["h1"].engine.named("c1").id] * ROUNDS  # type: ignore[union-attr]  # it is there


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
