"""
``ports.Fence`` on Consul: a session with a time to live holds the key ``ovctl/TOPOLOGY/lock``.

The session is renewed by a thread while the lock is held. A holder that dies frees the lock after the session's time;
if it died on this machine, at once, since the next run can see that its process is gone.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.adapters.holder import describe, from_json, is_gone, this_process
from controller.errors import FenceLostError, LockedError, OvctlError, StoreError, UnreachableError

if TYPE_CHECKING:
    from controller.adapters.consul import ConsulApi, Entry

TTL_S = 15
"""Time to live of the session; Consul may take up to twice as long to end it."""
_RENEW_S = 4.0
_RETRY_S = 1.0
_CHECK_S = 3.0
# Waits end now and then although nothing happened, so that a holder on this machine that died meanwhile is noticed.
_LOOK_S = 2.0
_PATIENCE_S = 0.2
_FREE_S = 0.02


class _Session:
    """A session of ours, kept alive by a thread until end()."""

    def __init__(self, api: ConsulApi, topology: str) -> None:
        self._api = api
        self._stop = threading.Event()
        asked = time.monotonic()
        with api.effect() as consul:
            # Without health checks: whether the store's own agent is healthy says nothing about us.
            self.id = str(consul.session.create(name=f"ovctl {topology}", checks=[], lock_delay=0, ttl=TTL_S))
        self._good_until = asked + TTL_S
        self._thread = threading.Thread(target=self._renew, name="fence", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the store cannot have ended it yet."""
        return time.monotonic() < self._good_until

    def end(self) -> None:
        """Stop renewing and destroy it; when the store does not answer, its time ends it."""
        self._stop.set()
        try:
            with self._api.effect() as consul:
                consul.session.destroy(self.id)
        except OvctlError:
            pass

    def _renew(self) -> None:
        wait_s = _RENEW_S
        while not self._stop.wait(wait_s):
            asked = time.monotonic()
            try:
                with self._api.effect() as consul:
                    consul.session.renew(self.id)
            except UnreachableError:
                wait_s = _RETRY_S
            except OvctlError:
                # The store knows no such session any more.
                self._good_until = 0.0
                return
            else:
                self._good_until = asked + TTL_S
                wait_s = _RENEW_S


@dataclass(frozen=True, slots=True)
class _Held:
    session: _Session
    lock_index: int


class ConsulFence:
    """The cycle lock of *topology* in the store."""

    def __init__(self, api: ConsulApi, topology: str) -> None:
        self._api = api
        self._topology = topology
        self._key = f"ovctl/{topology}/lock"
        self._held: _Held | None = None

    def acquire(self, *, timeout_s: float) -> None:
        """Take the lock, waiting at most *timeout_s*; LockedError names the holder."""
        if self._held is not None:
            return
        deadline = time.monotonic() + timeout_s
        session = _Session(self._api, self._topology)
        try:
            self._held = self._take(session, deadline)
        except BaseException:
            session.end()
            raise

    def check(self) -> None:
        """
        Raise FenceLostError unless the lock is still ours.

        A store that does not answer for a moment takes no lock away: within the session's time nobody else can have it.
        """
        held = self._held
        if held is None or not held.session.alive:
            raise self._lost()
        try:
            entry = self._api.entry(self._key, timeout_s=_CHECK_S)
        except UnreachableError:
            if not held.session.alive:
                raise self._lost() from None
            return
        if entry is None or (entry.session, entry.lock_index) != (held.session.id, held.lock_index):
            raise self._lost()

    def release(self) -> None:
        """Give it back; harmless when it is not held, and when the store does not answer: then its time ends it."""
        held, self._held = self._held, None
        if held is None:
            return
        try:
            entry = self._api.entry(self._key, timeout_s=_CHECK_S)
            if entry is not None and entry.session == held.session.id:
                with self._api.effect() as consul:
                    # Compared with the index: between the two requests the key can have become somebody else's.
                    consul.kv.delete(self._key, cas=entry.modify_index)
        except OvctlError:
            pass
        held.session.end()

    def _take(self, session: _Session, deadline: float) -> _Held:
        # A lock that was given back between two questions is worth asking again, even by one who does not wait.
        patience = time.monotonic() + _PATIENCE_S
        while True:
            with self._api.effect() as consul:
                got = consul.kv.put(self._key, this_process().to_json(), acquire=session.id)
            entry = self._api.entry(self._key)
            if got:
                if entry is None or entry.session != session.id:
                    raise StoreError(f"{self._api.place}: {self._key} was taken away at once")
                return _Held(session, entry.lock_index)
            holder = entry if entry is not None and entry.session else None
            if holder is not None and self._ended(holder):
                continue
            left = (deadline if holder is not None else max(deadline, patience)) - time.monotonic()
            if left <= 0:
                raise LockedError(
                    f"topology/{self._topology}: locked {describe(from_json(entry.value if entry else b''))}",
                    hint=f"wait: --lock-timeout; the lock of a dead holder frees itself within {2 * TTL_S} s",
                )
            if holder is None:
                time.sleep(min(left, _FREE_S))
            else:
                self._api.wait_for_change(self._key, holder.modify_index, wait_s=min(left, _LOOK_S))

    def _ended(self, entry: Entry) -> bool:
        """Destroy the holder's session if its process ran on this machine and is gone; say whether it was."""
        holder = from_json(entry.value)
        if holder is None or not is_gone(holder):
            return False
        with self._api.effect() as consul:
            consul.session.destroy(entry.session)
        return True

    def _lost(self) -> FenceLostError:
        return FenceLostError(
            f"topology/{self._topology}: the cycle lock is not ours any more",
            hint="nothing more is changed; plan again",
        )
