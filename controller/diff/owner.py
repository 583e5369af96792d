"""Whose an object is that has a declared name and is not ours, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.identity import owner_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.identity import Address


def whose(labels: Mapping[str, str], address: Address) -> str:
    """Return the end of a sentence about an object with *labels* that stands where *address* is to be."""
    owner = owner_of(labels)
    if owner is not None:
        return f"that is topology/{owner}'s"
    return f"that is not ours; to keep it as it is: `ovctl adopt {address}`"
