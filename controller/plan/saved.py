"""
Saving a plan and coming back to it: what is written, how it is read, and whether it still holds.

Pure: callers read and write the file. A saved plan is never carried out as it stands: the topology is planned again,
and the plan says what of that was agreed to and from which state of the hosts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from controller.errors import PlanFileError, StalePlanError
from controller.model.identity import digest
from controller.model.saved import (
    SAVED_PLAN,
    SAVED_PLAN_VERSION,
    SavedGeneration,
    SavedPlan,
    SavedPolicy,
    SavedStep,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.identity import Generation
    from controller.model.plan import Plan, Seen, Step
    from controller.plan.draft import Policy

MOST_TOLD = 10
"""Differences that a stale plan tells one by one."""
AGAIN = "look at it again and save it anew: `ovctl plan --out FILE`"
_TOLD = {
    "none": "as declared",
    "missing": "missing",
    "changed": "different",
    "unexpected": "there and not declared",
    "conflict": "in conflict",
    "unknown": "unread",
}


def saved_plan(plan: Plan, policy: Policy, generation: Generation, file: str) -> SavedPlan:
    """
    Return *plan* as it is saved.

    Args:
        policy: What it was made with, limits included.
        generation: Of the topology that it was made for.
        file: Absolute path of the topology file.
    """
    unsigned = SavedPlan(
        topology=plan.topology,
        generation=SavedGeneration.of(generation),
        file=file,
        policy=SavedPolicy(
            prune=policy.prune,
            max_deletes=policy.max_deletes,
            targets=policy.scope.targets,
            hosts=policy.scope.hosts,
            prune_volumes=policy.prune_volumes,
        ),
        steps=tuple(_step(step) for step in plan.steps),
        fingerprint={place: plan.seen[place] for place in plan.leans_on},
    )
    return unsigned.model_copy(update={"checksum": _checksum(unsigned.model_dump(mode="json"))})


def saved_text(saved: SavedPlan) -> str:
    """Return the text of the file; ``read_saved`` gives the same plan back, byte for byte."""
    return json.dumps(saved.model_dump(mode="json"), indent=2) + "\n"


def read_saved(text: str, file: str) -> SavedPlan:
    """
    Return the plan that *text*, the content of *file*, holds.

    Raises:
        PlanFileError: It is no saved plan, of a later format, or damaged.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    name = data.get("format") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name.startswith(SAVED_PLAN):
        raise PlanFileError(f"{file}: is no saved plan", hint="`ovctl plan --out FILE` saves one")
    version = name.removeprefix(SAVED_PLAN)
    if version != str(SAVED_PLAN_VERSION):
        fact = f"{file}: is of the format {name}; this ovctl knows {SAVED_PLAN}{SAVED_PLAN_VERSION}"
        raise PlanFileError(fact, hint="apply it with the ovctl that saved it, or plan again")
    damaged = PlanFileError(f"{file}: is damaged: it is not what was saved", hint=AGAIN)
    try:
        saved = SavedPlan.model_validate_json(text)
    except ValidationError:
        # what it says is not repeated: nobody knows what stands in a damaged file
        raise damaged from None
    if saved.checksum != _checksum(data):
        raise damaged
    return saved


def refuse_stale(saved: SavedPlan, plan: Plan) -> None:
    """
    Refuse *plan*, made now, unless it is what was agreed to, from what was seen then.

    Raises:
        StalePlanError: Something moved; the message names what, object and field, a line each.
    """
    moved = list(_moved(saved, plan))
    if moved:
        told = moved if len(moved) <= MOST_TOLD else [*moved[: MOST_TOLD - 1], f"and {len(moved) - MOST_TOLD + 1} more"]
        raise StalePlanError("\n".join(f"stale plan: {line}" for line in told), hint=AGAIN)


def refuse_other_topology(saved: SavedPlan, generation: Generation, file: str) -> None:
    """
    Refuse a topology that is not the one that *saved* was made for.

    Raises:
        StalePlanError: The digests differ.
    """
    if generation.digest != saved.generation.digest:
        then = saved.generation.digest + (f" (commit {saved.generation.commit})" if saved.generation.commit else "")
        raise StalePlanError(
            f"stale plan: {file} is generation {generation}, and it was made for {then}",
            hint=f"give the same file and the same variables, or {AGAIN}",
        )


def _checksum(data: dict[str, Any]) -> str:
    return digest({key: value for key, value in data.items() if key != "checksum"})


def _step(step: Step) -> SavedStep:
    action = step.action
    return SavedStep(
        id=step.id,
        verb=action.verb,
        symbol=action.symbol,
        address=str(action.address),
        host=action.host or None,
        reason=action.reason,
        disrupts=action.disrupts,
        needs=step.needs,
        follows=step.follows,
    )


def _moved(saved: SavedPlan, plan: Plan) -> Iterator[str]:
    for place, then in saved.fingerprint.items():
        yield from _differences(place, then, plan.seen.get(place))
    for place in plan.leans_on:
        if place not in saved.fingerprint and plan.seen[place].drift != "none":
            yield f"{place}: was not part of it, and is {_TOLD[plan.seen[place].drift]}"
    agreed = {step.id: step for step in saved.steps}
    for step in plan.steps:
        if step.id not in agreed:
            yield f"{step.id}: is a new step"
        elif more := sorted(set(step.action.disrupts) - set(agreed[step.id].disrupts)):
            yield f"{step.id}: would interrupt {', '.join(more)}, too"
    now = {step.id for step in plan.steps}
    yield from (f"{step}: is no longer a step" for step in agreed if step not in now)


def _differences(place: str, then: Seen, now: Seen | None) -> Iterator[str]:
    """Yield how one object moved: by field where both are there, else as a whole."""
    if now is None:
        yield f"{place}: was {_TOLD[then.drift]}, and is gone"
        return
    fields = [
        field
        for field in sorted({*then.fields, *now.fields})
        if then.fields.get(field, "as declared") != now.fields.get(field, "as declared")
    ]
    if then.drift != now.drift and not (fields and {then.drift, now.drift} == {"none", "changed"}):
        yield f"{place}: was {_TOLD[then.drift]}, and is {_TOLD[now.drift]}"
    elif then.id != now.id:
        yield f"{place}: is another one of that name"
    for field in fields:
        yield f"{place}: {field} was {_value(then, field)}, and is {_value(now, field)}"


def _value(seen: Seen, field: str) -> str:
    return ("(none)" if (value := seen.fields[field]) is None else value) if field in seen.fields else "as declared"
