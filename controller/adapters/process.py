"""
Run a program of this machine as an argument list, within a bounded time.

A program gets a process group of its own, so that Ctrl-C at the terminal does not end the action in hand; the session
stays the same, because sudo's cached consent hangs on the terminal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended; ``code`` None when it was ended because its time was up."""

    code: int | None
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """What it said on stderr."""
        return self.err.decode(errors="replace")


def environment() -> dict[str, str]:
    """Return this process's environment with messages in English, since some are read by us."""
    return {**os.environ, "LC_ALL": "C"}


def run(
    argv: Sequence[str],
    *,
    data: bytes = b"",
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Done:
    """
    Run *argv* with *data* on its stdin and return how it ended.

    Raises:
        OSError: The program cannot be started.
    """
    child = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if data else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment() if env is None else env,
        cwd=cwd,
        process_group=0,
    )
    with child:
        try:
            out, err = child.communicate(data or None, timeout_s)
        except subprocess.TimeoutExpired:
            end_group(child)
            out, err = b"", b""
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, err = child.communicate(timeout=1.0)
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
            return Done(None, out, err)
        except BaseException:
            end_group(child)
            raise
    return Done(child.returncode, out, err)


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End a program started by us and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
