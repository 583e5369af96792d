"""
The files that make a root file system one particular host, written once into its own layer, before its first boot.

A host keeps what is changed in it later, over reboots and power cuts, until the lab goes down.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from controller.lab.spec import HostSpec, LabSpec

# Units that belong to the machine (clock, modules, devices, kernel settings), wait for hardware, or want the network.
_MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dev-hugepages.mount",
    "docker-registry.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "getty.target",
    "proc-sys-fs-binfmt_misc.automount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-binfmt.service",
    "systemd-modules-load.service",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-sysctl.service",
    "systemd-timesyncd.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
)
_MASKED_ON_STORE = ("docker.service", "docker.socket", "containerd.service")

# raft_multiplier: a single server needs no patience to elect itself
_CONSUL_UNIT = """\
[Unit]
Description=Consul, the lab's store
After=network.target

[Service]
ExecStart=/usr/bin/consul agent -server -bootstrap-expect=1 -data-dir=/var/lib/consul -client 0.0.0.0 -bind {ip} \
-node store -hcl 'performance {{ raft_multiplier = 1 }}' -hcl 'disable_update_check = true'
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
_NETWORK = """\
[Match]
Name=eth0

[Network]
Address={ip}/{prefix}
Gateway={gateway}
LinkLocalAddressing=no
"""

_UNITS = "etc/systemd/system"


def write(layer: Path, lab: LabSpec, host: HostSpec, *, public_key: str) -> None:
    """
    Write *host*'s files into *layer*, an empty directory that will lie over the root file system.

    Args:
        layer: Where to write.
        lab: The whole lab; its hosts know each other by name.
        host: The host that this is to be.
        public_key: Whoever has its private half may log in as root.
    """
    names = "".join(f"{other.ip} {other.name}\n" for other in lab.hosts)
    network = _NETWORK.format(ip=host.ip, prefix=lab.subnet.prefixlen, gateway=lab.gateway)
    _file(layer, "etc/hostname", f"{host.name}\n")
    _file(layer, "etc/hosts", f"127.0.0.1 localhost\n{names}")
    _file(layer, "etc/machine-id", f"{uuid.uuid4().hex}\n")
    _file(layer, "etc/resolv.conf", "")
    _file(layer, "etc/systemd/network/10-eth0.network", network)
    _link(
        layer,
        f"{_UNITS}/multi-user.target.wants/systemd-networkd.service",
        "/lib/systemd/system/systemd-networkd.service",
    )
    for unit in _MASKED:
        _link(layer, f"{_UNITS}/{unit}", "/dev/null")
    if host.role == "store":
        for unit in _MASKED_ON_STORE:
            _link(layer, f"{_UNITS}/{unit}", "/dev/null")
        _file(layer, f"{_UNITS}/consul.service", _CONSUL_UNIT.format(ip=host.ip))
        _link(layer, f"{_UNITS}/multi-user.target.wants/consul.service", f"/{_UNITS}/consul.service")
    _directory(layer, "root", 0o700)
    _directory(layer, "root/.ssh", 0o700)
    _file(layer, "root/.ssh/authorized_keys", public_key)
    _directory(layer, "var/lib")
    _directory(layer, "var/lib/docker", 0o710)


def _directory(layer: Path, path: str, mode: int = 0o755) -> Path:
    """Return directory *path* of *layer*, made if missing; it lies over one of the same name, so its mode counts."""
    place = layer
    for step in path.split("/"):
        place = place / step
        if not place.exists():
            place.mkdir()
            place.chmod(mode)
    return place


def _file(layer: Path, path: str, text: str) -> None:
    """Write a file and the directories above it."""
    above, _, name = path.rpartition("/")
    place = _directory(layer, above) / name
    place.write_text(text, encoding="utf-8")
    place.chmod(0o644)


def _link(layer: Path, path: str, target: str) -> None:
    """Make a symbolic link and the directories above it."""
    above, _, name = path.rpartition("/")
    (_directory(layer, above) / name).symlink_to(target)
