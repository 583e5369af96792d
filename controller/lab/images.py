"""
Container images made from files of this machine, without any engine and without a registry.

The archives are what ``docker save`` writes, in the form that ``docker load`` of 20.10 up to 28 accepts: one layer, the
configuration, a manifest. The same input gives the same bytes, so an image keeps its id.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from controller.lab.machine import run

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL: Mapping[str, Any] = MappingProxyType({"Cmd": ["sh"], "Env": [_PATH]})
_EPOCH = "1970-01-01T00:00:00Z"
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
# dpkg's names of machines are also Go's, except for these
_GO_ARCHITECTURE = {"armhf": "arm", "i386": "386", "ppc64el": "ppc64le"}

# names that the C library loads when a program looks up a name, besides what ldd lists
_NAME_SERVICE = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")


@dataclass(frozen=True, slots=True)
class Node:
    """A file (bytes), a symbolic link (str, its target) or a directory (None) of a layer."""

    content: bytes | str | None
    mode: int = 0o755


_NOTHING: Mapping[str, Node] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Image:
    """An image archive: its id as engines show it, its tags, and the tar."""

    id: str
    tags: tuple[str, ...]
    archive: bytes


def build(tags: tuple[str, ...], nodes: Mapping[str, Node], config: Mapping[str, Any], *, architecture: str) -> Image:
    """
    Return an image with one layer that holds *nodes*.

    Args:
        tags: Names under which engines know it, for example ``busybox:1``.
        nodes: Path without a leading slash -> what is there; parent directories are added.
        config: The image's ``config``: Cmd, Entrypoint, Env, ExposedPorts, Volumes.
        architecture: As Go calls it, for example amd64.
    """
    layer = _tar(_with_parents(nodes))
    digest = hashlib.sha256(layer).hexdigest()
    body = json.dumps(
        {
            "architecture": architecture,
            "config": dict(config),
            "created": _EPOCH,
            "history": [{"created": _EPOCH, "created_by": "ovctl lab"}],
            "os": "linux",
            "rootfs": {"diff_ids": [f"sha256:{digest}"], "type": "layers"},
        },
        sort_keys=True,
    ).encode()
    name = hashlib.sha256(body).hexdigest()
    manifest = [{"Config": f"{name}.json", "Layers": [f"{digest}/layer.tar"], "RepoTags": list(tags)}]
    archive = {
        f"{digest}": Node(None),
        f"{digest}/layer.tar": Node(layer, 0o644),
        f"{name}.json": Node(body, 0o644),
        "manifest.json": Node(json.dumps(manifest).encode(), 0o644),
    }
    return Image(f"sha256:{name}", tags, _tar(archive))


def _with_parents(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Return *nodes* with every directory above them."""
    above = {str(parent): Node(None) for path in nodes for parent in Path(path).parents if str(parent) != "."}
    return above | dict(nodes)


def _tar(nodes: Mapping[str, Node]) -> bytes:
    """Return *nodes* as a tar whose bytes depend on nothing else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, node in sorted(nodes.items()):
            member = tarfile.TarInfo(path)
            member.mode = node.mode
            match node.content:
                case None:
                    member.type = tarfile.DIRTYPE
                    tar.addfile(member)
                case str() as target:
                    member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
                    tar.addfile(member)
                case bytes() as content:
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _common() -> dict[str, Node]:
    """Return what every image has."""
    return {
        "etc/group": Node(_GROUP, 0o644),
        "etc/passwd": Node(_PASSWD, 0o644),
        "root": Node(None, 0o700),
        "tmp": Node(None, 0o1777),
    }


def busybox(
    tags: tuple[str, ...] = ("busybox:1", "busybox:latest"),
    config: Mapping[str, Any] = _SHELL,
    more: Mapping[str, Node] = _NOTHING,
) -> Image:
    """
    Return the machine's static busybox with a name for each applet: ``busybox:1``, or another image that has it.

    Args:
        tags: Names under which engines know it.
        config: The image's ``config``.
        more: Further nodes, or others in place of those that every image has.
    """
    program = Path(run(["sh", "-c", "command -v busybox"]).stdout.decode().strip()).resolve()
    applets = run([str(program), "--list"]).stdout.decode().split()
    links = {f"bin/{applet}": Node("busybox") for applet in applets if applet != "busybox"}
    nodes = _common() | links | {"bin/busybox": Node(program.read_bytes())} | dict(more)
    return build(tags, nodes, config, architecture=_architecture())


def consul(rootfs: Path) -> Image:
    """Return ``consul:1.8``: the program of *rootfs*, that of bullseye, with the libraries that it loads."""
    program = "usr/bin/consul"
    listed = run(["chroot", str(rootfs), "ldd", f"/{program}"]).stdout.decode()
    libraries = set(re.findall(r"(/\S+) \(0x", listed))
    beside = Path(next(path for path in libraries if "/libc.so" in path)).parent
    libraries |= {str(beside / name) for name in _NAME_SERVICE}
    bundle = "etc/ssl/certs/ca-certificates.crt"
    nodes = _common() | {
        "bin/consul": Node((rootfs / program).read_bytes()),
        bundle: Node((rootfs / bundle).read_bytes(), 0o644),
        "consul/data": Node(None),
        "etc/nsswitch.conf": Node(b"hosts: files dns\n", 0o644),
    }
    # read from inside: the loader is an absolute link
    nodes |= {path.lstrip("/"): Node(run(["chroot", str(rootfs), "cat", path]).stdout) for path in libraries}
    config = {
        "Cmd": ["agent", "-dev", "-client", "0.0.0.0"],  # noqa: S104 - inside its container, where others ask it
        "Entrypoint": ["/bin/consul"],
        "Env": [_PATH, "CHECKPOINT_DISABLE=1"],  # it would look for updates
        "ExposedPorts": {"8500/tcp": {}},
        "Volumes": {"/consul/data": {}},
    }
    return build(("consul:1.8",), nodes, config, architecture=_architecture())


def _architecture() -> str:
    """Return this machine's architecture as Go calls it."""
    name = run(["dpkg", "--print-architecture"]).stdout.decode().strip()
    return _GO_ARCHITECTURE.get(name, name)
