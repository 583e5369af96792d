"""
A container's plain fields from what an engine shows of it, back to what would be declared: row by row of the table.

Pure. A value is taken only if, declared, it would be compared as equal: what cannot be said is told, never guessed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from controller.model.container_fields import FIELDS, Default
from controller.model.engine_words import NO_TEST, cpus_text
from controller.model.spellings import NS, duration_text, size_bytes, size_text
from controller.model.topology import Container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controller.model.container_fields import ContainerField
    from controller.model.engine_words import Comparable

SHM_BYTES = 64 << 20
"""Size of /dev/shm where daemon.json says nothing."""

_NOTHING: tuple[Comparable, ...] = (None, "", (), {})


def engine_defaults(info: Mapping[str, Any], daemon_json: Mapping[str, Any]) -> dict[str, Comparable]:
    """
    Return what an engine gives a container that says nothing, field -> value as it is compared.

    Args:
        info: ``GET /info``.
        daemon_json: The daemon's settings.
    """
    limits = daemon_json.get("default-ulimits") or {}
    options = {f"options.{name}": str(value) for name, value in (daemon_json.get("log-opts") or {}).items()}
    size = daemon_json.get("default-shm-size")
    return {
        "ulimits": {name: f"{one.get('Soft') or 0}:{one.get('Hard') or 0}" for name, one in limits.items()},
        "ipc": str(daemon_json.get("default-ipc-mode") or "private"),
        "shm_size": _bytes(size) if size is not None else SHM_BYTES,
        "logging": {"driver": str(info.get("LoggingDriver") or "json-file"), **options},
        "runtime": str(info.get("DefaultRuntime") or ""),
    }


def declare(
    made: Mapping[str, Any],
    observed: Mapping[str, Comparable],
    image: Mapping[str, Comparable],
    defaults: Mapping[str, Comparable],
    lacks: frozenset[str],
) -> Iterator[tuple[str, Any]]:
    """
    Yield each plain field that has to be declared with its value, None for one that a topology cannot say.

    Args:
        made: The container's other fields, as declared.
        observed: The fields as the engine shows them.
        image: Those that its image brings along.
        defaults: Those that the engine gives by itself.
        lacks: Abilities that the host's kernel lacks: limits that need them were never set.
    """
    said = dict(made)
    for row in FIELDS:
        if row.kernel in lacks:
            continue
        has = _without_filled(row, observed[row.name])
        usual = row.wanted(Container.model_validate(said), image)
        if isinstance(usual, Default):
            usual = defaults[row.name]
        if has == usual or (row.default is Default.ENGINE and _says_nothing(has, usual)):
            continue
        value = _SAYS.get(row.name, _plain)(has, usual)
        if value not in _NOTHING and _is_equal(row, {**said, row.name: value}, has, image):
            said[row.name] = value
            yield row.name, value
        else:
            yield row.name, None


def _without_filled(row: ContainerField, observed: Comparable) -> Comparable:
    """Return *observed* without what an engine may have added by itself; a mapping is looked at by key."""
    if isinstance(observed, tuple):
        return tuple(item for item in observed if not row.fills(item))
    return observed


def _says_nothing(has: Comparable, usual: Comparable) -> bool:
    """Whether all of *has* is the engine's own: an older one leaves out what it takes for granted."""
    if isinstance(has, dict) and isinstance(usual, dict):
        return all(usual.get(key) == value for key, value in has.items())
    return has in (*_NOTHING, 0)


def _is_equal(row: ContainerField, said: Mapping[str, Any], has: Comparable, image: Mapping[str, Comparable]) -> bool:
    """Whether the declaration would be compared as equal."""
    try:
        wanted = row.wanted(Container.model_validate(said), image)
    except ValidationError:
        return False
    if isinstance(wanted, dict) and isinstance(has, dict) and row.fills("driver"):
        return all(has.get(key) == value for key, value in wanted.items())
    return wanted == has


def _plain(has: Any, _usual: Any) -> Any:
    return list(has) if isinstance(has, tuple) else has


def _only_more(has: Any, usual: Any) -> Any:
    """Return what the image, and the ports, do not bring along."""
    return [item for item in has if item not in usual]


def _tmpfs(has: Any, _usual: Any) -> Any:
    return [f"{path}:{options}" if options else path for path, options in has.items()]


def _healthcheck(has: Any, usual: Any) -> Any:
    if has.get("test") == NO_TEST:
        return {"disable": True}
    said = {key: text for key, text in has.items() if usual.get(key) != text}
    if "test" in said:
        said["test"] = json.loads(said["test"])
    if "retries" in said:
        said["retries"] = int(said["retries"])
    return said


def _gpus(has: Any, _usual: Any) -> Any:
    requests: dict[str, dict[str, Any]] = {}
    for key, text in has.items():
        at, _, name = key.partition(".")
        request = requests.setdefault(at, {})
        if name.startswith("options."):
            request.setdefault("options", {})[name.removeprefix("options.")] = text
        elif name == "device_ids":
            request[name] = text.split(",")
        elif name == "capabilities":
            words = [word for word in text.split(",") if word != "gpu"]
            request |= {name: words} if words else {}
        elif name == "count":
            request[name] = text if text == "all" else int(text)
        else:
            request[name] = text
    return list(requests.values())


def _ulimits(has: Any, usual: Any) -> Any:
    found = {name: text.partition(":") for name, text in has.items() if usual.get(name) != text}
    return {name: {"soft": int(soft), "hard": int(hard)} for name, (soft, _, hard) in found.items()}


def _logging(has: Any, usual: Any) -> Any:
    same = has.get("driver") == usual.get("driver")
    said: dict[str, Any] = {} if same else {"driver": has.get("driver")}
    options = {
        key.removeprefix("options."): value
        for key, value in has.items()
        if key != "driver" and not (same and usual.get(key) == value)
    }
    return {**said, **({"options": options} if options else {})}


def _size(has: Any, _usual: Any) -> Any:
    return size_text(has) if has > 0 else str(has)


def _bytes(size: Any) -> int:
    return size_bytes(size) or SHM_BYTES


_SAYS: Mapping[str, Callable[[Any, Any], Any]] = {
    "expose": _only_more,
    "tmpfs": _tmpfs,
    "healthcheck": _healthcheck,
    "gpus": _gpus,
    "ulimits": _ulimits,
    "logging": _logging,
    "shm_size": _size,
    "mem_limit": _size,
    "mem_reservation": _size,
    "memswap_limit": _size,
    "stop_grace_period": lambda has, _: duration_text(has * NS),
    "cpus": lambda has, _: cpus_text(has),
}
"""How a value is written that is not simply what is compared."""
