"""What an adoption writes down, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import AdoptObject
from controller.model.identity import SHORT_ID
from controller.render.plan import change_lines
from controller.render.text import COLOURS, paint, plural

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.plan import Plan


def adoption_text(plan: Plan, *, colours: bool) -> str:
    """Return one block an object, with how it differs from what is declared; these differences stay for now."""
    differs = {(item.address, item.host): item for item in plan.items}
    lines = [f"topology {plan.topology}, generation {plan.generation}", ""]
    adoptions = [step.action for step in plan.steps if isinstance(step.action, AdoptObject)]
    for action in adoptions:
        where = "" if action.shared else f" on {action.host}"
        mark = paint("  =", "green", colours=colours)
        lines.append(f"{mark} {action.address}{where}: becomes ours as it is ({action.object_id[:SHORT_ID]})")
        item = differs.get((action.address, None if action.shared else action.host))
        if item is not None:
            lines += _differs(item)
    for blocked in plan.blocked:
        mark = paint("  !", COLOURS["!"], colours=colours)
        lines.append(f"{mark} {blocked.item.address}: not adopted: {blocked.why}")
    for gap in plan.gaps:
        mark = paint("  ?", COLOURS["?"], colours=colours)
        lines.append(f"{mark} {gap.place} is unknown: {gap.reason}")
    if len(lines) > 2:  # noqa: PLR2004 - the head
        lines.append("")
    return "\n".join([*lines, _summary(plan, adoptions)])


def _differs(item: DriftItem) -> list[str]:
    if item.cls == "changed":
        return ["        not as declared, for the next apply to mend:", *change_lines(item)]
    return [f"        {item.reason}"]


def _summary(plan: Plan, adoptions: list[AdoptObject]) -> str:
    if not adoptions:
        return "adopt: nothing to write down" + (f"; {len(plan.blocked)} not adopted" if plan.blocked else "")
    text = f"adopt: {plural(len(adoptions), 'object')} to write down as ours; none is changed"
    if plan.items:
        text += f"; {len(plan.items)} not as declared"
    if plan.blocked:
        text += f"; {len(plan.blocked)} not adopted"
    return text
