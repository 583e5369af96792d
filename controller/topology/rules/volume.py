"""Rules for named volumes: options of the engine's own driver, what others made, and labels that are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.volume import LOCAL_DRIVER
from controller.topology.problem import Mistake
from controller.topology.rules.objects import reserved_labels, unlooked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.volume import Volume
    from controller.topology.draft import Draft
    from controller.topology.problem import Path

_LOCAL_OPTIONS = {"type": ("device",), "device": ("type",), "o": ("device", "type"), "size": ()}
"""Each option of the engine's own driver, with those that it must stand together with (seen on 20.10.5 to 28.5)."""


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the volumes by themselves."""
    for name, volume in draft.topology.volumes.items():
        if volume.external:
            yield from unlooked(draft, ("volumes", name), volume)
            continue
        yield from _local_options(draft, name, volume)
        yield from reserved_labels(("volumes", name), volume.labels)


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
