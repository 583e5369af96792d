"""``ovctl destroy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from controller.cli.converge import converge
from controller.cli.policy import Asked
from controller.cli.session import lock_option, opened, topology_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@topology_argument
@lock_option
@click.option("--volumes", is_flag=True, help="Also remove the named volumes that it created, with their data.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def destroy(ctx: click.Context, file: Path, lock_timeout: float, *, volumes: bool, yes: bool) -> None:
    """
    Remove what the topology created and restore the hosts' settings.

    Named volumes stay unless --volumes is given, and everything that is not ours stays.

    Exit codes: as for apply.
    """
    from controller.model.desired import retired  # noqa: PLC0415 - loaded where it is used

    asked = Asked(prune_volumes=volumes)
    with opened(file, desired=retired, lock_timeout_s=lock_timeout, asked=asked) as cycle:
        code = converge(cycle, yes=yes)
    ctx.exit(code)
