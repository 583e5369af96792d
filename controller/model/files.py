"""
Configs and secrets: what a topology declares of them, and what is known of their copies on a host.

The content is never a field: it is no part of what is printed, saved, or written into a label.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable  # noqa: TC003 - a return type that pydantic's readers are made with
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from controller.model.forms import ABSOLUTE, FrozenModel, problem

FileKind = Literal["configs", "secrets"]
FILE_KINDS: tuple[FileKind, ...] = ("configs", "secrets")

FILES_ROOT = "/var/lib/ovctl/files"
"""Where hosts keep the copies: FILES_ROOT/TOPOLOGY/CONTAINER/configs|secrets/NAME/VERSION."""

MAX_CONTENT_BYTES = 500 << 10
"""The largest config or secret; swarm's limit for a secret (moby: swarmkit's MaxSecretSize)."""

_TARGETS: dict[FileKind, str] = {"configs": "/", "secrets": "/run/secrets/"}
_MODE = re.compile(r"0?[0-7]{3}")
_ID = re.compile(r"0|[1-9][0-9]{0,9}")
_MOST_ID = 0xFFFFFFFE
"""The largest user; the number above means "leave it as it is" to chown(2)."""


class _Source(FrozenModel):
    """Where a content comes from; what it is stands beside the fields."""

    file: str | None = Field(
        default=None, description="File that holds the content, relative to the file that names it."
    )
    environment: str | None = Field(
        default=None, min_length=1, description="Environment variable of ovctl that holds the content."
    )
    _content: bytes | None = PrivateAttr(default=None)

    @property
    def data(self) -> bytes:
        """The content; LookupError before it was read."""
        if self._content is None:
            raise LookupError("the content was not read")
        return self._content

    def holding(self, content: bytes) -> Self:
        """Return the same with *content* beside it."""
        held = self.model_copy()
        held._content = content  # noqa: SLF001 - the copy's own
        return held

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        said = sorted(name for name in type(self).model_fields if getattr(self, name) is not None)
        if not said:
            raise problem("nothing says where the content is", f"write one of {', '.join(type(self).model_fields)}")
        if len(said) > 1:
            raise problem(f"{' and '.join(said)} are given: there is one content", "remove one of them")
        return self


class Secret(_Source):
    """A secret: a content that containers read from a file, and that nobody else gets to see."""


class Config(_Source):
    """A config: a content that containers read from a file."""

    content: str | None = Field(default=None, description="The content itself.")

    @property
    def data(self) -> bytes:
        """The content; LookupError before it was read."""
        return super().data if self.content is None else self.content.encode("utf-8", "surrogateescape")


def _read_id(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not (_ID.fullmatch(text) and int(text) <= _MOST_ID):
        raise problem(f"{value!r} is not the number of a user or group", 'write its number, such as "1000"')
    return text


def _read_mode(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise problem("modes are octal, and a number is decimal here", 'write it in quotes: "0440"')
    if isinstance(value, str):
        if not _MODE.fullmatch(value):
            raise problem(f"{value!r} is not a mode", 'write three octal digits after a zero: "0440"')
        return f"0{value[-3:]}"
    return value


class FileReference(FrozenModel):
    """A config or secret in a container: where it stands there, and who may read it."""

    source: str = Field(min_length=1, description="Name of the config or secret.")
    target: str = Field(
        default="",
        pattern=ABSOLUTE,
        description="Path in the container; /NAME of a config, /run/secrets/NAME of a secret without it.",
    )
    uid: Annotated[str, BeforeValidator(_read_id, json_schema_input_type=str | int)] = Field(
        default="0", description="Number of the user that owns the file."
    )
    gid: Annotated[str, BeforeValidator(_read_id, json_schema_input_type=str | int)] = Field(
        default="0", description="Number of the group that owns the file."
    )
    mode: Annotated[str, BeforeValidator(_read_mode, json_schema_input_type=str)] = Field(
        default="0400", description="Mode of the file, octal, in quotes.", examples=["0440"]
    )


def read_references(kind: FileKind) -> Callable[[Any], Any]:
    """Return the reader of a container's list of *kind*: names, or long forms; targets become absolute."""

    def read(value: Any) -> Any:
        return tuple(_reference(item, _TARGETS[kind]) for item in value) if isinstance(value, (list, tuple)) else value

    return read


def _reference(item: Any, base: str) -> Any:
    found = {"source": item} if isinstance(item, str) else item
    if not isinstance(found, dict):
        return item
    target = found.get("target") or found.get("source")
    if not isinstance(target, str) or not isinstance(found.get("source"), str):
        return found
    return {**found, "target": posixpath.normpath(posixpath.join(base, target))}


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    A file that a container is to have on its host.

    Args:
        topology: Name of the owning topology.
        container: Name of the container that reads it.
        name: Name of the config or secret.
        content: What is in it; never printed.
        mode: Four octal digits.
        uid: Decimal number of its owner; *gid* of its group.
    """

    topology: str
    container: str
    kind: FileKind
    name: str
    content: bytes = field(repr=False)
    mode: str = "0400"
    uid: str = "0"
    gid: str = "0"

    def is_like(self, found: DeliveredFile) -> bool:
        """Whether *found* is a copy of it, as it should be."""
        return found.digest == content_digest(self.content) and self.owned_like(found)

    def owned_like(self, found: DeliveredFile) -> bool:
        """Whether *found* has its mode and owner."""
        return (found.mode, found.uid, found.gid) == (self.mode, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """
    A copy as a host has it.

    Args:
        path: Absolute, below FILES_ROOT.
        digest: SHA-256 of its content, in memory alone: of a short secret it would tell too much.
        mode: Four octal digits.
    """

    path: str
    digest: str = field(repr=False)
    mode: str
    uid: str
    gid: str


def content_digest(content: bytes) -> str:
    """Return the SHA-256 of *content*, for comparison in memory: it is shown nowhere, and never kept."""
    return hashlib.sha256(content).hexdigest()


def files_of(topology: str, container: str) -> str:
    """Return the directory of a container's copies on its host, with a slash at its end."""
    return f"{FILES_ROOT}/{topology}/{container}/"


def container_of(path: str, topology: str) -> str | None:
    """Return the name of the container that the copy at *path* was made for; None for a path of other people."""
    above = f"{FILES_ROOT}/{topology}/"
    return path.removeprefix(above).partition("/")[0] if path.startswith(above) else None


def field_of(path: str, topology: str, container: str) -> str:
    """Return what a copy at *path* is of, as a field of its container: ``secrets.NAME``."""
    kind, _, rest = path.removeprefix(files_of(topology, container)).partition("/")
    return f"{kind}.{rest.partition('/')[0]}"
