"""
Spellings of one thing: what people and engines write in more than one way becomes one text, or one number.

Pure functions without opinions: what is wrong gives None, or stays as it is; ``container_values`` says so to people.
"""

from __future__ import annotations

import posixpath
import re
from decimal import Decimal
from ipaddress import ip_address

NS = 1_000_000_000
"""Nanoseconds in a second, and what engines count as one processor."""

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)
_SIZE_UNITS = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|us|µs|ns|s))+")
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|us|µs|ns|s)")
_DURATION_UNITS = {"h": 3600 * NS, "m": 60 * NS, "s": NS, "ms": 1_000_000, "us": 1000, "µs": 1000, "ns": 1}


def size_bytes(text: str | int) -> int | None:
    """Return the bytes of ``64m`` or ``1gb`` (units of 1024, in any case), None for what is no size."""
    if isinstance(text, int):
        return text if text >= 0 else None
    match = _SIZE.fullmatch(text.strip())
    return None if match is None else int(Decimal(match[1]) * _SIZE_UNITS[match[2].lower()])


def size_text(size: int) -> str:
    """Return *size* bytes in the largest unit without a remainder: ``64m``."""
    for unit in ("g", "m", "k"):
        if size and size % _SIZE_UNITS[unit] == 0:
            return f"{size // _SIZE_UNITS[unit]}{unit}"
    return str(size)


def duration_ns(text: str) -> int | None:
    """Return the nanoseconds of ``1m30s``, None for what is no duration."""
    if text == "0":
        return 0
    if not _DURATION.fullmatch(text):
        return None
    return int(sum(Decimal(number) * _DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(text)))


def duration_text(nanoseconds: int) -> str:
    """Return a duration in the fewest parts: ``1m30s``, ``500ms``."""
    text, left = "", nanoseconds
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, left = divmod(left, _DURATION_UNITS[unit])
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def capability(text: str) -> str:
    """Return a capability without CAP_ and in capitals: engines take every case, with or without it."""
    return text.upper().removeprefix("CAP_")


def signal_name(text: str) -> str:
    """Return a signal as ``SIGTERM``; a number stays one."""
    name = text.upper()
    return name if not name or name[0].isdigit() or name.startswith("SIG") else f"SIG{name}"


def security_option(text: str) -> str:
    """Return a security option with ``=``, and the two spellings of the one without a value as one."""
    key, found, value = text.partition("=")
    if not found:
        key, found, value = text.partition(":")
    if key == "no-new-privileges":
        return key if value.lower() in ("", "true", "t", "1") else f"{key}=false"
    return f"{key}={value}" if found else key


def absolute_path(text: str) -> str:
    """Return *text* without doubled slashes, dots and a slash at the end, as engines write a working directory."""
    return posixpath.normpath(text).replace("//", "/") if text else ""


def ip_text(text: str) -> str:
    """Return an IP address in its one spelling; anything else as it is."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def device_text(host: str, container: str, permissions: str) -> str:
    """Return ``HOST:CONTAINER:PERMISSIONS`` with the engine's defaults: the same path, and all of rwm."""
    mode = "".join(letter for letter in "rwm" if letter in permissions) or "rwm"
    return f"{absolute_path(host)}:{absolute_path(container or host)}:{mode}"


def processors(text: str) -> tuple[int, ...]:
    """Return the numbers of ``0-2,4``, sorted."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            found.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))


def cpuset_text(text: str) -> str:
    """Return a set of processors as its shortest ranges: ``0-2,4``."""
    parts: list[list[int]] = []
    for number in processors(text):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in parts)
