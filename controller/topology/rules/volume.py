"""Rules for named volumes: options of the engine's own driver, what others made, and labels that are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.volume import LOCAL_DRIVER, Volume
from controller.topology.problem import Mistake
from controller.topology.rules.network import OWNER_PREFIX, reserved_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft
    from controller.topology.problem import Path

_LOCAL_OPTIONS = {"type": ("device",), "device": ("type",), "o": ("device", "type"), "size": ()}
"""Each option of the engine's own driver, with those that it must stand together with (seen on 20.10.5 to 28.5)."""


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the volumes by themselves."""
    for name, volume in draft.topology.volumes.items():
        if volume.external:
            yield from _external(draft, name, volume)
            continue
        yield from _local_options(draft, name, volume)
        for label in volume.labels:
            if label.startswith(OWNER_PREFIX):
                yield reserved_label(("volumes", name, "labels", label))


def _local_options(draft: Draft, name: str, volume: Volume) -> Iterator[Mistake]:
    """Find options with which no engine makes a volume by its own driver."""
    where: Path = ("volumes", name, "driver_opts")
    if volume.driver != LOCAL_DRIVER or draft.doubtful("volumes", name, "driver") or draft.doubtful(*where):
        return
    for option in volume.driver_opts:
        lacking = [other for other in _LOCAL_OPTIONS.get(option, ()) if other not in volume.driver_opts]
        if option not in _LOCAL_OPTIONS:
            fact = f"the local driver has no option {option!r}"
            yield Mistake((*where, option), fact, f"write {', '.join(_LOCAL_OPTIONS)}", on_key=True)
        elif lacking:
            fact = f"the local driver takes {option!r} only together with {' and '.join(map(repr, lacking))}"
            hint = 'add what is missing, such as {type: nfs, o: "addr=10.1.0.20,rw", device: ":/srv/media"}'
            yield Mistake((*where, option), fact, hint, on_key=True)


def _external(draft: Draft, name: str, volume: Volume) -> Iterator[Mistake]:
    """Find what an external volume says of itself: others made it, and nothing here would be looked at."""
    for field in Volume.model_fields:
        said = field in volume.model_fields_set and field != "external"
        if said and not draft.doubtful("volumes", name, field):
            fact = "is not looked at: the volume is external, as others made it"
            yield Mistake(("volumes", name, field), fact, "remove it, or external: true", on_key=True)
