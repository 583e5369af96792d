"""
One host's life: made, booted, cut off from power, found again.

What it is doing is asked from the kernel; its directory holds only what a real host has on its disk and in its case.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import controller
from controller.errors import LabError
from controller.lab import cgroups, network, seed, sshconfig

if TYPE_CHECKING:
    from controller.lab.spec import HostSpec, LabSpec

_PAUSE_S = 0.02
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What is seen of a host from outside; ``link`` is None and so are the rest while it is not running."""

    name: str
    ip: str
    engine: str
    suite: str
    state: Literal["running", "off", "missing"]
    link: Literal["up", "down"] | None
    pid: int | None
    uptime_s: float | None


@dataclass(frozen=True, slots=True)
class Host:
    """A host of a lab, at its place in the lab's state directory."""

    lab: LabSpec
    spec: HostSpec
    state_dir: Path

    @property
    def directory(self) -> Path:
        """The host's own directory: its disk (up, docker) and the supervisor's log."""
        return self.state_dir / "hosts" / self.spec.name

    @property
    def group(self) -> str:
        """The cgroup of everything that runs in the host."""
        return f"{cgroups.PARENT}/{self.lab.name}/{self.spec.name}"

    @property
    def supervisor_group(self) -> str:
        """The cgroup of the host's supervisor."""
        return f"{self.group}.supervisor"

    @property
    def is_plugged(self) -> bool:
        """Whether the cable is to be in the bridge at the next boot."""
        return not (self.directory / "unplugged").exists()

    def create(self, public_key: str) -> None:
        """Make the host's disk with its own names and keys, unless there is a whole one."""
        if self.directory.is_dir():
            return
        draft = self.directory.with_name(f".{self.spec.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        for part in ("up", "work", "root", "docker"):
            (draft / part).mkdir(parents=True)
        for part in ("up", "root"):
            (draft / part).chmod(0o755)
        seed.write(draft / "up", self.lab, self.spec, public_key=public_key)
        sshconfig.make_key(draft / "up" / sshconfig.HOST_KEY, comment=self.spec.name)
        draft.rename(self.directory)

    def host_key(self) -> str:
        """Return the host's public key, read from its disk."""
        return (self.directory / "up" / f"{sshconfig.HOST_KEY}.pub").read_text(encoding="utf-8")

    def is_supervised(self) -> bool:
        """Whether the host's supervisor is alive: the host runs, boots or reboots."""
        return bool(cgroups.processes(self.supervisor_group))

    def init_pid(self) -> int | None:
        """Return the id, on the machine, of the host's first process, or None while it is off."""
        return cgroups.init_pid(self.group)

    def start(self) -> None:
        """Switch the host on, unless it is; returns when the supervisor is under way."""
        if self.is_supervised():
            return
        self.clear()
        groups = cgroups.make(self.supervisor_group)
        # the shell joins the group before Python starts, so that no moment is left in which nobody finds the process
        script = 'echo 0 >"$1/cgroup.procs"; shift; exec "$@"'
        supervisor = [sys.executable, "-m", "controller.lab.supervisor", str(self.state_dir), self.spec.name]
        with (self.directory / "console.log").open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", "sh", "-c", script, "sh", str(groups[-1]), *supervisor],
                check=True,
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(Path(controller.__file__).parents[1])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _END_S
        while not self.is_supervised():
            if time.monotonic() > end:
                raise LabError(f"host {self.spec.name} does not start", hint=f"see {self.directory / 'console.log'}")
            time.sleep(_PAUSE_S)

    def clear(self) -> None:
        """End whatever is left of an earlier life that has no supervisor any more."""
        for group in (self.supervisor_group, self.group):
            cgroups.kill(group)
            cgroups.remove(group)
        network.unwire(self.lab.name, self.spec.name)

    def crash(self) -> None:
        """
        Cut the power: SIGKILL of the host's first process, and with it of everything in the host.

        Raises:
            LabError: It does not end.
        """
        end = time.monotonic() + _END_S
        while self.is_supervised():
            # more than once: a host caught in the middle of a reboot has no first process for a moment
            if pid := self.init_pid():
                os.kill(pid, signal.SIGKILL)
            if time.monotonic() > end:
                raise LabError(f"host {self.spec.name} does not end")
            time.sleep(_PAUSE_S)

    def status(self) -> HostStatus:
        """Return what is seen of the host from outside."""
        spec = self.spec
        pid = self.init_pid()
        if pid is None:
            state: Literal["off", "missing"] = "off" if self.directory.is_dir() else "missing"
            return HostStatus(spec.name, str(spec.ip), spec.engine, spec.suite, state, None, None, None)
        link: Literal["up", "down"] = "up" if network.is_plugged(self.lab.name, spec.name) else "down"
        return HostStatus(spec.name, str(spec.ip), spec.engine, spec.suite, "running", link, pid, _uptime_s(pid))


def _uptime_s(pid: int) -> float | None:
    """Return for how long process *pid* has been running, in seconds; None if it has just ended."""
    try:
        # the second field, the program's name, may hold spaces and parentheses
        started = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        now = Path("/proc/uptime").read_text(encoding="utf-8").split()[0]
    except OSError:
        return None
    return round(float(now) - int(started) / os.sysconf("SC_CLK_TCK"), 1)
