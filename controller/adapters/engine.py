"""
``ports.Engine``: Docker's API of one host.

Reads go through the lean client. Effects go through the Docker SDK's low-level client, which is imported for the first
one: that takes longer than a whole plan. Each effect is one request; nothing is tried again here.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import quote

from controller.adapters.http import BadAnswerError, Client, HttpError, TimedOutError
from controller.errors import ConflictError, EngineError, NotFoundError, UnreachableError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from docker import APIClient
    from requests import Response

    from controller.ports import Json

# The newest version whose behaviour was tried: engine 26.1. Engines from 29 on refuse everything below 1.44.
MAX_API_VERSION = (1, 45)
# Engine 17.03, the oldest that is supported.
MIN_API_VERSION = (1, 26)

_READ_S = 20.0
_EFFECT_S = 120
_NOT_FOUND, _CONFLICT = 404, 409
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
        return self._object(f"/containers/{_ref(ref)}/json")

    def networks(self) -> list[Json]:
        """Return ``GET /networks``."""
        return self._objects("/networks")

    def inspect_network(self, ref: str) -> Json:
        """Return one network with its endpoints; NotFoundError if there is none."""
        return self._object(f"/networks/{_ref(ref)}")

    def inspect_image(self, ref: str) -> Json:
        """Return one image; NotFoundError if the host has none of that name."""
        return self._object(f"/images/{quote(_word(ref), safe='/:@')}/json")

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
        with self._effect() as sdk:
            for step in sdk.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in step:
                    raise EngineError(f"{self._way.place}: {ref}: {_one_line(step['error'])}", status=None)
                far = _how_far(layers, step)
                if far:
                    tell(far)

    def create_container(self, name: str, config: Json) -> str:
        """Create a container from the body of ``POST /containers/create`` and return its id."""
        with self._effect() as sdk:
            created: Json = sdk.create_container_from_config(config, name)  # type: ignore[no-untyped-call] # has no types
            return self._id(created)

    def start_container(self, ref: str) -> None:
        """Start it; one that runs already is left alone."""
        with self._effect() as sdk:
            sdk.start(_word(ref))

    def unpause_container(self, ref: str) -> None:
        """Let a paused one go on; EngineError when it is not paused."""
        with self._effect() as sdk:
            sdk.unpause(_word(ref))

    def stop_container(self, ref: str, *, timeout_s: int = 10) -> None:
        """Stop it; one that is stopped already is left alone."""
        with self._effect() as sdk:
            sdk.stop(_word(ref), timeout=timeout_s)

    def rename_container(self, ref: str, name: str) -> None:
        """Give it another name."""
        with self._effect() as sdk:
            sdk.rename(_word(ref), name)

    def update_container(self, ref: str, config: Json) -> None:
        """Change what can be changed in place."""
        self._post(f"/containers/{_ref(ref)}/update", config)

    def remove_container(self, ref: str, *, force: bool = False) -> None:
        """Remove it and its anonymous volumes, never its named ones."""
        with self._effect() as sdk:
            # ``v`` means the anonymous ones alone: the engine keeps a volume that was given a name.
            sdk.remove_container(_word(ref), v=True, force=force)

    def create_network(self, name: str, config: Json) -> str:
        """Create a network from the body of ``POST /networks/create`` (without Name) and return its id."""
        answer = self._post("/networks/create", {**config, "Name": name})
        try:
            return self._id(answer.json())
        except ValueError:
            raise self._unreadable() from None

    def remove_network(self, ref: str) -> None:
        """Remove it; EngineError 403 while it has active endpoints."""
        with self._effect() as sdk:
            sdk.remove_network(_word(ref))

    def connect(self, network: str, container: str, endpoint: Json) -> None:
        """Attach a container."""
        self._post(f"/networks/{_ref(network)}/connect", {"Container": container, "EndpointConfig": endpoint})

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """Detach a container by id or name."""
        self._post(f"/networks/{_ref(network)}/disconnect", {"Container": container, "Force": force})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        with self._lock:
            sdk, self._sdk = self._sdk, None
        if sdk is not None:
            sdk.close()

    # How.

    def _version(self) -> str:
        if self._api is None:
            self.version()
        assert self._api is not None  # noqa: S101 - version() sets it or raises
        return self._api

    def _object(self, path: str) -> Json:
        found = self._read(f"/v{self._version()}{path}")
        if not isinstance(found, dict):
            raise self._unreadable()
        return found

    def _objects(self, path: str) -> list[Json]:
        """Return a list of objects; engines say null for an empty one."""
        found = self._read(f"/v{self._version()}{path}")
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._unreadable()
        return found

    def _id(self, created: object) -> str:
        """Return the id of what was created; EngineError for an answer without one."""
        found = created.get("Id") if isinstance(created, dict) else None
        if not isinstance(found, str):
            raise self._unreadable()
        return found

    def _unreadable(self) -> EngineError:
        return EngineError(f"{self._way.place}: engine: an answer that cannot be read")

    def _read(self, path: str) -> Any:
        try:
            answer = self._http.request("GET", path, timeout_s=_READ_S)
            if not answer.ok:
                raise self._refusal(answer.status, _message(answer.body))
            return answer.json()
        except HttpError as error:
            self._broken(error)

    def _post(self, path: str, body: Json) -> Response:
        """Post a raw body through the SDK's session: its own methods cannot pass every field on."""
        with self._effect() as sdk:
            response = sdk.post(f"{sdk.base_url}/v{sdk.api_version}{path}", json=body, timeout=_EFFECT_S)
            if not response.ok:
                raise self._refusal(response.status_code, _message(response.content))
            return response

    @contextlib.contextmanager
    def _effect(self) -> Iterator[APIClient]:
        """Lend the SDK's client and turn what it raises into ours."""
        version = self._version()
        path = self._way.engine_socket()

        import docker  # noqa: PLC0415 - imported with the first effect: it takes 0.1 s and more
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
            raise EngineError(f"{self._way.place}: {_one_line(str(error))}") from None

    def _refusal(self, status: int | None, message: str) -> EngineError:
        text = f"{self._way.place}: {_one_line(message) or f'the engine answered {status}'}"
        if status == _NOT_FOUND:
            return NotFoundError(text, status=status)
        if status == _CONFLICT:
            return ConflictError(text, status=status)
        return EngineError(text, status=status)

    def _broken(self, error: HttpError) -> NoReturn:
        if isinstance(error, BadAnswerError):
            raise EngineError(f"{self._way.place}: engine: {error}") from None
        fact = str(error) if isinstance(error, TimedOutError) else "the connection was closed before an answer came"
        words = _one_line(self._way.last_words())
        if "password is required" in words:
            hint = "let this user run sudo without a password: NOPASSWD in sudoers"
        else:
            hint = "is docker running there, and may this user open its socket? if not, set sudo: true"
        raise UnreachableError(f"{self._way.place}: engine: {words or fact}", hint=hint) from None


def negotiate(place: str, version: Json) -> str:
    """
    Return the API version to speak with an engine, from its ``GET /version``.

    Raises:
        EngineError: The engine is too old or too new for us.
    """
    newest = _parse(version.get("ApiVersion"))
    oldest = _parse(version.get("MinAPIVersion")) or MIN_API_VERSION
    engine = f"{place}: engine {version.get('Version', '?')}"
    if newest is None:
        raise EngineError(f"{place}: engine: it does not say its API version")
    if newest < MIN_API_VERSION:
        raise EngineError(
            f"{engine} speaks API {_dotted(newest)}, ovctl needs at least {_dotted(MIN_API_VERSION)}",
            hint="upgrade the engine",
        )
    if oldest > MAX_API_VERSION:
        raise EngineError(
            f"{engine} wants at least API {_dotted(oldest)}, ovctl knows up to {_dotted(MAX_API_VERSION)}",
            hint="upgrade ovctl",
        )
    return _dotted(min(newest, MAX_API_VERSION))


def split_image(ref: str) -> tuple[str, str | None]:
    """Return repository and tag or digest of an image; without any, ``latest``: the API would pull every tag."""
    if "@" in ref:
        repository, _, digest = ref.partition("@")
        return repository, digest
    repository, colon, tag = ref.rpartition(":")
    if not colon or "/" in tag:
        return ref, "latest"
    return repository, tag


def registry(ref: str) -> str:
    """Return the registry that an image comes from, as ``docker login`` wants it; empty for the default one."""
    first, slash, _ = ref.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else ""


def _how_far(layers: dict[str, tuple[int, int]], step: Json) -> str:
    """Note what a message of a pull says of its layer; return how far all of them are, empty when it says nothing."""
    detail = step.get("progressDetail") or {}
    if step.get("status") != "Downloading" or not detail.get("total"):
        return ""
    layers[str(step.get("id"))] = (int(detail.get("current") or 0), int(detail["total"]))
    done, total = (sum(sizes) / 1_000_000 for sizes in zip(*layers.values(), strict=True))
    return f"{done:.0f} of {total:.0f} MB"


def _parse(text: object) -> tuple[int, int] | None:
    major, dot, minor = text.partition(".") if isinstance(text, str) else ("", "", "")
    return (int(major), int(minor)) if dot and major.isdecimal() and minor.isdecimal() else None


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _word(ref: str) -> str:
    if not ref or ref in {".", ".."}:
        raise ValueError(f"not an id or a name: {ref!r}")
    return ref


def _ref(ref: str) -> str:
    return quote(_word(ref), safe="")


def _message(body: bytes) -> str:
    """Return the engine's message of an error answer, which is JSON in all but broken engines."""
    try:
        found = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    return str(found.get("message", "")) if isinstance(found, dict) else ""


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:600]
