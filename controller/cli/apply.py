"""``ovctl apply``."""

from __future__ import annotations

from pathlib import Path

import click

from controller.cli.converge import converge
from controller.cli.policy import Asked, is_typed, policy_options
from controller.cli.session import lock_option, opened, topology_argument
from controller.errors import UsageError


@click.command()
@topology_argument
@lock_option
@policy_options
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Apply the plan that `ovctl plan --out` saved, or nothing; without a topology, the one it was made from.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(file: Path, lock_timeout: float, plan_file: Path | None, *, asked: Asked, yes: bool) -> None:
    """
    Make the hosts match the topology.

    Shows the plan, asks, carries it out, and observes again. Ctrl-C finishes the actions in hand and says where it
    stopped; the next apply goes on from there.

    Exit codes: 0 everything is as declared, 1 something is not, 130 stopped by Ctrl-C.
    """
    ctx = click.get_current_context()
    saved = None
    if plan_file is not None:
        from controller.cli.plan_file import read_plan  # noqa: PLC0415 - loaded where it is used

        if asked.typed:
            raise UsageError(
                f"--plan goes without {', '.join(asked.typed)}", hint="the saved plan was made with its own"
            )
        saved = read_plan(plan_file)
        asked = Asked.of(saved)
        file = file if is_typed(ctx, "file") else Path(saved.file)
    with opened(file, lock_timeout_s=lock_timeout, asked=asked, saved=saved) as cycle:
        code = converge(cycle, yes=yes)
    ctx.exit(code)
