"""
The forms of a container's plain values: sizes, durations, capabilities, devices and their kin.

As in ``forms``: what topology.yaml may say, and the one form that it becomes, which is read again as itself.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from controller.model.forms import FrozenModel, TextMap, problem, problems
from controller.model.spellings import (
    NS,
    absolute_path,
    capability,
    cpuset_text,
    device_text,
    duration_ns,
    duration_text,
    ip_text,
    processors,
    security_option,
    signal_name,
    size_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LEAST_MEMORY = 6 * 1024 * 1024
"""Bytes: engines from 20.10 on refuse less."""

_MILLISECOND = 1_000_000
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?")
_LAST_PORT = 65535
_SIZES_END = 2**63
_CPUSET = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*")
_MODE = re.compile(r"[rwm]{1,3}")
_CAPABILITY = re.compile(r"[A-Z][A-Z_]*")
_HOST_NAME = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?")
_SIGNAL = re.compile(r"(SIG)?(?P<name>[A-Z][A-Z0-9]*([+-][0-9]{1,2})?)|(?P<number>[0-9]{1,2})")

UlimitName = Literal[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
]
HOST_GATEWAY = "host-gateway"
"""In the place of an IP address: the host's own, as the container sees it."""


def read_size(value: Any) -> Any:
    """Read ``64m``, ``1gb`` or a number of bytes."""
    size = size_bytes(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    if size is None or size >= _SIZES_END:
        raise problem(f"{value!r} is not a size", "write 64m, 1gb or a number of bytes")
    if size == 0:
        raise problem("a size of 0 means no limit", "leave the field out")
    return size


def read_memory(value: Any) -> Any:
    """Read the size of a memory limit, which engines want to be 6m at least."""
    size = read_size(value)
    if size < LEAST_MEMORY:
        raise problem(f"{value!r} is less than engines take", "write 6m or more")
    return size


def read_swap(value: Any) -> Any:
    """Read the size of memory and swap together; -1 is no limit."""
    return -1 if value in (-1, "-1") else read_memory(value)


def read_duration(value: Any) -> Any:
    """Read a duration in its one spelling, as text: ``90s`` becomes ``1m30s``."""
    nanoseconds = duration_ns(value) if isinstance(value, str) else None
    if nanoseconds is None:
        raise problem(f"{value!r} is not a duration", "write a number with its unit: 500ms, 30s, 1m30s")
    if 0 < nanoseconds < _MILLISECOND:
        raise problem(f"{value!r} is less than engines take", "write 1ms or more")
    return duration_text(nanoseconds)


def read_grace(value: Any) -> Any:
    """Read a grace period, which engines keep in whole seconds."""
    text = read_duration(value)
    if (duration_ns(text) or 0) % NS:
        raise problem(f"{value!r} is not a whole number of seconds", "write 10s or 1m30s")
    return text


def read_cpus(value: Any) -> Any:
    """Read a number of processors as text: ``0.5``."""
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", text) or Decimal(text) < Decimal("0.01"):
        raise problem(f"{value!r} is not a number of processors", "write 0.5 or 2; the least is 0.01")
    whole, _, part = text.partition(".")
    return f"{int(whole)}.{part}".rstrip("0").rstrip(".")


def read_cpuset(value: Any) -> Any:
    """Read a set of processors, in its shortest form."""
    text = str(value).replace(" ", "") if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not _CPUSET.fullmatch(text) or not processors(text):
        raise problem(f"{value!r} is not a set of processors", "write 0-3 or 0,2")
    return cpuset_text(text)


def read_name(value: Any) -> Any:
    """Read a user or a group; a number becomes text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and (not value or re.search(r"\s", value)):
        raise problem(f"{value!r} is not a name or a number", "leave it out for the image's own")
    return value


def read_word(value: Any) -> Any:
    """Read a text that is one word."""
    if isinstance(value, str) and not re.fullmatch(r"\S+", value):
        raise problem(f"{value!r} is not one word", "leave the field out for the default")
    return value


def read_signal(value: Any) -> Any:
    """Read a signal as ``SIGTERM``; a number stays one."""
    text = str(value).upper() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not _SIGNAL.fullmatch(text):
        raise problem(f"{value!r} is not a signal", "write SIGTERM, say")
    return signal_name(text)


def read_path(value: Any) -> Any:
    """Read an absolute path of the container, in its shortest form."""
    if not isinstance(value, str) or not value.startswith("/"):
        raise problem(f"{value!r} is not an absolute path", "start it with /")
    return absolute_path(value)


def read_test(value: Any) -> Any:
    """Read a healthcheck's test: text is a line for the container's shell; it may hold a secret and is not shown."""
    if isinstance(value, str):
        if not value.strip():
            raise problem("the test is empty", "write a command, or disable: true")
        return ("CMD-SHELL", value)
    words = tuple(str(item) if type(item) in (int, float) else item for item in value) if _is_list(value) else ()
    if not words or not all(isinstance(word, str) for word in words):
        raise problem("the test is neither text nor a list of words", "write text, or [CMD, program, argument]")
    least, most = {"NONE": (1, 1), "CMD-SHELL": (2, 2), "CMD": (2, len(words))}.get(words[0], (0, -1))
    if not least <= len(words) <= most:
        raise problem(
            "the test does not start with a word that says what it is",
            "write [CMD, program, argument], [CMD-SHELL, line] or [NONE]",
        )
    return words


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def each(
    read: Callable[[Any], str | Iterable[str]], *, key: Callable[[str], str] = str, alone: bool = True
) -> Callable[[Any], Any]:
    """
    Return the reader of a list whose items are read with *read*, every wrong one told.

    Args:
        read: Reads one item, into one text or several.
        key: What of a read item may stand only once.
        alone: Whether one text stands for a list of one, as Compose allows for some fields.
    """

    def read_all(value: Any) -> Any:
        items = [value] if alone and isinstance(value, str) else value
        if not _is_list(items):
            return value
        found: dict[str, str] = {}
        wrong: list[dict[str, Any]] = []
        for at, item in enumerate(items):
            place = at if items is value else None
            try:
                made = read(item)
            except PydanticCustomError as error:
                wrong += [{**problem, "at": place} for problem in (error.context or {})["problems"]]
                continue
            for text in (made,) if isinstance(made, str) else made:
                if key(text) in found:
                    fact = {"fact": f"{key(text)!r} stands twice", "hint": "remove one", "fix": None, "at": place}
                    wrong.append(fact)
                found[key(text)] = text
        if wrong:
            raise problems(wrong)
        return tuple(found.values())

    return read_all


def _text(item: Any, kind: str, hint: str) -> str:
    if not isinstance(item, str) or not item or re.search(r"\s", item):
        raise problem(f"{item!r} is not {kind}", hint)
    return item


def read_server(item: Any) -> str:
    """Read the IP address of a name server."""
    try:
        return str(ip_address(item if isinstance(item, str) else ""))
    except ValueError:
        raise problem(f"{item!r} is not an IP address", "write the name server's, such as 10.1.0.53") from None


def read_domain(item: Any) -> str:
    """Read a domain that names are looked up in."""
    return _text(item, "a domain", "write example.org, say")


def read_resolver_option(item: Any) -> str:
    """Read an option of resolv.conf."""
    return _text(item, "an option of resolv.conf", "write ndots:2, say")


def read_exposed(item: Any) -> list[str]:
    """Read a port of the container, or a range of them, with its protocol: ``80/tcp``."""
    text = str(item) if isinstance(item, (str, int)) and not isinstance(item, bool) else ""
    match = _PORTS.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if match is None or not 1 <= first <= last <= _LAST_PORT:
        hint = "write a port of the container, 80 or 53/udp; ports: publishes one on the host"
        raise problem(f"{item!r} is not a port", hint)
    return [f"{port}/{match[3] or 'tcp'}" for port in range(first, last + 1)]


def read_tmpfs(item: Any) -> str:
    """Read ``PATH[:OPTIONS]``."""
    path, colon, options = item.partition(":") if isinstance(item, str) else ("", "", "")
    if not path.startswith("/") or absolute_path(path) == "/" or (colon and not options) or re.search(r"\s", options):
        raise problem(f"{item!r} is not a tmpfs", "write /path or /path:size=64m,mode=1777")
    return f"{absolute_path(path)}{colon}{options}"


def read_capability(item: Any) -> str:
    """Read a capability."""
    name = capability(item) if isinstance(item, str) else ""
    if not _CAPABILITY.fullmatch(name):
        raise problem(f"{item!r} is not a capability", "write NET_ADMIN, say, or ALL")
    return name


def read_device(item: Any) -> str:
    """Read ``HOST[:CONTAINER][:PERMISSIONS]``; what follows the host's path is permissions if it can be."""
    parts = item.split(":") if isinstance(item, str) else []
    host, *rest = parts or [""]
    permissions = rest.pop() if rest and _MODE.fullmatch(rest[-1]) else ""
    container = rest[0] if rest else host
    if not host.startswith("/") or not container.startswith("/") or len(rest) > 1:
        hint = "write /dev/host, /dev/host:/dev/container or /dev/host:/dev/container:rwm"
        raise problem(f"{item!r} is not a device", hint)
    return device_text(host, container, permissions)


def read_security_option(item: Any) -> str:
    """Read a security option that engines know by themselves; a file of this machine is none."""
    text = security_option(item) if isinstance(item, str) else ""
    key, _, value = text.partition("=")
    if key == "seccomp" and value not in ("unconfined", "builtin"):
        raise problem(
            "a seccomp profile is a file beside the docker client, and engines do not read it",
            "write seccomp=unconfined, or set seccomp-profile in the host's daemon.json",
        )
    if key == "systempaths":
        raise problem(f"{item!r} is an option of the docker client, not of engines", "leave it out")
    if text not in ("no-new-privileges", "no-new-privileges=false") and not (
        key in ("label", "apparmor", "seccomp") and value
    ):
        hint = "write no-new-privileges, apparmor=PROFILE, label=… or seccomp=unconfined"
        raise problem(f"{item!r} is not a security option", hint)
    return text


def read_extra_hosts(value: Any) -> Any:
    """Read ``NAME:ADDRESS`` or ``NAME=ADDRESS`` items, or a mapping of names to addresses, as ``NAME:ADDRESS``."""
    if isinstance(value, dict):
        items: Iterable[tuple[str | int, Any]] = (
            (name, f"{name}={address}")
            for name, found in value.items()
            for address in (found if _is_list(found) else (found,))
        )
    elif _is_list(value):
        items = enumerate(value)
    else:
        return value
    read: dict[str, None] = {}
    wrong: list[dict[str, Any]] = []
    for at, item in items:
        name, _, address = (
            re.sub("[:=]", "\n", item, count=1).partition("\n") if isinstance(item, str) else ("", "", "")
        )
        address = address.removeprefix("[").removesuffix("]")
        if not _HOST_NAME.fullmatch(name) or (address != HOST_GATEWAY and not _is_ip(address)):
            shown = f"{item!r} is not NAME:IP" if not isinstance(value, dict) else f"{address!r} is not an IP address"
            hint = f"write NAME:10.1.0.9, or NAME:{HOST_GATEWAY}" if not isinstance(value, dict) else "write 10.1.0.9"
            wrong.append({"fact": shown, "hint": hint, "fix": None, "at": at})
        read[f"{name}:{ip_text(address)}"] = None
    if wrong:
        raise problems(wrong)
    return tuple(read)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def read_ulimits(value: Any) -> Any:
    """Read one number for both of a limit's values."""
    if not isinstance(value, dict):
        return value
    wrong = []
    made = {}
    for name, limit in value.items():
        # the shorthand is no part of the model, and a variable in its place stays text
        number = int(limit) if isinstance(limit, str) and re.fullmatch(r"-?[0-9]{1,18}", limit) else limit
        found = {"soft": number, "hard": number} if isinstance(number, int) and not isinstance(number, bool) else limit
        if isinstance(found, dict):
            soft, hard = found.get("soft"), found.get("hard")
            if isinstance(soft, int) and isinstance(hard, int) and -1 < hard < (soft if soft != -1 else hard + 1):
                fact = f"the soft limit {soft} is above the hard one, {hard}"
                wrong.append({"fact": fact, "hint": "swap them", "fix": None, "at": name})
        made[name] = found
    if wrong:
        raise problems(wrong)
    return made


class Ulimit(FrozenModel):
    """A limit of a process: what it starts with, and how far it may raise that itself; -1 is no limit."""

    soft: int = Field(ge=-1, description="What it starts with.")
    hard: int = Field(ge=-1, description="How far it may raise that by itself.")


class Logging(FrozenModel):
    """Where what a container says goes."""

    driver: Annotated[str, BeforeValidator(read_word)] | None = Field(
        default=None, description="Log driver; the daemon's own without it.", examples=["journald"]
    )
    options: TextMap = Field(default_factory=dict, description="Options of the driver.", examples=[{"max-size": "10m"}])


Duration = Annotated[str, BeforeValidator(read_duration, json_schema_input_type=str)]


class Healthcheck(FrozenModel):
    """How the engine finds out whether a container is well; what is not declared is the image's."""

    test: Annotated[tuple[str, ...], BeforeValidator(read_test, json_schema_input_type=str | list[str])] | None = Field(
        default=None,
        description="Text for the container's shell, or [CMD, program, argument].",
        examples=["wget -q -O /dev/null http://127.0.0.1/"],
    )
    interval: Duration | None = Field(default=None, description="Time between two tests.", examples=["30s"])
    timeout: Duration | None = Field(default=None, description="Time after which a test has failed.")
    retries: int | None = Field(default=None, ge=0, description="Failures in a row that make it unwell.")
    start_period: Duration | None = Field(
        default=None, description="Time after the start in which failures do not count; engines from 17.05 on."
    )
    disable: bool = Field(default=False, description="Whether the image's healthcheck is switched off.")

    @property
    def is_off(self) -> bool:
        """Whether the container has none, whatever its image says."""
        return self.disable or self.test == ("NONE",)
