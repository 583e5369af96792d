"""
The forms of a field: how a value may be written in topology.yaml, and the one form that it becomes.

Short and long forms as in Compose. A form judges one value by itself; its messages say what is wrong and what to write.
"""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from controller.model.ssh_options import PLAIN_PATH

DEFAULT_ADVERTISE_PORT = 2376
"""The port that the guide, and docker-machine before it, advertises: names the daemon in the store, no listener."""

MAX_PORT = 65535

NAME = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"
OBJECT_NAME = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$"
HOST_NAME = r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$"
ALIAS = r"^[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$"
STORE_URL = r"^consul://[^/,\s:]+:[0-9]{1,5}$"
USER = r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$"
ADVERTISE = r"^[A-Za-z0-9_.-]+:[0-9]{1,5}$"
ABSOLUTE = r"^/"
NO_SPACE = r"^\S+$"
PLUGIN = r"^[a-zA-Z0-9][a-zA-Z0-9_.:/-]*$"
RESTART = r"^(no|always|unless-stopped|on-failure(:[0-9]+)?)$"

PATTERNS: dict[str, tuple[str, str]] = {
    NAME: ("is not a name", "write letters, digits, '_', '.' and '-', with a letter or digit first"),
    OBJECT_NAME: (
        "is not a name that engines take",
        "write two or more letters, digits, '_', '.' and '-', with a letter or digit first",
    ),
    HOST_NAME: ("is not a host name", "write letters, digits and '-', with a letter or digit first and last"),
    ALIAS: ("is not an alias", "write letters, digits, '_', '.' and '-', as in a DNS name"),
    STORE_URL: ("is not a store", "write consul://HOST:8500"),
    USER: ("is not a user's name", "write letters, digits, '_', '.' and '-'"),
    ADVERTISE: ("is not INTERFACE:PORT or IP:PORT", f"write eth0:{DEFAULT_ADVERTISE_PORT}, say"),
    ABSOLUTE: ("is not an absolute path", "start it with /"),
    PLAIN_PATH: ("is not an absolute path", "write /… or ~/…, without % and $"),
    NO_SPACE: ("is not an image", "write NAME:TAG, such as busybox:1"),
    PLUGIN: ("is not the name of a driver", "write default, or the name of a plugin that the engines have"),
    RESTART: ("is no restart policy", "write no, always, unless-stopped, on-failure or on-failure:5"),
}
"""What a text that misses a pattern is not, and what to write: a pattern itself is no message."""


def problem(
    fact: str, hint: str | None = None, *, fix: str | None = None, at: str | int | None = None
) -> PydanticCustomError:
    """
    Return a validation error for people.

    Args:
        fact: What is wrong; the value stands in it as ``{value!r}`` or ``{value}`` prints it, so that it can be masked.
        hint: What to do about it.
        fix: A better hint that is derived from the value, shown unless the value came from the environment.
        at: Key or 0-based position below the field, if only that part is wrong.
    """
    return problems([{"fact": fact, "hint": hint, "fix": fix, "at": at}])


def problems(found: list[dict[str, Any]]) -> PydanticCustomError:
    """Return one validation error that carries several, each with the keys of ``problem``'s arguments."""
    return PydanticCustomError("ovctl", "{fact}", {"fact": found[0]["fact"], "problems": found})


def _item(at: int, fact: str, hint: str | None = None) -> dict[str, Any]:
    return {"fact": fact, "hint": hint, "fix": None, "at": at}


class FrozenModel(BaseModel):
    """What all parts of a topology have in common: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def read_ip_address(value: Any) -> Any:
    """Read an IPv4 address."""
    if isinstance(value, IPv4Address):
        return value
    try:
        return IPv4Address(value if isinstance(value, str) else "")
    except ValueError:
        raise problem(f"{value!r} is not an IPv4 address", "write it as 192.168.2.11") from None


def read_words(value: Any) -> Any:
    """Split a command that is one string as a shell would, without running one; numbers in a list are text."""
    if isinstance(value, str):
        try:
            return _words(value)
        except ValueError as error:
            # a command may hold a secret: it is never shown
            raise problem(f"the text cannot be split into words: {str(error).lower()}", "write a list") from None
    if isinstance(value, (list, tuple)):
        return tuple(
            str(item) if isinstance(item, (int, float)) and not isinstance(item, bool) else item for item in value
        )
    return value


@lru_cache(maxsize=1024)
def _words(text: str) -> tuple[str, ...]:
    # many containers run the same command, and splitting is the dearest part of reading one
    return tuple(shlex.split(text))


def read_text_map(value: Any) -> Any:
    """Turn Compose's list form ``[K=V, …]`` into a mapping; numbers and booleans become text."""
    if isinstance(value, list):
        pairs: dict[str, Any] = {}
        wrong: list[dict[str, Any]] = []
        for at, item in enumerate(value):
            if not isinstance(item, str) or "=" not in item:
                # what stands there may be a value, and a secret: it is never shown
                wrong.append(_item(at, "this item is not KEY=VALUE", "write KEY=VALUE, or a mapping"))
                continue
            key, _, text = item.partition("=")
            if key in pairs:
                wrong.append(_item(at, f"{key!r} stands twice", "remove one"))
            pairs[key] = text
        if wrong:
            raise problems(wrong)
        return pairs
    if isinstance(value, dict):
        return {str(key): _scalar(item) for key, item in value.items()}
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return value


IpAddress = Annotated[IPv4Address, BeforeValidator(read_ip_address, json_schema_input_type=str)]
Words = Annotated[tuple[str, ...], BeforeValidator(read_words, json_schema_input_type=str | list[str | int | float])]
TextMap = Annotated[
    dict[str, str],
    BeforeValidator(read_text_map, json_schema_input_type=dict[str, str | int | float | bool] | list[str]),
]
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=63)]
ObjectName = Annotated[str, StringConstraints(pattern=OBJECT_NAME, max_length=63)]
HostName = Annotated[str, StringConstraints(pattern=HOST_NAME, max_length=63)]
Alias = Annotated[str, StringConstraints(pattern=ALIAS, max_length=63)]


def read_host_ip(value: Any) -> Any:
    """Check the address that a published port listens on; empty means all, as 0.0.0.0 does."""
    if isinstance(value, str) and value:
        return "" if read_ip_address(value).is_unspecified else value
    return value


def read_restart(value: str) -> str:
    """Write the number of times as the engine gives it back: without zeros in front, and none for no limit."""
    name, _, times = value.partition(":")
    times = times.lstrip("0")
    return f"{name}:{times}" if times else name


def read_network_mode(value: Any) -> Any:
    """Refuse the modes that share another container's network, with the reason: the engine knows that one by id."""
    if isinstance(value, str) and value.startswith(("service:", "container:")):
        raise problem(
            f"{value!r}: the network of another container is not taken: it goes away when that one is replaced",
            "put both on one network: names are found there",
        )
    return value


def read_published_port(value: Any) -> Any:
    """Read Compose's quoted port number."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10 else value  # noqa: PLR2004 - no port is longer


class Port(FrozenModel):
    """A published port; ``published`` None asks the engine for a free one."""

    target: int = Field(ge=1, le=MAX_PORT, description="Port in the container.")
    published: Annotated[
        Annotated[int, Field(ge=1, le=MAX_PORT)] | None,
        BeforeValidator(read_published_port, json_schema_input_type=int | str | None),
    ] = Field(default=None, description="Port on the host; without it the engine takes a free one.")
    protocol: Literal["tcp", "udp", "sctp"] = Field(default="tcp", description="Protocol of the port.")
    host_ip: Annotated[str, BeforeValidator(read_host_ip, json_schema_input_type=str)] = Field(
        default="",
        description="The host's IP address to listen on; all of them without it.",
    )


class Mount(FrozenModel):
    """A named volume or a bind mount."""

    type: Literal["volume", "bind"] = Field(description="volume: kept by the engine; bind: a path of the host.")
    source: str = Field(min_length=1, description="Name of the volume, or absolute path on the host.")
    target: str = Field(pattern=ABSOLUTE, description="Absolute path in the container.")
    read_only: bool = Field(default=False, description="Whether the container may only read it.")


_PORT = re.compile(
    r"(?:(?:(?P<ip>[0-9.]+):)?(?P<first>[0-9]{1,9})?(?:-(?P<last>[0-9]{1,9}))?:)?"
    r"(?P<tfirst>[0-9]{1,9})(?:-(?P<tlast>[0-9]{1,9}))?(?:/(?P<proto>tcp|udp|sctp))?",
)


def expand_port(item: Any) -> list[Any]:
    """
    Return the ports that an entry of ``ports`` stands for: a short form and its ranges expanded, a long form as it is.

    Raises:
        PydanticCustomError: *item* is no port in Compose's short form ``[[IP:]PUBLISHED:]TARGET[/PROTOCOL]``.
    """
    if isinstance(item, (dict, Port)):
        return [item]
    match = _PORT.fullmatch(str(item)) if isinstance(item, (str, int)) and not isinstance(item, bool) else None
    if match is None or (match["last"] and not match["first"]):
        raise problem(f"{item!r} is not a port", "write PUBLISHED:TARGET, such as 8080:80 or 127.0.0.1:53:53/udp")
    if match["ip"]:
        read_ip_address(match["ip"])
    first, last = int(match["tfirst"]), int(match["tlast"] or match["tfirst"])
    published = int(match["first"]) if match["first"] else None
    last_published = published if published is None else int(match["last"] or published + last - first)
    for end in (first, last, published, last_published):
        if end is not None and not 1 <= end <= MAX_PORT:
            raise problem(f"{item!r}: ports go from 1 to {MAX_PORT}", "write a port in that range")
    if last < first or (
        published is not None and last_published is not None and last_published - published != last - first
    ):
        raise problem(
            f"{item!r}: the two ranges differ in length", "write ranges of one length, such as 8000-8009:80-89"
        )
    return [
        {
            "target": first + step,
            "published": None if published is None else published + step,
            "protocol": match["proto"] or "tcp",
            "host_ip": match["ip"] or "",
        }
        for step in range(last - first + 1)
    ]


def read_ports(value: Any) -> Any:
    """Expand the short forms and ranges of ``ports``, every wrong entry told."""
    if not isinstance(value, list):
        return value
    ports: list[Any] = []
    wrong: list[dict[str, Any]] = []
    for at, item in enumerate(value):
        try:
            ports.extend(expand_port(item))
        except PydanticCustomError as error:
            wrong.extend({**found, "at": at} for found in (error.context or {})["problems"])
    if wrong:
        raise problems(wrong)
    return tuple(ports)


def read_mount(value: Any) -> Any:
    """Read Compose's short form ``SOURCE:TARGET[:ro|rw]``; a source with a slash is a bind mount, else a volume."""
    if not isinstance(value, str):
        return value
    source, _, rest = value.partition(":")
    target, colon, mode = rest.partition(":")
    if not source or not target.startswith("/") or (colon and mode not in ("ro", "rw")):
        raise problem(f"{value!r} is not a volume", "write NAME:/path, or /host/path:/path:ro")
    if source.startswith((".", "~")):
        raise problem(
            f"{value!r}: the source is on the host, not beside this file", "write an absolute path of the host"
        )
    kind = "bind" if source.startswith("/") else "volume"
    return {"type": kind, "source": source, "target": target, "read_only": mode == "ro"}


def read_attachments(value: Any) -> Any:
    """Read Compose's list of network names as a mapping."""
    if isinstance(value, list):
        wrong = [
            _item(at, f"{item!r} is not a network's name") for at, item in enumerate(value) if not isinstance(item, str)
        ]
        wrong += _repeated(value)
        if wrong:
            raise problems(wrong)
        return {item: {} for item in value}
    return read_sections(value)


def _repeated(items: list[Any]) -> list[dict[str, Any]]:
    seen: set[str] = set()
    wrong = []
    for at, item in enumerate(items):
        if isinstance(item, str) and item in seen:
            wrong.append(_item(at, f"{item!r} stands twice", "remove one"))
        elif isinstance(item, str):
            seen.add(item)
    return wrong


def read_sections(value: Any) -> Any:
    """Take ``name:`` with nothing behind it for an empty mapping, as Compose does."""
    if isinstance(value, dict) and None in value.values():
        return {key: {} if item is None else item for key, item in value.items()}
    return value


def read_list(value: Any) -> Any:
    """Freeze a list."""
    return tuple(value) if isinstance(value, list) else value
