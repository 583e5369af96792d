"""
What simulated engines make of a container's configuration: merged with its image, filled in, checked, and updated.

As engine 20.10.5 does, warts and all: what it does not know is dropped without a word, and so is most of an update.
"""

from __future__ import annotations

import copy
import posixpath
from typing import TYPE_CHECKING

from controller.errors import ConflictError, EngineError
from tests.fakes.state import DEFAULT_SHM_BYTES, PROCESSORS

if TYPE_CHECKING:
    from tests.fakes.state import Container, Host, Image, Json

_POLICIES = ("", "no", "always", "unless-stopped", "on-failure")
_LEAST_MEMORY = 6 * 1024 * 1024
_UNKNOWN = ("Annotations",)
"""What later engines take, and this one leaves out without a word."""
_UPDATED = ("Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "CpuQuota", "CpuPeriod", "CpusetCpus")
_HEALTH = ("Test", "Interval", "Timeout", "StartPeriod", "Retries")
_NO_CAPABILITY = "CAP_FLY"
"""Stands for every name that no kernel knows."""


def merged(config: Json, image: Image, *, hostname: str) -> Json:
    """Return the configuration with what its image brings, as the engine merges them."""
    known = image.config
    names = {line.partition("=")[0] for line in config.get("Env") or ()}
    environment = [
        *(config.get("Env") or ()),
        *(line for line in known["Env"] or () if line.partition("=")[0] not in names),
    ]
    command, entrypoint = config.get("Cmd") or None, config.get("Entrypoint")
    if not entrypoint:
        command = command or known["Cmd"]
    if entrypoint is None:
        entrypoint = known["Entrypoint"]
    directory = config.get("WorkingDir") or known.get("WorkingDir") or ""
    found = {
        "Hostname": config.get("Hostname") or hostname,
        "Domainname": config.get("Domainname") or "",
        "Env": environment,
        "Cmd": list(command) if command else None,
        "Entrypoint": list(entrypoint) if entrypoint else None,
        "Image": config["Image"],
        "Labels": {**(known["Labels"] or {}), **(config.get("Labels") or {})},
        "ExposedPorts": {**(config.get("ExposedPorts") or {}), **(known.get("ExposedPorts") or {})},
        "User": config.get("User") or known.get("User") or "",
        "WorkingDir": posixpath.normpath(directory) if directory else "",
        "Tty": bool(config.get("Tty")),
        "OpenStdin": bool(config.get("OpenStdin")),
    }
    # what is empty is not shown at all
    health = _health(config.get("Healthcheck"), known.get("Healthcheck"))
    signal, grace = config.get("StopSignal") or known.get("StopSignal"), config.get("StopTimeout")
    found |= {"Healthcheck": health} if health is not None else {}
    found |= {"StopSignal": signal} if signal else {}
    found |= {"MacAddress": config["MacAddress"]} if config.get("MacAddress") else {}
    return found | ({"StopTimeout": grace} if grace is not None else {})


def _health(asked: Json | None, image: Json | None) -> Json | None:
    """Merge by field: what is nothing is the image's; without any of its own, the image's as a whole."""
    if asked is None or image is None:
        return copy.deepcopy(asked if asked is not None else image)
    return {key: asked.get(key) or image.get(key) for key in _HEALTH if asked.get(key) or image.get(key)}


def filled_in(host: Host, config: Json) -> Json:
    """Return the host configuration of a creation, checked and with what the daemon fills in; EngineError 400."""
    found: Json = copy.deepcopy(config.get("HostConfig") or {})
    for key in _UNKNOWN:
        found.pop(key, None)
    check_policy(found.get("RestartPolicy") or {})
    _check_health(config.get("Healthcheck") or {})
    _check_capabilities(found)
    _check_limits(host, found, creating=True)
    if (found.get("PidsLimit") or 0) <= 0:
        found["PidsLimit"] = None
    if found.get("Memory") and not found.get("MemorySwap"):
        found["MemorySwap"] = 2 * found["Memory"]
    found["ShmSize"] = found.get("ShmSize") or DEFAULT_SHM_BYTES
    found["IpcMode"] = found.get("IpcMode") or "private"
    if config.get("HostConfig") is not None:
        # without any host configuration nobody fills this in
        found["Runtime"] = found.get("Runtime") or "runc"
    found["LogConfig"] = _log_config(host, found.get("LogConfig") or {})
    options = list(found.get("SecurityOpt") or ())
    shares = found.get("Privileged") or "host" in (found["IpcMode"], found.get("PidMode"))
    if shares and not any(option.startswith("label=") for option in options):
        found["SecurityOpt"] = [*options, "label=disable"]
    return found


def _log_config(host: Host, asked: Json) -> Json:
    """Take the daemon's driver when none is asked for, and its options with its driver."""
    driver = asked.get("Type") or host.engine.log_driver
    inherited = host.engine.log_options if driver == host.engine.log_driver else {}
    return {"Type": driver, "Config": {**inherited, **(asked.get("Config") or {})}}


def update(host: Host, container: Container, config: Json) -> None:
    """Change resources and restart policy; what is nothing stays, and anything else is ignored, labels too."""
    asked = {**config}
    check_policy(asked.get("RestartPolicy") or {})
    _check_limits(host, asked, creating=False)
    found = container.host_config
    if asked.get("NanoCpus") and (found.get("CpuQuota") or found.get("CpuPeriod")):
        _cannot_update(container, "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set")
    if asked.get("CpuQuota") and found.get("NanoCpus"):
        _cannot_update(container, "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set")
    if (asked.get("Memory") or 0) > (found.get("MemorySwap") or 0) and not asked.get("MemorySwap"):
        message = (
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
        )
        _cannot_update(container, message)
    for key in _UPDATED:
        if asked.get(key):
            found[key] = asked[key]
    if asked.get("PidsLimit") is not None:
        found["PidsLimit"] = max(asked["PidsLimit"], 0)
    if (asked.get("RestartPolicy") or {}).get("Name"):
        found["RestartPolicy"] = dict(asked["RestartPolicy"])


def _cannot_update(container: Container, why: str) -> None:
    raise ConflictError(f"Cannot update container {container.id}: {why}", status=409)


def check_policy(policy: Json) -> None:
    """Raise what the engine says of a wrong restart policy."""
    name = policy.get("Name") or ""
    if name not in _POLICIES:
        raise EngineError(f"invalid restart policy '{name}'", status=400)
    if policy.get("MaximumRetryCount") and name != "on-failure":
        raise EngineError(f"maximum retry count cannot be used with restart policy '{name}'", status=400)


def _check_health(asked: Json) -> None:
    for key in ("Interval", "Timeout", "StartPeriod"):
        if 0 < (asked.get(key) or 0) < 1_000_000:
            raise EngineError(f"{key} in Healthcheck cannot be less than 1ms", status=400)


def _check_capabilities(asked: Json) -> None:
    for key in ("CapAdd", "CapDrop"):
        if _NO_CAPABILITY in (asked.get(key) or ()):
            raise EngineError(f'invalid {key}: unknown capability: "{_NO_CAPABILITY}"', status=400)


def _check_limits(host: Host, asked: Json, *, creating: bool) -> None:
    """Check the limits, and discard those that the host's kernel has no means for, as with a mere warning."""
    memory, swap = asked.get("Memory") or 0, asked.get("MemorySwap") or 0
    if memory and memory < _LEAST_MEMORY:
        raise EngineError("Minimum memory limit allowed is 6MB", status=400)
    if memory and "MemoryLimit" in host.lacks:
        memory, asked["Memory"], asked["MemorySwap"] = 0, 0, -1
    if memory and swap != -1 and "SwapLimit" in host.lacks:
        swap = asked["MemorySwap"] = -1
    if 0 < swap < memory:
        message = "Minimum memoryswap limit should be larger than memory limit, see usage"
        raise EngineError(message, status=400)
    if creating and swap > 0 and not memory:
        message = "You should always set the Memory limit when using Memoryswap limit, see usage"
        raise EngineError(message, status=400)
    if not 0 <= (asked.get("NanoCpus") or 0) <= PROCESSORS * 1_000_000_000:
        there = f"Range of CPUs is from 0.01 to {PROCESSORS}.00, as there are only {PROCESSORS} CPUs available"
        raise EngineError(there, status=400)
