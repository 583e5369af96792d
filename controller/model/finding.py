"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """
    One answer of a check.

    Args:
        ok: Whether it is as it should be.
        kind: What was asked: ``address``, ``name``, ``isolation`` or ``running``.
        source: Where it was asked from, ``container/a`` or ``host/h1``.
        target: What was asked about.
        message: One line for people.
        hint: What to do, when it is not ok.
    """

    ok: bool
    kind: Literal["address", "name", "isolation", "running"]
    source: str
    target: str
    message: str
    hint: str | None = None
