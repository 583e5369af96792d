"""What an action is carried out with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.apply.retry import delay_s, transient
from controller.errors import EngineError, OvctlError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.model.remedy import Remedy
    from controller.model.topology import Topology
    from controller.ports import Clock, Engine, Fleet, HostShell, Store

TRIES = 5
"""Tries of a transiently failing request: 3 always converged in 200 starts (docs/performance.md); one to spare."""

UNREACHABLE_FOR_S = 30.0
"""However many tries are left: a host that was silent for so long is gone, and one request alone may take minutes."""


@dataclass(frozen=True, slots=True)
class Hands:
    """
    The fleet, what is desired of it, and the clock.

    Args:
        desired: Names the members, whom the knife rule asks.
    """

    fleet: Fleet
    desired: Topology
    clock: Clock

    def engine(self, host: str) -> Engine:
        """The engine of *host*."""
        return self.fleet.engine(host)

    def shell(self, host: str) -> HostShell:
        """The shell of *host*."""
        return self.fleet.shell(host)

    def store(self) -> Store:
        """The store; UnreachableError for a topology without one."""
        store = self.fleet.store()
        if store is None:
            raise UnreachableError("the topology has no store")
        return store

    def retrying(
        self,
        attempt: Callable[[], object],
        remedies: tuple[Remedy, ...],
        note: Callable[[str], None],
        *,
        joins: bool = False,
    ) -> None:
        """
        Do *attempt*; transient errors are tried again after a backoff, if the action declares it.

        Args:
            attempt: Does no harm when it is done again: of one that broke nobody knows whether it took effect.
            joins: Whether it joins a container to a network: only there "not found" may pass.
        """
        begun = self.clock.monotonic()
        for number in range(TRIES):
            try:
                attempt()
            except (EngineError, UnreachableError) as error:
                if "retry" not in remedies or not transient(error, joins=joins) or number == TRIES - 1:
                    raise
                if isinstance(error, UnreachableError) and self.clock.monotonic() - begun > UNREACHABLE_FOR_S:
                    raise
                wait = delay_s(number, base_s=0.2, cap_s=3.0, jitter=self.clock.jitter())
                note(f"tried again after {wait:.1f} s: {error.message}")
                self.clock.sleep(wait)
            else:
                return

    def await_(self, ready: Callable[[], object], *, timeout_s: float, every_s: float = 0.25) -> bool:
        """Poll *ready* until it is true; errors count as "not yet". Return whether it became true in time."""
        deadline = self.clock.monotonic() + timeout_s
        while True:
            try:
                if ready():
                    return True
            except OvctlError:
                pass  # not yet: that it answers at all is part of what is awaited
            if self.clock.monotonic() >= deadline:
                return False
            self.clock.sleep(every_s)
