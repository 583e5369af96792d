"""
What a person types: one module a command, loaded when it is called.

Commands hold no decisions: they read arguments, call the rooms below and end with an exit code.
"""

from __future__ import annotations

import importlib
import sys
from keyword import iskeyword

import click

from controller import __version__
from controller.errors import OvctlError

# command -> one line for --help; its module is imported only when the command runs, so that --help stays instant
COMMANDS: dict[str, str] = {
    "validate": "Check a topology file and say everything that is wrong with it.",
    "schema": "Print the JSON Schema of topology.yaml for editors.",
    "plan": "Show what apply would change, and why.",
    "apply": "Make the hosts match the topology.",
    "adopt": "Make containers and networks that others made ours, as they run.",
    "destroy": "Remove what the topology created and restore the hosts' settings.",
    "status": "Show each container, its addresses and its drift.",
    "verify": "Prove on the data path who reaches whom, and who must not.",
    "import": "Make a topology.yaml from a Compose file, or from what runs on hosts.",
    "lab": "Virtual hosts on this machine, to try things on.",
    "completion": "Print the shell completion script.",
}


class LazyGroup(click.Group):
    """A click group that knows its commands by name and imports a command's module when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the command names in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return the command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command = getattr(importlib.import_module(f"controller.cli.{name}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - a broken build, not a user's mistake
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ovctl", message="%(prog)s %(version)s")
def root() -> None:
    """Reconcile multi-host container networks on plain Docker engines with a topology.yaml."""


def main() -> None:
    """
    Run the command line.

    An error for people becomes ``error: …`` and ``  hint: …`` on stderr, never a traceback. Exit code 2 is left to mean
    "there are changes": a command that was typed wrong ends with 1.
    """
    try:
        code = root(prog_name="ovctl", standalone_mode=False)
    except OvctlError as error:
        for line in error.message.splitlines():
            click.echo(line if line.startswith("  hint: ") else f"error: {line}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
