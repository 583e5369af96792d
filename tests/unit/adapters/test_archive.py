"""Archives of images: what is in one is known before anything is sent."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from controller.adapters.archive import familiar, pieces, refuse_without
from controller.errors import EngineError
from tests.fakes import archives

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("busybox", "busybox:latest"),
        ("busybox:1", "busybox:1"),
        ("docker.io/library/busybox:1", "busybox:1"),
        ("docker.io/org/app", "org/app:latest"),
        ("registry.example:5000/org/app", "registry.example:5000/org/app:latest"),
        ("registry.example:5000/app:2", "registry.example:5000/app:2"),
    ],
)
def test_an_image_is_known_by_its_familiar_name(image: str, name: str) -> None:
    assert familiar(image) == name


@pytest.mark.parametrize("image", ["app:1", "docker.io/library/app:1", "other"])
def test_an_archive_has_the_images_that_it_names(image: str, tmp_path: Path) -> None:
    refuse_without(image, str(archives.write(tmp_path / "a.tar", "app:1", "other:latest")))


def test_an_archive_without_the_image_is_refused_with_what_it_has(tmp_path: Path) -> None:
    path = archives.write(tmp_path / "a.tar", "app:1")
    with pytest.raises(EngineError, match="app:2: its image_archive has no image of that name") as caught:
        refuse_without("app:2", str(path))
    assert caught.value.hint == "it has app:1"
    with pytest.raises(EngineError) as nameless:
        refuse_without("app:2", str(archives.write(tmp_path / "b.tar")))
    assert nameless.value.hint == "save it by its name, not by its id: the archive has no name for it"


@pytest.mark.parametrize("content", [b"", b"no tar at all", b"\x1f\x8b\x08broken", None])
def test_what_is_no_archive_of_images_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    if content is None:
        with tarfile.open(path, "w") as archive:
            archive.addfile(tarfile.TarInfo("manifest.json"), io.BytesIO())
    else:
        path.write_bytes(content)
    with pytest.raises(EngineError, match="app:1: its image_archive is no archive of images"):
        refuse_without("app:1", str(path))


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such file or directory"):
        refuse_without("app:1", str(tmp_path / "a.tar"))
    with pytest.raises(EngineError, match="is a directory"), pieces("app:1", str(tmp_path), list[str]().append):
        pass


def test_an_archive_is_sent_in_pieces_and_tells_how_far_it_is(tmp_path: Path) -> None:
    path, told = tmp_path / "a.tar", list[str]()
    path.write_bytes(b"x" * 2_500_000)
    with pieces("app:1", str(path), told.append) as data:
        sizes = [len(piece) for piece in data]
    assert sizes == [1 << 20, 1 << 20, 2_500_000 - (2 << 20)]
    assert told == ["1 of 2 MB", "2 of 2 MB", "2 of 2 MB"]
