"""
The root file systems that hosts boot: one directory a Debian suite, built once, shared read-only by all labs.

A directory that carries a suite's name and the digest of what is in it is complete: it is built beside its place and
renamed when done. One that other packages are wanted of is another one.
"""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from controller.errors import LabError
from controller.lab.locks import locked
from controller.lab.machine import run, tied
from controller.lab.sources import machine_mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "procps",
    "netbase",
    "less",
    "sudo",
    "openssh-server",
    "ca-certificates",
    "curl",
    "iproute2",
    "iputils-ping",
    "iptables",
    "docker.io",
)
# bullseye: the store, and a registry for tests, which nothing starts by itself. From trixie on docker.io has no client;
# a controller can live on trixie, its Python is new enough. forky: mount is no longer part of every system.
_SUITE_PACKAGES = {
    "bullseye": ["consul", "docker-registry"],
    "trixie": ["docker-cli", "python3", "python3-click", "python3-docker", "python3-pydantic", "python3-yaml"],
    "forky": ["docker-cli", "mount"],
}
# A suite that is not released yet expires a week after its last change, and mirrors may lag behind that. Its signature
# is checked all the same.
_MAY_LAG = {"forky"}
_LEAVE_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")


def directory(base: Path) -> Path:
    """Return where the root file systems are."""
    return base / "rootfs"


def packages(suite: str) -> tuple[str, ...]:
    """Return the packages of a host of *suite*, besides those that every Debian has."""
    return (*_PACKAGES, *_SUITE_PACKAGES.get(suite, ()))


def place(base: Path, suite: str) -> Path:
    """Return where the root file system of *suite* is, or is to be."""
    recipe = " ".join((*packages(suite), *_LEAVE_OUT))
    return directory(base) / f"{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"


def ensure(base: Path, suite: str, progress: Callable[[str], None]) -> Path:
    """
    Return the root file system of *suite*, building it first if there is none; takes about a minute then.

    Raises:
        LabError: The build failed; the message holds the builder's last words.
    """
    built = place(base, suite)
    if built.is_dir():
        return built
    built.parent.mkdir(parents=True, exist_ok=True)
    with locked(built.parent):
        if not built.is_dir():
            progress(f"{suite}: building the root file system, once")
            _build(built, suite)
    return built


def _build(built: Path, suite: str) -> None:
    """Build *suite* beside its place and put it there; leftovers of a killed build are removed first."""
    draft = built.with_name(f".{built.name}.draft")
    if draft.exists():
        shutil.rmtree(draft)
    # in namespaces of its own, tied to this process: a killed build leaves no process and no mount
    contained = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    builder = [
        "mmdebstrap",
        "--mode=root",
        "--variant=apt",
        f"--include={','.join(packages(suite))}",
        *(f"--dpkgopt=path-exclude={path}" for path in _LEAVE_OUT),
        '--aptopt=Apt::Install-Recommends "false"',
        '--aptopt=Acquire::Retries "3"',
        *(['--aptopt=Acquire::Check-Valid-Until "false"'] if suite in _MAY_LAG else ()),
        # every host gets keys of its own
        '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*',
        suite,
        str(draft),
        *machine_mirror().lines(suite),
    ]
    result = run(tied([*contained, *builder]), check=False)
    if result.returncode:
        said = [line for line in result.stderr.decode(errors="replace").splitlines() if line.startswith(("E:", "W:"))]
        raise LabError(f"{suite}: mmdebstrap: {said[-1] if said else f'exit code {result.returncode}'}")
    draft.rename(built)
