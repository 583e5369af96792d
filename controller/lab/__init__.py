"""
Virtual hosts on one machine: real systemd, sshd and docker.service, each with its own name and address on one bridge.

``Lab`` is the whole of it for Python; ``ovctl lab`` is the same for a terminal. A host is a process tree in namespaces
of its own, nothing more: it dies with its first process and leaves no mount and no namespace behind. What there is of a
lab is asked from the kernel (cgroups, links, processes), never from a state file.

No product logic lives here, and the product knows nothing of a lab.
"""

from __future__ import annotations

from controller.lab.lab import Lab

__all__ = ["Lab"]
