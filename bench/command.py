"""
ovctl as a whole process, from the start of the interpreter to its exit: what it said and when, and how it ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WENT_WELL = re.compile(r"^\[.*: ok \((\d+\.\d+) s\)$")
_LONGEST = 500

# as for anybody who installed it: with Python's compiled files, which some machines tell it not to keep
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

OVCTL = str(Path(sys.executable).with_name("ovctl"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was printed, so many seconds after the process was started."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """
    How a process ended.

    Args:
        code: Its exit code; negative for a signal, as in subprocess.
        seconds: Wall time from before it was started until it was gone.
        cpu_s: What it and its children that ended with it took of the processors.
        lines: What it printed, on either stream.
    """

    code: int
    seconds: float
    cpu_s: float
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All that it printed."""
        return "\n".join(line.text for line in self.lines)


def run(argv: Sequence[str], *, timeout_s: float, kill_after_s: float | None = None) -> Ended:
    """
    Run *argv* as a process group of its own and return how it ended.

    Args:
        timeout_s: It is killed after that many seconds in any case.
        kill_after_s: Send SIGKILL to the group then, if it still runs; what it has put into groups of its own lives on.
    """
    begun = time.monotonic()
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        process_group=0,
        env=_ENVIRONMENT,
    )
    limit_s = timeout_s if kill_after_s is None else kill_after_s
    killer = threading.Timer(max(0.0, begun + limit_s - time.monotonic()), _kill, [child.pid])
    killer.start()
    lines: list[Line] = []
    try:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        lines.extend(Line(time.monotonic() - begun, text.rstrip("\n")) for text in child.stdout)
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        _kill(child.pid)
        child.wait()
        raise
    finally:
        killer.cancel()
    seconds = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    return Ended(child.returncode, seconds, usage.ru_utime + usage.ru_stime, tuple(lines))


def ovctl(*arguments: str, timeout_s: float = 300.0, kill_after_s: float | None = None) -> Ended:
    """Run ovctl with *arguments*."""
    return run([OVCTL, *arguments], timeout_s=timeout_s, kill_after_s=kill_after_s)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def last_step(lines: Sequence[Line]) -> str:
    """Return the last line of progress that apply printed, or how far it got before its first step."""
    steps = [line.text for line in lines if line.text.startswith("[")]
    if steps:
        return steps[-1]
    return "the plan was shown, no step had ended" if lines else "nothing was printed yet"


def telling(lines: Sequence[Line]) -> list[str]:
    """Return what is worth keeping of an apply: not its plan, nor the steps that went well without a remedy."""
    texts = [line.text for line in lines]
    begun = next((index for index, text in enumerate(texts) if text.startswith("[")), 0)
    pairs = zip(lines[begun:], [*lines[begun + 1 :], Line(0.0, "")], strict=True)
    return [
        f"{line.at_s:.2f} s {line.text}"[:_LONGEST]
        for line, below in pairs
        if not _WENT_WELL.search(line.text) or below.text.startswith("        ")
    ]


def longest_steps(lines: Sequence[Line], *, count: int = 3) -> list[str]:
    """Return the steps that took longest, the longest first."""
    took = [(float(match[1]), line.text) for line in lines if (match := _WENT_WELL.search(line.text))]
    return [text for _, text in sorted(took, reverse=True)[:count]]


def phases(ended: Ended) -> dict[str, float]:
    """
    Return where the wall time of an apply went, in seconds.

    The plan is printed when it was made under the lock, and a line for each step when it ended; what follows the last
    step is the final observation and the end of the process.
    """
    steps = [line.at_s for line in ended.lines if line.text.startswith("[")]
    shown = next((line.at_s for line in ended.lines if line.text.startswith("topology ")), ended.seconds)
    last = steps[-1] if steps else shown
    return {
        "until_plan_s": round(shown, 3),
        "steps_s": round(last - shown, 3),
        "after_steps_s": round(ended.seconds - last, 3),
    }
