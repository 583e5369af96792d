"""``image_archive`` of containers: which file each means. Its content is no part of a topology, and is not read."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from controller.topology.file_keys import IMAGE_ARCHIVE

if TYPE_CHECKING:
    from controller.topology.assembly import Assembly
    from controller.topology.problem import Path


def find_archives(assembly: Assembly) -> dict[str, str]:
    """Return container -> absolute path of its archive; one that is not there becomes a problem of *assembly*."""
    found: dict[str, str] = {}
    containers = assembly.root.get("containers")
    for name, container in containers.items() if isinstance(containers, dict) else ():
        if not isinstance(container, dict) or not isinstance(container.get(IMAGE_ARCHIVE), str):
            continue  # the validation tells what is wrong
        entry, where = assembly.entry(container, IMAGE_ARCHIVE), ("containers", name, IMAGE_ARCHIVE)
        file = assembly.locate(entry, where)
        if file is None:
            continue
        try:
            is_file = stat.S_ISREG(file.stat().st_mode)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            _problem(assembly, where, reason.replace("no such file or directory", "no such file"))
            continue
        if is_file:
            found[name] = str(file.absolute())
        else:
            _problem(assembly, where, "is no file")
    return found


def _problem(assembly: Assembly, where: Path, fact: str) -> None:
    entry = assembly.entry(assembly.root["containers"][where[1]], IMAGE_ARCHIVE)
    hint = "paths start at the directory of the file that they stand in; `docker save -o FILE IMAGE` makes one"
    assembly.problem(entry.spot, where, f"{assembly.raw(entry)}: {fact}", hint)
