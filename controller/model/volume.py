"""Named volumes: what a topology declares of them. Each host whose containers use one has a volume of its own."""

from __future__ import annotations

from pydantic import Field

from controller.model.forms import PLUGIN, FrozenModel, TextMap

LOCAL_DRIVER = "local"
"""The engine's own driver."""


class Volume(FrozenModel):
    """A named volume, on each host that has containers which use it."""

    driver: str = Field(
        default=LOCAL_DRIVER,
        pattern=PLUGIN,
        description="Driver of the volume: local, or a plugin that the engines have.",
    )
    driver_opts: TextMap = Field(
        default_factory=dict,
        description="Options of the driver.",
        examples=[{"type": "nfs", "o": "addr=192.168.112.20,rw", "device": ":/srv/data"}],
    )
    labels: TextMap = Field(default_factory=dict, description="Labels of the volume.")
    external: bool = Field(
        default=False,
        description="Whether others make the volume: it must be there, and is never created or removed.",
    )
