"""Rules for a container's plain fields: values that have to fit each other, before an engine says so half way."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from controller.model.desired import HOST_MODE
from controller.model.spellings import absolute_path, size_text
from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.topology import Container
    from controller.topology.draft import Draft
    from controller.topology.problem import Path

_NAMESPACED = ("net.", "fs.mqueue.", "kernel.msg", "kernel.shm", "kernel.sem", "kernel.domainname")
"""Kernel parameters that a container has for itself; the runtime refuses all others when it starts one."""


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield limits that contradict each other, targets that are taken, and checks that are both on and off."""
    for name, container in draft.topology.containers.items():
        here: Path = ("containers", name)
        yield from _memory(draft, here, container)
        if container.network_mode is not None:
            yield from _network_mode(draft, here, container)
        if container.tmpfs:
            yield from _targets(draft, here, container)
        if container.healthcheck is not None and not draft.doubtful(*here, "healthcheck"):
            yield from _healthcheck(here, container)
        for parameter in container.sysctls:
            if not parameter.startswith(_NAMESPACED):
                fact = f"{parameter!r} is no parameter that a container has for itself"
                yield Mistake((*here, "sysctls", parameter), fact, "set it on the host", on_key=True)


def _network_mode(draft: Draft, here: Path, container: Container) -> Iterator[Mistake]:
    """Find what a container in that mode cannot have: engines refuse it, or ignore it silently."""
    mode = container.network_mode
    if container.networks:
        where = draft.at(*here, "networks")
        fact = f"it is on networks, too ({where})"
        yield Mistake((*here, "network_mode"), fact, "remove one of the two")
    if mode == "bridge":
        return
    if container.ports:
        fact = f"with network_mode {mode} ({draft.at(*here, 'network_mode')}) no port is published"
        hint = "remove them: what listens there listens on the host" if mode == HOST_MODE else "put it on a network"
        yield Mistake((*here, "ports"), fact, hint, on_key=True)
    for parameter in container.sysctls:
        if mode == HOST_MODE and parameter.startswith("net."):
            fact = f"with network_mode host ({draft.at(*here, 'network_mode')}) {parameter} is the host's own"
            yield Mistake((*here, "sysctls", parameter), fact, "set it on the host", on_key=True)


def _memory(draft: Draft, here: Path, container: Container) -> Iterator[Mistake]:
    memory, swap, kept = container.mem_limit, container.memswap_limit, container.mem_reservation
    if draft.doubtful(*here, "mem_limit"):
        return
    if swap is not None and memory is None:
        yield Mistake((*here, "memswap_limit"), "it counts memory and swap together", "declare mem_limit, too")
    elif swap is not None and memory is not None and -1 < swap < memory:
        fact = f"{size_text(swap)} of memory and swap together is less than mem_limit ({_at(draft, here)})"
        yield Mistake((*here, "memswap_limit"), fact, f"write {size_text(memory)} or more, or -1 for no limit")
    if kept is not None and memory is not None and kept > memory:
        fact = f"{size_text(kept)} is more than mem_limit ({_at(draft, here)})"
        yield Mistake((*here, "mem_reservation"), fact, f"write {size_text(memory)} or less")


def _at(draft: Draft, here: Path) -> str:
    return draft.at(*here, "mem_limit")


def _targets(draft: Draft, here: Path, container: Container) -> Iterator[Mistake]:
    taken = {posixpath.normpath(mount.target) for mount in container.volumes}
    for position, item in enumerate(container.tmpfs):
        target = absolute_path(item.partition(":")[0])
        if target in taken:
            path = draft.item(*here, "tmpfs", position)
            yield Mistake(path, f"{target} is already the target of a volume", "give each a target of its own")


def _healthcheck(here: Path, container: Container) -> Iterator[Mistake]:
    found = container.healthcheck
    if found is not None and found.disable and found.test not in (None, ("NONE",)):
        fact = "it is switched off, and has a test"
        yield Mistake((*here, "healthcheck", "disable"), fact, "remove one of the two")
