"""
Answers of two worlds, made comparable: what differs from run to run gets a name in place of its value.

``differences`` then holds the simulated answer against the real one: every key that the fake gives must be there with
the same value. A real answer may hold more.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ID = re.compile(r"[0-9a-f]{64}|(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
_AGO = re.compile(r"(Up|Exited \(\d+\)|Restarting \(\d+\)) .*?( \(Paused\))?$")
_NEVER = "0001-01-01T00:00:00Z"
# pools that engines take by themselves depend on what was there before
_CHOSEN = (IPv4Network("172.16.0.0/12"), IPv4Network("10.0.0.0/16"))
_CHOSEN_MAC = ("02:42:ac:", "02:42:0a:00:")
_NUMBERS = {"Pid": 0, "Created": 0}


class Normalizer:
    """
    Gives ids names in the order in which they come up.

    Args:
        names: What differs between the worlds, by its value: addresses of hosts, say.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        self._ids: dict[str, str] = {}

    def name(self, found: str, name: str) -> None:
        """Call an id *name* from now on, and its short form too."""
        self._ids[found.removeprefix("sha256:")[:12]] = name

    def __call__(self, value: Any, key: str = "") -> Any:
        """Return *value* with what is accidental replaced."""
        if isinstance(value, dict):
            items = ((self._text(name), self(item, name)) for name, item in value.items())
            return dict(sorted(items))
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        if key in _NUMBERS and isinstance(value, int):
            return value > 0
        return value

    def _text(self, text: str) -> str:
        for value, name in self._names.items():
            text = text.replace(value, name)
        text = _ID.sub(lambda match: self._named(match[0]), text)
        text = _TIME.sub(lambda match: "never" if match[0] == _NEVER else "some time", text)
        text = _AGO.sub(r"\1\2", text)
        return _chosen(text)

    def _named(self, found: str) -> str:
        return f"<{self._ids.get(found[:12], 'id')}>"


def _chosen(text: str) -> str:
    """Return the address of a pool that the engine chose without its value: what was leaked there before counts too."""
    address, slash, length = text.partition("/")
    try:
        number = IPv4Address(address)
    except AddressValueError:
        return "<chosen>" if text.startswith(_CHOSEN_MAC) else text
    chosen = any(number in pool for pool in _CHOSEN)
    return f"<chosen>{slash}{length}" if chosen else text


def differences(fake: Any, real: Any, place: str = "") -> Iterator[str]:
    """Yield what the fake answers otherwise than the real one, a line each."""
    if isinstance(fake, dict) and isinstance(real, dict):
        for key in fake:
            if key not in real:
                yield f"{place}.{key}: only the fake has it: {fake[key]!r}"
            else:
                yield from differences(fake[key], real[key], f"{place}.{key}")
    elif isinstance(fake, list) and isinstance(real, list) and len(fake) == len(real):
        for at, pair in enumerate(zip(fake, real, strict=True)):
            yield from differences(*pair, f"{place}[{at}]")
    elif type(fake) is not type(real) or fake != real:
        yield f"{place}: the fake says {fake!r}, a real engine {real!r}"
