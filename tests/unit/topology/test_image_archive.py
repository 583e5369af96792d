"""What an ``image_archive`` may be, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.topology.load import load

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nname: t\nhosts: {h1: {address: 10.0.0.1}, h2: {address: 10.0.0.2}}\ncontainers:\n"


def facts(folder: Path, *containers: str) -> list[tuple[str, str]]:
    for name in ("a.tar", "b.tar"):
        (folder / name).touch()
    file = folder / "topology.yaml"
    file.write_text(HEAD + "".join(f"  {line}\n" for line in containers))
    try:
        found = load(file, {"WHERE": "secret-place"}).warnings
    except TopologyError as error:
        found = error.problems
    return [(problem.path, problem.fact) for problem in found]


def one(name: str, more: str, host: str = "h1", image: str = "app:1") -> str:
    return f"{name}: {{host: {host}, image: '{image}', {more}}}"


def test_an_archive_is_taken_once_for_each_image_and_host(tmp_path: Path) -> None:
    assert not facts(
        tmp_path,
        one("aa", "image_archive: a.tar"),
        one("bb", "image_archive: ./a.tar"),
        one("cc", "image_archive: b.tar", image="app:2"),
        one("dd", f"image_archive: {tmp_path}/b.tar, pull_policy: missing", "h2"),
    )


@pytest.mark.parametrize(
    ("more", "path", "fact"),
    [
        ("image_archive: c.tar", "image_archive", "c.tar: no such file"),
        ("image_archive: '$WHERE/c.tar'", "image_archive", "$WHERE/c.tar: no such file"),
        ("image_archive: .", "image_archive", ".: is no file"),
        ("image_archive: ~/a.tar", "image_archive", "~ stands for no directory here"),
        ("image_archive: '*.tar'", "image_archive", "patterns are not taken"),
        ("image_archive: 7", "image_archive", "expected text, got the number 7"),
        (
            "image_archive: a.tar, pull_policy: always",
            "pull_policy",
            "its image is loaded from an archive (5:49), and never pulled",
        ),
        (
            "image_archive: a.tar, pull_policy: never",
            "pull_policy",
            "its image is loaded from an archive (5:49), and never pulled",
        ),
    ],
)
def test_what_does_not_go_with_an_archive_is_an_error(more: str, path: str, fact: str, tmp_path: Path) -> None:
    assert facts(tmp_path, one("aa", more)) == [(f"containers.aa.{path}", fact)]


def test_an_image_named_by_its_digest_comes_from_no_archive(tmp_path: Path) -> None:
    image = f"app@sha256:{'0' * 64}"
    assert facts(tmp_path, one("aa", "image_archive: a.tar", image=image)) == [
        ("containers.aa.image_archive", "the image is named by its digest (5:25)"),
    ]


def test_a_host_gets_an_image_from_one_archive(tmp_path: Path) -> None:
    fact = "on h1, app:1 is loaded from another archive already (5:49)"
    containers = (one("aa", "image_archive: a.tar"), one("bb", "image_archive: b.tar"))
    assert facts(tmp_path, *containers) == [("containers.bb.image_archive", fact)]
