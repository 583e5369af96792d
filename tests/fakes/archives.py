"""Archives of images, read and written without an engine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from controller.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Json


def write(path: Path, *tags: str, command: Sequence[str] = ("sh",)) -> Path:
    """Write an archive of one image without any file in it, as ``docker save`` does up to 24.0; return *path*."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w"):
        pass
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": list(command), "Env": None, "Entrypoint": None, "Labels": None},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "2026-01-01T00:00:00Z"}],
    }
    text = json.dumps(config).encode()
    name = f"{hashlib.sha256(text).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": list(tags) or None, "Layers": ["layer.tar"]}]
    members = {name: text, "layer.tar": layer.getvalue(), "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(path, "w") as archive:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def load(cluster: Cluster, host: str, ref: str, path: str) -> None:
    """Give a host what is in the archive; EngineError when *ref* is not, or it is none."""
    try:
        with tarfile.open(path) as archive:
            manifest = _json(archive, "manifest.json")
            found: list[tuple[str, Json]] = [
                (tag, _json(archive, image["Config"])["config"])
                for image in manifest
                for tag in image["RepoTags"] or ()
            ]
    except (OSError, tarfile.TarError, KeyError):
        raise EngineError(
            f"{ref}: its image_archive is no archive of images", hint="make it with `docker save -o FILE IMAGE`"
        ) from None
    tags = [tag for tag, _ in found]
    if ref not in tags:
        raise EngineError(f"{ref}: its image_archive has no image of that name", hint=f"it has {', '.join(tags)}")
    for tag, config in found:
        cluster.add_image(host, tag, config)


def _json(archive: tarfile.TarFile, name: str) -> Any:
    found = archive.extractfile(name)
    assert found is not None
    return json.load(found)
