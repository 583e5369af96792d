"""
``ports.Engine``: Docker's API of one host.

Requests go through the lean client. Pulls and loads, which are streams, go through the Docker SDK, which also finds a
person's credentials; it is imported for the first one, since that takes longer than a whole plan. Each effect is one
request; nothing is tried again here.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import quote

from controller.adapters.archive import pieces, refuse_without
from controller.adapters.engine_words import (
    how_far,
    in_path,
    load_error,
    message_of,
    negotiate,
    one_line,
    redacted,
    registry,
    split_image,
    word,
)
from controller.adapters.http import BadAnswerError, Client, HttpError, TimedOutError
from controller.errors import ConflictError, EngineError, NotFoundError, UnreachableError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from docker import APIClient

    from controller.adapters.http import Answer
    from controller.ports import Json

_READ_S = 20.0
_EFFECT_S = 120
_LOAD_S = 900
"""Seconds without a word: an engine says nothing while it unpacks what it was sent."""
_UNCHANGED, _NOT_FOUND, _CONFLICT = 304, 404, 409
_START_OF_ID = re.compile(r"[0-9a-f]{1,63}")
_NO_ACCESS = re.compile(
    r"unauthorized|authentication required|no basic auth credentials|access.* denied", re.IGNORECASE
)


class Way(Protocol):
    """What leads to a host's engine."""

    place: str

    def engine_socket(self) -> str:
        """Return the path of a local unix socket that leads to the engine."""
        ...

    def dial_engine(self, timeout_s: float) -> socket.socket:
        """Return a new connection to the engine."""
        ...

    def last_words(self) -> str:
        """Return why the way to the engine ended, if it said so."""
        ...


class DockerEngine:
    """``ports.Engine`` on the engine that *way* leads to."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._http = Client(way.dial_engine, host="docker")
        self._lock = threading.Lock()
        self._api: str | None = None
        self._sdk: APIClient | None = None

    # Reads.

    def version(self) -> Json:
        """Return ``GET /version``; ``ApiVersion`` is the version in use."""
        answer = self._read("/version")
        if not isinstance(answer, dict):
            raise self._unreadable()
        api = negotiate(self._way.place, answer)
        with self._lock:
            if api != self._api:
                self._api = api
                self._sdk = None
        return {**answer, "ApiVersion": api}

    def info(self) -> Json:
        """Return ``GET /info``."""
        return self._object("/info")

    def containers(self) -> list[Json]:
        """Return ``GET /containers/json?all=1``."""
        return self._objects("/containers/json?all=1")

    def inspect_container(self, ref: str) -> Json:
        """Return one container; NotFoundError if there is none."""
        found = self._object(f"/containers/{in_path(ref)}/json")
        return self._exactly(found, ref, f"No such container: {ref}")

    def networks(self) -> list[Json]:
        """Return ``GET /networks``."""
        return self._objects("/networks")

    def inspect_network(self, ref: str) -> Json:
        """Return one network with its endpoints; NotFoundError if there is none."""
        found = self._object(f"/networks/{in_path(ref)}")
        return self._exactly(found, ref, f"network {ref} not found")

    def volumes(self) -> list[Json]:
        """Return the volumes of ``GET /volumes``."""
        return self._list_of(self._object("/volumes").get("Volumes"))

    def inspect_volume(self, name: str) -> Json:
        """Return one volume; NotFoundError if there is none."""
        return self._object(f"/volumes/{in_path(name)}")

    def inspect_image(self, ref: str) -> Json:
        """Return one image; NotFoundError if the host has none of that name."""
        return self._object(f"/images/{quote(word(ref), safe='/:@')}/json")

    # Effects.

    def pull_image(self, ref: str, tell: Callable[[str], None]) -> None:
        """
        Pull *ref* from its registry.

        The SDK takes credentials from the person's docker configuration (``DOCKER_CONFIG`` or ``~/.docker``) and its
        credential helpers, by registry, and sends them along with the request; the host keeps none of them.
        """
        try:
            self._pull(ref, tell)
        except EngineError as error:
            if error.hint is None and _NO_ACCESS.search(error.message):
                hint = f"log in on this machine: docker login {registry(ref)}".rstrip()
                raise type(error)(error.message, status=error.status, hint=hint) from None
            raise

    def _pull(self, ref: str, tell: Callable[[str], None]) -> None:
        repository, tag = split_image(ref)
        layers: dict[str, tuple[int, int]] = {}
        with self._streams() as sdk:
            for step in sdk.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in step:
                    raise EngineError(f"{self._way.place}: {ref}: {one_line(step['error'])}", status=None)
                far = how_far(layers, step)
                if far:
                    tell(far)

    def load_image(self, ref: str, archive: str, tell: Callable[[str], None]) -> None:
        """Load what is in an archive of this machine, *ref* among it, piece by piece."""
        refuse_without(ref, archive)
        with self._streams() as sdk, pieces(ref, archive, tell) as data:
            url, kind = f"{sdk.base_url}/v{sdk.api_version}/images/load?quiet=1", {"Content-Type": "application/x-tar"}
            answer = sdk.post(url, data=data, headers=kind, stream=True, timeout=_LOAD_S)
            if not answer.ok:
                raise self._refusal(answer.status_code, message_of(answer.content))
            for line in answer.iter_lines():
                said = load_error(line)
                if said:
                    raise EngineError(f"{self._way.place}: {ref}: {one_line(said)}", status=None)

    def create_container(self, name: str, config: Json) -> str:
        """Create a container from the body of ``POST /containers/create`` and return its id."""
        return self._id(self._post(f"/containers/create?name={in_path(name)}", config))

    def start_container(self, ref: str) -> None:
        """Start it; one that runs already is left alone."""
        self._post(f"/containers/{in_path(self._container(ref))}/start")

    def unpause_container(self, ref: str) -> None:
        """Let a paused one go on; EngineError when it is not paused."""
        self._post(f"/containers/{in_path(self._container(ref))}/unpause")

    def stop_container(self, ref: str, *, timeout_s: int = 10) -> None:
        """Stop it; one that is stopped already is left alone."""
        self._post(f"/containers/{in_path(self._container(ref))}/stop?t={timeout_s}", within_s=_EFFECT_S + timeout_s)

    def rename_container(self, ref: str, name: str) -> None:
        """Give it another name."""
        self._post(f"/containers/{in_path(self._container(ref))}/rename?name={in_path(name)}")

    def update_container(self, ref: str, config: Json) -> None:
        """Change what can be changed in place."""
        self._post(f"/containers/{in_path(self._container(ref))}/update", config)

    def remove_container(self, ref: str, *, force: bool = False) -> None:
        """Remove it and its anonymous volumes, never its named ones."""
        # ``v`` means the anonymous ones alone: the engine keeps a volume that was given a name.
        self._effect("DELETE", f"/containers/{in_path(self._container(ref))}?v=true&force={str(force).lower()}")

    def create_network(self, name: str, config: Json) -> str:
        """Create a network from the body of ``POST /networks/create`` (without Name) and return its id."""
        return self._id(self._post("/networks/create", {**config, "Name": name}))

    def remove_network(self, ref: str) -> None:
        """Remove it; EngineError 403 while it has active endpoints."""
        self._effect("DELETE", f"/networks/{in_path(self._network(ref))}")

    def create_volume(self, name: str, config: Json) -> Json:
        """Create a volume from the body of ``POST /volumes/create``; return it, or the one that is there already."""
        return self._object_of(self._told(self._post("/volumes/create", {**config, "Name": name})))

    def remove_volume(self, name: str) -> None:
        """Remove it with its data; ConflictError while a container has it."""
        self._effect("DELETE", f"/volumes/{in_path(name)}")

    def connect(self, network: str, container: str, endpoint: Json) -> None:
        """Attach a container."""
        body = {"Container": self._container(container), "EndpointConfig": endpoint}
        self._post(f"/networks/{in_path(self._network(network))}/connect", body)

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """Detach a container by id or name."""
        if force:
            self._refuse_other(container)
        else:
            self._container(container)
        self._post(f"/networks/{in_path(self._network(network))}/disconnect", {"Container": container, "Force": force})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        with self._lock:
            sdk, self._sdk = self._sdk, None
        if sdk is not None:
            sdk.close()

    # How.

    def _exactly(self, found: Json, ref: str, missing: str) -> Json:
        """Return *found* if *ref* is its id or name: engines take the start of an id where nobody has the name."""
        if ref not in (found.get("Id"), str(found.get("Name") or "").lstrip("/")):
            raise NotFoundError(f"{self._way.place}: {missing}", status=_NOT_FOUND)
        return found

    def _container(self, ref: str) -> str:
        """Return *ref*; NotFoundError when an engine would take it for the start of another container's id."""
        if _START_OF_ID.fullmatch(word(ref)):
            self.inspect_container(ref)
        return ref

    def _network(self, ref: str) -> str:
        """Return *ref*; NotFoundError when an engine would take it for the start of another network's id."""
        if _START_OF_ID.fullmatch(word(ref)):
            self.inspect_network(ref)
        return ref

    def _refuse_other(self, name: str) -> None:
        """Raise ConflictError when an engine would take a name that no container has for the start of an id."""
        if not _START_OF_ID.fullmatch(word(name)):
            return
        with contextlib.suppress(NotFoundError):
            found = self._object(f"/containers/{in_path(name)}/json")
            other = str(found.get("Name") or "").lstrip("/")
            if name not in (found.get("Id"), other):
                fact = f"{self._way.place}: the engine takes {name} for the container {other}, whose id begins so"
                raise ConflictError(fact, status=_CONFLICT, hint="do it from another host")

    def _version(self) -> str:
        if self._api is None:
            self.version()
        assert self._api is not None  # noqa: S101 - version() sets it or raises
        return self._api

    def _object(self, path: str) -> Json:
        return self._object_of(self._read(f"/v{self._version()}{path}"))

    def _objects(self, path: str) -> list[Json]:
        return self._list_of(self._read(f"/v{self._version()}{path}"))

    def _object_of(self, found: Any) -> Json:
        if not isinstance(found, dict):
            raise self._unreadable()
        return found

    def _list_of(self, found: Any) -> list[Json]:
        """Return a list of objects; engines say null for an empty one."""
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._unreadable()
        return found

    def _id(self, answer: Answer) -> str:
        """Return the id of what was created; EngineError for an answer without one."""
        found = self._object_of(self._told(answer)).get("Id")
        if not isinstance(found, str):
            raise self._unreadable()
        return found

    def _unreadable(self) -> EngineError:
        return EngineError(f"{self._way.place}: engine: an answer that cannot be read")

    def _read(self, path: str) -> Any:
        answer = self._ask("GET", path, within_s=_READ_S)
        try:
            return answer.json()
        except HttpError as error:
            self._broken(error)

    def _told(self, answer: Answer) -> Any:
        """Return what an effect answers with."""
        try:
            return answer.json()
        except HttpError:
            raise self._unreadable() from None

    def _post(self, path: str, body: Json | None = None, *, within_s: float = _EFFECT_S) -> Answer:
        return self._effect("POST", path, body, within_s=within_s)

    def _effect(self, method: str, path: str, body: Json | None = None, *, within_s: float = _EFFECT_S) -> Answer:
        """Send one request that changes something."""
        try:
            data = None if body is None else json.dumps(body, allow_nan=False).encode()
        except ValueError:
            raise EngineError(f"{self._way.place}: engine: a request that JSON cannot say") from None
        return self._ask(method, f"/v{self._version()}{path}", data, within_s=within_s)

    def _ask(self, method: str, path: str, data: bytes | None = None, *, within_s: float) -> Answer:
        """Send one request and return the answer; one that refuses is raised."""
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, path, body=data, headers=headers, timeout_s=within_s)
        except HttpError as error:
            self._broken(error)
        if not answer.ok and answer.status != _UNCHANGED:
            raise self._refusal(answer.status, message_of(answer.body))
        return answer

    @contextlib.contextmanager
    def _streams(self) -> Iterator[APIClient]:
        """Lend the SDK's client and turn what it raises into ours."""
        version = self._version()
        path = self._way.engine_socket()

        import docker  # noqa: PLC0415 - imported with the first stream: it takes 0.1 s and more
        import requests  # noqa: PLC0415 - likewise

        with self._lock:
            if self._sdk is None:
                self._sdk = docker.APIClient(base_url=f"unix://{path}", version=version, timeout=_EFFECT_S)
                # What environment and .netrc say about proxies and passwords is not meant for a unix socket.
                self._sdk.trust_env = False
            sdk = self._sdk
        try:
            yield sdk
        except docker.errors.APIError as error:
            raise self._refusal(error.status_code, error.explanation or "") from None
        except requests.exceptions.InvalidJSONError:
            raise self._unreadable() from None
        except requests.exceptions.Timeout:
            self._broken(TimedOutError("timed out"))
        except (requests.exceptions.RequestException, OSError):
            self._broken(HttpError("the connection was closed"))
        except docker.errors.DockerException as error:
            raise EngineError(f"{self._way.place}: {one_line(str(error))}") from None

    def _refusal(self, status: int | None, message: str) -> EngineError:
        text = f"{self._way.place}: {one_line(redacted(message)) or f'the engine answered {status}'}"
        if status == _NOT_FOUND:
            return NotFoundError(text, status=status)
        if status == _CONFLICT:
            return ConflictError(text, status=status)
        return EngineError(text, status=status)

    def _broken(self, error: HttpError) -> NoReturn:
        if isinstance(error, BadAnswerError):
            raise EngineError(f"{self._way.place}: engine: {error}") from None
        fact = str(error) if isinstance(error, TimedOutError) else "the connection was closed before an answer came"
        words = one_line(self._way.last_words())
        if "password is required" in words:
            hint = "let this user run sudo without a password: NOPASSWD in sudoers"
        else:
            hint = "is docker running there, and may this user open its socket? if not, set sudo: true"
        raise UnreachableError(f"{self._way.place}: engine: {words or fact}", hint=hint) from None
