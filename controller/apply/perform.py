"""Each action, handed to the file of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from controller.apply import adoption, container, files, host, image, network, settle, store, volume
from controller.model.action import (
    AdoptObject,
    AttachContainer,
    AwaitContainer,
    AwaitNetwork,
    ConfigureHost,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    DetachContainer,
    LoadImage,
    PlaceStore,
    PullImage,
    RecordMembers,
    RemoveContainer,
    RemoveFiles,
    RemoveNetwork,
    RemoveVolume,
    ReplaceContainer,
    RestoreHost,
    SettleHost,
    StartContainer,
    UpdateContainer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import Action


def perform(  # noqa: C901, PLR0912 - one case an action
    action: Action, hands: Hands, note: Callable[[str], None], tell: Callable[[str], None] = lambda _: None
) -> None:
    """
    Carry out one action.

    Args:
        note: Told what was done beyond the plain way; that stays with the outcome.
        tell: Told how far an action is that takes long; that is shown and gone.
    """
    match action:
        case PlaceStore():
            store.place(action, hands, note)
        case RecordMembers():
            store.record(action, hands, note)
        case ConfigureHost():
            host.configure(action, hands, note)
        case RestoreHost():
            host.restore(action, hands, note)
        case CreateNetwork():
            network.create(action, hands, note)
        case AwaitNetwork():
            network.await_visible(action.address.name, action.visible_on, hands, note)
        case RemoveNetwork():
            network.remove(action, hands, note)
        case CreateVolume():
            volume.create(action, hands, note)
        case RemoveVolume():
            volume.remove(action, hands, note)
        case PullImage():
            image.pull(action, hands, note, tell)
        case LoadImage():
            image.load(action, hands, note, tell)
        case CreateContainer():
            container.create(action, hands, note)
        case ReplaceContainer():
            container.replace(action, hands, note, tell)
        case AwaitContainer():
            container.await_healthy(action, hands, note, tell)
        case StartContainer():
            container.start(action, hands, note)
        case UpdateContainer():
            container.update(action, hands)
        case AttachContainer():
            container.attach(action, hands, note)
        case DetachContainer():
            container.detach(action, hands, note)
        case RemoveContainer():
            container.remove(action, hands, note, tell)
        case RemoveFiles():
            files.sweep(action, hands, note)
        case SettleHost():
            settle.settle(action, hands, note)
        case AdoptObject():
            adoption.adopt(action, hands, note)
        case _:
            assert_never(action)
