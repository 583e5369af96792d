"""``ovctl plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from controller.cli.policy import Asked, policy_options
from controller.cli.session import colours, opened, output_option, print_json, topology_argument

if TYPE_CHECKING:
    from pathlib import Path

EXIT_CHANGES = 2


@click.command()
@topology_argument
@output_option
@policy_options
@click.pass_context
def plan(ctx: click.Context, file: Path, output: str, *, asked: Asked) -> None:
    """
    Show what apply would change, and why. Nothing is changed.

    Exit codes: 0 nothing to do, 2 there are changes, 1 an error, a conflict, or a host or store that could not be read.
    """
    from controller.render.plan import plan_json, plan_text  # noqa: PLC0415 - loaded where it is used

    with opened(file, asked=asked) as cycle:
        _, made = cycle.look()
    if output == "json":
        print_json(plan_json(made))
    else:
        click.echo(plan_text(made, colours=colours()))
    ctx.exit(1 if made.incomplete or made.blocked else EXIT_CHANGES if made.steps else 0)
