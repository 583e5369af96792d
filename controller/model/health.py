"""How a container is by its healthcheck, as its engine tells; what a check prints may hold a secret and is not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Json = Mapping[str, Any]

INTERVAL_S = 30.0
TIMEOUT_S = 30.0
RETRIES = 3
"""What engines take for what neither the container nor its image says (moby, daemon/health.go)."""

SPARE_S = 5.0
"""Beyond what the checks may take: an engine under load begins them late."""

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Health:
    """
    What the healthcheck of a container says.

    Args:
        status: ``starting``, ``healthy`` or ``unhealthy``.
        failures: How many checks failed in a row by now.
        exit_code: That of the last check; -1 for one that took too long or could not be run, None before the first.
        within_s: Seconds that the healthcheck gives a container to become healthy.
    """

    status: str
    failures: int
    exit_code: int | None
    within_s: float


def health_of(found: Json) -> Health | None:
    """Read a container from ``GET /containers/{id}/json``; None for one that has no healthcheck, or it switched off."""
    health = found["State"].get("Health")
    if not health or health.get("Status") in (None, "", "none"):
        return None
    log = health.get("Log") or ()
    return Health(
        status=health["Status"],
        failures=health.get("FailingStreak") or 0,
        exit_code=log[-1].get("ExitCode") if log else None,
        within_s=within_s(found["Config"].get("Healthcheck") or {}),
    )


def within_s(check: Json) -> float:
    """Return the seconds that a HealthConfig, merged with its image's, gives a container to become healthy."""
    interval = (check.get("Interval") or 0) / _NS or INTERVAL_S
    timeout = (check.get("Timeout") or 0) / _NS or TIMEOUT_S
    return (check.get("StartPeriod") or 0) / _NS + (interval + timeout) * (check.get("Retries") or RETRIES) + SPARE_S
