"""
What more than one field is needed to judge: a file for each kind of rule, each with one ``mistakes(draft)``.

Rules judge a draft, the well-formed part of a document, and say nothing about what depends on a doubtful part of it.
They are pure, and each is about linear in the number of containers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.rules import (
    address,
    archive,
    container,
    container_fields,
    dependency,
    files,
    host,
    network,
    port,
    ssh,
    store,
    volume,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft
    from controller.topology.problem import Mistake


def judge(draft: Draft) -> Iterator[Mistake]:
    """Yield what the rules find wrong with *draft*."""
    for rules in (
        host,
        ssh,
        store,
        network,
        volume,
        container,
        container_fields,
        archive,
        files,
        address,
        port,
        dependency,
    ):
        yield from rules.mistakes(draft)
