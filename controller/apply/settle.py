"""Settling: do the containers of a host find their peers by name; an engine that missed one is made to look again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from controller.apply.adoption import labels_of
from controller.apply.engine_config import endpoint_of
from controller.apply.start import Joining, disconnect
from controller.errors import HostError, OvctlError
from controller.model.allocation import COUNTS, respelled
from controller.model.identity import is_number, owner_of
from controller.observe.container import container_state
from controller.ports import Ping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controller.apply.hands import Hands
    from controller.model.action import SettleHost
    from controller.model.observed import ContainerState
    from controller.ports import Json

    Note = Callable[[str], None]

FOUND_WITHIN_S = 1.2
"""An engine learns a new name from the store within a second; names that are not there by then do not come."""

WOKEN_AFTER_S = 0.4
"""A name that is not there by then was probably missed: waking engines costs nothing, waiting does."""

REACHED_WITHIN_S = 30.0
"""Engines that joined a moment ago, or whose store came up, know each other's hosts only with the next heartbeat."""

ASKED_AT_LEAST = 2
"""However long one round of asking takes on a busy host."""

AT_ONCE = 4
"""Containers reattached side by side, as many as an engine takes at once."""

ROUNDS = 5
"""Times that an engine is made to look again: each dial has the same chance to fail, a third at worst."""


@dataclass(frozen=True, slots=True)
class _Group:
    """
    A container of this host, and those that run on other hosts on one network.

    Args:
        peers: Container name -> its IP address on the network; one at least.
    """

    network: str
    source: ContainerState
    peers: Mapping[str, str]

    @property
    def text(self) -> str:
        """What is wrong when the first peer is not reached, for people."""
        return f"{self.source.name} does not reach {next(iter(self.peers))}"


@dataclass(frozen=True, slots=True)
class _Deaf:
    """A group whose source does not know some names, though the data path is there."""

    group: _Group
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is wrong, for people."""
        missing = ", ".join(self.missing)
        return f"{self.group.source.name} did not find {missing} by name on network/{self.group.network}"


def settle(action: SettleHost, hands: Hands, note: Note) -> None:
    """
    Ask a container of each network for the names of all peers elsewhere; where some are missing, mend and ask again.

    The mild way first: the store's count of endpoints is written anew, which wakes every engine that listens. One that
    does not has to set its watch up again, by reattaching its containers. So does one whose containers do not reach
    their peers at all after a fair wait: they may have started before their daemon could tell the others of them.

    Raises:
        HostError: It does not help.
    """
    silent_before: set[str] = set()
    reattached: set[str] = set()
    for number in range(ROUNDS + 1):
        deaf, silent = _deaf(action, hands, note)
        for group in silent:
            if group.network in silent_before or number == ROUNDS:
                raise HostError(
                    f"host/{action.host}: {group.text} on {group.network}",
                    hint="do the daemons reach each other on tcp and udp 7946, and udp 4789? see `ovctl verify`; "
                    f"restarting docker on {action.host} may help",
                )
            silent_before.add(group.network)
            reattached.add(group.network)
            note(f"{group.text} on network/{group.network}: reattached")
            _reattach(action, group.network, hands, note)
        if not deaf and not silent:
            _heard(action, sorted(reattached), hands, note)
            return
        if number == ROUNDS:
            first = deaf[0]
            raise HostError(
                f"host/{action.host}: {first.group.source.name} does not find {first.missing[0]} by name on "
                f"{first.group.network}",
                hint=f"its engine does not hear of new names: restart docker on {action.host}",
            )
        for found in deaf:
            note(f"{found.text}: reattached")
            reattached.add(found.group.network)
            _reattach(action, found.group.network, hands, note)


def _heard(action: SettleHost, networks: list[str], hands: Hands, note: Note) -> None:
    """
    See that the other hosts know those by name who were reattached here: theirs may have been asked before.

    Raises:
        HostError: One does not; the apply after this one settles them all again.
    """
    others = sorted({host.host for host in hands.desired.containers.values()} - {action.host})
    for host in others if networks else ():
        there = replace(action, host=host, networks=tuple(networks))
        deaf, _ = _deaf(there, hands, note, only=action.host)
        if deaf:
            raise HostError(f"host/{host}: {deaf[0].text}, who was reattached", hint="run apply again")


def _woken(network_id: str, hands: Hands) -> bool:
    """Write a network's count of endpoints anew as it is; whether that was done: without the store it is not."""
    key = f"{COUNTS}{network_id}/"
    try:
        found = hands.store().versioned(key)
        return found is not None and hands.store().replace(key, respelled(found.value), version=found.version)
    except (OvctlError, ValueError):
        return False  # then the other way


def _deaf(action: SettleHost, hands: Hands, note: Note, *, only: str | None = None) -> tuple[list[_Deaf], list[_Group]]:
    """
    Return the groups in which names are missing after a fair wait, and those whose first peer is not even reached.

    Args:
        only: The host whose containers are asked for; None for all others.
    """
    groups = list(_groups(action, hands, only))
    shell = hands.shell(action.host)
    begun = hands.clock.monotonic()
    woken = False
    for number in count(1):
        try:
            deaf = [_Deaf(group, missing) for group in groups if (missing := _missing(group, action, hands))]
            pings = [Ping(group.source.pid, None, next(iter(group.peers.values()))) for group in groups]
            pongs = shell.ping(pings, within_s=1)
        except HostError as error:
            note(f"not asked whether names are found: {error.message}")
            return [], []
        silent = {group.network: pong for group, pong in zip(groups, pongs, strict=True) if not pong.reached}
        waited_s = hands.clock.monotonic() - begun
        limit_s = REACHED_WITHIN_S if any(pong.asked for pong in silent.values()) else FOUND_WITHIN_S
        if not (deaf or silent) or (waited_s >= limit_s and number >= ASKED_AT_LEAST):
            break
        reached = [found for found in deaf if found.group.network not in silent]
        if not woken and reached and waited_s >= WOKEN_AFTER_S:
            woken = True
            for found in reached:
                if _woken(found.group.source.endpoints[found.group.network].network_id, hands):
                    note(f"{found.text}: woken")
        hands.clock.sleep(0.2)
    for group in groups:
        pong = silent.get(group.network)
        if pong is not None and not pong.asked:
            note(f"not asked whether {group.source.name} reaches its peers on {group.network}: {pong.detail}")
    return (
        [found for found in deaf if found.group.network not in silent],
        [group for group in groups if group.network in silent and silent[group.network].asked],
    )


def _missing(group: _Group, action: SettleHost, hands: Hands) -> tuple[str, ...]:
    """Return the peers whose names the source does not know, or knows by a former IP address alone."""
    source = group.source
    found = hands.shell(action.host).resolve(source.pid, source.resolv_conf, tuple(group.peers))
    known = {name for name, addresses in found.items() if group.peers[name] in addresses}
    # a name that leads to another network that both are on is as good
    known |= {name for name in found if _shares_another(group, name, hands)}
    return tuple(sorted(set(group.peers) - known))


def _shares_another(group: _Group, name: str, hands: Hands) -> bool:
    others = set(group.source.endpoints) - {group.network}
    return bool(others & set(hands.desired.containers[name].networks))


def _groups(action: SettleHost, hands: Hands, only: str | None = None) -> Iterator[_Group]:
    rosters = {host: list(_roster(host, hands)) for host in hands.desired.hosts if _shares(host, action, hands)}
    here = rosters.get(action.host, [])
    for network in action.networks:
        peers = {
            name: address
            for host, roster in rosters.items()
            if host != action.host and only in (None, host)
            for name, endpoints in roster
            if (address := endpoints.get(network)) and not is_number(name)
        }
        source = next((name for name, endpoints in here if endpoints.get(network)), None)
        if not peers or source is None:
            continue
        try:
            found = container_state(hands.engine(action.host).inspect_container(source))
        except OvctlError:
            continue  # it is gone by now: nobody to ask
        if found.resolv_conf:  # without it the host's names were asked
            yield _Group(network, found, peers)


def _shares(host: str, action: SettleHost, hands: Hands) -> bool:
    """Whether a container is declared there on one of the networks."""
    declared = (container for container in hands.desired.containers.values() if container.host == host)
    return any(network in container.networks for container in declared for network in action.networks)


def _roster(host: str, hands: Hands) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each declared container that runs there, sorted by name: network -> its IP address on it."""
    try:
        summaries = hands.engine(host).containers()
    except OvctlError:
        return  # the host is gone: nobody to ask
    for summary in sorted(summaries, key=_name):
        declared = hands.desired.containers.get(_name(summary))
        if declared is None or declared.host != host or summary["State"] != "running":
            continue
        if _is_ours(host, summary, hands):
            endpoints = (summary.get("NetworkSettings") or {}).get("Networks") or {}
            yield (
                _name(summary),
                {network: (endpoints.get(network) or {}).get("IPAddress") or "" for network in declared.networks},
            )


def _is_ours(host: str, summary: Json, hands: Hands) -> bool:
    try:
        return owner_of(labels_of(host, summary, hands)) == hands.desired.name
    except OvctlError:
        return False  # it bears no label, and whether it was adopted could not be read


def _name(summary: Json) -> str:
    return str((summary.get("Names") or ["/"])[0]).lstrip("/")


def _reattach(action: SettleHost, network: str, hands: Hands, note: Note) -> None:
    """
    Take ours on the host off the network, then put them back as declared: the engine sets its watch up anew.

    Raises:
        OvctlError: One could not be put back; the others are.
    """
    local = [name for name, endpoints in _roster(action.host, hands) if endpoints.get(network)]
    troubles: list[OvctlError] = []

    def detach(name: str) -> None:
        try:
            disconnect(network, name, action, hands, note)
        except OvctlError as error:
            troubles.append(error)

    def attach(name: str) -> None:
        endpoint = endpoint_of(hands.desired.containers[name].networks[network])
        try:
            Joining(action, hands, note).connect(network, name, endpoint)
        except OvctlError as error:
            troubles.append(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(detach, local))
        list(pool.map(attach, local[:1]))  # the first alone: it sets the network up
        list(pool.map(attach, local[1:]))
    if troubles:
        raise troubles[0]
