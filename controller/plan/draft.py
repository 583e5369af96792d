"""A plan while it is being made: what is decided so far, and which later steps may lean on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from controller.diff.store import expected_members
from controller.model.action import ConfigureHost, PlaceStore, RestoreHost
from controller.model.desired import is_retired
from controller.model.observed import StoreState, Unknown
from controller.model.plan import Blocked, Step
from controller.model.scope import Scope
from controller.plan.budget import is_deletion
from controller.plan.limit import limited, members_within, subject, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from controller.model.action import Action
    from controller.model.drift import Drift, DriftItem
    from controller.model.identity import Address, Kind


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What a plan may do.

    Args:
        prune: Whether objects of ours that are no longer declared are removed.
        max_deletes: How many objects one plan may delete; None for what ``controller.plan.budget`` allows.
        scope: What the plan is limited to; empty for everything.
        prune_volumes: Whether named volumes of ours that nobody uses any more are removed, with their data.
    """

    prune: bool = True
    max_deletes: int | None = None
    scope: Scope = field(default_factory=Scope)
    prune_volumes: bool = False


class Draft:
    """
    Steps by id, and where each subject stands.

    Attributes:
        drift: What the plan is made of; of a limited plan, what is within its limits.
        within: The limits, None when there are none.
        outside: The drift beyond them.
        refused: Why nothing is deleted by this plan, None when deletions are allowed.
        kept: Network that is no longer declared -> why it cannot leave before another one takes its subnet.
        before: Ids of the steps that all placement waits for: the store placed, the members recorded.
        unsettled: Whether somebody is about to join a network, or did in an apply that was ended before its end.
        left_unsettled: Whether this plan leaves some unsettled: they are beyond its limits.
        configured: Host -> id of the step that configures its daemon.
        network_ready: (network, host) -> id of the step after which it is there as declared; no host for an overlay.
        network_blocked: (network, host) that stay as they are; containers that need them wait.
        volume_ready: (volume, host) -> id of the step that creates it.
        volume_blocked: (volume, host) without which, or with which as it is, no container is made.
        kept_volumes: Volumes of ours that nobody uses and nobody said are to go.
        emptied: Ids of the steps that remove volumes.
        staying: Container -> why it stays where it is no longer declared; its successor waits.
        waiting: Containers that stay as they are; those that depend on them wait, too.
        up: Container -> id of the last step that gets it running.
        given_up: Container -> declared networks that it is off until it has a successor, or is put in place anew.
        vacated: (network that is no longer declared, host of a bridge) -> id of the step that removes it before its
            subnet is taken.
        freed: Container -> ids of the steps after which its addresses are free.
        first: (host, network) -> id of the step by which the first container there joins the network.
        settled: (host, network) -> id of the step after which that container finds its peers.
        leaving: (host, container) -> id of the step that removes it.
        touching: Network -> ids of the steps that take a container off it.
        reattached: (container, network) that a network's recreation puts together again by itself.
        renewed: Container -> the network whose recreation it does not survive: its MAC address is given at creation.
    """

    def __init__(
        self,
        drift: Drift,
        policy: Policy,
        *,
        refused: str | None = None,
        kept: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.within = within(drift, policy.scope) if policy.scope else None
        self.drift, self.outside = limited(drift, self.within) if self.within else (drift, ())
        self.desired = drift.desired
        self.observed = drift.observed
        self.policy = policy
        self.refused = refused
        self.kept = kept or {}
        self.planned: list[DriftItem] = []
        self.blocked: list[Blocked] = []
        self.before: list[str] = []
        self.unsettled = False
        self.left_unsettled = False
        self.configured: dict[str, str] = {}
        self.network_ready: dict[tuple[str, str], str] = {}
        self.network_blocked: set[tuple[str, str]] = set()
        self.volume_ready: dict[tuple[str, str], str] = {}
        self.volume_blocked: set[tuple[str, str]] = set()
        self.kept_volumes: list[DriftItem] = []
        self.emptied: list[str] = []
        self.waiting: set[str] = set()
        self.staying: dict[str, str] = {}
        self.up: dict[str, str] = {}
        self.given_up: dict[str, list[str]] = {}
        self.vacated: dict[tuple[str, str], str] = {}
        self.freed: dict[str, list[str]] = {}
        self.first: dict[tuple[str, str], str] = {}
        self.settled: dict[tuple[str, str], str] = {}
        self.leaving: dict[tuple[str, str], str] = {}
        self.touching: dict[str, list[str]] = {}
        self.reattached: set[tuple[str, str]] = set()
        self.renewed: dict[str, str] = {}
        self._steps: dict[str, Step] = {}

    def items(self, kind: Kind) -> Iterator[DriftItem]:
        """Yield the drift of one kind; conflicts are blocked here, once for all kinds."""
        for item in self.drift.items:
            if item.address.kind != kind:
                continue
            if item.cls == "conflict":
                self.block(item, item.reason)
            else:
                yield item

    def add(self, action: Action, *, needs: Iterable[str] = (), follows: Iterable[str] = ()) -> str:
        """Add a step and return its id; the same action asked for twice is one step."""
        known = {step for step in needs if step in self._steps}
        later = {step for step in follows if step in self._steps} - known
        self._steps.setdefault(action.id, Step(action, tuple(sorted(known)), tuple(sorted(later))))
        return action.id

    def withdraw(self, step: str) -> None:
        """Take back a step that no other one leans on."""
        del self._steps[step]

    def plan(self, item: DriftItem) -> None:
        """Say that *item* is mended by this plan."""
        self.planned.append(item)

    def block(self, item: DriftItem, why: str) -> None:
        """Say that *item* is only reported."""
        self.blocked.append(Blocked(item, why))
        if item.address.kind == "network":
            self.network_blocked.add((item.address.name, item.host or ""))
        elif item.address.kind == "volume":
            if not item.changes or not all(change.field.startswith("labels.") for change in item.changes):
                # whatever its labels are: its data is where it was declared to be
                self.volume_blocked.add((item.address.name, item.host or ""))
        elif item.address.kind == "container":
            self.waiting.add(item.address.name)

    def ready_on(self, network: str, host: str) -> str | None:
        """Return the step after which *network* is as declared on *host*; None when it is so already."""
        return self.network_ready.get((network, host)) or self.network_ready.get((network, ""))

    def touching_on(self, network: str, host: str | None) -> list[str]:
        """Return the steps that take a container off *network*, on one host or on all."""
        return [
            step for step in self.touching.get(network, ()) if host is None or self._steps[step].action.host == host
        ]

    @property
    def store_usable(self) -> bool:
        """Whether the store answers, or is placed by this plan."""
        placing = any(isinstance(step.action, PlaceStore) for step in self._steps.values())
        return placing or isinstance(self.observed.store, StoreState)

    def unread_members(self) -> list[str]:
        """Return the hosts that may hold what nobody sees: the engine is unknown, or they vanished from the file."""
        store = self.observed.store
        recorded = (store.members or {}) if isinstance(store, StoreState) else {}
        vanished = sorted(set(recorded) - set(self.desired.hosts))
        return [host for host in self.desired.hosts if isinstance(self.observed.engine(host), Unknown)] + vanished

    def leaves_out(self, address: Address) -> bool:
        """Whether the plan is limited, and *address* is not within its limits."""
        return self.within is not None and subject(address) not in self.within.addresses

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """What the record of members is to say, host -> names of containers."""
        if self.within is None:
            return expected_members(self.desired, self.observed)
        return members_within(self.desired, self.observed, self.within)

    @property
    def left_alone(self) -> frozenset[tuple[str, str]]:
        """Host and name of the containers whose drift this plan is known not to mend, so far."""
        items = (*self.outside, *(blocked.item for blocked in self.blocked))
        return frozenset((item.host or "", item.address.name) for item in items if item.address.kind == "container")

    @property
    def no_removals(self) -> str | None:
        """Why nothing is removed although it is no longer declared, or None."""
        if not self.policy.prune:
            return "prune is off"
        if not (is_retired(self.desired) or self.desired.networks or self.desired.containers):
            return "an empty topology removes nothing; `ovctl destroy` does"
        return None

    def no_removal(self, item: DriftItem) -> str | None:
        """Why *item*, which is no longer declared, is not removed by this plan, or None."""
        return self.no_removals or (self.refused if is_deletion(self.desired, item) else None)

    def ordered(self) -> tuple[Step, ...]:
        """Return the steps in an order in which they could run one by one; ties are sorted."""
        sorter = TopologicalSorter({step.id: {*step.needs, *step.follows} for step in self._steps.values()})
        sorter.prepare()
        ordered: list[Step] = []
        while sorter.is_active():
            ready = sorted((self._steps[step] for step in sorter.get_ready()), key=_tie)
            ordered.extend(ready)
            sorter.done(*(step.id for step in ready))
        return tuple(ordered)


def _tie(step: Step) -> tuple[bool, str, str, str]:
    """Sort daemons before all else that is ready, then by kind and name."""
    address = step.action.address
    return (not isinstance(step.action, ConfigureHost | RestoreHost), address.kind, address.name, step.id)
