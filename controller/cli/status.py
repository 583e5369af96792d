"""``ovctl status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from controller.cli.session import opened, output_option, print_json, topology_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@topology_argument
@output_option
@click.pass_context
def status(ctx: click.Context, file: Path, output: str) -> None:
    """
    Show each container, its addresses and its drift.

    Answers "which address do I use": the IP address on each overlay and on docker_gwbridge, with the interface inside
    the container, and the published ports.

    Exit codes: 0 in sync, 2 drift, 1 an error or a host that could not be read.
    """
    from controller.checks.interfaces import interfaces  # noqa: PLC0415 - loaded where it is used
    from controller.render.status import status_json, status_text  # noqa: PLC0415

    with opened(file) as cycle:
        observed, plan = cycle.look(gateways=True)
        names = interfaces(cycle.desired, observed, cycle.fleet)
    if output == "json":
        print_json(status_json(cycle.desired, observed, plan, names))
    else:
        click.echo(status_text(cycle.desired, observed, plan, names))
    ctx.exit(1 if plan.incomplete or plan.blocked else 2 if plan.steps else 0)
