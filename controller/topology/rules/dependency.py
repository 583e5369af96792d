"""Rules for depends_on: what is named must be there, and the order must have a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.problem import Mistake
from controller.topology.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the dependencies between containers."""
    containers = draft.topology.containers
    edges: dict[str, list[str]] = {}
    for name, container in containers.items():
        for needed, how in container.depends_on.items():
            path = ("containers", name, "depends_on", needed)
            if needed == name:
                yield Mistake(path, "a container cannot depend on itself", "remove it")
            elif needed in containers:
                edges.setdefault(name, []).append(needed)
                check = containers[needed].healthcheck
                if how.condition == "service_healthy" and check is not None and check.is_off:
                    fact = f"container {needed} has its healthcheck switched off, and never becomes healthy"
                    yield Mistake((*path, "condition"), fact, "write condition: service_started, or give it a test")
            elif needed not in draft.names("containers") and draft.knows_names("containers"):
                known = ", ".join(list(containers)[:5])
                hint = did_you_mean(needed, containers)
                yield Mistake(path, f"no container is named {needed!r}", f"name a container, such as {known}", fix=hint)
    for cycle in _cycles(edges):
        told = " -> ".join((*cycle, cycle[0]))
        path = ("containers", cycle[0], "depends_on", cycle[1])
        yield Mistake(path, f"the containers wait for each other: {told}", "remove one of these dependencies")


def _cycles(edges: dict[str, list[str]]) -> Iterator[list[str]]:
    """Yield a cycle for each place at which a walk in document order meets its own way again."""
    done: set[str] = set()
    for start in edges:
        way: list[str] = []
        on_way: dict[str, int] = {}
        open_edges: list[Iterator[str]] = []
        step: str | None = None if start in done else start
        while step is not None or open_edges:
            if step is not None:
                on_way[step] = len(way)
                way.append(step)
                open_edges.append(iter(edges.get(step, ())))
            step = next(open_edges[-1], None)
            if step is None:
                done.add(way[-1])
                del on_way[way.pop()]
                open_edges.pop()
            elif step in on_way:
                yield way[on_way[step] :]
                step = None
            elif step in done:
                step = None
