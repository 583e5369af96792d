"""The two requests that join a container to a network, start and connect, with the remedies their action declares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.apply.knife import clear_endpoint, holder_of
from controller.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import AttachContainer, CreateContainer, ReplaceContainer, SettleHost, StartContainer
    from controller.ports import Json

    JoiningAction = CreateContainer | ReplaceContainer | StartContainer | AttachContainer | SettleHost

CLEARINGS_AT_MOST = 4
"""Leaked endpoints cleared for one container: one a network is what a crash leaves."""

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

        self._join(attempt, container)

    def _join(self, attempt: Callable[[], None], container: str) -> None:
        """Do *attempt*; an endpoint that leaked is cleared under the knife rule and the request made again."""
        for number in range(CLEARINGS_AT_MOST + 1):
            try:
                self.hands.retrying(attempt, self.action.remedies, self.note, joins=True)
            except EngineError as error:
                leaked = self._leaked(error, container)
                if leaked is None or number == CLEARINGS_AT_MOST:
                    raise
                clear_endpoint(*leaked, self.hands, self.note, (self.action.host, container))
            else:
                return

    def _leaked(self, error: EngineError, container: str) -> tuple[str, str] | None:
        """Return network and name of the endpoint that stands in the way, or None when the error is another."""
        if _PORT_TAKEN.search(error.message):
            return None
        taken = _NAME_TAKEN.search(error.message)
        if (
            taken
            and "clear-leaked-endpoint" in self.action.remedies
            and taken["network"] in self.hands.desired.networks
        ):
            return taken["network"], taken["name"]
        if _ADDRESS_TAKEN.search(error.message) and "clear-ghost-address" in self.action.remedies:
            for network, address in self._wanted(container):
                holder = holder_of(network, address, self.action.host, self.hands)
                if holder is not None:
                    return network, holder
        return None

    def _wanted(self, container: str) -> list[tuple[str, str]]:
        """Return (network, fixed IP address) pairs that the container asks for, as it is configured now."""
        engine = self.hands.engine(self.action.host)
        networks = engine.inspect_container(container)["NetworkSettings"]["Networks"] or {}
        return [
            (network, config["IPAMConfig"]["IPv4Address"])
            for network, config in networks.items()
            if (config.get("IPAMConfig") or {}).get("IPv4Address")
        ]
