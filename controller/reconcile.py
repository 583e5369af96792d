"""
One cycle: desired against observed, the plan that mends the difference, and its execution.

Readable from top to bottom; every step lives in a room of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller.diff import diff
from controller.errors import RefusedError, UnreachableError
from controller.model.action import (
    AttachContainer,
    AwaitContainer,
    AwaitNetwork,
    ConfigureHost,
    CreateNetwork,
    PlaceStore,
    RecordMembers,
    RemoveContainer,
    RemoveNetwork,
    ReplaceContainer,
    RestoreHost,
    SettleHost,
    StartContainer,
)
from controller.model.desired import places_store, store_place
from controller.model.observed import Unknown
from controller.model.plan import Outcome, Report
from controller.observe import observe
from controller.plan import Policy, make_plan, refuse_unknown
from controller.plan.saved import refuse_stale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.apply import Progress
    from controller.model.identity import Generation
    from controller.model.observed import Observed
    from controller.model.plan import Plan, Step
    from controller.model.saved import SavedPlan
    from controller.model.topology import Topology
    from controller.ports import Clock, Fence, Fleet


@dataclass(frozen=True, slots=True)
class Cycle:
    """
    What a reconciliation works with.

    Args:
        desired: The topology.
        generation: Its digest and commit, shown with every plan.
        lock_timeout_s: How long to wait for another apply to end.
        saved: The saved plan that is to be applied, and nothing else; None for what is planned then.
    """

    desired: Topology
    generation: Generation
    fleet: Fleet
    clock: Clock
    policy: Policy
    lock_timeout_s: float = 0.0
    saved: SavedPlan | None = None

    def look(self, *, gateways: bool = False, again: bool = False) -> tuple[Observed, Plan]:
        """
        Observe, compare, plan; nothing is changed.

        Args:
            gateways: Whether to ask for the addresses on docker_gwbridge, too: nothing is compared with them.
            again: Whether it was looked before: a target that was there then may be gone by now.
        """
        observed = observe(self.desired, self.fleet, gateways=gateways)
        drift = diff(self.desired, observed)
        if not again:
            refuse_unknown(drift, self.policy.scope)
        return observed, make_plan(drift, self.policy, generation=str(self.generation))

    def apply(
        self,
        agree: Callable[[Plan], bool],
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> Applied | None:
        """
        Plan under the lock, ask *agree*, carry out what was agreed to, look again; None without consent or work.

        What is still not as declared after the first pass gets a second one: engines lose endpoints under load without
        a word, and a start that failed on the store often succeeds a moment later. There is no third.

        A store that is still to be placed, or whose own host's daemon is restarted, cannot hold a lock meanwhile. That
        comes first: the container's name is the mutex, and both are idempotent. Then the lock is taken, and what is
        left is planned again. A placed store that is taken away goes last of all, without a lock.
        """
        from controller.apply import run  # noqa: PLC0415 - plan, status and verify do without it
        from controller.apply.hands import Hands  # noqa: PLC0415

        hands = Hands(self.fleet, self.desired, self.clock)
        fence = self.fleet.fence()
        locked = self._lock(fence)
        try:
            _, plan = self.look(again=self.saved is not None)
            if self.saved is not None:
                refuse_stale(self.saved, plan)
            if not plan.steps or not agree(plan):
                return None
            outcomes: tuple[Outcome, ...] = ()
            rest = plan
            first = _store_stage(plan, self.desired)
            if first.steps:
                placed = run(first, hands, fence if locked else _Unfenced(), progress, stopped)
                outcomes = placed.outcomes
                if not placed.ok or stopped():
                    return Applied(Report((*outcomes, *_never_begun(plan, placed))), plan)
                fence.release()
                locked = False
                locked = self._lock(fence, must=True)
                observed, rest = self.look(again=True)
                if isinstance(observed.store, Unknown):
                    raise UnreachableError(observed.store.reason, hint="nothing else was begun")
                _refuse_surprise(plan, rest)
            elif not locked:
                locked = self._lock(fence, must=True)
            last = _closing_stage(rest, self.desired)
            report = run(_without(rest, last), hands, fence, progress, stopped)
            outcomes += report.outcomes
            if last.steps and report.ok and not stopped():
                # the lock goes with its store
                fence.release()
                locked = False
                return Applied(
                    Report((*outcomes, *run(last, hands, _Unfenced(), progress, stopped).outcomes)),
                    self.look(again=True)[1],
                )
            outcomes += tuple(Outcome(step, "stopped", "what comes before it is not done") for step in last.steps)
            _, left = self.look(again=True)
            if not stopped() and _worth_another(report, left, plan):
                report = run(left, hands, fence, progress, stopped)
                outcomes = (*(outcome for outcome in outcomes if outcome.result == "done"), *report.outcomes)
                _, left = self.look(again=True)
            return Applied(Report(outcomes), left)
        finally:
            if locked:
                fence.release()

    def adopt(
        self,
        wanted: tuple[str, ...],
        agree: Callable[[Plan], bool],
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> Report | None:
        """
        Look under the lock, ask *agree*, write down as ours what was agreed to; None without consent or need.

        Args:
            wanted: Addresses; all that can be adopted without any.

        Raises:
            RefusedError: Something that is *wanted* cannot be adopted.
        """
        from controller.apply import run  # noqa: PLC0415 - plan, status and verify do without it
        from controller.apply.hands import Hands  # noqa: PLC0415
        from controller.plan.adoption import plan_adoption  # noqa: PLC0415

        fence = self.fleet.fence()
        locked = self._lock(fence)
        try:
            observed = observe(self.desired, self.fleet)
            plan = plan_adoption(diff(self.desired, observed), wanted, generation=str(self.generation))
            if not agree(plan) or not plan.steps:
                return None
            hands = Hands(self.fleet, self.desired, self.clock)
            return run(plan, hands, fence if locked else _Unfenced(), progress, stopped)
        finally:
            if locked:
                fence.release()

    def _lock(self, fence: Fence, *, must: bool = False) -> bool:
        """Take the lock; a store that this topology places itself may not answer yet."""
        try:
            fence.acquire(timeout_s=self.lock_timeout_s)
        except UnreachableError:
            if must or not places_store(self.desired):
                raise
            return False
        return True


@dataclass(frozen=True, slots=True)
class Applied:
    """
    What came of an apply.

    Args:
        left: What would be planned now.
    """

    report: Report
    left: Plan


class _Unfenced:
    """Stands in for the lock while there is no store to hold it."""

    def acquire(self, *, timeout_s: float) -> None:
        """Nothing to take."""

    def check(self) -> None:
        """Nothing to lose."""

    def release(self) -> None:
        """Nothing to give back."""


def _store_stage(plan: Plan, desired: Topology) -> Plan:
    """Return the part of *plan* that the store does not survive: it is placed, or its host's daemon restarted."""
    place = store_place(desired)
    if place is None:
        return replace(plan, steps=())
    kept = {
        step.id
        for step in plan.steps
        if isinstance(step.action, PlaceStore)
        or (isinstance(step.action, ConfigureHost) and step.action.host == place.host and step.action.restart)
    }
    needed = {need for step in plan.steps if step.id in kept for need in step.needs}
    pulled = {need for step in plan.steps if step.id in needed for need in step.needs}
    return replace(plan, steps=tuple(step for step in plan.steps if step.id in kept | needed | pulled))


def _closing_stage(plan: Plan, desired: Topology) -> Plan:
    """Return the part of *plan* that takes a placed store away: its host's daemon leaves it, its container goes."""
    place = desired.store.place if desired.store else None
    if place is None or desired.hosts[place.host].state == "present":
        return replace(plan, steps=())
    steps = (
        step
        for step in plan.steps
        if (isinstance(step.action, RestoreHost) and step.action.host == place.host)
        or (isinstance(step.action, RemoveContainer) and step.action.address.kind == "store")
    )
    return replace(plan, steps=tuple(steps))


def _without(plan: Plan, last: Plan) -> Plan:
    """Return *plan* without the steps of its last stage; none of the others needs one of those."""
    ids = {step.id for step in last.steps}
    return replace(plan, steps=tuple(step for step in plan.steps if step.id not in ids))


def _refuse_surprise(agreed: Plan, rest: Plan) -> None:
    """Refuse to do what was not in the plan that was agreed to."""
    known = {_what(step) for step in agreed.steps}
    new = [
        step.id
        for step in rest.steps
        if _what(step) not in known
        and step.action.address.kind != "store"
        and not isinstance(step.action, SettleHost)  # it follows from who has joined by now
    ]
    if new:
        raise RefusedError(f"the plan changed while the store was placed: {new[0]} is new", hint="run apply again")


def _what(step: Step) -> str:
    """Return what a step does; from which host an overlay is made, or a network removed, is not part of it."""
    action = step.action
    network = isinstance(action, AwaitNetwork | RemoveNetwork) or (
        isinstance(action, CreateNetwork) and action.network.spans_hosts
    )
    return f"{action.verb} {action.address}" if network else step.id


def _worth_another(report: Report, left: Plan, agreed: Plan) -> bool:
    """Whether a second pass may help: only on what was agreed to, never to repeat a rollback or a wait in vain."""
    if any(
        outcome.result == "stopped"
        or (
            outcome.result == "failed"
            and isinstance(outcome.step.action, AwaitContainer | ReplaceContainer | ConfigureHost | RestoreHost)
        )
        for outcome in report.outcomes
    ):
        return False
    agreed_to = {step.id for step in agreed.steps}
    ours = {item.address for item in agreed.items}
    return bool(left.steps) and all(
        step.id in agreed_to
        or isinstance(step.action, SettleHost | RecordMembers)
        or (step.action.address in ours and isinstance(step.action, AttachContainer | StartContainer))
        for step in left.steps
    )


def _never_begun(plan: Plan, placed: Report) -> Iterator[Outcome]:
    """Yield the outcomes of a run that ended with the store's stage."""
    begun = {outcome.step.id for outcome in placed.outcomes}
    return (Outcome(step, "stopped", "the store is not there") for step in plan.steps if step.id not in begun)
