"""
How ssh reaches the lab's hosts: keys, known_hosts and an ssh_config that any OpenSSH client can be given with -F.

Host keys are made with the hosts and read from their file systems, so nothing is ever trusted because it answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.lab.machine import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from controller.lab.spec import LabSpec

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"

_CONFIG = """\
Host {patterns}
  User root
  IdentityFile {identity}
  IdentitiesOnly yes
  UserKnownHostsFile {known_hosts}
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 5
"""


def make_key(path: Path, *, comment: str) -> str:
    """Make an ed25519 key at *path* unless there is a whole one, and return its public half."""
    public = path.with_name(f"{path.name}.pub")
    if not public.exists():
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return public.read_text(encoding="utf-8")


def render_known_hosts(lab: LabSpec, host_keys: Mapping[str, str]) -> str:
    """
    Return a known_hosts file with each host's key under its name and its address.

    Args:
        lab: The whole lab.
        host_keys: Host name -> its public key, as in the .pub file.
    """
    return "".join(f"{host.name},{host.ip} {' '.join(host_keys[host.name].split()[:2])}\n" for host in lab.hosts)


def render_config(lab: LabSpec, *, identity: Path, known_hosts: Path) -> str:
    """Return an ssh_config in which each host goes by its name or its address; both lead to the address."""
    addresses = "".join(f"Host {host.name} {host.ip}\n  HostName {host.ip}\n\n" for host in lab.hosts)
    patterns = " ".join(f"{host.name} {host.ip}" for host in lab.hosts)
    return addresses + _CONFIG.format(patterns=patterns, identity=identity, known_hosts=known_hosts)
