"""Mutual exclusion between ovctl processes on one machine, without lock files: the lock is on a directory itself."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """
    Hold the lock on *directory*, made if missing, waiting for it as long as it takes.

    The kernel releases it when the process ends, however it ends. A directory that was removed by the previous holder
    is made anew, so that two waiters never hold locks on two directories of one name.
    """
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(descriptor, directory):
                yield
                return
        finally:
            os.close(descriptor)


def _is_still(descriptor: int, directory: Path) -> bool:
    """Whether *directory* is the one that *descriptor* was opened on."""
    try:
        return os.path.samestat(os.fstat(descriptor), directory.stat())
    except FileNotFoundError:
        return False
