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

    from controller.cli.policy import Asked
    from controller.model.saved import SavedPlan
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


@contextmanager
def opened(
    file: Path,
    *,
    desired: Callable[[Topology], Topology] = lambda topology: topology,
    lock_timeout_s: float = 0.0,
    asked: Asked | None = None,
    saved: SavedPlan | None = None,
) -> Iterator[Cycle]:
    """
    Load *file*, connect to its fleet and yield the cycle; what was opened is closed in any case.

    Args:
        desired: What is desired instead of the file's own topology: ``destroy`` desires nothing of it.
        asked: What was said about what the plan may do.
        saved: The plan that is to be applied to it; StalePlanError when it was made for another topology.
    """
    from controller.model.identity import Generation  # noqa: PLC0415 - loaded where it is used: --help stays instant
    from controller.plan import Policy  # noqa: PLC0415
    from controller.reconcile import Cycle  # noqa: PLC0415
    from controller.topology.load import load  # noqa: PLC0415
    from controller.wiring import clock, commit_of, connect  # noqa: PLC0415

    loaded = load(file, os.environ)
    for warning in loaded.warnings:
        click.echo("warning: " + "\n".join(warning.lines()), err=True)
    generation = Generation(loaded.generation_digest, commit_of(file, loaded.files))
    if saved is not None:
        from controller.plan.saved import refuse_other_topology  # noqa: PLC0415

        refuse_other_topology(saved, generation, str(file))
    topology = desired(loaded.topology)
    fleet = connect(topology)
    try:
        policy = asked.policy() if asked else Policy()
        yield Cycle(topology, generation, fleet, clock(), policy, lock_timeout_s, saved)
    finally:
        fleet.close()


def colours() -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_json(data: dict[str, Any]) -> None:
    """Print *data* as JSON."""
    click.echo(json.dumps(data, indent=2))
