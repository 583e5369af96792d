"""A plan: ordered actions as data, and the report of carrying one out."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic looks it up at run time, for a saved plan
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from controller.model.action import Action
    from controller.model.drift import DriftItem, Gap
    from controller.model.scope import Limits


@dataclass(frozen=True)
class Step:
    """
    An action in its place.

    Args:
        needs: Ids of the actions that must have succeeded before.
        follows: Ids of the actions that must have ended before, whichever way.
    """

    action: Action
    needs: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The action's id."""
        return self.action.id


@dataclass(frozen=True)
class Blocked:
    """A drift that is not acted on, and why."""

    item: DriftItem
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What was observed of an object, as far as it is compared.

    Args:
        drift: none · unknown (it could not be read) · missing · changed · unexpected · conflict.
        id: The engine's id of it, None where it has none or is not there.
        fields: Field that differs -> its observed value as text for people, None for "not there".
    """

    drift: Literal["none", "unknown", "missing", "changed", "unexpected", "conflict"]
    id: str | None
    fields: Mapping[str, str | None]


@dataclass(frozen=True)
class Plan:
    """
    What apply would do.

    Args:
        topology: Name of the topology.
        generation: Digest of the canonical topology; shown, never compared.
        steps: In an order in which they could be carried out one by one.
        items: The drift that the steps mend.
        blocked: The drift that is only reported.
        kept: Volumes of ours that nobody uses: they stay, which is told and no drift, until a person says otherwise.
        gaps: What could not be read; with any, the plan is incomplete.
        limits: What the plan is limited to, None for everything; nothing else counts, as a failure or as a success.
        seen: Object -> what was observed of it.
        leans_on: The objects in ``seen`` that the steps touch, and what these depend on: when they move, it is stale.
    """

    topology: str
    generation: str
    steps: tuple[Step, ...]
    items: tuple[DriftItem, ...]
    blocked: tuple[Blocked, ...]
    gaps: tuple[Gap, ...]
    kept: tuple[DriftItem, ...] = ()
    limits: Limits | None = None
    seen: Mapping[str, Seen] = field(default_factory=dict)
    leans_on: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do and nothing to tell."""
        return not (self.steps or self.blocked or self.gaps)

    @property
    def incomplete(self) -> bool:
        """Whether a part of the world could not be read."""
        return bool(self.gaps)


Result = Literal["done", "failed", "skipped", "stopped"]


@dataclass(frozen=True)
class Outcome:
    """
    How one step ended.

    Args:
        result: done · failed · skipped (something it needs failed) · stopped (not begun: the run was ended before).
        detail: The error, or what it was skipped for; empty when done.
        notes: Remedies that were used, for people.
        seconds: How long it took.
    """

    step: Step
    result: Result
    detail: str = ""
    hint: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What became of a plan."""

    outcomes: tuple[Outcome, ...]

    def count(self, result: Result) -> int:
        """How many steps ended as *result*."""
        return sum(outcome.result == result for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        """Whether every step was done."""
        return all(outcome.result == "done" for outcome in self.outcomes)
