"""Which commit a file is at, asked of real repositories."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from controller.adapters.git import commit_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "topology.yaml").write_text("a\n")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(("git", *identity, *arguments), cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> str:
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "--short=12", "HEAD").strip()


def test_commit_of_a_clean_file_is_its_hash(repository: Path) -> None:
    head = commit(repository)
    assert commit_of(repository / "topology.yaml") == head


def test_changed_untracked_and_ignored_files_are_dirty(repository: Path) -> None:
    (repository / ".gitignore").write_text("ignored.yaml\n")
    head = commit(repository)
    for name in ("topology.yaml", "new[1].yaml", "ignored.yaml"):
        (repository / name).write_text("changed\n")
        assert commit_of(repository / name) == f"{head}-dirty"


def test_other_files_do_not_make_a_file_dirty(repository: Path) -> None:
    head = commit(repository)
    (repository / "other.yaml").write_text("x\n")
    assert commit_of(repository / "topology.yaml") == head


def test_no_repository_and_no_commit_give_none(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert commit_of(repository / "topology.yaml") is None
    assert commit_of(tmp_path_factory.mktemp("plain") / "topology.yaml") is None
    assert commit_of("/nonexistent/topology.yaml") is None


def test_no_git_gives_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert commit_of(repository / "topology.yaml") is None


def test_a_commit_is_that_of_all_files_that_are_read(repository: Path) -> None:
    files = [repository / name for name in ("topology.yaml", "sub/hosts.yaml", "web.env")]
    (repository / "sub").mkdir()
    for file in files:
        file.write_text("a\n")
    head = commit(repository)
    assert commit_of(files[0], files) == head
    for file in files:
        file.write_text("b\n")
        assert commit_of(files[0], files) == f"{head}-dirty"
        file.write_text("a\n")
    assert commit_of(files[0], files) == head


def test_a_file_that_the_commit_does_not_have_is_dirty(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    head = commit(repository)
    outside = tmp_path_factory.mktemp("plain") / "web.env"
    outside.write_text("a\n")
    assert commit_of(repository / "topology.yaml", [outside]) == f"{head}-dirty"
    elsewhere = tmp_path_factory.mktemp("other")
    git(elsewhere, "init", "-q")
    (elsewhere / "hosts.yaml").write_text("b\n")
    assert commit(elsewhere) != head
    assert commit_of(repository / "topology.yaml", [elsewhere / "hosts.yaml"]) == f"{head}-dirty"
    assert commit_of(outside, [repository / "topology.yaml"]) is None
