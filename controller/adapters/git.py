"""Which commit a file, and what is read with it, is at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controller.adapters.process import environment, run

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT_S = 2.0
_SHORT = 12
_OID = "# branch.oid "
_OVERRIDES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


def commit_of(path: str | Path, files: Sequence[Path] = ()) -> str | None:
    """
    Return the short hash of the commit that *path* is at, with ``-dirty`` when it is not all of what is there.

    That is: when *path*, or one of *files*, differs from that commit, or one of *files* is in no repository or in
    another one. None when there is no git, no repository, no commit yet, or no answer in time for *path*.

    Args:
        files: What is read together with *path*; it may be among them.
    """
    # each folder is asked by itself: git answers nothing at all where one of the names is in another repository
    folders: dict[Path, set[str]] = {}
    for one in (Path(path).absolute(), *(file.absolute() for file in files)):
        folder, name = (one, ".") if one.is_dir() else (one.parent, f"./{one.name}")
        folders.setdefault(folder, set()).add(name)
    states = (_state(folder, sorted(names)) for folder, names in folders.items())
    commit, clean = next(states)
    if commit is None:
        return None
    clean = clean and all(state == (commit, True) for state in states)
    return commit[:_SHORT] + ("" if clean else "-dirty")


def _state(folder: Path, names: Sequence[str]) -> tuple[str | None, bool]:
    """Return the commit of the repository that *folder* is in, and whether *names* in it are as they are there."""
    env = {key: value for key, value in environment().items() if key not in _OVERRIDES}
    # A repository's fsmonitor is a program, and looking must not take its lock.
    git = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks", "--literal-pathspecs", "-C", str(folder))
    what = ("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignored")
    try:
        done = run((*git, *what, "--", *names), timeout_s=_TIMEOUT_S, env=env)
    except OSError:
        return None, False
    lines = done.out.decode(errors="replace").splitlines()
    commits = [line.removeprefix(_OID) for line in lines if line.startswith(_OID)]
    if done.code != 0 or not commits or not commits[0].isalnum():
        return None, False
    return commits[0], all(line.startswith("#") for line in lines)
