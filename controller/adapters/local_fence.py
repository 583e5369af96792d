"""
``ports.Fence`` for a topology without a store: a file lock on the machine where ovctl runs.

It keeps two runs of one user on one machine apart; runs on two machines need a store to meet in.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from controller.adapters.holder import describe, from_json, this_process
from controller.adapters.runtime import lock_directory, name_of
from controller.errors import FenceLostError, LockedError

if TYPE_CHECKING:
    from pathlib import Path

_POLL_S = 0.1
_MAX_HOLDER = 4096


class LocalFence:
    """
    The cycle lock of *topology* among this user's processes; the kernel frees it when its holder ends.

    Args:
        directory: Private directory for locks; the usual one when None.
    """

    def __init__(self, topology: str, *, directory: Path | None = None) -> None:
        self._topology = topology
        folder = lock_directory() if directory is None else directory
        self._path = folder / f"{name_of('lock', topology)}.fence"
        self._handle: int | None = None

    def acquire(self, *, timeout_s: float) -> None:
        """Take the lock, waiting at most *timeout_s*; LockedError names the holder."""
        if self._handle is not None:
            return
        deadline = time.monotonic() + timeout_s
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            while not _try(handle):
                if time.monotonic() >= deadline:
                    raise self._locked(os.pread(handle, _MAX_HOLDER, 0))  # noqa: TRY301 - closes the file on its way
                time.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))
            os.ftruncate(handle, 0)
            os.pwrite(handle, this_process().to_json().encode(), 0)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def check(self) -> None:
        """Raise FenceLostError unless the lock is still ours: its file was neither removed nor replaced."""
        if self._handle is not None:
            with contextlib.suppress(FileNotFoundError):
                mine, found = os.fstat(self._handle), self._path.lstat()
                if (mine.st_dev, mine.st_ino) == (found.st_dev, found.st_ino):
                    return
        raise FenceLostError(f"topology/{self._topology}: the cycle lock is not ours any more")

    def _locked(self, holder: bytes) -> LockedError:
        return LockedError(
            f"topology/{self._topology}: locked {describe(from_json(holder))}",
            hint="wait for it to end, or let ovctl wait: --lock-timeout",
        )

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.ftruncate(handle, 0)
            os.close(handle)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
