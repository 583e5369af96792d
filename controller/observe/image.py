"""Images: what a container merges with what it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import NotFoundError
from controller.model.observed import ImageState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.ports import Engine


def image_state(engine: Engine, reference: str) -> ImageState | None:
    """Return the image of that name, None when the host does not have it."""
    try:
        found = engine.inspect_image(reference)
    except NotFoundError:
        return None
    config = found.get("Config") or {}
    return ImageState(
        id=found["Id"],
        environment=environment(config.get("Env")),
        labels=dict(config.get("Labels") or {}),
        command=tuple(config.get("Cmd") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
    )


def environment(lines: Iterable[str] | None) -> dict[str, str]:
    """Return the engine's ``KEY=VALUE`` lines as a mapping; the last of equal keys wins, as for a process."""
    return dict(line.partition("=")[::2] for line in lines or ())
