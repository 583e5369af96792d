"""What a plan is limited to: a part of the topology, asked for by address and by host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.model.identity import Address


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What was asked for; the two add up, and what they depend on comes along.

    Args:
        targets: Addresses, ``kind/name``.
        hosts: Host names: each host, and the containers declared or standing there.
    """

    targets: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything was asked for: without, a plan is of everything."""
        return bool(self.targets or self.hosts)

    def __str__(self) -> str:
        return ", ".join([*self.targets, *(f"all on {host}" for host in self.hosts)])


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a limited plan is limited to.

    Args:
        scope: What was asked for.
        addresses: That, and what it depends on; sorted.
        outside: How many objects beyond it are not as declared, either.
    """

    scope: Scope
    addresses: tuple[Address, ...]
    outside: int
