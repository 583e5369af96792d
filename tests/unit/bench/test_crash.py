"""The soak's chance and its sums."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench import crash
from bench.fleet import places

if TYPE_CHECKING:
    from pathlib import Path


def test_same_seed_draws_the_same() -> None:
    assert [crash.draw(7, number) for number in range(1, 21)] == [crash.draw(7, number) for number in range(1, 21)]


def test_other_seed_draws_otherwise() -> None:
    assert [crash.draw(7, number) for number in range(1, 21)] != [crash.draw(8, number) for number in range(1, 21)]


def test_each_scenario_comes_once_in_three_runs() -> None:
    drawn = [crash.draw(1, number).scenario for number in range(1, 22)]
    for start in range(0, 21, 3):
        assert sorted(drawn[start : start + 3]) == sorted(crash.SCENARIOS)


def test_half_empties_an_overlay_and_leaves_others() -> None:
    drawn = [crash.draw(seed, number) for seed in range(5) for number in range(1, 22)]
    for one in (one for one in drawn if one.scenario == "half"):
        kept = {net for place in places(crash.SHAPE) if place.name not in one.chosen for net in place.addresses}
        assert 0 < len(kept) < crash.SHAPE.networks


def test_progress_of_another_soak_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "crash.progress.json"
    path.write_text(json.dumps({"same": {"seed": 1}, "typical": {}, "runs": [{}]}), encoding="utf-8")
    assert crash.resumed(path, {"seed": 2})["runs"] == []
    assert crash.resumed(path, {"seed": 1})["runs"] == [{}]


def test_missing_or_broken_progress_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "crash.progress.json"
    assert crash.resumed(path, {"seed": 1})["runs"] == []
    path.write_text("{", encoding="utf-8")
    assert crash.resumed(path, {"seed": 1})["runs"] == []


def test_failed_runs_are_named_and_not_averaged() -> None:
    runs: list[dict[str, Any]] = [
        {"number": 1, "converge_s": 4.0, "failures": []},
        {"number": 2, "converge_s": 90.0, "failures": ["plan ended with 2"]},
        {"number": 3, "converge_s": 6.0, "failures": []},
    ]
    assert crash.conclude(runs) == {
        "runs_done": 3,
        "ok": 2,
        "failed": [2],
        "converge_median_s": 5.0,
        "converge_max_s": 6.0,
    }
