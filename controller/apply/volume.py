"""Named volumes: created as declared, removed only when they bear our mark."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from controller.errors import ConflictError, NotFoundError
from controller.model.identity import LABEL_FIELDS, owner_of
from controller.observe.volume import volume_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import CreateVolume, RemoveVolume


def create(action: CreateVolume, hands: Hands, note: Callable[[str], None]) -> None:
    """Create the volume; engines answer with one of that name that is there already, so the answer is looked at."""
    engine, name = hands.engine(action.host), action.address.name
    config = {
        "Driver": action.volume.driver,
        "DriverOpts": dict(action.volume.driver_opts),
        "Labels": dict(action.labels),
    }

    def attempt() -> None:
        found = volume_state(engine.create_volume(name, config))
        if (
            found.labels.get(LABEL_FIELDS) != action.labels[LABEL_FIELDS]
            or owner_of(found.labels) != hands.desired.name
        ):
            raise ConflictError(f"a volume named {name} is there by now on {action.host}", hint="plan again")

    hands.retrying(attempt, action.remedies, note)


def remove(action: RemoveVolume, hands: Hands, note: Callable[[str], None]) -> None:
    """Remove the volume with its data, if it is ours; one that is gone is gone."""
    engine, name = hands.engine(action.host), action.address.name

    def attempt() -> None:
        if owner_of(volume_state(engine.inspect_volume(name)).labels) != hands.desired.name:
            raise ConflictError(f"volume {name} is not ours")
        engine.remove_volume(name)

    with suppress(NotFoundError):
        hands.retrying(attempt, action.remedies, note)
