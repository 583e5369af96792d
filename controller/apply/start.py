"""The requests that join a container to its networks and part it from them, with the remedies the action declares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.apply.knife import clear_endpoint, holder_of
from controller.apply.leaks import release_address
from controller.errors import EngineError
from controller.model.desired import is_overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.apply.hands import Hands
    from controller.model.action import (
        Action,
        AttachContainer,
        CreateContainer,
        ReplaceContainer,
        SettleHost,
        StartContainer,
    )
    from controller.ports import Json

    JoiningAction = CreateContainer | ReplaceContainer | StartContainer | AttachContainer | SettleHost

CLEARINGS_AT_MOST = 4
"""Leaked endpoints and addresses cleared for one container: one a network is what a crash leaves."""

_NAME_TAKEN = re.compile(r"endpoint with name (?P<name>\S+) already exists in network (?P<network>\S+?)[\s.,]*$")
_ADDRESS_TAKEN = re.compile(r"(?<!bind: )address already in use", re.IGNORECASE)
_PORT_TAKEN = re.compile(r"bind: address already in use|bind host port|port is already allocated", re.IGNORECASE)
"""A published port that clashes: said in nearly the same words, and no endpoint has anything to do with it."""


@dataclass(frozen=True, slots=True)
class Joining:
    """
    Joins one container to its networks, for one action.

    Args:
        note: Told of every remedy that was used.
    """

    action: JoiningAction
    hands: Hands
    note: Callable[[str], None]

    def start(self, container: str) -> None:
        """Start *container* (an id or a name)."""
        engine = self.hands.engine(self.action.host)
        self._join(lambda: engine.start_container(container), container)

    def connect(self, network: str, container: str, endpoint: Json) -> None:
        """Connect *container* to *network*."""
        engine = self.hands.engine(self.action.host)

        def attached() -> bool:
            networks = engine.inspect_container(container)["NetworkSettings"]["Networks"] or {}
            return bool((networks.get(network) or {}).get("EndpointID"))

        def attempt() -> None:
            try:
                engine.connect(network, container, endpoint)
            except EngineError as error:
                # a connect that broke after it took effect: the container is on the network by now
                if "already exists in network" not in error.message or not attached():
                    raise

        self._join(attempt, container, {network: endpoint})

    def _join(self, attempt: Callable[[], None], container: str, asked: Mapping[str, Json] | None = None) -> None:
        """
        Do *attempt*; what leaked and stands in its way is cleared under the knife rule, and the request made again.

        Args:
            asked: Network -> endpoint that it asks for; None for all that the container is configured with.
        """
        for number in range(CLEARINGS_AT_MOST + 1):
            try:
                self.hands.retrying(attempt, self.action.remedies, self.note, joins=True)
            except EngineError as error:
                if number == CLEARINGS_AT_MOST or not self._cleared(error, container, asked):
                    raise
            else:
                return

    def _cleared(self, error: EngineError, container: str, asked: Mapping[str, Json] | None) -> bool:
        """Clear what stands in the way; False when it is something else."""
        if _PORT_TAKEN.search(error.message):
            return False
        taken = _NAME_TAKEN.search(error.message)
        remedies, joining = self.action.remedies, (self.action.host, container)
        if taken and "clear-leaked-endpoint" in remedies and is_overlay(self.hands.desired, taken["network"]):
            if not self._left(taken["network"], container):
                clear_endpoint(taken["network"], taken["name"], self.hands, self.note, joining)
            return True
        if not _ADDRESS_TAKEN.search(error.message):
            return False
        for network, address in self._wanted(container, asked):
            holder = holder_of(network, address, self.action.host, self.hands)
            if holder is not None and "clear-ghost-address" in remedies:
                clear_endpoint(network, holder, self.hands, self.note, joining)
                return True
            if (
                holder is None
                and "free-leaked-address" in remedies
                and release_address(network, address, self.hands, self.note)
            ):
                return True
        return False

    def _left(self, network: str, container: str) -> bool:
        """
        Disconnect the container where its own endpoint stands in the way; False when it is not its own.

        An engine that could not read back the endpoint it had just made shows the container without one (20.10.5).
        """
        engine = self.hands.engine(self.action.host)
        found = engine.inspect_container(container)
        endpoints = engine.inspect_network(network).get("Containers") or {}
        if not found["State"]["Running"] or found["Id"] not in endpoints:
            return False
        disconnect(network, found["Id"], self.action, self.hands, self.note)
        self.note(f"disconnected from network/{network}: its engine did not know that it is attached")
        return True

    def _wanted(self, container: str, asked: Mapping[str, Json] | None) -> list[tuple[str, str]]:
        """Return the (overlay of ours, fixed IP address) pairs that the request asks for."""
        engine = self.hands.engine(self.action.host)
        networks = engine.inspect_container(container)["NetworkSettings"]["Networks"] or {} if asked is None else asked
        return [
            (network, config["IPAMConfig"]["IPv4Address"])
            for network, config in networks.items()
            if is_overlay(self.hands.desired, network) and (config.get("IPAMConfig") or {}).get("IPv4Address")
        ]


def disconnect(network: str, container: str, action: Action, hands: Hands, note: Callable[[str], None]) -> None:
    """Take a container off a network by its name; one that is not on it is left alone."""
    engine = hands.engine(action.host)

    def attempt() -> None:
        try:
            engine.disconnect(network, container)
        except EngineError as error:
            if "is not connected" not in error.message:
                raise

    hands.retrying(attempt, action.remedies, note)
