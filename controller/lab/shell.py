"""
Commands on a host, over ssh as a stranger would come in: with the lab's ssh_config and nothing else.

What is started here ends with the thread that started it, so a killed command leaves no ssh behind.
"""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import time
from typing import TYPE_CHECKING

from controller.errors import LabError
from controller.lab import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.lab.host import Host
    from controller.lab.images import Image

READY_S = 90.0
_PAUSE_S = 0.1

# what a host must answer before it counts as ready, by role
_IS_READY = {
    "engine": "systemctl -q is-active docker && docker version >/dev/null 2>&1",
    "store": "curl -sf http://localhost:8500/v1/status/leader | grep -q :",
}


def ssh_argv(host: Host, argv: Sequence[str] = ()) -> list[str]:
    """
    Return the command line that runs *argv* on *host*, or opens a shell there.

    Args:
        host: Where.
        argv: The command and its arguments; each arrives as it is, whatever it holds.
    """
    command = ["ssh", "-F", str(host.state_dir / "ssh_config"), host.spec.name]
    return [*command, "--", shlex.join(argv)] if argv else command


def execute(
    host: Host, argv: Sequence[str], *, data: str | None = None, timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """
    Run *argv* on *host* and return how it ended and what it said; 255 is ssh's own failure.

    Args:
        host: Where.
        argv: The command and its arguments; each arrives as it is, whatever it holds.
        data: What the command reads on its standard input; None means nothing.
        timeout_s: After this many seconds subprocess.TimeoutExpired is raised.
    """
    return subprocess.run(
        machine.tied(ssh_argv(host, argv)),
        input=data or "",
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
    )


def wait_ready(host: Host, *, timeout_s: float = READY_S) -> None:
    """
    Wait until *host*'s sshd and docker, or consul on the store, answer.

    Raises:
        LabError: They do not within *timeout_s* seconds, or the host is off.
    """
    script = f"until {_IS_READY[host.spec.role]}; do sleep 0.1; done"
    log = f"see {host.directory / 'console.log'}"
    end = time.monotonic() + timeout_s
    said: list[str] = []
    while (left := end - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            result = execute(host, ["sh", "-c", script], timeout_s=left)
            if result.returncode == 0:
                return
            said = result.stderr.strip().splitlines()
        if not host.is_supervised():
            raise LabError(f"host {host.spec.name} is off", hint=log)
        time.sleep(_PAUSE_S)
    reason = f": {said[-1]}" if said else ""
    raise LabError(f"host {host.spec.name} is not ready after {timeout_s:g} s{reason}", hint=log)


def load_image(host: Host, image: Image) -> None:
    """Load *image* into the engine of *host* unless it is there under all its tags."""
    inspect = execute(host, ["docker", "image", "inspect", "--format", "{{.Id}}", *image.tags])
    if inspect.stdout.split() != [image.id] * len(image.tags):
        machine.run(machine.tied(ssh_argv(host, ["docker", "load", "--quiet"])), data=image.archive)
