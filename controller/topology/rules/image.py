"""Rules for images: a reference that an engine can read."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft
    from controller.topology.problem import Path

_REGISTRY = re.compile(r"[a-zA-Z0-9.-]+(?::[0-9]+)?")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*")
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,}")
_LONGEST_TAG = 128


def image_mistakes(draft: Draft, path: Path, image: str) -> Iterator[Mistake]:
    """Yield what is wrong with the *image* at *path*."""
    if _is_image(image) or draft.doubtful(*path):
        return
    if _is_image(image.lower()):
        fact = f"{image!r} has capital letters"
        yield Mistake(path, fact, "images are in lower case", fix=f"write {image.lower()}")
    else:
        yield Mistake(path, f"{image!r} is not an image", "write NAME:TAG, such as busybox:1")


@cache
def _is_image(image: str) -> bool:
    """Return whether *image* is a reference by the grammar of distribution/reference."""
    rest, at, digest = image.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return False
    registry, slash, path = rest.partition("/")
    # a registry has a dot or a port, or is localhost; else it is the first part of the path
    if slash and (registry == "localhost" or "." in registry or ":" in registry):
        if not _REGISTRY.fullmatch(registry):
            return False
        rest = path
    name, colon, tag = rest.partition(":")
    if colon and (len(tag) > _LONGEST_TAG or not _TAG.fullmatch(tag)):
        return False
    return all(_PART.fullmatch(part) for part in name.split("/"))
