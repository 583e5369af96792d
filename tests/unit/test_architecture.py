"""Each import contract catches the violation that it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SEEDED = {
    "a room imports only rooms below it": ("controller/diff/host.py", "import controller.apply.run"),
    "a new room that no layer names": ("controller/utils.py", '"""Odds and ends."""'),
    "the middle does no I/O": ("controller/plan/host.py", "import subprocess"),
    "the middle knows no client": ("controller/diff/network.py", "import docker"),
    "only wiring imports adapters": ("controller/cli/plan.py", "import controller.adapters.engine"),
    "adapters do not know each other": ("controller/adapters/engine.py", "import controller.adapters.openssh"),
}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "controller", tmp_path / "controller", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_the_rooms_as_they_stand_keep_every_contract(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("claim", SEEDED)
def test_a_seeded_violation_is_caught(copy: Path, claim: str) -> None:
    file, line = SEEDED[claim]
    place = copy / file
    text = place.read_text() if place.exists() else ""
    place.write_text(f"{text}\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout or "not listed" in result.stdout, result.stdout
