"""Configs and secrets: brought to a container's host before it is made, and removed when nobody reads them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from controller.errors import NotFoundError, OvctlError
from controller.model.desired import deliveries
from controller.model.files import files_of
from controller.model.identity import ASIDE_SUFFIX
from controller.observe.container import container_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import CreateContainer, RemoveContainer, RemoveFiles, ReplaceContainer
    from controller.model.files import Delivery
    from controller.ports import Json


def deliver(action: CreateContainer | ReplaceContainer, hands: Hands, note: Callable[[str], None]) -> tuple[Json, ...]:
    """
    Bring the files that the container reads to its host; return its mounts of them, in the engine's words.

    The contents are the topology's: no action carries one.
    """
    shell = hands.shell(action.host)
    mounts: list[Json] = []
    for used, delivery in deliveries(hands.desired, action.address.name):

        def attempt(delivery: Delivery = delivery, target: str = used.target) -> None:
            source = shell.deliver(delivery)
            mounts.append({"Type": "bind", "Source": source, "Target": target, "ReadOnly": True})

        hands.retrying(attempt, action.remedies, note)
    return tuple(mounts)


def sweep(
    action: CreateContainer | ReplaceContainer | RemoveContainer | RemoveFiles,
    hands: Hands,
    note: Callable[[str], None],
) -> None:
    """Remove the container's copies that neither it nor one set aside reads, as they are mounted now."""
    engine, topology = hands.engine(action.host), hands.desired.name
    name = action.address.name.removesuffix(ASIDE_SUFFIX)
    keep: set[str] = set()
    for one in (name, f"{name}{ASIDE_SUFFIX}"):
        with suppress(NotFoundError):
            keep |= {mount.source for mount in container_state(engine.inspect_container(one)).mounts}
    above = files_of(topology, name)
    keep = {path for path in keep if path.startswith(above)}
    hands.retrying(lambda: hands.shell(action.host).sweep(topology, name, keep), action.remedies, note)


def tidy(
    action: CreateContainer | ReplaceContainer | RemoveContainer, hands: Hands, note: Callable[[str], None]
) -> None:
    """Sweep after what was done: a copy that stays is told, and the next plan removes it."""
    try:
        sweep(action, hands, note)
    except OvctlError as error:
        note(f"copies of its configs and secrets that nobody reads stay for now: {error.message}")
