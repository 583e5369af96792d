"""Results: sums, and files that are whole or not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench import apply, results

if TYPE_CHECKING:
    from pathlib import Path


def one(number: int, raw_s: float, ovctl_s: float, *, running: int = 40) -> dict[str, Any]:
    return {
        "round": number,
        "raw": {"seconds": raw_s, "running": 40},
        "ovctl": {"seconds": ovctl_s, "running": running, "code": 0},
        "ratio": round(ovctl_s / raw_s, 3),
    }


def test_conclusion_is_made_of_medians() -> None:
    concluded = apply.conclude([one(1, 10, 11), one(2, 10, 10.5), one(3, 10, 30)])
    assert concluded["ratio_median"] == 1.1
    assert concluded["ratio_max"] == 3.0
    assert concluded["ovctl_median_s"] == 11
    assert concluded["all_ran_each_time"]


def test_round_short_of_all_is_named() -> None:
    concluded = apply.conclude([one(1, 10, 11), one(2, 10, 11, running=39)])
    assert not concluded["all_ran_each_time"]
    assert concluded["rounds_short_of_all"] == [2]


def test_summary_has_median_and_extremes() -> None:
    assert results.summary([0.3, 0.1, 0.2]) == {"median_s": 0.2, "min_s": 0.1, "max_s": 0.3}


def test_result_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "results" / "apply.json"
    results.write(path, {"a": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]
