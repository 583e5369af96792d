"""What a person says about what a plan may do: the options that ``plan`` and ``apply`` share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.plan import Policy

    Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The options as given.

    Args:
        prune: Whether what is ours and no longer declared is removed.
        max_deletes: How many objects may be deleted, None when nothing was said.
    """

    prune: bool = True
    max_deletes: int | None = None

    def policy(self) -> Policy:
        """Return what the planner works with."""
        from controller.plan import Policy  # noqa: PLC0415 - loaded where it is used: --help stays instant

        return Policy(prune=self.prune, max_deletes=self.max_deletes)


_OPTIONS = (
    click.option(
        "--prune/--no-prune",
        default=True,
        show_default=True,
        help="Whether what is ours and no longer declared is removed.",
    ),
    click.option(
        "--max-deletes",
        type=click.IntRange(min=0),
        metavar="N",
        help="How many objects may be deleted; without it 5, or a quarter of ours if that is more.",
    ),
)


def policy_options(command: Command) -> Callable[..., object]:
    """Add the options; the command gets them together, as ``asked``."""

    @wraps(command)
    def gathered(**options: Any) -> object:
        asked = Asked(prune=options.pop("prune"), max_deletes=options.pop("max_deletes"))
        return command(**options, asked=asked)

    added: Callable[..., object] = gathered
    for option in reversed(_OPTIONS):
        added = option(added)
    return added
