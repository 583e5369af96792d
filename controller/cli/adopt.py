"""``ovctl adopt``."""

from __future__ import annotations

from pathlib import Path

import click

from controller.cli.session import DEFAULT_FILE, lock_option, opened
from controller.errors import UsageError


@click.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--all", "everything", is_flag=True, help="Adopt all that is declared, there, and nobody's.")
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    metavar="FILE",
    help="The topology.",
)
@lock_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def adopt(  # noqa: PLR0913 - click gives each option as an argument
    ctx: click.Context, addresses: tuple[str, ...], file: Path, lock_timeout: float, *, everything: bool, yes: bool
) -> None:
    """
    Make containers and networks that others made ours, as they run.

    ADDRESS is kind/name, as plans show it: container/web, network/lan. Nothing of an object is changed; what is not as
    declared is shown, and the next apply mends it.

    Exit codes: 0 all that was asked for is ours, 1 something is not, 130 stopped by Ctrl-C.
    """
    from controller.cli.converge import adopt_objects  # noqa: PLC0415 - loaded where it is used

    if everything == bool(addresses):
        raise UsageError(
            "name what is to be adopted, or pass --all", hint="`ovctl plan` shows what is there and not ours"
        )
    with opened(file, lock_timeout_s=lock_timeout) as cycle:
        code = adopt_objects(cycle, addresses, yes=yes)
    ctx.exit(code)
