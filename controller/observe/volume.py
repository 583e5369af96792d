"""Named volumes, as one engine shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.observed import VolumeState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.ports import Json


def volume_state(found: Json) -> VolumeState:
    """Return a volume from ``GET /volumes``."""
    return VolumeState(
        name=found["Name"],
        driver=found["Driver"],
        options=dict(found.get("Options") or {}),
        labels=dict(found.get("Labels") or {}),
    )


def volumes_of(summary: Json) -> Iterable[str]:
    """Return the names of the volumes that a container of ``GET /containers/json`` has."""
    mounts = summary.get("Mounts") or ()
    return (mount["Name"] for mount in mounts if mount.get("Type") == "volume" and mount.get("Name"))
