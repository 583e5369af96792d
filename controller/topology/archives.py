"""``image_archive`` of containers: which file each means. Its content is no part of a topology, and is not read."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from controller.topology.file_keys import IMAGE_ARCHIVE

if TYPE_CHECKING:
    from controller.topology.assembly import Assembly

_HINT = "paths start at the directory of the file that they stand in; `docker save -o FILE IMAGE` makes one"


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
            fact = "" if stat.S_ISREG(file.stat().st_mode) else "is no file"
        except (OSError, ValueError) as error:
            fact = (getattr(error, "strerror", None) or str(error)).lower()
            fact = fact.replace("no such file or directory", "no such file")
        if fact:
            assembly.problem(entry.spot, where, f"{assembly.raw(entry)}: {fact}", _HINT)
        else:
            found[name] = str(file.absolute())
    return found
