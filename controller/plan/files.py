"""Copies of configs and secrets that no container reads any more, which an interrupted apply left on a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.action import RemoveFiles

if TYPE_CHECKING:
    from controller.plan.draft import Draft


def plan_files(draft: Draft) -> None:
    """Remove them, after whatever this plan does with their container."""
    for item in draft.items("files"):
        why = draft.no_removals
        if why:
            draft.block(item, why)
            continue
        host, container = item.host or "", item.address.name
        before = [draft.up.get(container), draft.leaving.get((host, container))]
        action = RemoveFiles(address=item.address, host=host, reason=item.reason)
        draft.add(action, follows=[step for step in before if step])
        draft.plan(item)
