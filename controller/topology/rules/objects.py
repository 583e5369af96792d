"""What networks, volumes and containers share: labels that are ours, and objects that others made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.identity import LABEL_PREFIX
from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from controller.model.network import Network
    from controller.model.volume import Volume
    from controller.topology.draft import Draft
    from controller.topology.problem import Path


def reserved_labels(here: Path, labels: Iterable[str]) -> Iterator[Mistake]:
    """Find labels of the object *here* that would be taken for ovctl's own."""
    for label in labels:
        if label.startswith(LABEL_PREFIX):
            fact = f"labels that start with {LABEL_PREFIX} are ovctl's own"
            yield Mistake((*here, "labels", label), fact, "choose another name", on_key=True)


def unlooked(draft: Draft, here: Path, external: Network | Volume) -> Iterator[Mistake]:
    """Find what an external object says of itself: others made it, and nothing here would be looked at."""
    for field in type(external).model_fields:
        said = field in external.model_fields_set and field != "external"
        if said and not draft.doubtful(*here, field):
            fact = f"is not looked at: the {type(external).__name__.lower()} is external, as others made it"
            yield Mistake((*here, field), fact, "remove it, or external: true", on_key=True)
