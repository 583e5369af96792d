"""Whole processes: how they ended, when they said what, and that a killed one is told from one that ended."""

from __future__ import annotations

import sys

from bench.command import Ended, Line, last_step, longest_steps, phases, run, telling

PLAN = Line(0.4, "topology soak, generation 1a2b")
STEPS = (Line(1.0, "[1/2] create network/a on h1: ok (0.1 s)"), Line(2.5, "[2/2] create container/b on h1: ok (1.5 s)"))


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_exit_code_and_both_streams_are_told() -> None:
    ended = run(
        python("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"), timeout_s=30
    )
    assert (ended.code, ended.text) == (3, "out\nerr")
    assert ended.cpu_s > 0
    assert 0 <= ended.lines[0].at_s <= ended.seconds


def test_process_that_lasts_is_killed_after_the_delay() -> None:
    ended = run(python("import time; print('here', flush=True); time.sleep(60)"), timeout_s=30, kill_after_s=0.5)
    assert ended.code == -9
    assert 0.5 <= ended.seconds < 30


def test_process_that_ended_before_was_not_killed() -> None:
    assert run(python("pass"), timeout_s=30, kill_after_s=20).code == 0


def test_last_step_is_the_last_line_of_progress() -> None:
    note = Line(2.6, "        tried again after 0.2 s: network a not found")
    assert last_step((PLAN, *STEPS, note)) == STEPS[-1].text


def test_last_step_tells_how_far_it_got_before_the_first() -> None:
    assert last_step(()) == "nothing was printed yet"
    assert last_step((PLAN,)) == "the plan was shown, no step had ended"


def test_phases_add_up_to_the_whole() -> None:
    found = phases(Ended(0, 3.0, 0.1, (PLAN, *STEPS, Line(2.9, "in sync"))))
    assert found == {"until_plan_s": 0.4, "steps_s": 2.1, "after_steps_s": 0.5}


def test_phases_of_a_process_that_said_nothing_are_all_before_the_plan() -> None:
    assert phases(Ended(1, 3.0, 0.1, ())) == {"until_plan_s": 3.0, "steps_s": 0.0, "after_steps_s": 0.0}


def test_telling_keeps_what_failed_or_needed_a_remedy() -> None:
    failed = Line(3.0, "[3/3] create container/c on h1: FAILED")
    why = Line(3.0, "        host/h1: address already in use")
    note = Line(2.5, "        tried again after 0.2 s: network a not found")
    kept = telling((PLAN, STEPS[0], STEPS[1], note, failed, why))
    assert kept == [f"{line.at_s:.2f} s {line.text}" for line in (STEPS[1], note, failed, why)]


def test_longest_steps_come_first() -> None:
    assert longest_steps((PLAN, *STEPS), count=1) == [STEPS[1].text]
