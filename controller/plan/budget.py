"""The delete budget: a plan that deletes a good part of what is ours was perhaps made from the wrong file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.desired import is_retired
from controller.model.identity import ASIDE_SUFFIX, owner_of

if TYPE_CHECKING:
    from controller.model.drift import DriftItem
    from controller.model.observed import Observed
    from controller.model.topology import Topology
    from controller.plan.draft import Draft

ALWAYS_ALLOWED = 5
"""Deletions that a plan may have, however few objects there are."""
SHARE = 4
"""One of so many objects may go in one plan."""


def is_deletion(desired: Topology, item: DriftItem) -> bool:
    """Whether mending *item* leaves less of ours than before: no recreation, replacement, or move to another host."""
    if item.cls != "unexpected" or item.address.kind in ("host", "files"):
        return False
    return item.address.kind != "container" or item.address.name.removesuffix(ASIDE_SUFFIX) not in desired.containers


def over_budget(draft: Draft) -> str | None:
    """
    Return why none of the deletions of *draft* may be done, with the numbers; None when they may.

    A topology that is retired says itself that all of it goes.
    """
    if is_retired(draft.desired):
        return None
    count = sum(is_deletion(draft.desired, item) for item in draft.planned)
    owned = owned_objects(draft.desired.name, draft.observed)
    allowed = max(ALWAYS_ALLOWED, owned // SHARE)
    if draft.policy.max_deletes is not None:
        allowed = draft.policy.max_deletes
    if count <= allowed:
        return None
    numbers = f"one of {count} deletions among {owned} objects that are ours, and {allowed} may go"
    return f"{numbers}; if it is meant: --max-deletes {count}"


def owned_objects(topology: str, observed: Observed) -> int:
    """Return how many containers, networks and volumes that were read bear the topology's mark."""
    engines = observed.engines.values()
    networks = {found.id for engine in engines for found in engine.networks if owner_of(found.labels) == topology}
    labels = [found.labels for engine in engines for found in engine.containers]
    labels += [found.labels for engine in engines for found in engine.volumes]
    return len(networks) + sum(owner_of(one) == topology for one in labels)
