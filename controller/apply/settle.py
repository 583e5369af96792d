"""Settling: do the containers of a host find their peers by name; an engine that forgot to listen is made to listen."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from controller.apply.engine_config import endpoint_of
from controller.apply.start import Joining, disconnect
from controller.errors import HostError, OvctlError
from controller.model.identity import owner_of
from controller.observe.container import container_state
from controller.ports import Ping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.apply.hands import Hands
    from controller.model.action import SettleHost
    from controller.model.observed import ContainerState

FOUND_WITHIN_S = 1.5
"""An engine learns a new name from the store within a second; names that are not there by then do not come."""

REACHED_WITHIN_S = 30.0
"""Engines that joined a moment ago, or whose store came up, know each other's hosts only with the next heartbeat."""

ASKED_AT_LEAST = 2
"""However long one round of asking takes on a busy host."""

AT_ONCE = 4
"""Containers reattached side by side, as many as an engine takes at once."""

_UNRESOLVED = re.compile(
    r"name or service not known|temporary failure in name resolution|bad address|unknown host|^no answer$",
    re.IGNORECASE,
)
"""What ping says of a name that nobody knows, or whose resolving takes longer than it may: it is silent then."""

ROUNDS = 5
"""Times that the containers of a network are reattached: each dial has the same chance to fail, a third at worst."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A container of this host and one of another, on one network; both run."""

    network: str
    source: ContainerState
    target: ContainerState


def settle(action: SettleHost, hands: Hands, note: Callable[[str], None]) -> None:
    """
    Ask one container a network for one peer elsewhere, by name; where only the name fails, reattach and ask again.

    A peer that does not answer by IP address either says nothing about names: that is told, and left to ``verify``.
    """
    for number in range(ROUNDS + 1):
        deaf = _deaf(action, hands, note)
        if not deaf:
            return
        first = deaf[0]
        if number == ROUNDS:
            raise HostError(
                f"host/{action.host}: {first.source.name} does not find {first.target.name} by name on {first.network}",
                hint=f"its engine does not hear of new names: restart {first.source.name}, or docker on {action.host}",
            )
        for pair in deaf:
            note(f"{pair.source.name} found nobody by name on network/{pair.network}: reattached")
            _reattach(action, pair.network, hands, note)


def _deaf(action: SettleHost, hands: Hands, note: Callable[[str], None]) -> list[_Pair]:
    """Return the pairs of which the source reaches its peer by IP address and not by name, after a fair wait."""
    pairs = list(_pairs(action, hands))
    begun = hands.clock.monotonic()
    for number in count(1):
        questions = [
            ping
            for pair in pairs
            for ping in (
                Ping(pair.source.pid, pair.source.resolv_conf, pair.target.name),
                Ping(pair.source.pid, None, pair.target.endpoints[pair.network].current),
            )
        ]
        try:
            answers = hands.shell(action.host).ping(questions, within_s=1) if questions else []
        except HostError as error:
            note(f"not asked whether names are found: {error.message}")
            return []
        by_name, by_address = answers[0::2], answers[1::2]
        failed = [(pair, pong) for pair, pong in zip(pairs, by_name, strict=True) if not pong.reached]
        waited_s = hands.clock.monotonic() - begun
        silent = any(not pong.reached and pong.asked for pong in by_address)
        limit_s = REACHED_WITHIN_S if silent else FOUND_WITHIN_S
        if not failed or (waited_s >= limit_s and number >= ASKED_AT_LEAST):
            break
        hands.clock.sleep(0.2)
    reached = {pair.network for pair, pong in zip(pairs, by_address, strict=True) if pong.reached}
    deaf = []
    for pair, pong in failed:
        if pair.network not in reached:
            note(f"{pair.source.name} does not reach {pair.target.name} on {pair.network} yet: see `ovctl verify`")
        elif not pong.asked or not _UNRESOLVED.search(pong.detail):
            note(f"not asked whether {pair.source.name} finds {pair.target.name} on {pair.network}: {pong.detail}")
        else:
            deaf.append(pair)
    return deaf


def _pairs(action: SettleHost, hands: Hands) -> Iterator[_Pair]:
    for network in action.networks:
        here = _running_on(network, hands, lambda host: host == action.host)
        source = next((found for found in here if found.resolv_conf), None)  # without it the host's names were asked
        target = next(_running_on(network, hands, lambda host: host != action.host), None)
        if source is not None and target is not None:
            yield _Pair(network, source, target)


def _running_on(network: str, hands: Hands, there: Callable[[str], bool]) -> Iterator[ContainerState]:
    """Yield the declared containers that run on the network, on the hosts for which *there* is true."""
    for name, container in sorted(hands.desired.containers.items()):
        if network not in container.networks or not there(container.host):
            continue
        try:
            found = container_state(hands.engine(container.host).inspect_container(name))
        except OvctlError:
            continue  # it did not come up, or its host is gone: nobody to ask
        endpoint = found.endpoints.get(network)
        if found.running and endpoint is not None and endpoint.current and owner_of(found.labels) == hands.desired.name:
            yield found


def _reattach(action: SettleHost, network: str, hands: Hands, note: Callable[[str], None]) -> None:
    """
    Take ours on the host off the network, then put them back as declared: the engine sets its watch up anew.

    Raises:
        OvctlError: One could not be put back; the others are.
    """
    local = list(_running_on(network, hands, lambda place: place == action.host))
    troubles: list[OvctlError] = []

    def detach(found: ContainerState) -> None:
        try:
            disconnect(network, found.id, action, hands, note)
        except OvctlError as error:
            troubles.append(error)

    def attach(found: ContainerState) -> None:
        endpoint = endpoint_of(hands.desired.containers[found.name].networks[network])
        try:
            Joining(action, hands, note).connect(network, found.id, endpoint)
        except OvctlError as error:
            troubles.append(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(detach, local))
        list(pool.map(attach, local[:1]))  # the first alone: it sets the network up
        list(pool.map(attach, local[1:]))
    if troubles:
        raise troubles[0]
