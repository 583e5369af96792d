"""
Compare what is desired with what is observed.

Pure: no client, no clock, no randomness. Only declared fields and their defaults are compared, as requested against as
configured; derived runtime state never is. What is unknown gives a gap, never a drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.diff.container import container_items
from controller.diff.files import file_items
from controller.diff.host import host_items
from controller.diff.network import network_items
from controller.diff.store import store_items
from controller.diff.volume import volume_items
from controller.model.desired import places_store
from controller.model.drift import Drift, Gap
from controller.model.observed import HostState, Unknown

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.observed import Observed
    from controller.model.topology import Topology

_KINDS = ("store", "host", "network", "volume", "container", "files")

__all__ = ["diff"]


def diff(desired: Topology, observed: Observed) -> Drift:
    """Return every difference, sorted by kind, name and host, and every gap."""
    items = (
        *store_items(desired, observed),
        *host_items(desired, observed),
        *network_items(desired, observed),
        *volume_items(desired, observed),
        *container_items(desired, observed),
        *file_items(desired, observed),
    )
    return Drift(desired, observed, tuple(sorted(items, key=_order)), tuple(_gaps(desired, observed)))


def _order(item: DriftItem) -> tuple[int, str, str]:
    return (_KINDS.index(item.address.kind), item.address.name, item.host or "")


def _gaps(desired: Topology, observed: Observed) -> list[Gap]:
    gaps: list[Gap] = []
    if isinstance(observed.store, Unknown) and not places_store(desired):
        gaps.append(Gap("store", observed.store.reason))
    for name in sorted(desired.hosts):
        state = observed.hosts.get(name, Unknown("not asked"))
        if isinstance(state, Unknown):
            gaps.append(Gap(f"host/{name}", state.reason))
        elif isinstance(state, HostState) and isinstance(state.engine, Unknown):
            gaps.append(Gap(f"host/{name}", state.engine.reason))
    return gaps
