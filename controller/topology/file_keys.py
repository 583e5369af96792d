"""The keys that only a file has: they say how a topology is written down, and are gone when it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.topology.problem import Path

INCLUDE = "include"
DEFAULTS = "defaults"
ENV_FILE = "env_file"
IMAGE_ARCHIVE = "image_archive"
"""A field, but one that names a file."""

SECTIONS = ("hosts", "networks", "containers")
"""What has entries by name."""

FILE_SECTIONS = ("configs", "secrets")
"""What has entries by name, too, and no defaults: each has a content of its own."""

PLAIN_SECTIONS = ("volumes",)
"""What has entries by name, and no defaults: what one volume is made with is nobody else's."""

TOP_KEYS = (INCLUDE, DEFAULTS)

OWN: dict[str, frozenset[str]] = {
    "hosts": frozenset(("address", "state")),
    "networks": frozenset(("ipam",)),
    "containers": frozenset(("hostname", "ports")),
}
"""What each entry says for itself: as a default it would give one thing to several, or remove what nobody named."""

OWN_OF_ATTACHMENT: dict[str, str] = {
    "ipv4_address": "a fixed IP address",
    "ipv6_address": "a fixed IP address",
    "mac_address": "a MAC address",
}
"""The same, in the networks of a container, and what people call it."""

DESCRIPTIONS = {
    INCLUDE: "Further files of this topology: paths, relative to the file that they stand in.",
    DEFAULTS: "What all hosts, networks or containers say unless they say something else themselves.",
    ENV_FILE: "Files of environment variables, KEY=VALUE, relative to the file that they stand in.",
}


def without_defaults(path: Path) -> Path:
    """Return where a value at *path* belongs when it is no default: below any name of its section."""
    return (path[1], "*", *path[2:]) if path[:1] == (DEFAULTS,) and len(path) > 1 else path


def keys_of_files(path: Path) -> tuple[str, ...]:
    """Return the keys that the mapping at *path* may have besides those of the model."""
    if path == ():
        return TOP_KEYS
    section, *below = without_defaults(path)
    return (ENV_FILE,) if section == "containers" and len(below) == 1 else ()


def plain_keys(node: dict[str, Any]) -> dict[str, Any]:
    """Return *node* without its ``x-…`` keys."""
    return {key: value for key, value in node.items() if not key.startswith("x-")}


def has_more(root: Any) -> bool:
    """Return whether the document *root* is more than what its one file says outright."""
    if not isinstance(root, dict):
        return False
    if INCLUDE in root or DEFAULTS in root or any(section in root for section in FILE_SECTIONS):
        return True
    containers = root.get("containers")
    return isinstance(containers, dict) and any(
        isinstance(container, dict) and (ENV_FILE in container or IMAGE_ARCHIVE in container)
        for container in containers.values()
    )
