"""Image archives, byte for byte."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

from controller.lab.images import Image, Node, build

NODES = {"bin/tool": Node(b"#!/bin/true\n"), "bin/sh": Node("tool"), "tmp": Node(None, 0o1777)}
CONFIG = {"Cmd": ["sh"]}


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar if member.isfile()}


def image(nodes: dict[str, Node] = NODES) -> Image:
    return build(("tool:1", "tool:latest"), nodes, CONFIG, architecture="amd64")


def test_the_same_input_gives_the_same_bytes_in_whatever_order() -> None:
    assert image().archive == image(dict(reversed(NODES.items()))).archive


def test_other_content_gives_another_id() -> None:
    assert image().id != image(NODES | {"bin/tool": Node(b"#!/bin/false\n")}).id


def test_the_manifest_leads_to_a_configuration_whose_digest_is_the_id() -> None:
    files = members(image().archive)
    (entry,) = json.loads(files["manifest.json"])
    assert entry["RepoTags"] == ["tool:1", "tool:latest"]
    assert image().id == f"sha256:{hashlib.sha256(files[entry['Config']]).hexdigest()}"


def test_the_configuration_names_the_digest_of_the_layer() -> None:
    files = members(image().archive)
    (entry,) = json.loads(files["manifest.json"])
    config = json.loads(files[entry["Config"]])
    (layer,) = entry["Layers"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(files[layer]).hexdigest()}"]
    assert (config["config"], config["architecture"], config["os"]) == (CONFIG, "amd64", "linux")


def test_a_layer_holds_files_links_and_every_directory_above_them() -> None:
    files = members(image().archive)
    (layer,) = json.loads(files["manifest.json"])[0]["Layers"]
    with tarfile.open(fileobj=io.BytesIO(files[layer])) as tar:
        found = {member.name: (member.type, member.mode, member.linkname, member.mtime) for member in tar}
    assert found == {
        "bin": (tarfile.DIRTYPE, 0o755, "", 0),
        "bin/sh": (tarfile.SYMTYPE, 0o777, "tool", 0),
        "bin/tool": (tarfile.REGTYPE, 0o755, "", 0),
        "tmp": (tarfile.DIRTYPE, 0o1777, "", 0),
    }
