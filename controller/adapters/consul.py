"""
``ports.Store`` on Consul.

Reads go through the lean client, writes and sessions through py-consul, which is imported when the first one is made.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from controller.adapters.http import BadAnswerError, Client, HttpError
from controller.errors import StoreError, UnreachableError
from controller.model.allocation import COUNTS, IPAM
from controller.model.observed import StoreNode
from controller.ports import Versioned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.adapters.http import Answer, Dial

_READ_S = 8.0
_INDEX = "x-consul-index"
"""Every answer of consul's key-value store bears it, a 404 too."""

_NODES = "docker/nodes/"
_OURS = re.compile(r"ovctl/[a-zA-Z0-9][a-zA-Z0-9_.-]*/.*")
_NOT_FOUND, _FORBIDDEN, _SERVER_ERROR = 404, 403, 500
# A server without a leader, or one that just lost it, answers 500 with one of these.
_NO_LEADER = re.compile(r"leader|rpc error|connection refused", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A key.

    Args:
        session: The session that holds it, empty when none does.
        lock_index: How often it was locked.
        flags: What its writer marked it with.
    """

    key: str
    value: bytes
    session: str
    lock_index: int
    modify_index: int
    flags: int


class ConsulApi:
    """
    What is asked of a Consul server, with its errors turned into ours.

    Args:
        url: How people know it, ``consul://HOST:PORT``.
        dial: Opens a connection to it.
    """

    def __init__(self, url: str, dial: Dial) -> None:
        self.place = f"store {url}"
        token = os.environ.get("CONSUL_HTTP_TOKEN")
        host = url.removeprefix("consul://")
        self._http = Client(dial, host=host, headers={"X-Consul-Token": token} if token else None)
        self._lock = threading.Lock()
        self._consul: Any = None

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all keys under *prefix*, sorted."""
        answer = self._get(f"/v1/kv/{quote(prefix)}?keys")
        found = [] if answer is None else self._json(answer)
        if not isinstance(found, list) or not all(isinstance(key, str) for key in found):
            raise StoreError(f"{self.place}: an answer that cannot be read")
        return tuple(sorted(found))

    def entry(self, key: str, *, timeout_s: float = _READ_S) -> Entry | None:
        """Return a key, or None."""
        answer = self._get(f"/v1/kv/{quote(key)}", timeout_s=timeout_s)
        return None if answer is None else self._entries(answer)[0]

    def entries(self, prefix: str) -> tuple[Entry, ...]:
        """Return all keys under *prefix*."""
        answer = self._get(f"/v1/kv/{quote(prefix)}?recurse")
        return () if answer is None else self._entries(answer)

    def wait_for_change(self, key: str, index: int, *, wait_s: float) -> None:
        """Wait until *key* is changed after *index*, at most *wait_s*."""
        wait_ms = max(1, int(wait_s * 1000))
        # The server adds up to a sixteenth.
        self._get(f"/v1/kv/{quote(key)}?index={index}&wait={wait_ms}ms", timeout_s=wait_s * 17 / 16 + _READ_S)

    @contextlib.contextmanager
    def effect(self) -> Iterator[Any]:
        """Lend py-consul's client and turn what it raises into ours."""
        with self._lock:
            if self._consul is None:
                from controller.adapters.consul_client import Consul  # noqa: PLC0415 - takes 0.1 s, for writes only

                self._consul = Consul(self._http)
        from consul.exceptions import ACLPermissionDenied, ConsulException  # noqa: PLC0415 - likewise

        try:
            yield self._consul
        except HttpError as error:
            raise self._broken(error) from None
        except ACLPermissionDenied as error:
            raise self._refusal(_FORBIDDEN, str(error)) from None
        except ConsulException as error:
            status, _, text = str(error).partition(" ")
            known = status.isdecimal()
            raise self._refusal(int(status) if known else 0, text if known else str(error)) from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _get(self, path: str, *, timeout_s: float = _READ_S) -> Answer | None:
        """Return the answer, None when it is 404."""
        try:
            answer = self._http.request("GET", path, timeout_s=timeout_s)
        except HttpError as error:
            raise self._broken(error) from None
        if (answer.ok or answer.status == _NOT_FOUND) and _INDEX not in answer.headers:
            # a proxy or a web server in between: its "not found" must not pass for "nothing is there"
            raise StoreError(
                f"{self.place}: what answers there is no consul server",
                hint="does this machine reach the store itself? else set store.via",
            )
        if answer.status == _NOT_FOUND:
            return None
        if not answer.ok:
            raise self._refusal(answer.status, answer.body.decode(errors="replace"))
        return answer

    def _json(self, answer: Answer) -> Any:
        try:
            return answer.json()
        except HttpError as error:
            raise self._broken(error) from None

    def _entries(self, answer: Answer) -> tuple[Entry, ...]:
        """Return the keys of an answer, one at least."""
        try:
            found = tuple(
                Entry(
                    item["Key"],
                    base64.b64decode(item.get("Value") or ""),
                    item.get("Session") or "",
                    int(item["LockIndex"]),
                    int(item["ModifyIndex"]),
                    int(item.get("Flags") or 0),
                )
                for item in self._json(answer)
            )
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            found = ()
        if not found:
            raise StoreError(f"{self.place}: an answer that cannot be read")
        return found

    def _broken(self, error: HttpError) -> UnreachableError | StoreError:
        if isinstance(error, BadAnswerError):
            return StoreError(f"{self.place}: {error}", hint="is this address really a consul server's?")
        return UnreachableError(
            f"{self.place}: {error}", hint="is the store running, and is it reached from here? else set store.via"
        )

    def _refusal(self, status: int, text: str) -> UnreachableError | StoreError:
        said = " ".join(text.split())[:300]
        if status >= _SERVER_ERROR and _NO_LEADER.search(said):
            return UnreachableError(
                f"{self.place}: {said[:1].lower()}{said[1:]}", hint="it heals by itself when most of its servers are up"
            )
        if status == _FORBIDDEN:
            return StoreError(
                f"{self.place}: permission denied", hint="set CONSUL_HTTP_TOKEN to a token that may do this"
            )
        return StoreError(f"{self.place}: {said or f'it answered {status}'}")


class ConsulStore:
    """``ports.Store`` on a Consul server."""

    def __init__(self, api: ConsulApi) -> None:
        self._api = api

    def nodes(self) -> tuple[StoreNode, ...]:
        """Return the daemons that are registered."""
        found = (key.removeprefix(_NODES) for key in self._api.keys(_NODES))
        return tuple(StoreNode(name) for name in found if name and "/" not in name)

    def get(self, key: str) -> bytes | None:
        """Return the value of *key*, or None."""
        entry = self._api.entry(_key(key))
        return None if entry is None else entry.value

    def put(self, key: str, value: bytes) -> None:
        """Write *key*, one of ours."""
        if not _OURS.fullmatch(_key(key)):
            raise ValueError(f"not a key of ours: {key!r}")
        with self._api.effect() as consul:
            if not consul.kv.put(key, value):
                raise StoreError(f"{self._api.place}: {key} was not written")

    def delete_prefix(self, prefix: str) -> None:
        """Delete our keys under *prefix*; ValueError unless it is ``ovctl/TOPOLOGY/`` or below."""
        if not _OURS.fullmatch(prefix):
            raise ValueError(f"not a prefix of ours: {prefix!r}")
        with self._api.effect() as consul:
            consul.kv.delete(prefix, recurse=True)

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all keys under *prefix*, sorted."""
        return self._api.keys(prefix)

    def values(self, prefix: str) -> Mapping[str, bytes]:
        """Return all keys under *prefix* with their values."""
        return {entry.key: entry.value for entry in self._api.entries(prefix)}

    def versioned(self, key: str) -> Versioned | None:
        """Return the value of an engines' *key* with its version, or None."""
        entry = self._api.entry(key)
        return None if entry is None else Versioned(entry.value, entry.modify_index)

    def replace(self, key: str, value: bytes, *, version: int) -> bool:
        """Replace what the engines count or allocate at *key*, unless somebody wrote it after *version*."""
        if not key.startswith((COUNTS, IPAM)):
            raise ValueError(f"not a key that may be replaced: {key!r}")
        entry = self._api.entry(key)
        if entry is None or entry.modify_index != version:
            return False
        with self._api.effect() as consul:
            # the flags are the mark of the engines' own client library
            return bool(consul.kv.put(key, value, cas=version, flags=entry.flags))


def _key(key: str) -> str:
    if not key or key.startswith("/") or key.endswith("/"):
        raise ValueError(f"not a key: {key!r}")
    return key
