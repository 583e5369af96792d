"""Images: pulled from a registry, or loaded from an archive of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import LoadImage, PullImage

    Note = Callable[[str], None]


def pull(action: PullImage, hands: Hands, note: Note, tell: Note) -> None:
    """Pull the image; *tell* is told how far it is."""
    engine = hands.engine(action.host)
    hands.retrying(lambda: engine.pull_image(action.image, tell), action.remedies, note)


def load(action: LoadImage, hands: Hands, note: Note, tell: Note) -> None:
    """Load the image, and see that it is there by its name; *tell* is told how far it is."""
    engine = hands.engine(action.host)
    hands.retrying(lambda: engine.load_image(action.image, action.archive, tell), action.remedies, note)
    engine.inspect_image(action.image)
