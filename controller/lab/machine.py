"""
What this machine must have before a lab can be built on it, and how programs are run on it.

Every miss becomes one LabError that names the thing and the Debian package that provides it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# program -> Debian package that ships it
PROGRAMS = {
    "busybox": "busybox-static",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}
ARCHIVE_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

INOTIFY_INSTANCES = 2048

# Docker's overlay2 cannot put its upper layers on these.
_NO_OVERLAY_UPPER = {"overlay", "overlayfs", "tmpfs", "nfs", "fuseblk"}


def run(argv: Sequence[str], *, check: bool = True, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """
    Run a program of the machine to its end and return what it said.

    Args:
        argv: Program and arguments; no shell reads them.
        check: Whether an exit code other than 0 is an error.
        data: What the program reads on its standard input; None means nothing.

    Raises:
        LabError: *check* is set and the program failed; its last line on stderr is the fact.
    """
    result = subprocess.run(argv, input=data or b"", capture_output=True, check=False)
    if check and result.returncode:
        said = result.stderr.decode(errors="replace").strip().splitlines()
        raise LabError(f"{' '.join(argv)}: {said[-1] if said else f'exit code {result.returncode}'}")
    return result


def tied(argv: Sequence[str]) -> list[str]:
    """Return *argv* such that the kernel ends it with the thread that starts it, even if that is killed."""
    return ["setpriv", "--pdeathsig", "KILL", *argv]


def require_root() -> None:
    """
    Raise LabError unless this process is root.

    Raises:
        LabError: It is not.
    """
    if os.geteuid() != 0:
        raise LabError("a lab needs root: it makes namespaces, mounts and network links", hint="run it with sudo")


def require_programs(programs: Mapping[str, str] = PROGRAMS) -> None:
    """
    Raise LabError naming every program of *programs* that is missing, with the packages to install.

    Raises:
        LabError: At least one is missing.
    """
    missing = {name: package for name, package in programs.items() if shutil.which(name) is None}
    if not os.path.exists(ARCHIVE_KEYRING):  # noqa: PTH110 - a fixed string, not a path to work with
        missing[ARCHIVE_KEYRING] = "debian-archive-keyring"
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise LabError(f"this machine lacks {', '.join(missing)}", hint=f"apt-get install {packages}")


def require_kernel() -> None:
    """
    Raise LabError unless the kernel has what hosts and overlay networks need.

    Raises:
        LabError: A file system or a kind of link is missing.
    """
    filesystems = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    if "overlay" not in filesystems:
        run(["modprobe", "overlay"], check=False)
        filesystems = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    missing = [name for name in ("overlay", "cgroup2", "mqueue") if name not in filesystems]
    # asked in a network namespace that is gone afterwards; a built-in driver shows nowhere else
    for kind, words in {"bridge": "", "veth": "", "vxlan": "id 1 dstport 4789"}.items():
        script = f"ip link add probe type {kind} {words}"
        if run(["unshare", "--net", "sh", "-c", script], check=False).returncode:
            missing.append(kind)
    if missing:
        raise LabError(
            f"this machine's kernel lacks {', '.join(missing)}",
            hint="boot a Debian kernel (apt-get install linux-image-amd64) or load the modules",
        )


def allow_many_watches() -> None:
    """
    Raise the machine's limit of inotify instances a user to what a dozen hosts need; it stays so.

    The hosts' root is the machine's root, so all of them share it. Each takes about six; a systemd that gets none ends
    at once, with exit status 255 and without a word. Linux's default is 128.
    """
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text()) < INOTIFY_INSTANCES:
        limit.write_text(f"{INOTIFY_INSTANCES}\n")


def require_place(base: Path) -> None:
    """
    Raise LabError unless docker's overlay2 can work on the file system of *base*.

    Raises:
        LabError: It cannot, or the path would break a mount option.
    """
    if set(str(base)) & set(",:\\ \t\n"):
        raise LabError(f"{base}: a lab's directory has no comma, colon, backslash or white space in its path")
    existing = next(place for place in (base, *base.parents) if place.exists())
    kind = run(["stat", "--file-system", "--format", "%T", str(existing)]).stdout.decode().strip()
    if kind in _NO_OVERLAY_UPPER:
        raise LabError(
            f"{existing} is on {kind}, where docker cannot keep images", hint="set OVCTL_LAB_DIR to a real disk"
        )
