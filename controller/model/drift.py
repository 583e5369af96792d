"""How the desired and the observed state differ: one item an address and host, each with its fields and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from controller.model.identity import Address
    from controller.model.observed import Observed
    from controller.model.topology import Topology

DriftClass = Literal["missing", "changed", "unexpected", "conflict"]
"""
missing: desired, not there · changed: there, with other fields · unexpected: ours, no longer desired · conflict: what
is not ours stands in the way, or the host cannot do what is asked; reported, never acted on.
"""


@dataclass(frozen=True)
class Change:
    """
    One field: what is desired and what is observed, as text for people; None means "not there".

    Args:
        in_place: Whether an update of the object as it stands brings it to what is desired.
    """

    field: str
    desired: str | None
    observed: str | None
    in_place: bool = False


@dataclass(frozen=True)
class DriftItem:
    """
    One object that is not as desired.

    Args:
        host: Where it stands; None for what belongs to the cluster.
        changes: Field by field, in a stable order; empty when the whole object is missing or unexpected.
        reason: One line for people.
        object_id: Engine id of the observed object, None when missing.
    """

    address: Address
    host: str | None
    cls: DriftClass
    changes: tuple[Change, ...]
    reason: str
    object_id: str | None = None

    def changed(self, prefix: str) -> bool:
        """Whether a field that starts with *prefix* differs."""
        return any(change.field.startswith(prefix) for change in self.changes)


@dataclass(frozen=True)
class Gap:
    """A part of the world that could not be read: ``place`` is ``host/h1`` or ``store``."""

    place: str
    reason: str


@dataclass(frozen=True)
class Drift:
    """
    Desired ≠ observed.

    Args:
        items: Sorted by kind, name and host.
        gaps: What could not be read; nothing is planned there.
    """

    desired: Topology
    observed: Observed
    items: tuple[DriftItem, ...]
    gaps: tuple[Gap, ...]
