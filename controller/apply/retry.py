"""When trying again can help, and how long to wait before. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from controller.errors import NotFoundError

if TYPE_CHECKING:
    from controller.errors import OvctlError

_TRANSIENT = re.compile(
    r"network is unreachable|connection refused|no route to host|i/o timeout|context deadline exceeded"
    r"|network \S+ not found|could not find network|failed to get network during|unexpected response code: 5"
    r"|could not get pools config|store for .*not available|key not found in store|unable to update the endpoint"
    r"|could not find bitmask in datastore"
    r"|network sandbox join failed: .*subnet sandbox join failed|temporary failure",
    re.IGNORECASE,
)
"""
dockerd's dials to the store fail at random under load and surface as 404 or 500 on start (moby/moby#39036, #39372); a
network made a moment ago on another host may not be there yet (moby/moby#25456).
"""


def transient(error: OvctlError, *, joins: bool = False) -> bool:
    """
    Whether the error is one that goes away by itself.

    Args:
        joins: Whether a container was to join a network; "not found" is final everywhere else.
    """
    if isinstance(error, NotFoundError) and not joins:
        return False
    return error.transient or bool(_TRANSIENT.search(error.message))


def delay_s(attempt: int, *, base_s: float, cap_s: float, jitter: float) -> float:
    """
    Return the wait before retry *attempt* (0-based), in seconds.

    Args:
        jitter: Draw in [0, 1], passed in so that this stays pure; the wait is never below half of the ceiling.

    Raises:
        ValueError: *attempt* is negative.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog (equal jitter).
    """
    if attempt < 0:
        raise ValueError(attempt)
    ceiling = min(cap_s, base_s * 2.0**attempt)
    return ceiling / 2 + ceiling / 2 * jitter
