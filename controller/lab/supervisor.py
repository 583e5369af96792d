"""
The mainboard of one host: boots it, boots it again when it reboots, and ends when it is off.

Runs as a process of its own, ``python -m controller.lab.supervisor STATE_DIR HOST``, apart from the command that
started it. If it is killed the host dies with it, as with a mainboard. Its log is the host's console.log.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from controller.errors import LabError
from controller.lab import cgroups, network, rootfs
from controller.lab.host import Host
from controller.lab.machine import tied
from controller.lab.spec import LabSpec

# How unshare(1) ends when the host's first process called reboot(2): the kernel turns that into SIGHUP.
_REBOOT = {129, -1}
_SCRIPTS = Path(__file__).parent


def _log(text: str) -> None:
    """Write one line to the console log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def _boot(host: Host) -> int:
    """Run *host* from power-on to the end of its first process and return the exit status of its launcher."""
    lab, name = host.lab.name, host.spec.name
    groups = cgroups.make(host.group)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LAB_CGROUPS": " ".join(map(str, groups)),
        "LAB_CGROUP_MOUNTS": cgroups.host_mounts(host.spec.suite),
        "LAB_HOST_DIR": str(host.directory),
        "LAB_LABEL": f"{lab}-{name}",
        "LAB_LOWER": str(rootfs.place(host.state_dir.parent, host.spec.suite)),
    }
    launcher = tied(["sh", str(_SCRIPTS / "enter.sh")])
    with subprocess.Popen(launcher, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin  # noqa: S101 - a pipe was asked for
        assert process.stdout  # noqa: S101 - a pipe was asked for
        if process.stdout.readline() == b"ready\n":
            network.wire(lab, name, pid=process.pid, ip=host.spec.ip, plugged=host.is_plugged)
            process.stdin.write(b"go\n")
            process.stdin.close()
        return process.wait()


def main(state_dir: Path, name: str) -> None:
    """Supervise the host *name* of the lab in *state_dir* until it is off."""
    lab = LabSpec.from_json((state_dir / "lab.json").read_text(encoding="utf-8"))
    host = Host(lab, lab.host(name), state_dir)
    status = 0
    while True:
        _log(f"{name}: power on")
        status = _boot(host)
        cgroups.kill(host.group)
        cgroups.remove(host.group)
        network.unwire(lab.name, name)
        if status not in _REBOOT:
            break
        _log(f"{name}: reboots")
    _log(f"{name}: off, exit status {status}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except (LabError, OSError) as error:
        _log(f"error: {error}")
        sys.exit(1)
