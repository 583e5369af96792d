"""The machine's clock."""

from __future__ import annotations

import random
import time


class SystemClock:
    """``ports.Clock`` on the real time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self) -> float:
        """Return a draw in [0, 1] for backoff."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing
