"""Containers: create, connect, start; replace with a way back; attach, detach, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.apply.engine_config import (
    container_config,
    endpoint_config,
    endpoint_of,
    further_networks,
    restart_policy,
)
from controller.apply.start import Joining
from controller.errors import ConflictError, EngineError, NotFoundError, OvctlError
from controller.model.identity import ASIDE_SUFFIX, LABEL_FIELDS, owner_of
from controller.observe.container import container_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import (
        AttachContainer,
        CreateContainer,
        DetachContainer,
        PullImage,
        RemoveContainer,
        ReplaceContainer,
        StartContainer,
        UpdateContainer,
    )
    from controller.model.observed import ContainerState
    from controller.ports import Engine

    Note = Callable[[str], None]


def pull(action: PullImage, hands: Hands, note: Note) -> None:
    """Pull the image."""
    engine = hands.engine(action.host)
    hands.retrying(lambda: engine.pull_image(action.image), action.remedies, note)


def create(action: CreateContainer, hands: Hands, note: Note) -> None:
    """Create it, or complete what an earlier run left half made; connect, start."""
    engine, name = hands.engine(action.host), action.address.name
    _stop_aside(engine, name, hands)
    try:
        engine.create_container(name, container_config(action.container, action.labels))
    except ConflictError:
        found = _ours(engine, name, hands)
        if found.labels.get(LABEL_FIELDS) != action.labels[LABEL_FIELDS]:
            raise ConflictError(
                f"container/{name} is there by now on {action.host}, and not as declared",
                hint="plan again",
            ) from None
    _bring_up(action, hands, note)


def _bring_up(action: CreateContainer | ReplaceContainer, hands: Hands, note: Note) -> None:
    """Connect a created container to its further networks (below API 1.44 one is given at creation), and start it."""
    engine, name = hands.engine(action.host), action.address.name
    further = further_networks(action.container)
    if further:
        attached = _ours(engine, name, hands).endpoints
        for network in further:
            if network not in attached:
                endpoint = endpoint_of(action.container.networks[network])
                Joining(action, hands, note).connect(network, name, endpoint)
    Joining(action, hands, note).start(name)


def replace(action: ReplaceContainer, hands: Hands, note: Note) -> None:
    """Set the old one aside, bring the new one up, remove the old one; or bring the old one back."""
    engine, name = hands.engine(action.host), action.address.name
    old = _ours(engine, action.container_id, hands)
    aside = f"{name}{ASIDE_SUFFIX}"
    engine.update_container(old.id, {"RestartPolicy": restart_policy("no")})
    engine.stop_container(old.id)
    if old.name != aside:
        engine.rename_container(old.id, aside)
    try:
        engine.create_container(name, container_config(action.container, action.labels))
        _bring_up(action, hands, note)
    except OvctlError as error:
        note("rolled back: the old container is back in its place")
        _roll_back(action, old, hands)
        raise EngineError(f"{error.message}; rolled back: the old container runs", hint=error.hint) from error
    engine.remove_container(old.id, force=True)


def _roll_back(action: ReplaceContainer, old: ContainerState, hands: Hands) -> None:
    engine, name = hands.engine(action.host), action.address.name
    try:
        new = _ours(engine, name, hands)
        if new.id != old.id:
            engine.remove_container(new.id, force=True)
    except NotFoundError:
        pass  # it was never created
    engine.rename_container(old.id, name)
    engine.update_container(old.id, {"RestartPolicy": restart_policy(old.restart)})
    if old.running:
        engine.start_container(old.id)


def start(action: StartContainer, hands: Hands, note: Note) -> None:
    """Start it, or let a paused one go on."""
    engine = hands.engine(action.host)
    found = _ours(engine, action.container_id, hands)
    if found.status == "paused":
        engine.unpause_container(found.id)
    elif not found.running:
        Joining(action, hands, note).start(found.id)


def update(action: UpdateContainer, hands: Hands) -> None:
    """Change the restart policy in place."""
    engine = hands.engine(action.host)
    found = _ours(engine, action.container_id, hands)
    engine.update_container(found.id, {"RestartPolicy": restart_policy(action.restart)})


def attach(action: AttachContainer, hands: Hands, note: Note) -> None:
    """Connect, unless it is connected as declared; connected otherwise, it is disconnected first."""
    engine = hands.engine(action.host)
    found = _ours(engine, action.container_id, hands)
    endpoint = found.endpoints.get(action.network)
    # a running container that is listed without an endpoint cannot be disconnected: connecting is what helps (20.10.5)
    if endpoint is not None and (endpoint.endpoint_id or not found.running):
        aliases = frozenset(action.aliases) - {found.hostname}
        as_declared = endpoint.ipv4_address == action.ipv4_address and endpoint.aliases == aliases
        if as_declared and endpoint.network_id == engine.inspect_network(action.network)["Id"]:
            return
        # by name: a container is bound to its network's id, also when that network is gone
        hands.retrying(lambda: _disconnect(engine, action.network, found.id), action.remedies, note)
    config = endpoint_config(ipv4_address=action.ipv4_address, aliases=action.aliases)
    joining = Joining(action, hands, note)
    try:
        joining.connect(action.network, found.id, config)
    except EngineError as error:
        # the engine forgot the endpoint, the container kept its interface: only a new start clears that (20.10.5)
        if "conflicts with existing route" not in error.message or "restart" not in action.remedies:
            raise
        note("restarted: it still had the interface of an endpoint that the engine had forgotten")
        engine.stop_container(found.id)
        joining.start(found.id)


def detach(action: DetachContainer, hands: Hands, note: Note) -> None:
    """Disconnect; one that is not connected is left alone."""
    engine = hands.engine(action.host)
    found = _ours(engine, action.container_id, hands)
    if action.network in found.endpoints:
        hands.retrying(lambda: _disconnect(engine, action.network, found.id), action.remedies, note)


def _disconnect(engine: Engine, network: str, container: str) -> None:
    try:
        engine.disconnect(network, container)
    except EngineError as error:
        if "is not connected" not in error.message:
            raise


def remove(action: RemoveContainer, hands: Hands, note: Note) -> None:
    """Stop it, giving it its grace, and remove it; one that is gone is gone."""
    engine = hands.engine(action.host)
    try:
        found = _ours(engine, action.container_id, hands)

        def attempt() -> None:
            engine.stop_container(found.id)
            engine.remove_container(found.id, force=True)

        hands.retrying(attempt, action.remedies, note)
    except NotFoundError:
        return


def _stop_aside(engine: Engine, name: str, hands: Hands) -> None:
    """Stop what an interrupted replacement left aside: it may still hold the endpoint of that name."""
    try:
        found = _ours(engine, f"{name}{ASIDE_SUFFIX}", hands)
    except NotFoundError:
        return
    engine.update_container(found.id, {"RestartPolicy": restart_policy("no")})
    engine.stop_container(found.id)


def _ours(engine: Engine, reference: str, hands: Hands) -> ContainerState:
    """Read a container again before anything is done to it; ConflictError when it is not ours."""
    found = container_state(engine.inspect_container(reference))
    if owner_of(found.labels) != hands.desired.name:
        raise ConflictError(f"container {found.name} is not ours", hint="rename it, or give yours another name")
    return found
