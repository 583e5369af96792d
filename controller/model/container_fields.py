"""
The table of a container's plain fields: what each is called on an engine, and how the two are compared and changed.

One row drives every room: ``apply`` tells the engine by it, ``observe`` reads back, ``diff`` compares, ``plan`` chooses
the mildest means, and docs/fields.md is made from it. A declared value is compared as what the engine was told, read
back: both sides go through the same reading, in which two spellings of one thing are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from controller.model.engine_words import (
    NO_TEST,
    Comparable,
    Json,
    cpus_text,
    extra_host,
    get,
    joined,
    limit,
    limit_text,
    mapping,
    memory,
    number_text,
    read_cpus,
    read_devices,
    read_gpus,
    read_healthcheck,
    read_logging,
    read_restart,
    read_ulimits,
    restart_policy,
    tell_cpus,
    tell_devices,
    tell_exposed,
    tell_gpus,
    tell_grace,
    tell_healthcheck,
    tell_logging,
    tell_tmpfs,
    tell_ulimits,
    texts,
    yes_no,
)
from controller.model.spellings import (
    absolute_path,
    capability,
    cpuset_text,
    ip_text,
    security_option,
    signal_name,
    size_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from controller.model.topology import Container

Release = tuple[int, ...]
"""An engine's version as numbers: ``(20, 10)``."""

_NO_LIMIT_OF_SWAP = -1


class Default(Enum):
    """What a field is without a declaration, where the topology cannot tell."""

    IMAGE = "the image's"
    ENGINE = "the engine's"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerField:
    """
    One field.

    Args:
        name: Compose's.
        part: Where it stands in what the engine is asked to create and answers to an inspection.
        key: The engine's name for it there.
        tell: From a declaration to the engine's value, None to say nothing.
        read: From that part of the engine's answer, in which the key may be missing, to what is compared.
        default: What *read* gives when nothing was declared.
        derived: The same, where it depends on another field.
        follows: That other field: what changes it brings this one along.
        show: What people see of a value; of a mapping, of the value of one key.
        hides: Whether the value of a mapping's key may be a secret and is not shown.
        fills: Whether an engine may have added an entry by itself: a key of a mapping, an item of a list.
        update: What ``POST /containers/{id}/update`` is told; None when that changes nothing.
        updates_since: First engine whose update takes it.
        unlimited: Whether an update can also take a limit away.
        since: First engine that knows a key of a mapping, ``""`` for the whole field; older ones ignore it silently.
        kernel: What ``GET /info`` calls the ability of the host's kernel that it takes, if any.
        always: Whether it is compared for any container of that name, also one that was not made by a topology.
    """

    name: str
    part: Literal["Config", "HostConfig"]
    key: str
    tell: Callable[[Container], Any]
    read: Callable[[Json], Comparable]
    default: Comparable | Default
    derived: Callable[[Container], Comparable] | None = None
    follows: str = ""
    show: Callable[[Any], str] = str
    hides: Callable[[str], bool] = lambda _: False
    fills: Callable[[str], bool] = lambda _: False
    update: Callable[[Container], Json] | None = None
    updates_since: Release = ()
    unlimited: bool = False
    since: Mapping[str, Release] = field(default_factory=dict)
    kernel: str = ""
    always: bool = False

    def declared(self, container: Container) -> bool:
        """Whether the topology says something about it."""
        return getattr(container, self.name) not in (None, (), {})

    def wanted(self, container: Container, image: Mapping[str, Comparable]) -> Comparable | Default:
        """
        Return what the engine is to have, as it is compared; Default.ENGINE for what the engine alone knows.

        Args:
            image: The values that the container's image brings along, by field.
        """
        told = self.tell(container)
        if self.default is Default.IMAGE:
            return _over(self.read({self.key: told}), image.get(self.name))
        if told is not None:
            return self.read({self.key: told})
        return self.default if self.derived is None else self.derived(container)

    def can_update(self, wanted: Comparable | Default, observed: Comparable, release: Release) -> bool:
        """Whether an engine of *release* can bring a container from *observed* to *wanted* as it stands."""
        if self.update is None or release < self.updates_since or type(wanted) is not type(observed):
            return False
        # "nothing" leaves an update's value as it is; and no limit of swap is noted down, but never told to the kernel
        return self.unlimited or wanted not in (0, "", _NO_LIMIT_OF_SWAP)


def _over(declared: Comparable, image: Comparable) -> Comparable:
    """Return what an engine makes of a declaration and an image: by key, together, or the one that says something."""
    if isinstance(declared, dict):
        merged = {**(image if isinstance(image, dict) else {}), **declared}
        return {"test": NO_TEST} if merged.get("test") == NO_TEST else merged
    if isinstance(declared, tuple):
        return tuple(sorted({*declared, *(image if isinstance(image, tuple) else ())}))
    return declared or image or ""


def _row(
    name: str,
    place: str,
    kind: Callable[[Any], Comparable],
    default: Comparable,
    *,
    without: Default | None = None,
    **more: Any,
) -> ContainerField:
    """
    Return one row; what is not said is the simplest: the declared value is the engine's.

    Args:
        place: ``PART.KEY``.
        kind: Reads the engine's value, if there is one.
        default: What is read if there is none.
        without: What stands there without a declaration, if it is not that.
    """
    part, _, key = place.partition(".")
    usual: dict[str, Any] = {
        "tell": lambda container: getattr(container, name),
        "read": get(key, kind, default),
        "default": without or default,
    }
    return ContainerField(**{"name": name, "part": part, "key": key, **usual, **more})


def _list(name: str, place: str, convert: Callable[[str], str] = str, **more: Any) -> ContainerField:
    ordered = more.pop("ordered", False)
    tell: Callable[[Container], Any] = lambda container: list(getattr(container, name)) or None  # noqa: E731 - a row's
    return _row(name, place, texts(convert, ordered=ordered), (), **{"tell": tell, "show": joined, **more})


def _mapping(name: str, place: str, **more: Any) -> ContainerField:
    tell: Callable[[Container], Any] = lambda container: dict(getattr(container, name)) or None  # noqa: E731 - a row's
    return _row(name, place, mapping, {}, **{"tell": tell, **more})


def _flag(name: str, place: str) -> ContainerField:
    return _row(name, place, bool, False, show=yes_no)  # noqa: FBT003 - the value that is read


def _limit(name: str, key: str, **more: Any) -> ContainerField:
    """Return the row of a limit that an update can change."""
    update: Callable[[Container], Json] = lambda container: {key: getattr(container, name)}  # noqa: E731 - a row's
    return _row(name, f"HostConfig.{key}", limit, 0, **{"show": limit_text, "update": update, **more})


FIELDS: tuple[ContainerField, ...] = (
    _row(
        "restart",
        "HostConfig.RestartPolicy",
        read_restart,
        "no",
        tell=lambda container: restart_policy(container.restart),
        update=lambda container: {"RestartPolicy": restart_policy(container.restart)},
        always=True,
    ),
    _row("domainname", "Config.Domainname", str, ""),
    _list("dns", "HostConfig.Dns", ip_text, ordered=True),
    _list("dns_search", "HostConfig.DnsSearch", ordered=True),
    _list("dns_opt", "HostConfig.DnsOptions"),
    _list("extra_hosts", "HostConfig.ExtraHosts", extra_host),
    _list("expose", "Config.ExposedPorts", tell=tell_exposed, without=Default.IMAGE),
    _mapping("tmpfs", "HostConfig.Tmpfs", tell=tell_tmpfs),
    _row(
        "healthcheck",
        "Config.Healthcheck",
        read_healthcheck,
        {},
        tell=tell_healthcheck,
        without=Default.IMAGE,
        hides=lambda key: key == "test",
        since={"start_period": (17, 5)},
    ),
    _list("cap_add", "HostConfig.CapAdd", capability),
    _list("cap_drop", "HostConfig.CapDrop", capability),
    _flag("privileged", "HostConfig.Privileged"),
    _row("devices", "HostConfig.Devices", read_devices, (), tell=tell_devices, show=joined),
    _row(
        "gpus",
        "HostConfig.DeviceRequests",
        read_gpus,
        {},
        tell=tell_gpus,
        hides=lambda key: ".options." in key,
        since={"": (19, 3)},
    ),
    # the engine adds one for containers that share something with the host
    _list("security_opt", "HostConfig.SecurityOpt", security_option, fills=lambda item: item.startswith("label=")),
    _mapping("sysctls", "HostConfig.Sysctls"),
    _row(
        "ulimits",
        "HostConfig.Ulimits",
        read_ulimits,
        {},
        tell=tell_ulimits,
        without=Default.ENGINE,
        fills=lambda _: True,
    ),
    _row("user", "Config.User", str, "", without=Default.IMAGE),
    _list("group_add", "HostConfig.GroupAdd"),
    _row("working_dir", "Config.WorkingDir", absolute_path, "", without=Default.IMAGE),
    _row("init", "HostConfig.Init", bool, None, show=yes_no),
    _row("ipc", "HostConfig.IpcMode", str, "", without=Default.ENGINE),
    _row("pid", "HostConfig.PidMode", str, ""),
    _row("shm_size", "HostConfig.ShmSize", int, 0, without=Default.ENGINE, show=size_text),
    _flag("stdin_open", "Config.OpenStdin"),
    _flag("tty", "Config.Tty"),
    _row("stop_signal", "Config.StopSignal", signal_name, "", without=Default.IMAGE),
    _row("stop_grace_period", "Config.StopTimeout", int, None, tell=tell_grace, show=lambda found: f"{found}s"),
    _row(
        "logging",
        "HostConfig.LogConfig",
        read_logging,
        {},
        tell=tell_logging,
        without=Default.ENGINE,
        hides=lambda key: key != "driver",
        fills=lambda _: True,
    ),
    _limit(
        "cpus",
        "NanoCpus",
        tell=tell_cpus,
        read=read_cpus,
        show=cpus_text,
        update=lambda container: {"NanoCpus": tell_cpus(container)},
        updates_since=(17, 4),
        kernel="CpuCfsQuota",
    ),
    _limit("cpu_shares", "CpuShares", show=str, kernel="CPUShares"),
    _row(
        "cpuset",
        "HostConfig.CpusetCpus",
        cpuset_text,
        "",
        update=lambda container: {"CpusetCpus": container.cpuset},
        kernel="CPUSet",
    ),
    _limit("mem_limit", "Memory", update=memory, kernel="MemoryLimit"),
    # docker info has no word of its own for it
    _limit("mem_reservation", "MemoryReservation", kernel="MemoryLimit"),
    _row(
        "memswap_limit",
        "HostConfig.MemorySwap",
        int,
        0,
        derived=lambda container: 2 * (container.mem_limit or 0),
        follows="mem_limit",
        show=lambda found: limit_text(found) if found >= 0 else "-1",
        update=memory,
        kernel="SwapLimit",
    ),
    _limit(
        "pids_limit",
        "PidsLimit",
        show=number_text,
        update=lambda container: {"PidsLimit": container.pids_limit or 0},
        updates_since=(19, 3),
        unlimited=True,
        kernel="PidsLimit",
    ),
    _flag("read_only", "HostConfig.ReadonlyRootfs"),
    _row("runtime", "HostConfig.Runtime", str, "", without=Default.ENGINE),
    _mapping("annotations", "HostConfig.Annotations", hides=lambda _: True, since={"": (24, 0)}),
)
"""Every plain field, in the order in which a plan tells of them."""

BY_NAME: Mapping[str, ContainerField] = {row.name: row for row in FIELDS}


def release_text(release: Release) -> str:
    """Return an engine's version as people write it: 17.05, 20.10, 24.0."""
    major, minor = release[:2]
    return f"{major}.{minor:02}" if minor else f"{major}.0"


def told(container: Container) -> dict[str, Json]:
    """Return what an engine is told of the plain fields when it creates *container*: ``Config`` and ``HostConfig``."""
    parts: dict[str, Json] = {"Config": {}, "HostConfig": {}}
    for row in FIELDS:
        value = row.tell(container)
        if value is not None:
            parts[row.part][row.key] = value
    return parts


def told_update(container: Container, names: Iterable[str]) -> Json:
    """Return the body of an update that brings the fields of these *names* to what *container* declares."""
    body: Json = {}
    for name in names:
        update = BY_NAME[name].update
        if update is None:
            raise ValueError(f"an update does not change {name}")
        body |= update(container)
    return body


def read_fields(config: Json, host_config: Json) -> dict[str, Comparable]:
    """Return every plain field as an engine shows it, of a container or (without a host configuration) an image."""
    parts = {"Config": config, "HostConfig": host_config}
    return {row.name: row.read(parts[row.part]) for row in FIELDS}


def lacking(info: Json) -> frozenset[str]:
    """Return the abilities that limits need and a host's kernel lacks, as ``GET /info`` calls them."""
    return frozenset(row.kernel for row in FIELDS if row.kernel and info.get(row.kernel) is False)


def too_new(container: Container, release: Release) -> Iterator[tuple[str, Release]]:
    """Yield what an engine of *release* ignores of a declaration: the field, and the first engine that knows it."""
    for row in FIELDS:
        said = row.read({row.key: row.tell(container)}) if row.since and row.declared(container) else None
        for key, since in row.since.items():
            if release < since and isinstance(said, dict) and (said if not key else key in said):
                yield f"{row.name}.{key}" if key else row.name, since
