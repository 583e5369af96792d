"""What a container is made from: whether a new one is made, and how its image gets there before that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import LoadImage, PullImage
from controller.model.observed import EngineState
from controller.plan.attachment import is_mac_lost, network_of

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.topology import Container
    from controller.plan.draft import Draft

_IN_PLACE = ("state", "networks.")
"""Fields that a container can be given by a start or by a connection, beside those that an update changes."""


def is_replaced(draft: Draft, item: DriftItem) -> bool:
    """Whether a changed container gets a successor: something differs that a container cannot be given later."""
    name = item.address.name
    container = draft.desired.containers[name]
    return any(
        not (change.in_place or change.field.startswith(_IN_PLACE))
        or (change.field.startswith("networks.") and is_mac_lost(draft, name, container, network_of(change)))
        for change in item.changes
    )


def pull(draft: Draft, item: DriftItem, container: Container) -> str | None:
    """
    Return the step that pulls or loads the container's image where it is declared, None when that need not be.

    A pull belongs to the making of a container: what a registry has is no state of a host, and is never compared.
    """
    host = container.host
    engine = draft.observed.engine(host)
    if not isinstance(engine, EngineState):
        return None
    is_there = engine.images.get(container.image) is not None
    if is_there and container.pull_policy != "always":
        return None
    reason = "its pull_policy is always" if is_there else f"{host} does not have it"
    archive = _archive(draft, container)
    action = (
        PullImage(address=item.address, host=host, reason=reason, image=container.image)
        if archive is None
        else LoadImage(address=item.address, host=host, reason=reason, image=container.image, archive=archive)
    )
    return draft.add(action, follows=[draft.configured[host]] if host in draft.configured else [])


def _archive(draft: Draft, container: Container) -> str | None:
    """Return the archive that the image comes from on that host, whoever of those that use it there names it."""
    return next(
        (
            other.archive
            for other in draft.desired.containers.values()
            if (other.host, other.image) == (container.host, container.image) and other.archive is not None
        ),
        None,
    )


def lacks_image(draft: Draft, container: Container) -> str | None:
    """Return why no container can be made as declared: its host lacks the image, which is not to be pulled; or None."""
    engine = draft.observed.engine(container.host)
    if container.pull_policy != "never" or not isinstance(engine, EngineState):
        return None
    if engine.images.get(container.image) is not None:
        return None
    return f"{container.host} does not have image {container.image}, and its pull_policy is never"


def pulls_before(draft: Draft, name: str) -> list[str]:
    """Return the pull that the container of that name needs if this plan makes a new one; it may fail."""
    container = draft.desired.containers.get(name)
    if container is None or name in draft.waiting:
        return []
    pulls = [
        pull(draft, item, container)
        for item in draft.drift.items
        if item.address.kind == "container" and item.address.name == name and item.host == container.host
        if item.cls == "missing" or (item.cls == "changed" and is_replaced(draft, item))
    ]
    return [step for step in pulls if step]
