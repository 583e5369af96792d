"""Rules for configs and secrets: what containers name is declared, and each stands in a place of its own there."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from controller.model.files import FILE_KINDS, FILES_ROOT
from controller.model.spellings import absolute_path
from controller.topology.problem import Mistake
from controller.topology.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.files import FileKind
    from controller.model.topology import Container
    from controller.topology.draft import Draft


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield names that nothing is declared under, targets that are taken, and volumes where our copies are."""
    for name, container in draft.topology.containers.items():
        if container.configs or container.secrets:
            yield from _names(draft, name, container)
            yield from _targets(draft, name, container)
        for position, mount in enumerate(container.volumes):
            if f"{posixpath.normpath(mount.source)}/".startswith(f"{FILES_ROOT}/"):
                path = draft.item("containers", name, "volumes", position)
                fact = f"{FILES_ROOT} is where ovctl keeps configs and secrets on a host"
                yield Mistake(path, fact, "name the config or secret in configs or secrets")


def _names(draft: Draft, name: str, container: Container) -> Iterator[Mistake]:
    for kind in FILE_KINDS:
        if not draft.knows_names(kind):
            continue
        known = list(draft.names(kind))
        for position, used in enumerate(container.configs if kind == "configs" else container.secrets):
            if used.source not in known:
                hint = f"name one of the {kind}: {', '.join(known[:5])}" if known else f"declare it in {kind}"
                fact = f"no {kind.removesuffix('s')} is named {used.source!r}"
                fix = did_you_mean(used.source, known)
                yield Mistake(draft.item("containers", name, kind, position), fact, hint, fix=fix)


def _targets(draft: Draft, name: str, container: Container) -> Iterator[Mistake]:
    taken = {posixpath.normpath(mount.target): "a volume" for mount in container.volumes}
    taken |= {absolute_path(item.partition(":")[0]): "a tmpfs" for item in container.tmpfs}
    used: list[tuple[FileKind, int, str, str]] = [
        (kind, position, found.source, found.target)
        for kind in FILE_KINDS
        for position, found in enumerate(container.configs if kind == "configs" else container.secrets)
    ]
    for kind, position, source, target in used:
        path = draft.item("containers", name, kind, position)
        if target == "/":
            yield Mistake(path, "a file cannot take the place of /", "name a path in it")
        elif target in taken:
            fact = f"{target} is already the target of {taken[target]}"
            yield Mistake(path, fact, "give each a target of its own")
        taken.setdefault(target, f"{kind.removesuffix('s')} {source}")
