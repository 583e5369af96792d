"""A plan and its report, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.model.action import RemoveNetwork, ReplaceContainer
from controller.render.text import COLOURS, paint, plural

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.plan import Outcome, Plan, Report, Step
    from controller.model.scope import Limits

PLAN_FORMAT = "ovctl.plan/1"
_SYMBOLS = {"missing": "+", "changed": "~", "unexpected": "-", "conflict": "!"}


def plan_text(plan: Plan, *, colours: bool) -> str:
    """Return the plan: one block an object, with the reason of each change and whom it disrupts."""
    lines = [f"topology {plan.topology}, generation {plan.generation}", ""]
    if plan.limits:
        lines[1:1] = [f"limited to {limits_text(plan.limits)}"]
    if plan.empty:
        return "\n".join([*lines[:-1], *_kept(plan, colours=colours), f"nothing to do: {in_sync_text(plan)}"])
    anew = [step.action for step in plan.steps if isinstance(step.action, ReplaceContainer | RemoveNetwork)]
    for item in plan.items:
        again = item.cls == "changed" and any(
            action.address == item.address and item.host in (None, action.host) for action in anew
        )
        lines += _item(item, "-/+" if again else _SYMBOLS[item.cls], item.reason, colours=colours)
        disrupts = sorted(
            {
                name
                for step in plan.steps
                if step.action.address == item.address and item.host in (None, step.action.host)
                for name in step.action.disrupts
            }
        )
        if disrupts:
            lines.append(f"        disrupts: {', '.join(disrupts)}")
    for blocked in plan.blocked:
        lines += _item(blocked.item, "!", f"not acted on: {blocked.why}", colours=colours)
    lines += _kept(plan, colours=colours)
    for gap in plan.gaps:
        lines.append(
            f"{paint('?', COLOURS['?'], colours=colours):>{3 + 9 * colours}} {gap.place} is unknown: {gap.reason}"
        )
    return "\n".join([*lines, "", summary(plan)])


def _kept(plan: Plan, *, colours: bool) -> list[str]:
    """Return a line for each volume that stays although nobody uses it."""
    return [line for item in plan.kept for line in _item(item, "=", f"kept: {item.reason}", colours=colours)]


def limits_text(limits: Limits) -> str:
    """Return what a plan is limited to, and how much that is."""
    return f"{limits.scope}: {plural(len(limits.addresses), 'object')}, dependencies included"


def in_sync_text(plan: Plan) -> str:
    """Return how far an empty plan means that all is as declared: a limited one says nothing of the rest."""
    if plan.limits is None:
        return "the hosts are as declared"
    rest = f"{plural(plan.limits.outside, 'object')} beyond them {'is' if plan.limits.outside == 1 else 'are'} not"
    return f"within the limits all is as declared; {rest if plan.limits.outside else 'the rest was left as it is'}"


def _item(item: DriftItem, symbol: str, reason: str, *, colours: bool) -> list[str]:
    where = f" on {item.host}" if item.host and item.address.kind in ("container", "network", "volume", "files") else ""
    mark = paint(symbol.rjust(3), COLOURS[symbol], colours=colours)
    lines = [f"{mark} {item.address}{where}: {reason}"]
    return lines + (change_lines(item) if item.cls in ("changed", "conflict") else [])


def change_lines(item: DriftItem) -> list[str]:
    """Return a line for each field of *item*, ``observed -> desired``."""
    return [f"        {change.field}: {_shown(change.observed)} -> {_shown(change.desired)}" for change in item.changes]


def _shown(value: str | None) -> str:
    return "(none)" if value is None else value or '""'


def summary(plan: Plan) -> str:
    """Return the last line: how many objects, and what stands in the way."""
    counts = {cls: sum(item.cls == cls for item in plan.items) for cls in ("missing", "changed", "unexpected")}
    text = f"plan: {counts['missing']} to create, {counts['changed']} to change, {counts['unexpected']} to remove"
    if plan.blocked:
        text += f"; {len(plan.blocked)} not acted on"
    if plan.limits:
        text += f"; {plan.limits.outside} beyond the limits"
    if plan.gaps:
        text += f"; incomplete: {', '.join(gap.place for gap in plan.gaps)} could not be read"
    return text


def outcome_text(outcome: Outcome, done: int, total: int, *, colours: bool) -> str:
    """Return one line for a step that ended, with its remedies and its error below."""
    step = outcome.step
    marks = {
        "done": ("ok", "green"),
        "failed": ("FAILED", "red"),
        "skipped": ("skipped", "yellow"),
        "stopped": ("not begun", "yellow"),
    }
    word, colour = marks[outcome.result]
    head = f"[{done:>{len(str(total))}}/{total}] {step_text(step)}: {paint(word, colour, colours=colours)}"  # type: ignore[arg-type]  # the table's colours are Colours
    if outcome.result == "done":
        head += f" ({outcome.seconds:.1f} s)"
    lines = [head, *(f"        {note}" for note in outcome.notes)]
    if outcome.detail:
        lines.append(f"        {outcome.detail}")
    if outcome.hint:
        lines.append(f"        hint: {outcome.hint}")
    return "\n".join(lines)


def step_text(step: Step) -> str:
    """Return what a step does, in a few words."""
    return step.id.removesuffix(" on ")


def report_text(report: Report, *, verb: str = "apply") -> str:
    """Return the last line of a run."""
    words = [f"{report.count('done')} done"]
    words += [
        f"{count} {word}"
        for word, count in (
            ("failed", report.count("failed")),
            ("skipped", report.count("skipped")),
            ("not begun", report.count("stopped")),
        )
        if count
    ]
    return f"{verb}: {', '.join(words)}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for programs; ``format`` names the version of this shape."""
    return {
        "format": PLAN_FORMAT,
        "topology": plan.topology,
        "generation": plan.generation,
        "limits": _limits_json(plan.limits),
        "incomplete": plan.incomplete,
        "drift": [_item_json(item) for item in plan.items],
        "blocked": [{**_item_json(blocked.item), "why": blocked.why} for blocked in plan.blocked],
        "kept": [_item_json(item) for item in plan.kept],
        "unknown": [{"place": gap.place, "reason": gap.reason} for gap in plan.gaps],
        "steps": [_step_json(step) for step in plan.steps],
    }


def _limits_json(limits: Limits | None) -> dict[str, Any] | None:
    if limits is None:
        return None
    return {
        "targets": list(limits.scope.targets),
        "hosts": list(limits.scope.hosts),
        "addresses": [str(address) for address in limits.addresses],
        "outside": limits.outside,
    }


def _item_json(item: DriftItem) -> dict[str, Any]:
    return {
        "address": str(item.address),
        "host": item.host,
        "class": item.cls,
        "reason": item.reason,
        "changes": [
            {"field": change.field, "desired": change.desired, "observed": change.observed} for change in item.changes
        ],
    }


def _step_json(step: Step) -> dict[str, Any]:
    """Return a step without its payload: what an action carries may hold values that are nobody's business."""
    action = step.action
    return {
        "id": step.id,
        "verb": action.verb,
        "symbol": action.symbol,
        "address": str(action.address),
        "host": action.host or None,
        "reason": action.reason,
        "disrupts": list(action.disrupts),
        "needs": list(step.needs),
        "follows": list(step.follows),
    }


def report_json(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "format": "ovctl.report/1",
        "ok": report.ok,
        "outcomes": [
            {
                "id": outcome.step.id,
                "result": outcome.result,
                "detail": outcome.detail,
                "notes": list(outcome.notes),
                "seconds": round(outcome.seconds, 3),
            }
            for outcome in report.outcomes
        ],
    }
