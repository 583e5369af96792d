"""
The ground that is measured on: a lab of one's own with the engines' sockets forwarded, taken down in any case.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import LabError
from controller.lab import Lab
from controller.lab.machine import tied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from bench.fleet import Shape

_FORWARDED_WITHIN_S = 15.0
_ENGINE = "/var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Ground:
    """
    A lab that is up.

    Args:
        directory: For topology files; goes with the lab.
        sockets: Host -> local unix socket that leads to its engine.
    """

    lab: Lab
    directory: Path
    sockets: Mapping[str, Path]

    def write(self, name: str, text: str) -> str:
        """Write a file and return its path."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)


def say(text: str) -> None:
    """Tell how far it is, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def standing(shape: Shape) -> Iterator[Ground]:
    """Make the lab of *shape* from nothing and take it down at the end; what a killed run left of it is ended first."""
    lab = Lab(shape.name)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        lab.down()
        lab.up(hosts=shape.hosts, subnet=shape.subnet, progress=say)
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"ovctl-{shape.name}-")))
            sockets = {host: directory / f"{host}.sock" for host in shape.host_names}
            for host, path in sockets.items():
                stack.enter_context(_forwarded(lab, host, path))
            yield Ground(lab, directory, sockets)
    finally:
        # a second Ctrl-C must not leave half a lab behind
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        say(f"taking lab {lab.name} down")
        lab.down()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def failing_dials(lab: Lab, hosts: Sequence[str], share: float, *, port: int = 8500) -> Iterator[None]:
    """
    Let that *share* of all dials to the store fail on *hosts* with "network is unreachable", as moby/moby#39036 does.

    Connections that are open go on. The kernel draws, so this is not to be repeated exactly.
    """
    rule = ["OUTPUT", "-p", "tcp", "--dport", str(port), "--syn", "-m", "statistic", "--mode", "random"]
    rule += ["--probability", str(share), "-j", "REJECT", "--reject-with", "icmp-net-unreachable"]
    with contextlib.ExitStack() as stack:
        for host in hosts:
            _must(lab, host, ["iptables", "-w", "-I", *rule])
            stack.callback(_must, lab, host, ["iptables", "-w", "-D", *rule])
        yield


def _must(lab: Lab, host: str, argv: Sequence[str]) -> None:
    done = lab.exec(host, argv, timeout_s=30)
    if done.returncode:
        raise LabError(f"host {host}: {' '.join(argv)}: {done.stderr.strip()}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _forwarded(lab: Lab, host: str, path: Path) -> Iterator[None]:
    """Forward the engine's socket of *host* to *path*, by a connection of ssh that nobody shares."""
    argv = ["ssh", "-F", str(lab.ssh_config), "-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes"]
    argv += ["-N", "-L", f"{path}:{_ENGINE}", host]
    child = subprocess.Popen(tied(argv), stdin=subprocess.DEVNULL, process_group=0)
    try:
        deadline = time.monotonic() + _FORWARDED_WITHIN_S
        while not path.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"host {host}: the engine's socket is not forwarded")
            time.sleep(0.05)
        yield
    finally:
        child.kill()
        child.wait()
