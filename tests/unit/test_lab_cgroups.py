"""The machine's cgroup hierarchies, as /proc/self/mountinfo tells them."""

from __future__ import annotations

from pathlib import Path

from controller.lab.cgroups import Hierarchy, parse_hierarchies

UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
50 27 0:38 /docker/1 /var/lib/x rw,relatime - cgroup2 cgroup2 rw
51 27 0:29 / /mnt/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
"""


def test_a_unified_machine_has_cgroup2_alone() -> None:
    assert parse_hierarchies(UNIFIED) == (Hierarchy(Path("/sys/fs/cgroup"), ""),)


def test_a_hybrid_machine_has_each_hierarchy_once_and_cgroup2_last() -> None:
    root = Path("/sys/fs/cgroup")
    assert parse_hierarchies(HYBRID) == (
        Hierarchy(root / "cpu,cpuacct", "cpu,cpuacct"),
        Hierarchy(root / "systemd", "name=systemd"),
        Hierarchy(root / "unified", ""),
    )
