"""
Named volumes that are declared: there on each host whose containers use them, and made as declared.

A volume cannot be changed, and a new one in its place would lose its data: what differs is a conflict, for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.desired import hosts_with, uses_volume
from controller.model.drift import Change, DriftItem
from controller.model.identity import Address, owner_of, without_ours
from controller.model.observed import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.observed import Observed, VolumeState
    from controller.model.topology import Topology
    from controller.model.volume import Volume

_HINT = "a volume cannot be changed, and a new one would lose its data: declare it as it is, or move its data by hand"


def volume_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """
    Yield the drift of each declared volume on each host that could be read, and those of ours that nobody uses.

    A volume without any mark, such as one that an engine made when a container first used it, is as good as ours if its
    driver and options are those declared.
    """
    for name, volume in sorted(desired.volumes.items()):
        for host in hosts_with(desired, name):
            engine = observed.engine(host)
            if not isinstance(engine, Unknown):
                yield from _on_host(desired, name, volume, host, engine.volume(name))
    for host, engine in observed.engines.items():
        for found in engine.volumes:
            if owner_of(found.labels) == desired.name:
                yield from _unused(desired, host, found)


def _on_host(desired: Topology, name: str, volume: Volume, host: str, found: VolumeState | None) -> Iterator[DriftItem]:
    address = Address("volume", name)
    if volume.external:
        if found is None:
            reason = f"it is external, and host/{host} has none of that name: create it there, or correct the name"
            yield DriftItem(address, host, "conflict", (), reason)
        return
    if found is None:
        yield DriftItem(address, host, "missing", (), f"there is none on {host}")
        return
    owner = owner_of(found.labels)
    if owner not in (None, desired.name):
        reason = f"host/{host} has a volume named {name} of topology/{owner}: declare it as external, or rename yours"
        yield DriftItem(address, host, "conflict", (), reason)
        return
    changes = tuple(_changes(volume, found))
    if changes:
        differs = ", ".join(change.field for change in changes)
        yield DriftItem(address, host, "conflict", changes, f"it differs from what is declared ({differs}); {_HINT}")


def _changes(volume: Volume, found: VolumeState) -> Iterator[Change]:
    """Compare what a volume was made with; its labels only if it is ours. Values may be secrets, and are not shown."""
    if found.driver != volume.driver:
        yield Change("driver", volume.driver, found.driver)
    compared = [("driver_opts", volume.driver_opts, found.options)]
    if owner_of(found.labels) is not None:
        compared.append(("labels", volume.labels, without_ours(found.labels)))
    for field, wanted, there in compared:
        for key in sorted({*wanted, *there}):
            if wanted.get(key) != there.get(key):
                shown = "(declared value)" if key in wanted else None
                yield Change(f"{field}.{key}", shown, "(another value)" if key in there else None)


def _unused(desired: Topology, host: str, found: VolumeState) -> Iterator[DriftItem]:
    """Yield a volume of ours that no declared container on *host* uses; one that is external now is others' affair."""
    declared = desired.volumes.get(found.name)
    if (declared is not None and declared.external) or uses_volume(desired, host, found.name):
        return
    reason = "no longer declared" if declared is None else f"no container on {host} uses it any more"
    yield DriftItem(Address("volume", found.name), host, "unexpected", (), reason)
