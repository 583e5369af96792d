"""``ovctl completion``."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """
    Print the shell completion script.

    bash: ovctl completion bash > /etc/bash_completion.d/ovctl
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - loaded where it is used

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the choice is made of click's own
    click.echo(kind(ctx.find_root().command, {}, "ovctl", "_OVCTL_COMPLETE").source())
