"""
Turn drift into an ordered plan.

Pure: no I/O, no clock, no randomness. The same drift gives the same plan, byte for byte. Nothing is planned from what
is unknown, and nothing that is not ours is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.plan import Plan
from controller.model.scope import Limits, Scope
from controller.plan.budget import over_budget
from controller.plan.container import judge_containers, plan_containers, plan_removals
from controller.plan.draft import Draft, Policy
from controller.plan.files import plan_files
from controller.plan.fingerprint import leans_on, seen
from controller.plan.handover import plan_handovers
from controller.plan.host import plan_hosts, plan_restores
from controller.plan.limit import refuse_unknown
from controller.plan.network import plan_network_removals, plan_networks, stranded
from controller.plan.settle import plan_settling
from controller.plan.store import plan_final_record, plan_store
from controller.plan.volume import plan_volume_removals, plan_volumes

if TYPE_CHECKING:
    from controller.model.drift import Drift

__all__ = ["Policy", "Scope", "make_plan", "refuse_unknown"]


def make_plan(drift: Drift, policy: Policy, *, generation: str = "") -> Plan:
    """
    Return the plan that mends *drift* as far as *policy* and safety allow; the rest of the drift is in ``blocked``.

    Deletions beyond the budget are all refused, and the rest is planned without them.
    """
    draft = _drafted(drift, policy)
    refused = over_budget(draft)
    if refused:
        draft = _drafted(drift, policy, refused)
    steps = draft.ordered()
    return Plan(
        topology=drift.desired.name,
        generation=generation,
        steps=steps,
        items=tuple(draft.planned),
        blocked=tuple(draft.blocked),
        kept=tuple(draft.kept_volumes),
        gaps=draft.drift.gaps,
        limits=_limits(draft),
        seen=seen(draft),
        leans_on=leans_on(draft, steps),
    )


def _limits(draft: Draft) -> Limits | None:
    if draft.within is None:
        return None
    return Limits(draft.policy.scope, tuple(sorted(draft.within.addresses)), len(draft.outside))


def _drafted(drift: Drift, policy: Policy, refused: str | None = None) -> Draft:
    """Plan everything; again, while a network was to leave under containers that turn out to stay as they are."""
    kept: dict[tuple[str, str], str] = {}
    while True:
        draft = Draft(drift, policy, refused=refused, kept=kept)
        _plan_all(draft)
        found = stranded(draft)
        if not found:
            return draft
        kept |= found


def _plan_all(draft: Draft) -> None:
    """Plan everything; each line may need steps of the lines above it, never the other way round."""
    plan_store(draft)
    plan_hosts(draft)
    plan_volumes(draft)
    plan_removals(draft)
    plan_networks(draft)
    judge_containers(draft)
    plan_handovers(draft)
    plan_containers(draft)
    plan_files(draft)
    plan_settling(draft)
    plan_network_removals(draft)
    plan_volume_removals(draft)
    plan_restores(draft)
    plan_final_record(draft)
