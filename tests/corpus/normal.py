"""Inspections without what differs from run to run: ids, times, paths, process numbers, random addresses. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.ports import Json

_ID = re.compile(r"\b[0-9a-f]{64}\b")
_SHORT_ID = re.compile(r"\b[0-9a-f]{12}\b")
_MAC = re.compile(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b")
_DERIVED_MAC = "02:42:"
"""What a MAC address begins with that an engine derives from the IP address, and those that the cases declare."""
_TIMES = ("Created", "StartedAt", "FinishedAt", "LastTagTime")
_NEVER = "0001-01-01T00:00:00Z"
_LEFT_OUT = (
    "Args",
    "GraphDriver",
    "HostnamePath",
    "HostsPath",
    "LogPath",
    "Path",
    "ResolvConfPath",
    "SandboxKey",
)
_FIRST_AUTOMATIC_PORT = 32768


class Normal:
    """Takes inspections in; what is the same thing in several of them stays so. Ids come in the order of sight."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._short: dict[str, str] = {}

    def __call__(self, found: Json) -> Json:
        """Return *found* in the form in which it is the same in each run."""
        text = _ID.sub(lambda match: self._named(match[0]), json.dumps(_plain(found)))
        text = _SHORT_ID.sub(lambda match: self._short.get(match[0], match[0]), text)
        text = _MAC.sub(lambda match: self._mac(match[0]), text)
        normal: Json = json.loads(text)
        return normal

    def _named(self, known: str) -> str:
        if known not in self._known:
            self._known[known] = hashlib.sha256(str(len(self._known)).encode()).hexdigest()
            self._short[known[:12]] = self._known[known][:12]
        return self._known[known]

    def _mac(self, known: str) -> str:
        if known.startswith(_DERIVED_MAC):
            return known
        if known not in self._known:
            self._known[known] = f"02:42:ff:ff:{len(self._known) >> 8:02x}:{len(self._known) & 255:02x}"
        return self._known[known]


def _plain(node: Any, key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: _plain(value, name) for name, value in node.items() if name not in _LEFT_OUT}
    if isinstance(node, list):
        # engines tell mounts in any order
        values = sorted(node, key=lambda mount: str(mount["Destination"])) if key == "Mounts" else node
        return [_plain(value, key) for value in values]
    if key in _TIMES:
        return _NEVER
    if key == "Pid":
        return min(node, 1)
    if key == "HostPort" and node.isdecimal() and int(node) >= _FIRST_AUTOMATIC_PORT:
        return str(_FIRST_AUTOMATIC_PORT)
    return node
