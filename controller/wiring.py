"""
Where real adapters meet: the only place that builds them.

Nothing connects here; each connection opens when it is first used.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from controller.adapters.clock import SystemClock
from controller.adapters.engine import DockerEngine
from controller.adapters.git import commit_of
from controller.adapters.host_shell import HelperShell
from controller.adapters.openssh import OpenSshHost
from controller.errors import UsageError

if TYPE_CHECKING:
    from controller.adapters.consul import ConsulApi
    from controller.adapters.http import Dial
    from controller.adapters.local import LocalHost
    from controller.model.topology import Topology
    from controller.ports import Clock, Engine, Fence, Fleet, HostShell, Store

_CONNECT_S = 4.0

__all__ = ["clock", "commit_of", "connect"]


def connect(topology: Topology) -> Fleet:
    """Return the hosts and the store of *topology*, not yet connected."""
    return _Fleet(topology)


def clock() -> Clock:
    """Return the machine's clock."""
    return SystemClock()


class _Fleet:
    """``ports.Fleet`` on real hosts; safe in several threads."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._lock = threading.RLock()
        self._ways: dict[str, OpenSshHost | LocalHost] = {}
        self._engines: dict[str, DockerEngine] = {}
        self._shells: dict[str, HelperShell] = {}
        self._consul: ConsulApi | None = None
        self._fence: Fence | None = None

    def engine(self, host: str) -> Engine:
        """The engine of *host*."""
        with self._lock:
            if host not in self._engines:
                self._engines[host] = DockerEngine(self._way(host))
            return self._engines[host]

    def shell(self, host: str) -> HostShell:
        """The shell of *host*."""
        with self._lock:
            if host not in self._shells:
                self._shells[host] = HelperShell(self._way(host))
            return self._shells[host]

    def store(self) -> Store | None:
        """The cluster store, None for a topology without one."""
        if self._topology.store is None:
            return None
        from controller.adapters.consul import ConsulStore  # noqa: PLC0415 - only where there is a store

        return ConsulStore(self._store_api())

    def fence(self) -> Fence:
        """The topology's cycle lock, always the same one."""
        with self._lock:
            if self._fence is None:
                if self._topology.store is None:
                    from controller.adapters.local_fence import LocalFence  # noqa: PLC0415 - only where there is none

                    self._fence = LocalFence(self._topology.name)
                else:
                    from controller.adapters.consul_fence import ConsulFence  # noqa: PLC0415 - for apply only

                    self._fence = ConsulFence(self._store_api(), self._topology.name)
            return self._fence

    def close(self) -> None:
        """End what this run opened; ssh's master connections stay for the next run, and end by themselves when idle."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()
            if self._consul is not None:
                self._consul.close()
            for way in self._ways.values():
                way.close()

    def _way(self, host: str) -> OpenSshHost | LocalHost:
        with self._lock:
            if host not in self._ways:
                if host not in self._topology.hosts:
                    raise UsageError(f"host/{host}: no such host in topology {self._topology.name}")
                declared = self._topology.hosts[host]
                if declared.connection == "local":
                    from controller.adapters.local import LocalHost  # noqa: PLC0415 - rare

                    self._ways[host] = LocalHost(host, declared)
                else:
                    self._ways[host] = OpenSshHost(host, declared)
            return self._ways[host]

    def _store_api(self) -> ConsulApi:
        with self._lock:
            if self._consul is None:
                from controller.adapters.consul import ConsulApi  # noqa: PLC0415 - only where there is a store

                self._consul = ConsulApi(*self._store_place())
            return self._consul

    def _store_place(self) -> tuple[str, Dial]:
        store = self._topology.store
        assert store is not None  # noqa: S101 - asked for by callers only where there is one
        address, port = store.endpoint
        if store.via is None:
            return store.url, lambda timeout_s: socket.create_connection((address, port), min(timeout_s, _CONNECT_S))
        way = self._way(store.via)
        return store.url, lambda timeout_s: way.dial_tcp(address, port, timeout_s)
