"""
What goes wrong in a simulated cluster, as data.

A fault is planned before the code under test runs and is used up by the effects that it hits; nothing is patched.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from controller.errors import EngineError, OvctlError

STORE_DIAL = "failed to update store for object type *libnetwork.endpointCnt: dial tcp: connect: network is unreachable"


class Killed(BaseException):
    """The process that applies was killed here: not an error that anybody may catch."""


@dataclass(slots=True)
class Fault:
    """
    One planned fault.

    Args:
        error: What is raised.
        nth: Which of the matching effects is hit first, from 1.
        times: How many in a row are hit from there on.
        method: Only this method of a port; every effect when empty.
        host: Only on this host.
        name: Only when the effect's first argument is this: a name or an id.
        after: Whether the effect takes place and only its answer is lost.
        leak: For ``start_container``: the endpoint is made, then the start fails and the endpoint stays.
    """

    error: OvctlError
    nth: int = 1
    times: int = 1
    method: str = ""
    host: str = ""
    name: str = ""
    after: bool = False
    leak: bool = False

    def fresh(self) -> OvctlError:
        """Return a copy to raise: one exception raised twice would show both tracebacks."""
        return copy.copy(self.error)

    def hits(self, host: str, method: str, name: str) -> bool:
        """Whether this effect is one that goes wrong; counts it if it matches."""
        if self.times <= 0 or (self.method or method) != method:
            return False
        if (self.host or host) != host or (self.name or name) != name:
            return False
        self.nth -= 1
        if self.nth > 0:
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """
    Everything that is planned to go wrong.

    Args:
        unreachable: Hosts that ssh does not reach.
        hung_engines: Hosts whose engine does not answer although its unit is active.
        left: How many more effects happen before the process is killed; None for no such plan.
        killed: Whether it was: then every call raises ``Killed`` until ``resume``.
    """

    planned: list[Fault] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    hung_engines: set[str] = field(default_factory=set)
    left: int | None = None
    killed: bool = False

    def fail(  # noqa: PLR0913 - all but the error are keywords with a default, one condition each
        self,
        error: OvctlError,
        *,
        nth: int = 1,
        times: int = 1,
        method: str = "",
        host: str = "",
        name: str = "",
        after: bool = False,
    ) -> None:
        """Plan that effects fail with *error*; the arguments are those of ``Fault``."""
        self.planned.append(Fault(error, nth=nth, times=times, method=method, host=host, name=name, after=after))

    def fail_start(self, *, nth: int = 1, times: int = 1, host: str = "", leak: bool = False) -> None:
        """Plan what an engine does at random under load: a start fails on a store dial, and may leak its endpoint."""
        error = EngineError(STORE_DIAL, status=500)
        self.planned.append(Fault(error, nth=nth, times=times, method="start_container", host=host, leak=leak))

    def stop_after(self, effects: int) -> None:
        """Plan that the applying process is killed right after that many more effects."""
        self.left = effects

    def resume(self) -> None:
        """Start a new process: nothing is killed any more, and no kill is planned."""
        self.left, self.killed = None, False

    def take(self, host: str, method: str, name: str) -> Fault | None:
        """Return the fault that hits this effect, counting it for all of them."""
        return next((fault for fault in self.planned if fault.hits(host, method, name)), None)
