"""Show a plan, ask, carry it out with live progress, look again: what ``apply``, ``destroy`` and ``adopt`` share."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from controller.cli.session import colours
from controller.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from controller.model.plan import Outcome, Plan, Step
    from controller.reconcile import Cycle

EXIT_INTERRUPTED = 130


class _Console:
    """Tells how a run goes: a line for each step that ended, and on a terminal what is in hand."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self._live = sys.stdout.isatty()
        self._in_hand: dict[str, str] = {}
        self._lock = threading.Lock()

    def planned(self, steps: int) -> None:
        """Count them in."""
        self.total = self.done + steps

    def started(self, step: Step) -> None:
        """Show it among what is in hand."""
        self.told(step, "")

    def told(self, step: Step, how_far: str) -> None:
        """Show how far it is."""
        with self._lock:
            self._in_hand[step.id] = how_far
            self._show()

    def ended(self, outcome: Outcome) -> None:
        """Print its line."""
        from controller.render.plan import outcome_text  # noqa: PLC0415 - loaded where it is used

        self.done += 1
        with self._lock:
            self._in_hand.pop(outcome.step.id, None)
            self._clear()
            click.echo(outcome_text(outcome, self.done, self.total, colours=colours()))
            self._show()

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False)

    def _show(self) -> None:
        if self._live and self._in_hand:
            width = shutil.get_terminal_size().columns
            steps = (f"{step} ({how_far})" if how_far else step for step, how_far in self._in_hand.items())
            text = f"  … {', '.join(steps)}"
            click.echo(f"\r\x1b[K{text[: width - 1]}", nl=False)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C (or SIGTERM) sets; the second ends the process at once."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(EXIT_INTERRUPTED)
        stop.set()
        message = (
            "\nstopping: the actions in hand are finished; Ctrl-C again leaves at once, and the next apply goes on\n"
        )
        os.write(2, message.encode())

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def converge(cycle: Cycle, *, yes: bool) -> int:
    """Plan, ask unless *yes*, apply, observe again; return the exit code."""
    from controller.render.plan import in_sync_text, plan_text, report_text  # noqa: PLC0415 - loaded where it is used

    console = _Console()
    declined = False
    with ExitStack() as stack:
        stop = threading.Event()

        def agree(plan: Plan) -> bool:
            nonlocal declined, stop
            click.echo(plan_text(plan, colours=colours()))
            declined = not yes and not _asked()
            if not declined:
                # until here Ctrl-C simply leaves: nothing is in hand
                stop = stack.enter_context(_interruptible())
            return not declined

        carried = cycle.apply(agree, console, lambda: stop.is_set())  # noqa: PLW0108 - the event is another one by then
        if declined:
            click.echo("nothing was changed")
            return 1
        if carried is not None:
            click.echo(report_text(carried.report))
            if stop.is_set():
                click.echo("stopped before the end; run apply again to go on")
                return EXIT_INTERRUPTED
    left = cycle.look(again=True)[1] if carried is None else carried.left
    if carried is None or not left.empty:
        click.echo(plan_text(left, colours=colours()))
    else:
        click.echo(f"in sync: {in_sync_text(left)}")
    failed = carried is not None and not carried.report.ok
    return 0 if left.empty and not failed else 1


def adopt_objects(cycle: Cycle, addresses: tuple[str, ...], *, yes: bool) -> int:
    """Show what is to be adopted, ask unless *yes*, write it down; return the exit code."""
    from controller.render.adoption import adoption_text  # noqa: PLC0415 - loaded where it is used
    from controller.render.plan import report_text  # noqa: PLC0415

    declined = False
    shown: list[Plan] = []
    with ExitStack() as stack:
        stop = threading.Event()

        def agree(plan: Plan) -> bool:
            nonlocal declined, stop
            shown.append(plan)
            click.echo(adoption_text(plan, colours=colours()))
            if plan.steps:
                declined = not yes and not _asked("\nwrite this down?")
                if not declined:
                    stop = stack.enter_context(_interruptible())
            return not declined

        report = cycle.adopt(addresses, agree, _Console(), lambda: stop.is_set())  # noqa: PLW0108 - the event is another one by then
    if declined:
        click.echo("nothing was changed")
        return 1
    if report is not None:
        click.echo(report_text(report, verb="adopt"))
        if stop.is_set():
            click.echo("stopped before the end; run adopt again to go on")
            return EXIT_INTERRUPTED
    failed = report is not None and not report.ok
    return 1 if failed or any(plan.blocked or plan.gaps for plan in shown) else 0


def _asked(question: str = "\napply this plan?") -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", hint="look at `ovctl plan`, then pass --yes")
    return click.confirm(question, default=False)
