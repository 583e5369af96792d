"""What a container has that a topology has no word for, from an engine's inspection. Pure; values are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.container_fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Json = dict[str, Any]

_CONFIG = frozenset(
    (
        *(row.key for row in FIELDS if row.part == "Config"),
        *("Hostname", "Env", "Cmd", "Image", "Entrypoint", "Labels", "MacAddress", "Volumes"),
        # how the terminal of whoever made it was tied to it, and what its image does when others are built from it
        *("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce", "OnBuild", "ArgsEscaped", "Shell"),
    )
)
_HOST_CONFIG = frozenset(
    (
        *(row.key for row in FIELDS if row.part == "HostConfig"),
        *("Binds", "Mounts", "NetworkMode", "PortBindings", "PublishAllPorts", "AutoRemove", "CpuQuota", "CpuPeriod"),
        # what engines fill in
        *("ContainerIDFile", "ConsoleSize", "MaskedPaths", "ReadonlyPaths", "Isolation", "CgroupnsMode", "Cgroup"),
    )
)
_MODES = ("rw", "ro", "")
_NAME_IT = "give it a name, and move the data"


def untold(found: Mapping[str, Any], image_volumes: frozenset[str] = frozenset()) -> Iterator[tuple[str, str | None]]:
    """
    Yield a fact for each thing that is not carried over, with a hint or None.

    Args:
        found: ``GET /containers/{id}/json``.
        image_volumes: Paths that its image makes volumes of.
    """
    config, host_config = found["Config"], found["HostConfig"]
    for part, said, known in (("Config", config, _CONFIG), ("HostConfig", host_config, _HOST_CONFIG)):
        for key in sorted(set(said) - known):
            if _says_something(said[key]):
                yield f"{part}.{key} is left out: a topology has no such field", None
    if host_config.get("PublishAllPorts"):
        yield "all exposed ports are published (-P): declare those that matter in ports", None
    if not host_config.get("MaskedPaths", True) and not host_config.get("Privileged"):
        yield "no path of /proc and /sys is masked in it: a topology cannot say that", None
    for path in sorted(set(config.get("Volumes") or {}) - image_volumes):
        yield f"the volume at {path} has no name: a replacement gets an empty one", _NAME_IT
    yield from _mounts(host_config)
    yield from _attachments((found.get("NetworkSettings") or {}).get("Networks") or {})


def _attachments(networks: Json) -> Iterator[tuple[str, str | None]]:
    for name, endpoint in sorted(networks.items()):
        for key in ("Links", "DriverOpts", "GwPriority"):
            if (endpoint or {}).get(key):
                yield f"networks.{name}: {key} is left out: a topology has no such field", None


def _mounts(host_config: Json) -> Iterator[tuple[str, str | None]]:
    for bind in host_config.get("Binds") or ():
        target, _, mode = bind.partition(":")[2].partition(":")
        for word in mode.split(","):
            if word not in _MODES:
                yield f"volumes: the option {word} of {target} is left out: it is not taken", None
    for mount in host_config.get("Mounts") or ():
        kind, target = mount.get("Type"), mount.get("Target")
        if kind not in ("bind", "volume"):
            yield f"the mount at {target} is left out: a topology has no mounts of type {kind}", None
        for key in ("BindOptions", "VolumeOptions", "Consistency"):
            if mount.get(key):
                yield f"volumes: {key} of {target} is left out: it is not taken", None
        if kind == "volume" and not mount.get("Source"):
            yield f"the volume at {target} has no name: a replacement gets an empty one", _NAME_IT


def _says_something(value: Any) -> bool:
    """Whether a value is more than what engines show of a field that was not asked for."""
    return bool(value) and value != -1
