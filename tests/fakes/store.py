"""``ports.Store`` and ``ports.Fence``, played by a simulated cluster."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from controller.errors import FenceLostError, LockedError, UnreachableError
from controller.model.allocation import COUNTS, IPAM
from controller.model.observed import StoreNode
from controller.ports import Versioned
from tests.fakes import allocations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.ports import Holder
    from tests.fakes.cluster import Cluster

_OURS = re.compile(r"ovctl/[a-zA-Z0-9][a-zA-Z0-9_.-]*/.*")
_STORE = "store"


class FakeStore:
    """``ports.Store`` in memory."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def nodes(self) -> tuple[StoreNode, ...]:
        """Return the daemons that are registered."""
        with self._read("nodes"):
            return tuple(StoreNode(at) for at in self._cluster.registrations())

    def get(self, key: str) -> bytes | None:
        """Return the value of *key*, or None."""
        with self._read("get") as keys:
            return keys.get(_key(key))

    def put(self, key: str, value: bytes) -> None:
        """Write *key*, one of ours."""
        if not _OURS.fullmatch(_key(key)):
            message = f"not a key of ours: {key!r}"
            raise ValueError(message)
        with self._effect("put", key, value) as keys:
            keys[key] = value

    def delete_prefix(self, prefix: str) -> None:
        """Delete our keys under *prefix*."""
        if not _OURS.fullmatch(prefix):
            message = f"not a prefix of ours: {prefix!r}"
            raise ValueError(message)
        with self._effect("delete_prefix", prefix) as keys:
            for key in [key for key in keys if key.startswith(prefix)]:
                del keys[key]
            if self._cluster.store is not None:
                locks = self._cluster.store.locks
                for topology in [name for name in locks if f"ovctl/{name}/lock".startswith(prefix)]:
                    del locks[topology]

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all keys under *prefix*, the engines' among them."""
        return tuple(sorted(self.values(prefix)))

    def values(self, prefix: str) -> dict[str, bytes]:
        """Return all keys under *prefix* with their values."""
        with self._read("values") as keys:
            store = self._cluster.store
            assert store is not None
            found = {**keys, **allocations.values(store, self._addresses())}
            found |= {f"docker/nodes/{at}": b"" for at in self._cluster.registrations()}
            found |= {f"ovctl/{topology}/lock": b"" for topology in store.locks}
            return {key: value for key, value in found.items() if key.startswith(prefix)}

    def versioned(self, key: str) -> Versioned | None:
        """Return the value of an engines' *key*; its version is what it says."""
        value = self.values(key).get(key)
        return None if value is None else Versioned(value, allocations.version(value))

    def replace(self, key: str, value: bytes, *, version: int) -> bool:
        """Replace what the engines count or allocate at *key*."""
        if not key.startswith((COUNTS, IPAM)):
            message = f"not a key that may be replaced: {key!r}"
            raise ValueError(message)
        with self._effect("replace", key, value):
            store = self._cluster.store
            assert store is not None
            current = allocations.values(store, self._addresses()).get(key)
            if current is None or allocations.version(current) != version:
                return False
            allocations.replace(store, key, value)
            return True

    def _addresses(self) -> dict[str, str]:
        return {name: host.address for name, host in self._cluster.hosts.items()}

    @contextmanager
    def _read(self, method: str) -> Iterator[dict[str, bytes]]:
        with self._cluster.lock:
            self._cluster.read(_STORE, method)
            yield _reached_store(self._cluster)

    @contextmanager
    def _effect(self, method: str, *arguments: Any) -> Iterator[dict[str, bytes]]:
        with self._cluster.effect(_STORE, method, *arguments):
            yield _reached_store(self._cluster)


class FakeFence:
    """``ports.Fence`` in the simulated store; for a cluster without one, on the machine where ovctl runs."""

    def __init__(self, cluster: Cluster, topology: str, holder: Holder) -> None:
        self._cluster = cluster
        self._topology = topology
        self._holder = holder
        self._token = ""

    def acquire(self, *, timeout_s: float) -> None:
        """Take the lock; LockedError names the holder."""
        with self._cluster.lock:
            self._cluster.read(_STORE, "acquire")
            locks = self._locks()
            held = locks.get(self._topology)
            if held is not None and held[1] == self._token:
                return
            if held is not None:
                self._cluster.pass_time(timeout_s)
                who = held[0]
                raise LockedError(
                    f"topology/{self._topology}: locked by {who.user}@{who.host}, process {who.pid}, since {who.since}",
                    hint="wait: --lock-timeout; the lock of a dead holder frees itself within 30 s",
                )
            self._token = self._cluster.new_id("lock")
            locks[self._topology] = (self._holder, self._token)

    def check(self) -> None:
        """Raise FenceLostError unless the lock is still ours; a store that is silent takes no lock away."""
        with self._cluster.lock:
            self._cluster.read(_STORE, "check")
            held = self._cluster.locks.get(self._topology)
            if held is None or held[1] != self._token:
                message = f"topology/{self._topology}: the cycle lock is not ours any more"
                raise FenceLostError(message, hint="nothing more is changed; plan again")

    def release(self) -> None:
        """Give it back."""
        with self._cluster.lock:
            held = self._cluster.locks.get(self._topology)
            if held is not None and held[1] == self._token:
                del self._cluster.locks[self._topology]
            self._token = ""

    def _locks(self) -> dict[str, tuple[Holder, str]]:
        if self._cluster.store is not None:
            _reached_store(self._cluster)
        return self._cluster.locks


def _reached_store(cluster: Cluster) -> dict[str, bytes]:
    store = cluster.store
    assert store is not None
    if not cluster.store_answers():
        raise UnreachableError(f"store {store.url}: connection refused", hint="is the store running?")
    return store.keys


def _key(key: str) -> str:
    if not key or key.startswith("/") or key.endswith("/"):
        message = f"not a key: {key!r}"
        raise ValueError(message)
    return key
