"""
The scheduler: steps whose needs are met run side by side, within the width of their lanes.

A failed step stops only what needs it. When the run is asked to stop, or its lock is lost, the steps in hand are
finished and no other is begun.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Protocol

from controller.apply.perform import perform
from controller.errors import OvctlError
from controller.model.action import (
    AdoptObject,
    AwaitContainer,
    AwaitNetwork,
    ConfigureHost,
    CreateNetwork,
    RecordMembers,
    RemoveNetwork,
    RestoreHost,
    SettleHost,
)
from controller.model.plan import Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import Action
    from controller.model.plan import Plan, Step
    from controller.ports import Fence

ENGINE_WIDTH = 4
"""
Actions at once on one engine: measured, create + start gains nothing beyond (moby 20.10; performance notes in
docs/performance.md).
"""


class Progress(Protocol):
    """Told what happens while it happens; but for ``told``, from the thread that calls ``run``."""

    def planned(self, steps: int) -> None:
        """A run of so many steps begins; an apply may have several."""
        ...

    def started(self, step: Step) -> None:
        """A step begins."""
        ...

    def told(self, step: Step, how_far: str) -> None:
        """A step that takes long says how far it is; from any thread."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """A step ended, or will never begin."""
        ...


def lane(action: Action) -> tuple[str, int]:
    """
    Return the lane of an action and how many of it may run at once.

    Daemons are restarted one at a time; parallel creates of networks leak address pools (moby 20.10).
    """
    match action:
        case ConfigureHost() | RestoreHost():
            return "daemons", 1
        case CreateNetwork() if not action.network.spans_hosts:
            return f"host/{action.host}", ENGINE_WIDTH
        case CreateNetwork() | RemoveNetwork() | AwaitNetwork():
            return "networks", 1
        case SettleHost():
            return f"settle/{action.host}", ENGINE_WIDTH
        case AwaitContainer():
            return f"await/{action.host}", ENGINE_WIDTH
        case RecordMembers():
            return "store", 1
        case AdoptObject():
            # what is written down is read first: one at a time
            return "store" if action.shared else f"record/{action.host}", 1
        case _:
            return f"host/{action.host}", ENGINE_WIDTH


class _Run:
    """One run of a plan: which steps wait, which run, how the others ended."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.waiting = {step.id: step for step in plan.steps}
        self.running: dict[str, Step] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.lanes: dict[str, int] = {}
        self.progress = progress

    def end(self, outcome: Outcome) -> None:
        """Note how a step ended."""
        self.outcomes[outcome.step.id] = outcome
        self.progress.ended(outcome)

    def ready(self) -> list[Step]:
        """Take the steps that may begin now, in the plan's order, and skip those whose needs failed."""
        begin: list[Step] = []
        for step in list(self.waiting.values()):
            failed = [need for need in step.needs if need in self.outcomes and self.outcomes[need].result != "done"]
            if failed:
                del self.waiting[step.id]
                self.end(Outcome(step, "skipped", f"needs: {failed[0]}"))
                continue
            open_steps = {*self.waiting, *self.running}
            if any(other in open_steps for other in (*step.needs, *step.follows)):
                continue
            name, width = lane(step.action)
            if self.lanes.get(name, 0) < width:
                self.lanes[name] = self.lanes.get(name, 0) + 1
                self.running[step.id] = self.waiting.pop(step.id)
                begin.append(step)
        return begin

    def finish(self, step: Step) -> None:
        """Free the step's place in its lane."""
        name, _ = lane(step.action)
        self.lanes[name] -= 1
        del self.running[step.id]


def run(plan: Plan, hands: Hands, fence: Fence, progress: Progress, stopped: Callable[[], bool]) -> Report:
    """
    Carry out *plan* and report on every step, in the plan's order.

    Args:
        hands: The fleet, the topology and the clock.
        fence: Checked before each action; once it is lost, nothing more is begun.
        progress: Told as it goes.
        stopped: Asked before each step; true means "finish what is in hand".
    """
    state = _Run(plan, progress)
    progress.planned(len(plan.steps))
    why = ""
    # what only waits has a lane of its own on each host
    widest = max(1, 2 * ENGINE_WIDTH * len(hands.desired.hosts))
    with ThreadPoolExecutor(min(64, widest + 2), thread_name_prefix="apply") as pool:
        futures: dict[Future[Outcome], Step] = {}
        while True:
            why = why or ("stopped on request" if stopped() else _lost(fence) if state.waiting else "")
            if not why:
                for step in state.ready():
                    progress.started(step)
                    futures[pool.submit(_perform, step, hands, progress)] = step
            if not futures:
                break
            done, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in done:
                state.finish(futures.pop(future))
                state.end(future.result())
    for step in state.waiting.values():
        state.end(Outcome(step, "stopped", why))
    return Report(tuple(state.outcomes[step.id] for step in plan.steps))


def _lost(fence: Fence) -> str:
    try:
        fence.check()
    except OvctlError as error:
        return error.message
    return ""


def _perform(step: Step, hands: Hands, progress: Progress) -> Outcome:
    begun = hands.clock.monotonic()
    notes: list[str] = []
    try:
        perform(step.action, hands, notes.append, partial(progress.told, step))
    except OvctlError as error:
        seconds = hands.clock.monotonic() - begun
        return Outcome(step, "failed", error.message, error.hint, tuple(notes), seconds)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        # an engine that answers in another shape fails this step, not the run
        seconds = hands.clock.monotonic() - begun
        detail = f"an answer that cannot be read: {type(error).__name__}: {error}"
        return Outcome(step, "failed", detail, None, tuple(notes), seconds)
    return Outcome(step, "done", notes=tuple(notes), seconds=hands.clock.monotonic() - begun)
