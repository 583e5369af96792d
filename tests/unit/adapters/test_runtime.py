"""The private directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.adapters.runtime import name_of, private_directory
from controller.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("controller.adapters.runtime._MAX_DIRECTORY", 4096)
    return tmp_path


def test_directory_is_made_for_us_alone(short: Path) -> None:
    path = private_directory([f"{short}/missing/x", f"{short}/run"])
    assert path == short / "run"
    assert path.stat().st_mode & 0o777 == 0o700
    assert private_directory([str(path)]) == path


def test_link_is_refused(short: Path) -> None:
    (short / "target").mkdir(mode=0o700)
    (short / "run").symlink_to(short / "target")
    with pytest.raises(RefusedError, match="not a directory"):
        private_directory([f"{short}/run"])


def test_directory_that_others_may_enter_is_refused(short: Path) -> None:
    (short / "run").mkdir()
    (short / "run").chmod(0o711)
    with pytest.raises(RefusedError, match="entered by others"):
        private_directory([f"{short}/run"])


def test_places_that_are_too_long_or_not_plain_are_passed_over(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no private directory"):
        private_directory([f"{tmp_path}/{'x' * 60}", "/run/a%b", "/run/a:b", "relative"])


def test_names_are_short_and_tell_their_parts_apart() -> None:
    assert name_of("a", "b") != name_of("ab")
    assert len(name_of("x" * 1000)) == 16
