"""The copies of configs and secrets on a simulated host."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from controller.errors import EngineError
from controller.model.files import FILES_ROOT, DeliveredFile, content_digest, files_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from controller.model.files import Delivery
    from tests.fakes.state import Host, Json


def facts(host: Host, topology: str) -> tuple[DeliveredFile, ...]:
    """Return the copies that belong to a topology."""
    above = f"{FILES_ROOT}/{topology}/"
    return tuple(
        DeliveredFile(path, content_digest(content), mode, uid, gid)
        for path, (content, mode, uid, gid) in sorted(host.files.items())
        if path.startswith(above)
    )


def deliver(host: Host, delivery: Delivery) -> str:
    """Put a copy beside those that are there, or return the one that is like it."""
    directory = f"{files_of(delivery.topology, delivery.container)}{delivery.kind}/{delivery.name}"
    wanted = (delivery.content, delivery.mode, delivery.uid, delivery.gid)
    for path, found in host.files.items():
        if posixpath.dirname(path) == directory and found == wanted:
            return path
    host.deliveries += 1
    path = f"{directory}/{host.deliveries:06d}"
    host.files[path] = wanted
    return path


def sweep(host: Host, topology: str, container: str, keep: Collection[str]) -> None:
    """Remove the copies of a container, but for some."""
    above = files_of(topology, container)
    host.files = {path: found for path, found in host.files.items() if path in keep or not path.startswith(above)}


def check_mounts(host: Host, host_config: Json) -> None:
    """Refuse a mount of a copy that is not there: 20.10.5 makes no directory in the place of one in ``Mounts``."""
    for mount in host_config.get("Mounts") or ():
        source = mount.get("Source") or ""
        if source.startswith(f"{FILES_ROOT}/") and source not in host.files:
            message = f'invalid mount config for type "bind": bind source path does not exist: {source}'
            raise EngineError(message, status=400)


def snapshot(host: Host) -> Json:
    """Return the copies as plain data: how often they were delivered makes no difference."""
    return {"files": sorted((posixpath.dirname(path), *found) for path, found in host.files.items())}


def without_versions(host_config: Json) -> Json:
    """Return *host_config* without which of the versions of a copy is mounted."""
    if not host_config.get("Mounts"):
        return host_config
    mounts = [
        {**mount, "Source": posixpath.dirname(mount["Source"])}
        if (mount.get("Source") or "").startswith(f"{FILES_ROOT}/")
        else mount
        for mount in host_config["Mounts"]
    ]
    return {**host_config, "Mounts": mounts}
