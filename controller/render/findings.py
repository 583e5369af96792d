"""Findings of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.render.text import paint, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.model.finding import Finding

FINDINGS_FORMAT = "ovctl.findings/1"


def findings_text(findings: Sequence[Finding], *, verbose: bool, colours: bool) -> str:
    """Return a line for each finding that is not ok (all of them when *verbose*), and the counts."""
    lines = []
    for finding in findings:
        if finding.ok and not verbose:
            continue
        mark = paint("ok  ", "green", colours=colours) if finding.ok else paint("FAIL", "red", colours=colours)
        to = f" -> {finding.target}" if finding.target else ""
        lines.append(f"{mark} {finding.source}{to}: {finding.message}")
        if finding.hint:
            lines.append(f"       hint: {finding.hint}")
    return "\n".join([*lines, _counts(findings)])


def _counts(findings: Sequence[Finding]) -> str:
    kinds = (("address", "by IP address"), ("name", "by name"), ("isolation", "isolated"))
    words = []
    for kind, told in kinds:
        of_kind = [finding for finding in findings if finding.kind == kind]
        words.append(f"{sum(finding.ok for finding in of_kind)} of {len(of_kind)} {told}")
    failed = sum(not finding.ok for finding in findings)
    verdict = "verify: all green" if findings and not failed else f"verify: {plural(failed, 'finding')}"
    if not findings:
        verdict = "verify: there is no pair of containers to ask"
    return f"{verdict} ({', '.join(words)})"


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings for programs."""
    return {
        "format": FINDINGS_FORMAT,
        "ok": all(finding.ok for finding in findings),
        "findings": [
            {
                "ok": finding.ok,
                "kind": finding.kind,
                "source": finding.source,
                "target": finding.target or None,
                "message": finding.message,
                "hint": finding.hint,
            }
            for finding in findings
        ],
    }
