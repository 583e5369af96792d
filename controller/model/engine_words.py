"""
A container's plain fields in the words of the engine's API, there and back.

``tell_…`` turns a declaration into the engine's JSON, None to say nothing; ``read_…`` turns the engine's JSON into what
is compared. Reading takes whatever an engine or a person made: nothing is there for sure, and spellings vary.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from controller.model.gpus import ALL
from controller.model.spellings import NS, device_text, duration_ns, duration_text, ip_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from controller.model.topology import Container

Json = dict[str, Any]

Comparable = str | int | bool | tuple[str, ...] | dict[str, str] | None
"""A field's value as it is compared; a mapping is compared key by key."""

NO_TEST = '["NONE"]'
"""The healthcheck's test that switches it off."""


def get(key: str, kind: Callable[[Any], Comparable], default: Comparable) -> Callable[[Json], Comparable]:
    """Return the reader of one key; the engine says nothing, or null, or an empty value, for the default."""

    def read(part: Json) -> Comparable:
        found = part.get(key)
        return default if found is None else kind(found)

    return read


def texts(convert: Callable[[str], str] = str, *, ordered: bool = False) -> Callable[[Any], Comparable]:
    """Return the reader of a list of texts, sorted and without repetitions unless the order says something."""

    def read(found: Iterable[Any]) -> tuple[str, ...]:
        items = [convert(str(item)) for item in found]
        return tuple(items if ordered else sorted(set(items)))

    return read


def mapping(found: Mapping[str, Any]) -> dict[str, str]:
    """Read a mapping of texts."""
    return {str(name): str(value) for name, value in sorted(found.items())}


def joined(found: Any) -> str:
    """Return a list on one line."""
    return ", ".join(found) if isinstance(found, tuple) else str(found)


def yes_no(found: Any) -> str:
    """Return true or false as it stands in a topology."""
    return "true" if found else "false"


def extra_host(text: str) -> str:
    """Return NAME:IP with the IP address in its one spelling."""
    name, _, address = text.partition(":")
    return f"{name}:{ip_text(address)}"


def tell_tmpfs(container: Container) -> Any:
    """Return path -> options."""
    return {path: options for path, _, options in (item.partition(":") for item in container.tmpfs)} or None


def tell_exposed(container: Container) -> Any:
    """Return the exposed ports: those that are published, and those of ``expose``."""
    ports = (f"{port.target}/{port.protocol}" for port in container.ports)
    return {port: {} for port in (*ports, *container.expose)} or None


def tell_healthcheck(container: Container) -> Any:
    """Return the HealthConfig: times in nanoseconds; what is left out is the image's."""
    found = container.healthcheck
    if found is None:
        return None
    if found.disable:
        return {"Test": ["NONE"]}
    times = {"Interval": found.interval, "Timeout": found.timeout, "StartPeriod": found.start_period}
    told: Json = {key: duration_ns(text) for key, text in times.items() if text is not None}
    if found.test is not None:
        told["Test"] = list(found.test)
    if found.retries is not None:
        told["Retries"] = found.retries
    return told or None


def read_healthcheck(found: Json) -> dict[str, str]:
    """Read the HealthConfig; of one that is switched off, only that."""
    test = [str(word) for word in found.get("Test") or ()]
    if test == ["NONE"]:
        return {"test": NO_TEST}
    read = {"test": json.dumps(test)} if test else {}
    times = {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod"}
    read |= {name: duration_text(found[key]) for name, key in times.items() if found.get(key)}
    return {**read, **({"retries": str(found["Retries"])} if found.get("Retries") else {})}


def tell_devices(container: Container) -> Any:
    """Return the DeviceMappings."""
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    return [dict(zip(keys, device.split(":"), strict=True)) for device in container.devices] or None


def read_devices(found: Iterable[Json]) -> tuple[str, ...]:
    """Read the DeviceMappings."""
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    return tuple(sorted(device_text(*(device.get(key) or "" for key in keys)) for device in found))


def tell_gpus(container: Container) -> Any:
    """Return the DeviceRequests: each wants a driver that has all of its capabilities, gpu among them."""
    return [
        {
            "Driver": one.driver or "",
            "Count": (one.count or ALL) if not one.device_ids else 0,
            "DeviceIDs": list(one.device_ids) or None,
            "Capabilities": [sorted({"gpu", *one.capabilities})],
            "Options": dict(one.options),
        }
        for one in container.gpus
    ] or None


def read_gpus(found: Iterable[Json]) -> dict[str, str]:
    """Read the DeviceRequests: ``0.count``, ``0.options.NAME``; sets of capabilities are alternatives."""
    read: dict[str, str] = {}
    for at, one in enumerate(found):
        count, devices = one.get("Count") or 0, one.get("DeviceIDs") or ()
        sets = (",".join(sorted({*names})) for names in one.get("Capabilities") or ())
        said = {
            "driver": one.get("Driver") or "",
            "count": ("all" if count < 0 else str(count)) if count or not devices else "",
            "device_ids": ",".join(sorted({str(device) for device in devices})),
            "capabilities": " or ".join(sorted(sets)),
            **{f"options.{name}": value for name, value in mapping(one.get("Options") or {}).items()},
        }
        read |= {f"{at}.{name}": text for name, text in said.items() if text or name.startswith("options.")}
    return read


def tell_ulimits(container: Container) -> Any:
    """Return the Ulimits."""
    limits = container.ulimits.items()
    return [{"Name": name, "Soft": one.soft, "Hard": one.hard} for name, one in limits] or None


def read_ulimits(found: Iterable[Json]) -> dict[str, str]:
    """Read the Ulimits: name -> ``SOFT:HARD``."""
    return {str(one.get("Name")): f"{one.get('Soft') or 0}:{one.get('Hard') or 0}" for one in found}


def tell_logging(container: Container) -> Any:
    """Return the LogConfig."""
    found = container.logging
    if found is None or not (found.driver or found.options):
        return None
    return {"Type": found.driver or "", "Config": dict(found.options)}


def read_logging(found: Json) -> dict[str, str]:
    """Read the LogConfig: ``driver``, and each option as ``options.NAME``."""
    driver = {"driver": found["Type"]} if found.get("Type") else {}
    return {**driver, **{f"options.{name}": value for name, value in mapping(found.get("Config") or {}).items()}}


def tell_grace(container: Container) -> Any:
    """Return the grace period in seconds."""
    text = container.stop_grace_period
    return None if text is None else (duration_ns(text) or 0) // NS


def tell_cpus(container: Container) -> Any:
    """Return the processors in billionths."""
    if container.cpus is None:
        return None
    whole, _, part = container.cpus.partition(".")
    return int(whole) * NS + int(part.ljust(9, "0"))


def read_cpus(part: Json) -> Comparable:
    """Read the limit; one that was set by quota and period is told apart: an engine then refuses the other way."""
    quota, period = part.get("CpuQuota") or 0, part.get("CpuPeriod") or 0
    if quota > 0 or period > 0:
        return f"cpu_quota {quota}, cpu_period {period}"
    return part.get("NanoCpus") or 0


def cpus_text(found: Any) -> str:
    """Return billionths of a processor as ``0.5``."""
    if isinstance(found, str):
        return found
    if not found:
        return "no limit"
    return f"{found // NS}.{found % NS:09}".rstrip("0").rstrip(".")


def limit(found: int) -> int:
    """Read a limit, for which 0 and less are none."""
    return max(found, 0)


def limit_text(found: Any) -> str:
    """Return a limit of bytes."""
    return size_text(found) if found > 0 else "no limit"


def number_text(found: Any) -> str:
    """Return a limit that is a number."""
    return str(found) if found > 0 else "no limit"


def restart_policy(restart: str) -> Json:
    """Return Compose's ``on-failure:3`` as the engine's RestartPolicy."""
    name, _, count = restart.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}


def read_restart(policy: Json) -> str:
    """Read the RestartPolicy; the count matters for on-failure only."""
    name = policy.get("Name") or "no"
    count = policy.get("MaximumRetryCount") or 0
    return f"{name}:{count}" if name == "on-failure" and count else name


def memory(container: Container) -> Json:
    """Return memory and swap, which engines want to be told together where one passes the other."""
    memory = container.mem_limit or 0
    return {"Memory": memory, "MemorySwap": container.memswap_limit or 2 * memory}
