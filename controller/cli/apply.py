"""``ovctl apply``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from controller.cli.converge import converge
from controller.cli.policy import Asked, policy_options
from controller.cli.session import lock_option, opened, topology_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@topology_argument
@lock_option
@policy_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def apply(ctx: click.Context, file: Path, lock_timeout: float, *, asked: Asked, yes: bool) -> None:
    """
    Make the hosts match the topology.

    Shows the plan, asks, carries it out, and observes again. Ctrl-C finishes the actions in hand and says where it
    stopped; the next apply goes on from there.

    Exit codes: 0 everything is as declared, 1 something is not, 130 stopped by Ctrl-C.
    """
    with opened(file, lock_timeout_s=lock_timeout, asked=asked) as cycle:
        code = converge(cycle, yes=yes)
    ctx.exit(code)
