"""
Containers without a network of their own: in none, in their host's, or in another container's.

Engines connect those to no network (``container cannot be connected to host network``, and its like), and never change
a mode: what differs is one change, and takes a successor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.desired import HOST_MODE, attachments
from controller.model.drift import Change
from controller.model.identity import SHORT_ID, declared_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.observed import ContainerState
    from controller.model.topology import Container


def is_apart(container: Container, found: ContainerState) -> bool:
    """Whether the container is to be without a network of its own, or is so now."""
    return _is_apart(container.network_mode or "") or _is_apart(found.network_mode)


def mode_changes(container: Container, found: ContainerState) -> Iterator[Change]:
    """Yield one change if a container that ``is_apart`` is not in the mode that is declared, and in nothing else."""
    wanted = next(iter(attachments(container)))
    further = sorted(set(found.endpoints) - {found.network_mode}) if wanted == found.network_mode else []
    if wanted != found.network_mode or further:
        # by hand it can be taken off "none" and put on a network
        yield Change("network_mode", wanted, " and ".join((found.network_mode, *further)))


def hostname_changes(container: Container, found: ContainerState) -> Iterator[Change]:
    """Yield the host name if it is not the declared one, or what the engine takes without one."""
    if container.hostname is None and found.network_mode == HOST_MODE:
        # the engine takes the host's at creation: the host may have another one by now
        if "hostname" in declared_fields(found.labels):
            yield Change("hostname", "the host's", found.hostname)
        return
    hostname = container.hostname or found.id[:SHORT_ID]
    if found.hostname != hostname:
        yield Change("hostname", hostname, found.hostname)


def _is_apart(mode: str) -> bool:
    return mode in ("none", HOST_MODE) or mode.startswith("container:")
