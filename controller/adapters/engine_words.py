"""
What stands in an engine's questions and answers, without a connection: versions, references, messages.

Pure. Used by the engine's adapter alone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from controller.errors import EngineError

if TYPE_CHECKING:
    from controller.ports import Json

# The newest version whose behaviour was tried: engine 26.1. Engines from 29 on refuse everything below 1.44.
MAX_API_VERSION = (1, 45)
# Engine 17.03, the oldest that is supported.
MIN_API_VERSION = (1, 26)
_EXEC = re.compile(r'exec: "(?P<word>(?:[^"\\]|\\.)*)"')


def negotiate(place: str, version: Json) -> str:
    """
    Return the API version to speak with an engine, from its ``GET /version``.

    Raises:
        EngineError: The engine is too old or too new for us.
    """
    newest = _parse(version.get("ApiVersion"))
    oldest = _parse(version.get("MinAPIVersion")) or MIN_API_VERSION
    engine = f"{place}: engine {version.get('Version', '?')}"
    if newest is None:
        raise EngineError(f"{place}: engine: it does not say its API version")
    if newest < MIN_API_VERSION:
        raise EngineError(
            f"{engine} speaks API {_dotted(newest)}, ovctl needs at least {_dotted(MIN_API_VERSION)}",
            hint="upgrade the engine",
        )
    if oldest > MAX_API_VERSION:
        raise EngineError(
            f"{engine} wants at least API {_dotted(oldest)}, ovctl knows up to {_dotted(MAX_API_VERSION)}",
            hint="upgrade ovctl",
        )
    return _dotted(min(newest, MAX_API_VERSION))


def split_image(ref: str) -> tuple[str, str | None]:
    """Return repository and tag or digest of an image; without any, ``latest``: the API would pull every tag."""
    if "@" in ref:
        repository, _, digest = ref.partition("@")
        return repository, digest
    repository, colon, tag = ref.rpartition(":")
    if not colon or "/" in tag:
        return ref, "latest"
    return repository, tag


def registry(ref: str) -> str:
    """Return the registry that an image comes from, as ``docker login`` wants it; empty for the default one."""
    first, slash, _ = ref.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else ""


def how_far(layers: dict[str, tuple[int, int]], step: Json) -> str:
    """Note what a message of a pull says of its layer; return how far all of them are, empty when it says nothing."""
    detail = step.get("progressDetail") or {}
    if step.get("status") != "Downloading" or not detail.get("total"):
        return ""
    layers[str(step.get("id"))] = (int(detail.get("current") or 0), int(detail["total"]))
    done, total = (sum(sizes) / 1_000_000 for sizes in zip(*layers.values(), strict=True))
    return f"{done:.0f} of {total:.0f} MB"


def load_error(line: bytes) -> str:
    """Return the error that a line of an engine's answer to a load tells; empty when it tells none."""
    try:
        said = json.loads(line or b"{}")
    except ValueError:
        return "an answer that cannot be read"
    return str(said["error"]) if isinstance(said, dict) and "error" in said else ""


def _parse(text: object) -> tuple[int, int] | None:
    major, dot, minor = text.partition(".") if isinstance(text, str) else ("", "", "")
    return (int(major), int(minor)) if dot and major.isdecimal() and minor.isdecimal() else None


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def word(ref: str) -> str:
    """Return *ref*; ValueError for what would be no part of a path."""
    if not ref or ref in {".", ".."}:
        raise ValueError(f"not an id or a name: {ref!r}")
    return ref


def in_path(ref: str) -> str:
    """Return *ref* as one part of a path."""
    return quote(word(ref), safe="")


def message_of(body: bytes) -> str:
    """Return the engine's message of an error answer, which is JSON in all but broken engines."""
    try:
        found = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    return str(found.get("message", "")) if isinstance(found, dict) else ""


def redacted(message: str) -> str:
    """Return *message* without the word of a command that could not be run: of a wrong command, any may be a secret."""
    found = _EXEC.search(message)
    if found is None:
        return message
    # the reason may say the word again, unquoted: "stat WORD: no such file or directory"
    rest = message[found.end() :]
    return f'{message[: found.start()]}exec: "…"{rest.replace(found["word"], "…") if found["word"] else rest}'


def one_line(text: object) -> str:
    """Return *text* in one line of bearable length."""
    return " ".join(str(text).split())[:600]
