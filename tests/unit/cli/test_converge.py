"""What apply says in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.cli.converge import converge
from controller.plan import Policy, Scope
from tests.unit.reconcile.worlds import World, container, topology

if TYPE_CHECKING:
    import pytest

CONTAINERS = {"c1": container(), "c2": container("h2", number=12)}


def test_a_whole_apply_says_in_sync_and_a_limited_one_only_within_its_limits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desired = topology(CONTAINERS)
    world = World(desired, policy=Policy(scope=Scope(("container/c1",))))
    assert converge(world.cycle(), yes=True) == 0
    said = capsys.readouterr().out
    assert "limited to container/c1: 4 objects, dependencies included" in said
    last = said.splitlines()[-1]
    assert last == "in sync: within the limits all is as declared; 5 objects beyond them are not"
    assert converge(world.cycle(), yes=True) == 0
    assert "hosts are as declared" not in capsys.readouterr().out
    assert converge(World(desired, world.cluster).cycle(), yes=True) == 0
    assert capsys.readouterr().out.endswith("in sync: the hosts are as declared\n")


def test_a_refused_deletion_ends_an_apply_with_1_although_all_steps_were_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(topology(CONTAINERS))
    world.converge()
    desired = topology({"c1": container(restart="no")})
    assert converge(World(desired, world.cluster, Policy(max_deletes=0)).cycle(), yes=True) == 1
    said = capsys.readouterr().out
    assert "apply: 1 done" in said
    assert "--max-deletes 1" in said
    assert "in sync" not in said
