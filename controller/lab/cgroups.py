"""
The cgroups of a lab: where its processes are put, found again and ended.

Every host has one group of the same path in every hierarchy of the machine, ``ovctl-lab/<lab>/<host>``, and its
supervisor has ``ovctl-lab/<lab>/<host>.supervisor``. A process belongs to a lab exactly if it is in one of these.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
PARENT = "ovctl-lab"

_MOUNTINFO = Path("/proc/self/mountinfo")
_PAUSE_S = 0.02
_TRIES = 20

# Suites whose systemd only knows cgroup2 (since systemd 256 v1 is refused).
_UNIFIED_SUITES = {"trixie", "forky"}


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted cgroup hierarchy; ``options`` are those that mount it again, empty for cgroup2."""

    path: Path
    options: str

    @property
    def is_v2(self) -> bool:
        """Whether this is cgroup2."""
        return not self.options


def parse_hierarchies(mountinfo: str, root: Path = ROOT) -> tuple[Hierarchy, ...]:
    """
    Return the hierarchies that are mounted at or below *root* with their own root, cgroup2 last.

    Args:
        mountinfo: The text of /proc/self/mountinfo.
        root: Where hierarchies are looked for; mounts elsewhere are somebody's private business.
    """
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        inner, place = left.split()[3:5]
        kind, _, options = right.split(" ", 2)
        if kind not in {"cgroup", "cgroup2"} or inner != "/" or not Path(place).is_relative_to(root):
            continue
        # "rw,xattr,release_agent=…" are settings of the mount; what is left names the hierarchy
        parts = [part for part in options.split(",") if part not in {"rw", "ro", "xattr", "clone_children"}]
        named = "" if kind == "cgroup2" else ",".join(part for part in parts if not part.startswith("release_agent="))
        if named or kind == "cgroup2":
            found.setdefault(named, Hierarchy(Path(place), named))
    return tuple(sorted(found.values(), key=lambda one: (one.is_v2, str(one.path))))


def hierarchies() -> tuple[Hierarchy, ...]:
    """
    Return this machine's hierarchies.

    Raises:
        LabError: They are neither unified (cgroup2 only) nor hybrid (v1 with name=systemd, and cgroup2).
    """
    found = parse_hierarchies(_MOUNTINFO.read_text(encoding="utf-8"))
    if not any(one.is_v2 for one in found):
        raise LabError(
            f"no cgroup2 is mounted at {ROOT} or below it", hint="mount -t cgroup2 none /sys/fs/cgroup/unified"
        )
    if len(found) > 1 and not any("name=systemd" in one.options for one in found):
        raise LabError("cgroup v1 is mounted without name=systemd, which systemd in a host needs")
    return found


def host_mounts(suite: str) -> str:
    """
    Return what a host of *suite* mounts in /sys/fs/cgroup, as ``<directory>:<options>`` words; nothing means cgroup2.

    A host of an old suite on a hybrid machine gets the machine's picture; every other gets cgroup2 only.
    """
    found = hierarchies()
    if len(found) == 1 or suite in _UNIFIED_SUITES:
        return ""
    return " ".join(f"{one.path.name}:{_mount_options(one.options)}" for one in found)


def _mount_options(options: str) -> str:
    return f"none,{options}" if options.startswith("name=") else options


def make(group: str) -> tuple[Path, ...]:
    """Make *group* in every hierarchy, ready to take processes, and return its directories."""
    found = hierarchies()
    for one in found:
        for left in reversed(range(_TRIES)):
            try:
                _make(one, group, unified=len(found) == 1)
                break
            except FileNotFoundError:  # another lab that goes down has just removed the empty parent
                if left == 0:
                    raise
    return tuple(one.path / group for one in found)


def _make(hierarchy: Hierarchy, group: str, *, unified: bool) -> None:
    """Make *group* and those above it in one hierarchy."""
    place = hierarchy.path
    for step in group.split("/"):
        if unified:
            _delegate(place)
        place = place / step
        place.mkdir(exist_ok=True)
        if "cpuset" in hierarchy.options.split(","):
            # a v1 cpuset starts empty and refuses processes until it has CPUs and memory nodes
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (place / setting).write_text((place.parent / setting).read_text())


def _delegate(place: Path) -> None:
    """Let the children of *place* use all controllers that it has; one that cannot be had is left out."""
    for controller in (place / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (place / "cgroup.subtree_control").write_text(f"+{controller}")


def _tree(group: str) -> Iterator[Path]:
    """Yield the directories of *group* in every hierarchy, children before parents."""
    for one in hierarchies():
        for place, _, _ in os.walk(one.path / group, topdown=False):
            yield Path(place)


def processes(group: str) -> frozenset[int]:
    """Return the ids of all processes in *group* and below it, in any hierarchy."""
    found: set[int] = set()
    for place in _tree(group):
        with contextlib.suppress(FileNotFoundError, OSError):
            found.update(int(pid) for pid in (place / "cgroup.procs").read_text().split())
    return frozenset(found - {0})


def groups(lab: str) -> frozenset[str]:
    """Return the names of the groups that *lab* has in any hierarchy."""
    places = (one.path / PARENT / lab for one in hierarchies())
    return frozenset(entry.name for place in places if place.is_dir() for entry in place.iterdir() if entry.is_dir())


def kill(group: str, *, timeout_s: float = 10.0) -> None:
    """
    SIGKILL every process in *group* and wait until there is none.

    Raises:
        LabError: Some are still there after *timeout_s* seconds.
    """
    end = time.monotonic() + timeout_s
    while pids := processes(group):
        if time.monotonic() > end:
            raise LabError(f"processes of {group} do not end: {', '.join(map(str, sorted(pids)))}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def remove(group: str, *, timeout_s: float = 5.0) -> None:
    """
    Remove *group* from every hierarchy; the kernel may hold a group for a moment after its last process.

    Raises:
        LabError: It is still busy after *timeout_s* seconds.
    """
    end = time.monotonic() + timeout_s
    while True:
        busy = [place for place in _tree(group) if not _rmdir(place)]
        if not busy:
            break
        if time.monotonic() > end:
            raise LabError(f"cgroup {busy[0]} is still busy")
        time.sleep(_PAUSE_S)


def remove_lab(lab: str) -> None:
    """Remove every group of *lab*, and the parent of all labs if this was the last."""
    remove(f"{PARENT}/{lab}")
    for one in hierarchies():
        with contextlib.suppress(OSError):  # other labs use it
            (one.path / PARENT).rmdir()


def _rmdir(place: Path) -> bool:
    """Remove one group; True if it is gone."""
    try:
        place.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def init_pid(group: str) -> int | None:
    """Return the machine's id of the process in *group* that is number 1 of a host; None if there is none."""
    for pid in processes(group):
        with contextlib.suppress(OSError):
            found = re.search(r"^NSpid:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            # two numbers: ours and its own; a container's first process has three
            if found and found[1].split()[1:] == ["1"]:
                return pid
    return None
