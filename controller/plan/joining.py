"""In which order containers join networks, so that engines set each network up once and in peace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.observed import EngineState

if TYPE_CHECKING:
    from controller.model.topology import Container
    from controller.plan.draft import Draft


def joins_after(draft: Draft, step: str, container: Container) -> list[str]:
    """
    Return the ids of the steps that must have ended before *step* starts the container.

    All networks come first: an engine that starts containers while another creates a network leaks address pools. And
    on each host the first container of a network goes alone: two that set its bridge and vxlan device up at once leave
    them half made ("error creating vxlan interface: file exists", tried on 20.10.5).
    """
    after = list(draft.network_ready.values())
    for network in container.networks:
        key = (container.host, network)
        if key in draft.first:
            after.append(draft.first[key])
        elif not _set_up(draft, *key):
            draft.first[key] = step
    return after


def _set_up(draft: Draft, host: str, network: str) -> bool:
    """Whether a container runs on the network there: the engine has set it up already."""
    engine = draft.observed.engine(host)
    if not isinstance(engine, EngineState) or network in draft.network_ready:
        return False
    return any(found.running and network in found.endpoints for found in engine.containers)
