"""``ovctl plan``."""

from __future__ import annotations

from pathlib import Path

import click

from controller.cli.policy import Asked, policy_options
from controller.cli.session import colours, opened, output_option, print_json, topology_argument

EXIT_CHANGES = 2


@click.command()
@topology_argument
@output_option
@policy_options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `ovctl apply --plan`.")
@click.pass_context
def plan(ctx: click.Context, file: Path, output: str, out: Path | None, *, asked: Asked) -> None:
    """
    Show what apply would change, and why. Nothing is changed.

    Exit codes: 0 nothing to do, 2 there are changes, 1 an error, a conflict, or a host or store that could not be read.
    """
    from controller.cli.plan_file import refuse_to_overwrite, write_plan  # noqa: PLC0415 - loaded where it is used
    from controller.plan.saved import saved_plan  # noqa: PLC0415
    from controller.render.plan import plan_json, plan_text  # noqa: PLC0415

    if out is not None:
        refuse_to_overwrite(out)
    with opened(file, asked=asked) as cycle:
        _, made = cycle.look()
    if out is not None:
        write_plan(out, saved_plan(made, cycle.policy, cycle.generation, str(file.absolute())))
    if output == "json":
        print_json(plan_json(made))
    else:
        click.echo(plan_text(made, colours=colours()))
    if out is not None:
        click.echo(f"saved: `ovctl apply --plan {out}` carries it out while nothing has moved", err=True)
    ctx.exit(1 if made.incomplete or made.blocked else EXIT_CHANGES if made.steps else 0)
