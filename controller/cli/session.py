"""What the commands that talk to hosts share: the topology argument, the fleet, the generation, colours."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.model.topology import Topology
    from controller.reconcile import Cycle

    Command = TypeVar("Command", bound=Callable[..., object])

DEFAULT_FILE = "topology.yaml"


def topology_argument(command: Command) -> Command:
    """Add the FILE argument."""
    argument = click.argument("file", default=DEFAULT_FILE, type=click.Path(path_type=Path))
    return argument(command)


def output_option(command: Command) -> Command:
    """Add ``-o text|json``."""
    option = click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="For people, or for programs.",
    )
    return option(command)


def lock_option(command: Command) -> Command:
    """Add ``--lock-timeout``."""
    option = click.option(
        "--lock-timeout",
        type=click.FloatRange(min=0),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for another apply to end.",
    )
    return option(command)


def prune_option(command: Command) -> Command:
    """Add ``--no-prune``."""
    option = click.option(
        "--prune/--no-prune",
        default=True,
        show_default=True,
        help="Whether what is ours and no longer declared is removed.",
    )
    return option(command)


@contextmanager
def opened(
    file: Path,
    *,
    desired: Callable[[Topology], Topology] = lambda topology: topology,
    lock_timeout_s: float = 0.0,
    prune: bool = True,
) -> Iterator[Cycle]:
    """
    Load *file*, connect to its fleet and yield the cycle; what was opened is closed in any case.

    Args:
        desired: What is desired instead of the file's own topology: ``destroy`` desires nothing of it.
    """
    from controller.plan import Policy  # noqa: PLC0415 - loaded where it is used: --help stays instant
    from controller.reconcile import Cycle  # noqa: PLC0415
    from controller.topology.load import load  # noqa: PLC0415
    from controller.wiring import clock, commit_of, connect  # noqa: PLC0415

    loaded = load(file, os.environ)
    for warning in loaded.warnings:
        click.echo("warning: " + "\n".join(warning.lines()), err=True)
    commit = commit_of(file, loaded.files)
    generation = f"{loaded.generation_digest} (commit {commit})" if commit else loaded.generation_digest
    topology = desired(loaded.topology)
    fleet = connect(topology)
    try:
        yield Cycle(topology, generation, fleet, clock(), Policy(prune=prune), lock_timeout_s)
    finally:
        fleet.close()


def colours() -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_json(data: dict[str, Any]) -> None:
    """Print *data* as JSON."""
    click.echo(json.dumps(data, indent=2))
