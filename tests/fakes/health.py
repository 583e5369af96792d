"""
The health of simulated containers: what the checks since its start have come to, as engine 20.10 counts them.

A check whose command is ``false`` fails, one that is ``sleep`` takes too long; every other one is well. No time passes
in a check.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.state import Container, Json

_NS = 1_000_000_000
_LOG_AT_MOST = 5
_EXIT_CODES = {"false": 1, "sleep": -1}


def shown(container: Container, now_s: float) -> Json:
    """Return ``Health`` of a container's state, nothing for one that has no healthcheck or was never started."""
    check: dict[str, Any] = container.config.get("Healthcheck") or {}
    test = check.get("Test") or ()
    if not test or test[0] == "NONE" or not container.started_s:
        return {}
    interval_s = (check.get("Interval") or 30 * _NS) / _NS
    done = int((now_s - container.started_s) / interval_s)
    code = _EXIT_CODES.get(str(test[1]).partition(" ")[0], 0)
    excused = max(0, math.ceil((check.get("StartPeriod") or 0) / _NS / interval_s) - 1)
    streak = max(0, done - excused) if code else 0
    if streak >= (check.get("Retries") or 3) or container.status != "running":
        status = "unhealthy"  # also when nobody checks it any more
    else:
        status = "healthy" if done and not code else "starting"
    log = [{"ExitCode": code, "Output": "hunter2"}] * min(done, _LOG_AT_MOST)
    return {"Health": {"Status": status, "FailingStreak": streak, "Log": log}}
