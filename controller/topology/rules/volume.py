"""Rules for named volumes: what is said of one that others made, and labels that are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.volume import Volume
from controller.topology.problem import Mistake
from controller.topology.rules.network import OWNER_PREFIX, reserved_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the volumes by themselves."""
    for name, volume in draft.topology.volumes.items():
        if volume.external:
            yield from _external(draft, name, volume)
            continue
        for label in volume.labels:
            if label.startswith(OWNER_PREFIX):
                yield reserved_label(("volumes", name, "labels", label))


def _external(draft: Draft, name: str, volume: Volume) -> Iterator[Mistake]:
    """Find what an external volume says of itself: others made it, and nothing here would be looked at."""
    for field in Volume.model_fields:
        said = field in volume.model_fields_set and field != "external"
        if said and not draft.doubtful("volumes", name, field):
            fact = "is not looked at: the volume is external, as others made it"
            yield Mistake(("volumes", name, field), fact, "remove it, or external: true", on_key=True)
