"""What apply and adopt say in the end."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from controller.cli import root
from controller.cli.converge import adopt_objects, converge
from controller.errors import UsageError
from controller.model.identity import LABEL_TOPOLOGY
from controller.plan import Policy, Scope
from tests.unit.reconcile.adoptions import disowned
from tests.unit.reconcile.worlds import World, container, topology

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


def test_adopting_shows_what_becomes_ours_writes_it_down_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(topology({"c1": container()}))
    world.converge()
    disowned(world)
    assert adopt_objects(world.cycle(), ("container/c1", "network/web"), yes=True) == 0
    said = capsys.readouterr().out
    assert "= container/c1 on h1: becomes ours as it is" in said
    assert said.endswith("adopt: 3 done\n")
    assert adopt_objects(world.cycle(), ("container/c1",), yes=True) == 0
    assert capsys.readouterr().out.endswith("adopt: nothing to write down\n")


def test_adopting_all_ends_with_1_where_something_is_somebody_elses(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(topology(CONTAINERS))
    world.converge()
    disowned(world).cluster.hosts["h2"].engine.named("c2").config["Labels"][LABEL_TOPOLOGY] = "another"  # type: ignore[union-attr]  # it runs
    assert adopt_objects(world.cycle(), (), yes=True) == 1
    assert "container/c2: not adopted: on h2 it is topology/another's" in capsys.readouterr().out


def test_adopting_without_a_terminal_to_ask_on_writes_nothing_down() -> None:
    world = World(topology({"c1": container()}))
    world.converge()
    done = len(disowned(world).cluster.effects)
    with pytest.raises(UsageError):
        adopt_objects(world.cycle(), (), yes=False)
    assert len(world.cluster.effects) == done


@pytest.mark.parametrize("said", [["adopt"], ["adopt", "--all", "container/c1"]])
def test_what_is_to_be_adopted_is_named_or_all(said: list[str]) -> None:
    result = CliRunner().invoke(root, said)
    assert isinstance(result.exception, UsageError)
    assert "name what is to be adopted, or pass --all" in result.exception.message
