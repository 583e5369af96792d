"""Images: what a container merges with what it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import NotFoundError
from controller.model.container_fields import read_fields
from controller.model.identity import LABEL_TOPOLOGY, without_ours
from controller.model.observed import ImageState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.ports import Engine, Json


def image_state(engine: Engine, reference: str) -> ImageState | None:
    """Return the image of that name, None when the host does not have it."""
    try:
        return image_of(engine.inspect_image(reference))
    except NotFoundError:
        return None


def image_of(found: Json) -> ImageState:
    """Return an image from ``GET /images/{name}/json``."""
    config = found.get("Config") or {}
    return ImageState(
        id=found["Id"],
        environment=environment(config.get("Env")),
        labels=without_ours(config.get("Labels") or {}),
        command=tuple(config.get("Cmd") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        fields=read_fields(config, {}),
    )


def bears_labels_of_its_image(engine: Engine, summary: Json) -> bool:
    """
    Whether a container of ``GET /containers/json`` has our labels from its image, not from us.

    ``docker commit`` takes a container's labels into the image; what we make from such an image gets labels of its own.
    """
    try:
        found = engine.inspect_image(summary["ImageID"])
    except NotFoundError:
        return False
    inherited, labels = (found.get("Config") or {}).get("Labels") or {}, summary.get("Labels") or {}
    return LABEL_TOPOLOGY in inherited and _ours(inherited) == _ours(labels)


def _ours(labels: Mapping[str, str]) -> set[tuple[str, str]]:
    return labels.items() - without_ours(labels).items()


def environment(lines: Iterable[str] | None) -> dict[str, str]:
    """Return the engine's ``KEY=VALUE`` lines as a mapping; the last of equal keys wins, as for a process."""
    return dict(line.partition("=")[::2] for line in lines or ())
