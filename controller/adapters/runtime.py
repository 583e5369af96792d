"""
The private directory for sockets and locks of the person who runs ovctl: theirs alone, gone after a reboot.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A unix socket's path has at most 107 characters, and ssh binds the control socket under a name 17 characters longer.
_MAX_DIRECTORY = 50
# ssh expands % and ${} in these paths and splits forwards at colons.
_PLAIN = re.compile(r"/[A-Za-z0-9/_.-]+")


def private_directory(candidates: Sequence[str] | None = None) -> Path:
    """
    Return a directory of ours with mode 0700, made if need be.

    Args:
        candidates: Where to look, in order, instead of the usual places; the first whose parent can be used is taken.

    Raises:
        RefusedError: The place is taken by something that is not ours alone.
    """
    for candidate in (*_session(), *_fixed()) if candidates is None else candidates:
        path = Path(candidate)
        if len(candidate) > _MAX_DIRECTORY or not _PLAIN.fullmatch(candidate):
            continue
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            pass
        except OSError:
            continue
        _check(path)
        return path
    raise RefusedError(
        "no private directory for sockets can be made", hint="set XDG_RUNTIME_DIR to a directory of yours"
    )


def name_of(*parts: str) -> str:
    """Return a short file name that stands for *parts*."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def lock_directory() -> Path:
    """
    Return the private directory that all runs of this user agree on, whether they come from a login or from a timer.

    Raises:
        RefusedError: The place is taken by something that is not ours alone.
    """
    return private_directory(_fixed())


def _session() -> tuple[str, ...]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return (f"{runtime.rstrip('/')}/ovctl",) if runtime.startswith("/") else ()


def _fixed() -> tuple[str, ...]:
    uid = os.geteuid()
    return (f"/run/ovctl-{uid}", f"/tmp/ovctl-{uid}")  # noqa: S108 - checked to be ours alone before use


def _check(path: Path) -> None:
    """Refuse a symlink, a file, another user's directory, and one that others may enter."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise RefusedError(f"{path} is not a directory", hint="remove it: ovctl keeps its sockets there")
    if found.st_uid != os.geteuid():
        raise RefusedError(f"{path} belongs to user {found.st_uid}", hint="set XDG_RUNTIME_DIR to a directory of yours")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise RefusedError(f"{path} can be entered by others", hint=f"chmod 700 {path}")
