"""
Who holds a lock: this process, described so that a person finds it and another run can tell whether it still lives.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controller.ports import Holder

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Identity:
    """
    A process that takes a lock.

    Args:
        holder: What people are told.
        machine: This boot and pid namespace: process ids mean something within it only. Empty when not known.
        started: When the process started, in clock ticks since the boot: process ids are used again.
    """

    holder: Holder
    machine: str
    started: str

    def to_json(self) -> str:
        """Return it as JSON."""
        who = self.holder
        found = {"host": who.host, "user": who.user, "pid": who.pid, "since": who.since}
        return json.dumps({**found, "boot_id": self.machine, "started": self.started})


def this_process() -> Identity:
    """Return who we are, and that we hold it from now on."""
    pid = os.getpid()
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Identity(Holder(socket.gethostname(), _user(), pid, since), _machine(), _started(pid))


def from_json(data: bytes | str) -> Identity | None:
    """Return what to_json() wrote, None when it is something else."""
    try:
        found = json.loads(data)
        who = Holder(str(found["host"]), str(found["user"]), int(found["pid"]), str(found["since"]))
        return Identity(who, str(found["boot_id"]), str(found["started"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def is_gone(identity: Identity) -> bool:
    """Say whether the process ran on this machine and has certainly ended; False when that cannot be told."""
    if not identity.machine or identity.machine != _machine() or identity.holder.pid <= 0:
        return False
    try:
        os.kill(identity.holder.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    started = _started(identity.holder.pid)
    return bool(started) and bool(identity.started) and started != identity.started


def describe(identity: Identity | None) -> str:
    """Return the holder for a message."""
    if identity is None:
        return "by somebody who left no name"
    who = identity.holder
    return f"by {who.user}@{who.host}, process {who.pid}, since {who.since}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _machine() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot} {namespace}"


def _started(pid: int) -> str:
    """Return field 22 of /proc/PID/stat, counted after the program's name, which may hold spaces and brackets."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
