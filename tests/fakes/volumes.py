"""Named volumes of simulated engines: one that a container mentions is made when the container is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import ConflictError, NotFoundError
from tests.fakes.state import Touched, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Host, Json


def find(host: Host, name: str) -> Volume:
    """Return a volume; NotFoundError if there is none."""
    found = host.engine.volumes.get(name)
    if found is None:
        raise NotFoundError(f"get {name}: no such volume", status=404)
    return found


def create(cluster: Cluster, host: Host, config: Json) -> Volume:
    """Create a volume from the body of ``POST /volumes/create``, or return the one that is there, whatever it is."""
    name, driver = config["Name"], config.get("Driver") or "local"
    known = host.engine.volumes.get(name)
    if known is not None:
        return known
    if driver != "local":
        message = f'create {name}: error looking up volume plugin {driver}: plugin "{driver}" not found'
        raise NotFoundError(message, status=404)
    options, labels = config.get("DriverOpts"), config.get("Labels")
    made = Volume(name, cluster.timestamp(), options and dict(options), None if labels is None else dict(labels))
    host.engine.volumes[name] = made
    return made


def remove(host: Host, name: str) -> None:
    """Remove a volume that no container has."""
    find(host, name)
    users = [found.id for found in host.engine.containers.values() if name in used_by(found.host_config)]
    if users:
        raise ConflictError(f"remove {name}: volume is in use - [{', '.join(users)}]", status=409)
    del host.engine.volumes[name]


def used_by(host_config: Json) -> Iterator[str]:
    """Yield the names of the volumes that a container is made with."""
    for bind in host_config.get("Binds") or ():
        source, _, _ = bind.partition(":")
        if not source.startswith("/"):
            yield source
    for mount in host_config.get("Mounts") or ():
        if mount["Type"] == "volume" and mount.get("Source"):
            yield mount["Source"]


def make_used(cluster: Cluster, host: Host, host_config: Json) -> None:
    """Make what a container is made with and is not there."""
    for name in used_by(host_config):
        create(cluster, host, {"Name": name})


def touched(host: Host, name: str) -> tuple[Touched, ...]:
    """Return what an effect on that volume touches."""
    found = host.engine.volumes.get(name)
    return () if found is None else (Touched("volume", name, tuple(sorted((found.labels or {}).items()))),)


def shape(found: Volume) -> Json:
    """Return a volume as the engine shows it."""
    return {
        "CreatedAt": found.created,
        "Driver": "local",
        "Labels": found.labels,
        "Mountpoint": f"/var/lib/docker/volumes/{found.name}/_data",
        "Name": found.name,
        "Options": found.options,
        "Scope": "local",
    }
