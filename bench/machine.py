"""What the machine did meanwhile, whoever asked for it: the engines' work is on the same cores as the client's."""

from __future__ import annotations

import os
from pathlib import Path

_STAT = Path("/proc/stat")
_IDLE = (3, 4)  # idle and waiting for a disk, in the order of proc(5)
_COUNTED = 8  # guests' time is in the user's already


def busy_s() -> float:
    """Return the seconds of processor time that all cores together have worked since boot (proc(5), first line)."""
    ticks = [int(field) for field in _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:][:_COUNTED]]
    worked = sum(ticks) - sum(ticks[number] for number in _IDLE)
    return worked / os.sysconf("SC_CLK_TCK")
