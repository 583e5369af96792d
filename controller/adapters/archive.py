"""
Archives of images, as ``docker save`` writes them: what is in one, and its bytes, piece by piece.

Messages name the image and not the file: its path may hold what somebody's variables hold.
"""

from __future__ import annotations

import json
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE = 1 << 20
_MOST_MANIFEST = 4 << 20
_SHOWN = 5


@contextmanager
def pieces(image: str, path: str, tell: Callable[[str], None]) -> Iterator[Iterator[bytes]]:
    """
    Lend the content of the archive at *path*, which *image* comes from, in pieces of a MiB: never in memory as a whole.

    Args:
        tell: Told how far it is, such as ``12 of 30 MB``.

    Raises:
        EngineError: It cannot be opened.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise _unreadable(image, error) from None
    with file:
        size = file.seek(0, 2) / 1_000_000
        file.seek(0)

        def read() -> Iterator[bytes]:
            sent = 0
            while piece := file.read(_PIECE):
                yield piece
                sent += len(piece)
                tell(f"{sent / 1_000_000:.0f} of {size:.0f} MB")

        yield read()


def refuse_without(image: str, path: str) -> None:
    """
    See that the archive at *path* has *image*; only its table of contents is read, if it is not compressed.

    Raises:
        EngineError: It has not, or is no archive.
    """
    tags = _tags(image, path)
    if familiar(image) not in {familiar(tag) for tag in tags}:
        has = ", ".join(tags[:_SHOWN]) + (", …" if len(tags) > _SHOWN else "")
        hint = f"it has {has}" if tags else "save it by its name, not by its id: the archive has no name for it"
        raise EngineError(f"{image}: its image_archive has no image of that name", hint=hint)


def familiar(image: str) -> str:
    """Return the name by which archives know an image: without Docker's own registry, with its tag."""
    name = image.removeprefix("docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _tags(image: str, path: str) -> tuple[str, ...]:
    foreign = EngineError(
        f"{image}: its image_archive is no archive of images", hint="make it with `docker save -o FILE IMAGE`"
    )
    try:
        with tarfile.open(path) as archive:
            found = archive.extractfile("manifest.json")
            table: Any = json.loads(found.read(_MOST_MANIFEST)) if found else None
            return tuple(tag for one in table for tag in one["RepoTags"] or ())
    except OSError as error:
        raise _unreadable(image, error) from None
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError):
        raise foreign from None


def _unreadable(image: str, error: OSError) -> EngineError:
    return EngineError(
        f"{image}: its image_archive: {(error.strerror or str(error)).lower()}", hint="it is read on this machine"
    )
