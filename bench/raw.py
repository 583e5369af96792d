"""
The engines' API without a client in between: what 40 containers cost when nothing but the engines does any work.

HTTP of the standard library over unix sockets that ssh forwards. Nothing of ovctl is on the measured path; only the
request bodies, made before the clock starts, are those that ovctl would send.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from controller.apply.engine_config import container_config
from controller.model.desired import container_labels, driver_options, network_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from controller.model.network import Network
    from controller.model.topology import Topology

API = "/v1.41"
WIDTH = 4
"""Requests at once on one engine: create + start gains nothing beyond (measured, engine 20.10.5)."""
_TRIES = 6
_PAUSE_S = 0.1
_LEAKED = re.compile(r"endpoint with name (?P<name>\S+) already exists in network (?P<network>[\w.-]+)")
_TIMEOUT_S = 60.0
_REFUSED = 400


class RawError(Exception):
    """The engine answered with an error."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=_TIMEOUT_S)
        self._path = str(path)

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Talk:
    """One kept connection to an engine; for one thread."""

    def __init__(self, path: Path) -> None:
        self._connection = _UnixConnection(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """
        Send one request and return the answer's JSON, None when it has no body.

        Raises:
            RawError: The engine refused.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(method, API + path, data, headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise RawError(f"{method} {path}: {error!r}") from error
        if answer.status >= _REFUSED:
            raise RawError(f"{method} {path}: {answer.status} {said.decode(errors='replace').strip()}")
        return json.loads(said) if said else None


@dataclass(frozen=True, slots=True)
class Request:
    """A name and the body that creates it."""

    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """
    All that a first apply has to create.

    Args:
        containers: Host -> its containers.
    """

    networks: tuple[Request, ...]
    containers: Mapping[str, tuple[Request, ...]]


def work_of(topology: Topology) -> Work:
    """Return the requests that create all of *topology*, with the bodies and labels that ovctl sends."""
    networks = tuple(
        Request(name, _network_config(network, network_labels(topology.name, network)))
        for name, network in topology.networks.items()
    )
    containers: dict[str, list[Request]] = {host: [] for host in topology.hosts}
    for name, container in topology.containers.items():
        body = container_config(container, container_labels(topology.name, container))
        containers[container.host].append(Request(name, body))
    return Work(networks, {host: tuple(requests) for host, requests in containers.items()})


def _network_config(network: Network, labels: Mapping[str, str]) -> dict[str, Any]:
    pools = [
        {
            "Subnet": str(pool.subnet),
            "Gateway": str(pool.effective_gateway),
            "IPRange": str(pool.effective_ip_range),
        }
        for pool in network.ipam.config
    ]
    return {
        "CheckDuplicate": True,
        "Driver": network.driver,
        "Internal": network.internal,
        "IPAM": {"Driver": "default", "Config": pools},
        "Options": driver_options(network),
        "Labels": dict(labels),
    }


@dataclass(frozen=True, slots=True)
class Created:
    """
    How a raw first apply went.

    Args:
        seconds: From the first request until the last start returned.
        retries: Requests that were made again because the engine had refused.
        failed: What was refused for good.
    """

    seconds: float
    retries: int
    failed: tuple[str, ...]


class _Errors:
    """What the engines refused meanwhile, from all threads."""

    def __init__(self) -> None:
        self.retried: SimpleQueue[str] = SimpleQueue()
        self.final: SimpleQueue[str] = SimpleQueue()


@dataclass(frozen=True, slots=True)
class _Worker:
    """
    Creates and starts containers of one engine until there are none left.

    Args:
        other: Socket of another host's engine, from which an endpoint that a failed start left is cleared.
    """

    path: Path
    other: Path
    waiting: SimpleQueue[Request]
    errors: _Errors

    def run(self) -> None:
        """Work over one kept connection."""
        with Talk(self.path) as talk:
            while True:
                try:
                    request = self.waiting.get_nowait()
                except Empty:
                    return
                persist(talk, "POST", f"/containers/create?name={request.name}", request.body, errors=self.errors)
                persist(talk, "POST", f"/containers/{request.name}/start", errors=self.errors, remedy=self._clear)

    def _clear(self, said: str) -> None:
        """Disconnect by force what leaked; as a rule nobody else has an endpoint of that name here."""
        leaked = _LEAKED.search(said)
        if leaked:
            body = {"Container": leaked["name"], "Force": True}
            with Talk(self.other) as talk, contextlib.suppress(RawError):
                talk.ask("POST", f"/networks/{leaked['network']}/disconnect", body)


def persist(  # noqa: PLR0913 - a request, and what to do about its errors
    talk: Talk,
    method: str,
    path: str,
    body: Any = None,
    *,
    errors: _Errors,
    remedy: Callable[[str], None] = lambda _: None,
) -> None:
    """Ask, and ask again after a growing pause when the engine refuses: under load its dials to the store fail."""
    for number in range(_TRIES):
        try:
            talk.ask(method, path, body)
        except RawError as error:
            (errors.retried if number < _TRIES - 1 else errors.final).put(str(error))
            remedy(str(error))
            time.sleep(_PAUSE_S * 2**number)
        else:
            return


def create_all(sockets: Mapping[str, Path], work: Work, *, width: int = WIDTH) -> Created:
    """
    Create the networks one after the other, then create and start the containers, all hosts side by side.

    Args:
        sockets: Host -> unix socket of its engine; at least two hosts.
        width: Containers at once on each engine.
    """
    errors = _Errors()
    begun = time.monotonic()
    with Talk(next(iter(sockets.values()))) as talk:
        for network in work.networks:
            persist(talk, "POST", "/networks/create", {**network.body, "Name": network.name}, errors=errors)
    with ThreadPoolExecutor(width * len(sockets)) as pool:
        for host, requests in work.containers.items():
            waiting: SimpleQueue[Request] = SimpleQueue()
            for request in requests:
                waiting.put(request)
            other = next(path for name, path in sockets.items() if name != host)
            for _ in range(width):
                pool.submit(_Worker(sockets[host], other, waiting, errors).run)
    seconds = time.monotonic() - begun
    return Created(seconds, errors.retried.qsize(), drained(errors.final))


def containers(path: Path) -> list[dict[str, Any]]:
    """Return every container of an engine, running or not."""
    with Talk(path) as talk:
        found: list[dict[str, Any]] = talk.ask("GET", "/containers/json?all=1")
        return found


def networks(path: Path) -> list[dict[str, Any]]:
    """Return every network that an engine shows."""
    with Talk(path) as talk:
        found: list[dict[str, Any]] = talk.ask("GET", "/networks")
        return found


def engine_version(path: Path) -> str:
    """Return an engine's version."""
    with Talk(path) as talk:
        return str(talk.ask("GET", "/version")["Version"])


def list_everything(talks: Sequence[Talk]) -> float:
    """Return the seconds that listing containers and networks takes, all engines side by side over kept connections."""

    def both(talk: Talk) -> None:
        talk.ask("GET", "/containers/json?all=1")
        talk.ask("GET", "/networks")

    with ThreadPoolExecutor(len(talks)) as pool:
        begun = time.monotonic()
        list(pool.map(both, talks))
        return time.monotonic() - begun


@dataclass(frozen=True, slots=True)
class Removed:
    """
    How a removal went.

    Args:
        refused: What the engines refused at first.
        stuck: What they refused for good; it is still there.
    """

    refused: tuple[str, ...]
    stuck: tuple[str, ...]


def drained(queue: SimpleQueue[str]) -> tuple[str, ...]:
    """Return what is in *queue*."""
    return tuple(queue.get() for _ in range(queue.qsize()))


def remove_all(sockets: Mapping[str, Path], names: Sequence[str], network_names: Sequence[str]) -> Removed:
    """
    Remove the containers called *names* by force, wherever they are, then the networks.

    Raises:
        RawError: An engine does not answer.
    """
    errors = _Errors()

    def remove(host: str, identity: str) -> None:
        with Talk(sockets[host]) as talk:
            persist(talk, "DELETE", f"/containers/{identity}?force=1&v=1", errors=errors)

    with ThreadPoolExecutor(WIDTH * len(sockets)) as pool:
        for host, path in sockets.items():
            for found in containers(path):
                if found["Names"][0].lstrip("/") in names:
                    pool.submit(remove, host, found["Id"])
    path = next(iter(sockets.values()))
    for found in networks(path):
        if found["Name"] in network_names:
            with Talk(path) as talk:
                _remove_network(talk, found["Id"], errors)
    return Removed(drained(errors.retried), drained(errors.final))


def _remove_network(talk: Talk, identity: str, errors: _Errors) -> None:
    """Remove a network without containers; endpoints that failed starts left on it are cleared first."""

    def clear(_: str) -> None:
        with contextlib.suppress(RawError):
            for endpoint in (talk.ask("GET", f"/networks/{identity}")["Containers"] or {}).values():
                talk.ask("POST", f"/networks/{identity}/disconnect", {"Container": endpoint["Name"], "Force": True})

    persist(talk, "DELETE", f"/networks/{identity}", errors=errors, remedy=clear)
