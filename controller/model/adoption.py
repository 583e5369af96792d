"""
Adopted objects: made by others, and ours by a record, since no label can be given to what exists.

The record says, by the engine's id of an object, what its owner label would say. It is void as soon as no object has
that id: what is made again by hand is not ours, what we make again bears the label. Other topologies have records of
their own, and what they adopted is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from controller.model.identity import owner_labels_of, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.model.observed import ContainerState, EngineState, NetworkState

AdoptableKind = Literal["container", "network"]

Found = TypeVar("Found", "ContainerState", "NetworkState")

Adoptions = Mapping[str, Mapping[str, "Adopted"]]
"""Topology -> id -> what its record says."""


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


def owned(labels: Mapping[str, str], object_id: str, adoptions: Adoptions) -> Mapping[str, str]:
    """
    Return the labels of an object with what the records say of whose it is: all that asks for its owner asks these.

    An object's own mark counts, whatever a record says.

    Args:
        labels: As the engine shows them.
    """
    if owner_of(labels) is None:
        for topology, adopted in adoptions.items():
            if object_id in adopted:
                return {**labels, **owner_labels_of(topology, adopted[object_id].fields)}
    return labels


def marked(found: Iterable[Found], adoptions: Adoptions) -> tuple[Found, ...]:
    """Return *found*, those marked that were adopted, as their topology's."""
    return tuple(replace(one, labels=owned(one.labels, one.id, adoptions)) for one in found)


def with_owners(engine: EngineState, adoptions: Adoptions) -> EngineState:
    """Return *engine* with each adopted container and network marked as its topology's."""
    if not any(adoptions.values()):
        return engine
    return replace(engine, containers=marked(engine.containers, adoptions), networks=marked(engine.networks, adoptions))
