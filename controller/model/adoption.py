"""
Adopted objects: made by others, and ours by a record, since no label can be given to what exists.

The record says, by the engine's id of an object, what its owner label would say. It is void as soon as no object has
that id: what is made again by hand is not ours, what we make again bears the label.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from controller.model.identity import owner_labels_of, owner_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.observed import EngineState

AdoptableKind = Literal["container", "network"]


@dataclass(frozen=True)
class Adopted:
    """
    One adopted object.

    Args:
        name: Of the object when it was adopted, for people: its id is what counts.
        fields: Declared field -> digest of its value, as in the owner label.
    """

    kind: AdoptableKind
    name: str
    fields: Mapping[str, str] = field(default_factory=dict)


def owned(
    labels: Mapping[str, str], object_id: str, topology: str, adopted: Mapping[str, Adopted]
) -> Mapping[str, str]:
    """
    Return the labels of an object with what the record says of whose it is: all that asks for its owner asks these.

    An object's own mark counts, whatever a record says.

    Args:
        labels: As the engine shows them.
        topology: Name of the topology whose record it is.
        adopted: Id -> what the record says.
    """
    found = adopted.get(object_id)
    if found is None or owner_of(labels) is not None:
        return labels
    return {**labels, **owner_labels_of(topology, found.fields)}


def with_owners(engine: EngineState, topology: str, adopted: Mapping[str, Adopted]) -> EngineState:
    """Return *engine* with each adopted container and network marked as ours."""
    if not adopted:
        return engine
    return replace(
        engine,
        containers=tuple(
            replace(found, labels=owned(found.labels, found.id, topology, adopted)) for found in engine.containers
        ),
        networks=tuple(
            replace(found, labels=owned(found.labels, found.id, topology, adopted)) for found in engine.networks
        ),
    )
