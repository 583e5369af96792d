"""Saving a plan to a file and coming back with it, as far as that asks no host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from controller.cli.apply import apply
from controller.cli.plan import plan
from controller.cli.plan_file import read_plan, refuse_to_overwrite, write_plan
from controller.errors import PlanFileError, StalePlanError, UsageError
from controller.model.identity import Generation
from controller.plan import Policy
from controller.plan.saved import saved_plan
from tests.unit.reconcile.worlds import World, container, topology

if TYPE_CHECKING:
    from pathlib import Path

    from click import Command

    from controller.model.saved import SavedPlan

TOPOLOGY = "version: 1\nname: guide\nhosts: {h1: {address: 192.0.2.1}}\n"


def a_plan(file: str = "/t.yaml", digest: str = "g") -> SavedPlan:
    made = World(topology({"c1": container()})).plan()
    return saved_plan(made, Policy(), Generation(digest), file)


def raised(command: Command, *arguments: str) -> BaseException | None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code
    return result.exception


def test_what_is_written_is_read_back_and_for_the_owner_only(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        write_plan(tmp_path / "p.json", a_plan())
    finally:
        os.umask(umask)
    assert (tmp_path / "p.json").stat().st_mode & 0o777 == 0o600
    assert read_plan(tmp_path / "p.json") == a_plan()
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_who_reads_while_it_is_written_anew_sees_the_old_plan_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    write_plan(path, a_plan(digest="old"))
    with path.open() as reader:
        begun = reader.read(10)
        write_plan(path, a_plan(digest="new"))
        assert '"digest": "old"' in begun + reader.read()
    assert read_plan(path).generation.digest == "new"


def test_nothing_but_a_plan_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    (tmp_path / "empty").write_text("")
    for name in ("topology.yaml", ".", "none/p.json"):
        with pytest.raises(PlanFileError):
            write_plan(tmp_path / name, a_plan())
    assert (tmp_path / "topology.yaml").read_text() == TOPOLOGY
    refuse_to_overwrite(tmp_path / "empty")
    refuse_to_overwrite(tmp_path / "new")


def test_a_place_that_cannot_take_the_plan_is_told_before_any_host_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(TOPOLOGY)
    error = raised(plan, str(file), "--out", str(file))
    assert isinstance(error, PlanFileError)
    assert error.message == f"{file}: is there and no saved plan: nothing is written over it"


@pytest.mark.parametrize("text", [None, "{}", TOPOLOGY, "\udcff"])
def test_what_is_no_plan_is_not_applied(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "p.json").write_bytes(text.encode(errors="surrogateescape"))
    error = raised(apply, "--plan", str(tmp_path / "p.json"))
    assert isinstance(error, PlanFileError)
    assert error.message.startswith(f"{tmp_path}/p.json: ")


def test_a_plan_is_applied_to_the_file_that_it_was_made_from_and_to_no_other_topology(tmp_path: Path) -> None:
    file, path = tmp_path / "topology.yaml", tmp_path / "p.json"
    file.write_text(TOPOLOGY)
    write_plan(path, a_plan(str(file)))
    for arguments in (("--plan", str(path)), (str(file), "--plan", str(path))):
        error = raised(apply, *arguments)
        assert isinstance(error, StalePlanError)
        assert error.message.startswith(f"stale plan: {file} is generation ")
        assert error.message.endswith(" and it was made for g")


def test_a_saved_plan_takes_no_options_that_it_was_made_with(tmp_path: Path) -> None:
    write_plan(tmp_path / "p.json", a_plan())
    arguments = ("--plan", str(tmp_path / "p.json"), "--target", "container/c1", "--max-deletes", "3")
    error = raised(apply, *arguments)
    assert isinstance(error, UsageError)
    assert error.message == "--plan goes without --max-deletes, --target"
