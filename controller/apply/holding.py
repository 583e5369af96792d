"""
Whether a container holds: it stays up after its start, and becomes healthy where it has a healthcheck.

What takes the place of a container that served is asked this: as long as it may fail, the old one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.errors import EngineError, NotFoundError
from controller.model.health import health_of, within_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import AwaitContainer, RemoveContainer, ReplaceContainer
    from controller.model.health import Health
    from controller.ports import Json

    HoldingAction = AwaitContainer | ReplaceContainer | RemoveContainer

STAYS_UP_S = 1.5
"""What cannot live, a wrong argument or a missing file, is dead by then; a restart policy would hide it for ever."""

_ENDED_HINT = "start its image by hand to see what it says: this container was removed again"
_NO_CHECK_HINT = "declare a healthcheck for it, or wait for its start: condition: service_started"
_UNHEALTHY_HINT = "run the healthcheck's test by hand in a container of that image; what it prints is not shown here"


@dataclass(frozen=True, slots=True)
class Holding:
    """
    Watches one container for an action.

    Args:
        name: The container's, on the action's host.
        note: Told of what was tried again.
        tell: Told what is waited for.
    """

    name: str
    action: HoldingAction
    hands: Hands
    note: Callable[[str], None]
    tell: Callable[[str], None]

    def stays_up(self) -> None:
        """
        Wait until what was started just now has stayed up for a moment, and is healthy if it has a healthcheck.

        One that has ended with exit code 0 and is not to be restarted has done its work.

        Raises:
            EngineError: It ended, was restarted, is gone, or is not healthy in time.
            UnreachableError: Its engine does not answer.
        """
        found = self._watch(_failing, STAYS_UP_S, every_s=0.25)
        if _status(found) == "starting":
            found = self._await_health(found, _failing)
        if _completed(found):
            return
        if _failing(found):
            # one that its engine has started again shows no exit code any more
            state = found["State"]
            how = "was started again" if state["Status"] == "running" else f"ended with exit code {state['ExitCode']}"
            raise EngineError(f"container/{self.name} does not stay up: it {how}", hint=_ENDED_HINT)
        self._refuse_unhealthy(health_of(found))

    def is_well(self) -> None:
        """
        Wait until a container that has been up for any time is healthy, if it has a healthcheck.

        Raises:
            EngineError: It is not healthy in time.
            NotFoundError: It is gone.
            UnreachableError: Its engine does not answer.
        """
        found = self._read()
        if _status(found) == "starting":
            found = self._await_health(found, _ended)
        self._refuse_unhealthy(health_of(found))

    def becomes_healthy(self) -> None:
        """
        Wait until a container is healthy, be it that it is unhealthy by now: what it lacks may just have come.

        Raises:
            EngineError: It does not run, has no healthcheck, or is not healthy in time.
            NotFoundError: It is gone.
            UnreachableError: Its engine does not answer.
        """
        found = self._read()
        for status in ("unhealthy", "starting"):
            if _status(found) == status and not _ended(found):
                found = self._await_health(found, _ended)
        if _ended(found):
            code = found["State"]["ExitCode"]
            raise EngineError(f"container/{self.name} does not run: it ended with exit code {code}")
        if health_of(found) is None:
            raise EngineError(f"container/{self.name} has no healthcheck, nor has its image", hint=_NO_CHECK_HINT)
        self._refuse_unhealthy(health_of(found))

    def _await_health(self, found: Json, over: Callable[[Json], bool]) -> Json:
        """Watch until its health changes, *over* says so, or the time that its healthcheck gives it has passed."""
        before = _status(found)
        within = within_s(found["Config"].get("Healthcheck") or {})
        self.tell(f"waiting until container/{self.name} is healthy, {within:.0f} s at most")
        return self._watch(lambda now: over(now) or _status(now) != before, within, every_s=0.5)

    def _watch(self, over: Callable[[Json], bool], timeout_s: float, *, every_s: float) -> Json:
        """Read the container until *over* says so or the time has passed; return what was read last."""
        engine, read = self.hands.engine(self.action.host), list["Json"]()

        def asked() -> bool:
            read.clear()
            try:
                read.append(engine.inspect_container(self.name))
            except NotFoundError:
                return True
            return over(read[0])

        self.hands.await_(asked, timeout_s=timeout_s, every_s=every_s)
        # the reading that decided: a moment later one that ended may run again, and show no exit code
        return read[0] if read else self._read()

    def _read(self) -> Json:
        """Read the container; an engine that was silent for a moment has not lost it."""
        engine, read = self.hands.engine(self.action.host), list["Json"]()
        self.hands.retrying(lambda: read.append(engine.inspect_container(self.name)), self.action.remedies, self.note)
        return read[-1]

    def _refuse_unhealthy(self, health: Health | None) -> None:
        if health is not None and health.status != "healthy":
            raise EngineError(f"container/{self.name} {_how(health)}", hint=_UNHEALTHY_HINT)


def _failing(found: Json) -> bool:
    """Whether it does not run, or its engine had to start it again: a start by hand sets that count to 0."""
    return found["State"]["Status"] != "running" or bool(found.get("RestartCount"))


def _completed(found: Json) -> bool:
    """Whether it has done its work: it ended well, and its policy leaves it at that."""
    state, policy = found["State"], (found["HostConfig"].get("RestartPolicy") or {}).get("Name")
    ended_well = state["Status"] == "exited" and not state["ExitCode"] and not found.get("RestartCount")
    return ended_well and policy in (None, "", "no", "on-failure")


def _ended(found: Json) -> bool:
    """Whether it does not run, and its engine is not about to start it again."""
    return found["State"]["Status"] not in ("running", "restarting")


def _status(found: Json) -> str | None:
    health = health_of(found)
    return health.status if health else None


def _how(health: Health) -> str:
    if health.exit_code is None:
        last = ""
    elif health.exit_code < 0:
        last = "; the last check took too long or could not be run"
    else:
        last = f"; the last check ended with exit code {health.exit_code}"
    if health.status == "unhealthy":
        return f"is unhealthy: its healthcheck failed {health.failures} times in a row{last}"
    return f"is not healthy after {health.within_s:.0f} s{last}"
