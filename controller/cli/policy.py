"""What a person says about what a plan may do: the options that ``plan`` and ``apply`` share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.model.saved import SavedPlan
    from controller.plan import Policy

    Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The options as given.

    Args:
        prune: Whether what is ours and no longer declared is removed.
        max_deletes: How many objects may be deleted, None when nothing was said.
        targets: Addresses that the plan is limited to.
        hosts: Hosts that the plan is limited to.
        prune_volumes: Whether volumes of ours that nobody uses any more are removed.
        typed: The options that were given at all.
    """

    prune: bool = True
    max_deletes: int | None = None
    targets: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    prune_volumes: bool = False
    typed: tuple[str, ...] = ()

    @staticmethod
    def of(saved: SavedPlan) -> Asked:
        """Return what was said when *saved* was made."""
        said = saved.policy
        return Asked(
            prune=said.prune,
            max_deletes=said.max_deletes,
            targets=said.targets,
            hosts=said.hosts,
            prune_volumes=said.prune_volumes,
        )

    def policy(self) -> Policy:
        """Return what the planner works with."""
        from controller.plan import Policy, Scope  # noqa: PLC0415 - loaded where it is used: --help stays instant

        scope = Scope(self.targets, self.hosts)
        return Policy(prune=self.prune, max_deletes=self.max_deletes, scope=scope, prune_volumes=self.prune_volumes)


_OPTIONS = (
    click.option(
        "--prune/--no-prune",
        default=True,
        show_default=True,
        help="Whether what is ours and no longer declared is removed.",
    ),
    click.option(
        "--prune-volumes",
        is_flag=True,
        help="Also remove named volumes of ours that no declared container uses any more, with their data.",
    ),
    click.option(
        "--max-deletes",
        type=click.IntRange(min=0),
        metavar="N",
        help="How many objects may be deleted; without it 5, or a quarter of ours if that is more.",
    ),
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="ADDRESS",
        help="Plan only for this object, kind/name, and what it depends on; may be given again.",
    ),
    click.option(
        "--host",
        "hosts",
        multiple=True,
        metavar="HOST",
        help="Plan only for this host, its containers, and what they depend on; may be given again.",
    ),
)


_FLAGS = {
    "prune": "--no-prune",
    "max_deletes": "--max-deletes",
    "targets": "--target",
    "hosts": "--host",
    "prune_volumes": "--prune-volumes",
}


def is_typed(ctx: click.Context, name: str) -> bool:
    """Whether the parameter was given on the command line."""
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def policy_options(command: Command) -> Callable[..., object]:
    """Add the options; the command gets them together, as ``asked``."""

    @wraps(command)
    def gathered(**options: Any) -> object:
        ctx = click.get_current_context()
        typed = tuple(flag for name, flag in _FLAGS.items() if is_typed(ctx, name))
        asked = Asked(**{name: options.pop(name) for name in _FLAGS}, typed=typed)
        return command(**options, asked=asked)

    added: Callable[..., object] = gathered
    for option in reversed(_OPTIONS):
        added = option(added)
    return added
