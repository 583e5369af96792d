"""Which commit a file is at."""

from __future__ import annotations

from pathlib import Path

from controller.adapters.process import environment, run

_TIMEOUT_S = 2.0
_SHORT = 12
_OID = "# branch.oid "
_OVERRIDES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


def commit_of(path: str | Path) -> str | None:
    """
    Return the short hash of the commit that *path* is at, with ``-dirty`` when the file differs from it.

    None when there is no git, no repository, no commit yet, or no answer in time.
    """
    file = Path(path).absolute()
    folder = file if file.is_dir() else file.parent
    env = {key: value for key, value in environment().items() if key not in _OVERRIDES}
    # A repository's fsmonitor is a program, and looking must not take its lock.
    git = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks", "--literal-pathspecs", "-C", str(folder))
    what = ("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignored")
    try:
        done = run((*git, *what, "--", "." if file.is_dir() else f"./{file.name}"), timeout_s=_TIMEOUT_S, env=env)
    except OSError:
        return None
    lines = done.out.decode(errors="replace").splitlines()
    commits = [line.removeprefix(_OID) for line in lines if line.startswith(_OID)]
    if done.code != 0 or not commits or not commits[0].isalnum():
        return None
    dirty = any(not line.startswith("#") for line in lines)
    return commits[0][:_SHORT] + ("-dirty" if dirty else "")
