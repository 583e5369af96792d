"""Rules for archives of images: what goes with one, and that a host gets an image from one place."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from controller.topology.file_keys import IMAGE_ARCHIVE
from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft
    from controller.topology.problem import Path


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what contradicts an archive."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for name, container in draft.topology.containers.items():
        if container.image_archive is None:
            continue
        here: Path = ("containers", name, IMAGE_ARCHIVE)
        if "@" in container.image:
            fact = f"the image is named by its digest ({draft.at('containers', name, 'image')})"
            yield Mistake(here, fact, "name it by its tag: an archive holds no digests")
        if container.pull_policy != "missing" and not draft.doubtful("containers", name, "pull_policy"):
            fact = f"its image is loaded from an archive ({draft.at(*here)}), and never pulled"
            yield Mistake(("containers", name, "pull_policy"), fact, "remove it, or write missing")
        archive = posixpath.normpath(posixpath.join(draft.beside(*here), container.image_archive))
        key = (container.host, container.image)
        other, known = first.setdefault(key, (name, archive))
        if known != archive:
            where = draft.at("containers", other, IMAGE_ARCHIVE)
            fact = f"on {container.host}, {container.image} is loaded from another archive already ({where})"
            yield Mistake(here, fact, "name one archive for both, or give the images different tags")
