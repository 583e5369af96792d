"""
Configs and secrets: each container has the declared contents, and no host keeps a copy that no container reads.

Contents are compared by their digests, in memory. None of them is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.desired import deliveries
from controller.model.drift import Change, DriftItem
from controller.model.files import container_of, field_of, files_of
from controller.model.identity import ASIDE_SUFFIX, Address
from controller.model.observed import EngineState, HostState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.files import DeliveredFile, Delivery
    from controller.model.forms import Mount
    from controller.model.observed import ContainerState, Observed
    from controller.model.topology import Topology

_DECLARED, _ANOTHER = "(declared content)", "(another content)"


def file_changes(
    desired: Topology, name: str, found: ContainerState, files: Mapping[str, DeliveredFile]
) -> Iterator[Change]:
    """
    Yield each config and secret that a declared container does not have as declared, once for each way in which.

    Args:
        files: Path -> copy on its host.
    """
    yield from dict.fromkeys(_differences(desired, name, found, files))


def _differences(
    desired: Topology, name: str, found: ContainerState, files: Mapping[str, DeliveredFile]
) -> Iterator[Change]:
    mounted = {
        (field_of(mount.source, desired.name, name), mount.target): mount
        for mount in delivered_mounts(desired.name, name, found)
    }
    wanted = [
        (f"{delivery.kind}.{delivery.name}", used.target, delivery) for used, delivery in deliveries(desired, name)
    ]
    absent: list[tuple[str, str]] = []
    for field, target, delivery in wanted:
        mount = mounted.pop((field, target), None)
        if mount is None:
            absent.append((field, target))
        elif (differs := _observed(delivery, files.get(mount.source), mount)) is not None:
            yield Change(field, *differs)
    for field, target in absent:
        elsewhere = next((key for key in sorted(mounted) if key[0] == field), None)
        if elsewhere is None:
            yield Change(field, _DECLARED, None)
        else:
            del mounted[elsewhere]
            yield Change(field, f"at {target}", f"at {elsewhere[1]}")
    for field, target in sorted(mounted):
        yield Change(field, None, f"at {target}")


def _observed(delivery: Delivery, copy: DeliveredFile | None, mount: Mount) -> tuple[str, str] | None:
    """Return how the copy that a container reads differs, as desired and observed; None when it does not."""
    if copy is None:
        return _DECLARED, "(its file is gone from the host)"
    if delivery.is_like(copy):
        return None if mount.read_only else ("read-only", "writable")
    if delivery.owned_like(copy):
        return _DECLARED, _ANOTHER
    wanted = f"mode {delivery.mode}, owner {delivery.uid}:{delivery.gid}"
    return wanted, f"mode {copy.mode}, owner {copy.uid}:{copy.gid}"


def delivered_mounts(topology: str, name: str, found: ContainerState) -> tuple[Mount, ...]:
    """Return the mounts of the container of that name that are of copies made for it."""
    above = files_of(topology, name)
    return tuple(mount for mount in found.mounts if mount.source.startswith(above))


def file_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """
    Yield an item for each container and host of which there are copies that nobody reads.

    Those of a container that is to be created are none of them: an interrupted apply delivered them, and whoever
    creates a container that reads copies removes the others.
    """
    for host, state in sorted(observed.hosts.items()):
        if not isinstance(state, HostState) or not isinstance(state.engine, EngineState):
            continue
        read = {mount.source for found in state.engine.containers for mount in found.mounts}
        there = {found.name for found in state.engine.containers}
        unread: dict[str, int] = {}
        for path in state.files:
            container = container_of(path, desired.name)
            if container is not None and path not in read:
                unread[container] = unread.get(container, 0) + 1
        for container, count in sorted(unread.items()):
            if not {container, container + ASIDE_SUFFIX} & there and _is_read_at(desired, container, host):
                continue
            copies = "a copy" if count == 1 else f"{count} copies"
            reason = f"{copies} of its configs and secrets that no container reads"
            yield DriftItem(Address("files", container), host, "unexpected", (), reason)


def _is_read_at(desired: Topology, name: str, host: str) -> bool:
    """Whether a container of that name is declared on *host* and reads configs or secrets."""
    declared = desired.containers.get(name)
    return declared is not None and declared.host == host and bool(declared.configs or declared.secrets)
