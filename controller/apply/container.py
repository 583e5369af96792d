"""Containers: create, connect, start; replace with a way back; attach, detach, remove."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING

from controller.apply.adoption import labels_of
from controller.apply.engine_config import (
    container_config,
    endpoint_config,
    endpoint_of,
    further_networks,
)
from controller.apply.files import deliver, tidy
from controller.apply.holding import Holding
from controller.apply.start import Joining, disconnect
from controller.errors import ConflictError, EngineError, NotFoundError, OvctlError
from controller.model.container_fields import told_update
from controller.model.engine_words import restart_policy
from controller.model.files import files_of
from controller.model.identity import ASIDE_SUFFIX, LABEL_FIELDS, owner_of
from controller.observe.container import container_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import (
        AttachContainer,
        AwaitContainer,
        CreateContainer,
        DetachContainer,
        RemoveContainer,
        ReplaceContainer,
        StartContainer,
        UpdateContainer,
    )
    from controller.model.observed import ContainerState
    from controller.ports import Engine, Json

    Note = Callable[[str], None]


def create(action: CreateContainer, hands: Hands, note: Note) -> None:
    """Create it, or complete what an earlier run left half made; connect, start."""
    files = deliver(action, hands, note)
    _stop_aside(action, hands, note)
    _make(action, files, hands, note)
    _bring_up(action, hands, note)
    if files:
        tidy(action, hands, note)


def _make(action: CreateContainer | ReplaceContainer, files: tuple[Json, ...], hands: Hands, note: Note) -> None:
    """Create a container; one that is there as declared, perhaps of a request whose answer was lost, is as good."""
    engine, name = hands.engine(action.host), action.address.name
    config = container_config(action.container, action.labels, files)
    try:
        hands.retrying(lambda: engine.create_container(name, config), action.remedies, note)
    except ConflictError:
        found = _ours(action.host, name, hands)
        sources = {mount.source for mount in found.mounts}
        # its label says nothing of what its files hold
        has_files = all(mount["Source"] in sources for mount in files)
        if found.labels.get(LABEL_FIELDS) != action.labels[LABEL_FIELDS] or not has_files:
            raise ConflictError(
                f"container/{name} is there by now on {action.host}, and not as declared",
                hint="plan again",
            ) from None


def _bring_up(action: CreateContainer | ReplaceContainer, hands: Hands, note: Note) -> None:
    """Connect a created container to its further networks (below API 1.44 one is given at creation), and start it."""
    name = action.address.name
    further = further_networks(action.container)
    if further:
        attached = _ours(action.host, name, hands).endpoints
        for network in further:
            if network not in attached:
                endpoint = endpoint_of(action.container.networks[network])
                Joining(action, hands, note).connect(network, name, endpoint)
    Joining(action, hands, note).start(name)


def replace(action: ReplaceContainer, hands: Hands, note: Note, tell: Note) -> None:
    """
    Set the old one aside, bring the new one up, remove the old one once that holds; or bring the old one back.

    Args:
        tell: Told what is waited for.
    """
    engine = hands.engine(action.host)
    old = _ours(action.host, action.container_id, hands)
    _remove_leftover(action, old, hands, note)
    files = deliver(action, hands, note)
    try:
        _set_aside(action, old, hands, note)
        _make(action, files, hands, note)
        _bring_up(action, hands, note)
        Holding(action.address.name, action, hands, note, tell).stays_up()
    except OvctlError as error:
        failure = _rolled_back(action, old, error, hands, note)
        if files:
            tidy(action, hands, note)
        raise failure from error
    with suppress(NotFoundError):  # asked for again after its answer was lost
        hands.retrying(lambda: engine.remove_container(old.id, force=True), action.remedies, note)
    if files or _reads_files(old, action, hands):
        tidy(action, hands, note)


def _reads_files(found: ContainerState, action: ReplaceContainer | RemoveContainer, hands: Hands) -> bool:
    """Whether copies of configs or secrets were made for it."""
    above = files_of(hands.desired.name, action.address.name.removesuffix(ASIDE_SUFFIX))
    return any(mount.source.startswith(above) for mount in found.mounts)


def _remove_leftover(action: ReplaceContainer, old: ContainerState, hands: Hands, note: Note) -> None:
    """Remove what an earlier run set aside and was killed before it removed: the one in its place is the newer."""
    engine, aside = hands.engine(action.host), f"{action.address.name}{ASIDE_SUFFIX}"
    with suppress(NotFoundError):
        found = _ours(action.host, aside, hands)
        if found.id != old.id:
            hands.retrying(lambda: engine.remove_container(found.id, force=True), action.remedies, note)
            note(f"removed {aside}, which an interrupted replacement had left")


def _set_aside(action: ReplaceContainer, old: ContainerState, hands: Hands, note: Note) -> None:
    engine, aside = hands.engine(action.host), f"{action.address.name}{ASIDE_SUFFIX}"

    def attempt() -> None:
        engine.update_container(old.id, {"RestartPolicy": restart_policy("no")})
        engine.stop_container(old.id, timeout_s=old.stop_timeout_s)
        if _ours(action.host, old.id, hands).name != aside:
            engine.rename_container(old.id, aside)

    hands.retrying(attempt, action.remedies, note)


def _rolled_back(
    action: ReplaceContainer,
    old: ContainerState,
    error: OvctlError,
    hands: Hands,
    note: Note,
) -> EngineError:
    """Bring the old one back and return *error* with what came of that."""
    ran = old.status in ("running", "paused", "restarting")
    try:
        hands.retrying(lambda: _put_back(action, old, hands), action.remedies, note)
        if ran:
            Joining(action, hands, note).start(old.id)
        _rejoin(action, old, hands, note)
    except OvctlError as trouble:
        return EngineError(f"{error.message}; not rolled back: {trouble.message}", hint=error.hint or trouble.hint)
    note("rolled back: the old container is back in its place")
    return EngineError(
        f"{error.message}; rolled back: the old container {'runs' if ran else 'is back'}",
        hint=error.hint,
    )


def _rejoin(action: ReplaceContainer, old: ContainerState, hands: Hands, note: Note) -> None:
    """Put the old one on the networks that an earlier step took it off; its IP address there is somebody else's now."""
    for network in action.rejoins:
        if network in old.endpoints:
            continue
        try:
            Joining(action, hands, note).connect(network, old.id, endpoint_of(action.container.networks[network]))
            note(f"put back on network/{network}")
        except OvctlError as error:
            note(f"not put back on network/{network}: {error.message}")


def _put_back(action: ReplaceContainer, old: ContainerState, hands: Hands) -> None:
    """Give the old one its name and policy back, whether or not it had been renamed and the new one created."""
    engine, name = hands.engine(action.host), action.address.name
    if _ours(action.host, old.id, hands).name != name:
        with suppress(NotFoundError):  # it was never created
            engine.remove_container(_ours(action.host, name, hands).id, force=True)
        engine.rename_container(old.id, name)
    engine.update_container(old.id, {"RestartPolicy": restart_policy(old.restart)})


def await_healthy(action: AwaitContainer, hands: Hands, note: Note, tell: Note) -> None:
    """Wait until it is healthy: something that depends on that is to be started."""
    Holding(action.address.name, action, hands, note, tell).becomes_healthy()


def start(action: StartContainer, hands: Hands, note: Note) -> None:
    """Start it, or let a paused one go on."""
    engine = hands.engine(action.host)
    found = _ours(action.host, action.container_id, hands)
    if found.status == "paused":
        engine.unpause_container(found.id)
    elif not found.running:
        Joining(action, hands, note).start(found.id)


def update(action: UpdateContainer, hands: Hands) -> None:
    """Change what can be changed in place, all of it in one request."""
    engine = hands.engine(action.host)
    found = _ours(action.host, action.container_id, hands)
    engine.update_container(found.id, told_update(action.container, action.fields))


def attach(action: AttachContainer, hands: Hands, note: Note) -> None:
    """Connect, unless it is connected as declared; connected otherwise, it is disconnected first."""
    engine = hands.engine(action.host)
    found = _ours(action.host, action.container_id, hands)
    endpoint = found.endpoints.get(action.network)
    if endpoint is not None:
        aliases = frozenset(action.aliases) - {found.hostname}
        as_declared = (
            endpoint.ipv4_address == action.ipv4_address
            and endpoint.ipv6_address == action.ipv6_address
            and endpoint.aliases == aliases
            and action.mac_address in (None, endpoint.mac_address or found.mac_address)
        )
        known = bool(endpoint.endpoint_id) or not found.running
        if known and as_declared and endpoint.network_id == engine.inspect_network(action.network)["Id"]:
            return
        # by name: a container is bound to its network's id, also when that network is gone
        disconnect(action.network, found.id, action, hands, note)
    config = endpoint_config(
        ipv4_address=action.ipv4_address,
        ipv6_address=action.ipv6_address,
        mac_address=action.mac_address,
        aliases=action.aliases,
    )
    joining = Joining(action, hands, note)
    try:
        joining.connect(action.network, found.id, config)
    except EngineError as error:
        # the engine forgot the endpoint and the container kept its interface, or the other way round: it shows an
        # endpoint that came to nothing, and would be believed for ever. Only a new start clears either (20.10.5)
        stale = "conflicts with existing route" in error.message or _phantom(action.network, found.id, engine)
        if not stale or "restart" not in action.remedies:
            raise
        note(f"restarted: what its engine shows of network/{action.network} is not what it has ({error.message})")
        engine.stop_container(found.id, timeout_s=found.stop_timeout_s)
        joining.start(found.id)


def _phantom(network: str, container: str, engine: Engine) -> bool:
    """Whether a container that runs is shown with an endpoint that its network does not have."""
    found = container_state(engine.inspect_container(container))
    endpoint = found.endpoints.get(network)
    if not found.running or endpoint is None or not endpoint.endpoint_id:
        return False
    return container not in (engine.inspect_network(network).get("Containers") or {})


def detach(action: DetachContainer, hands: Hands, note: Note) -> None:
    """Disconnect; one that is not connected is left alone."""
    found = _ours(action.host, action.container_id, hands)
    if action.network in found.endpoints:
        disconnect(action.network, found.id, action, hands, note)


def remove(action: RemoveContainer, hands: Hands, note: Note, tell: Note) -> None:
    """
    Stop it, giving it its grace, and remove it; one that is gone is gone.

    What a replacement set aside before it was killed stays until the container in its place is well.
    """
    engine = hands.engine(action.host)
    try:
        found = _ours(action.host, action.container_id, hands)
        _refuse_ill_successor(action, found, hands, note, tell)

        def attempt() -> None:
            engine.stop_container(found.id, timeout_s=found.stop_timeout_s)
            engine.remove_container(found.id, force=True)

        hands.retrying(attempt, action.remedies, note)
    except NotFoundError:
        return
    if _reads_files(found, action, hands):
        tidy(action, hands, note)


def _refuse_ill_successor(action: RemoveContainer, aside: ContainerState, hands: Hands, note: Note, tell: Note) -> None:
    name = action.address.name.removesuffix(ASIDE_SUFFIX)
    declared = hands.desired.containers.get(name)
    if name == action.address.name or declared is None or declared.host != action.host:
        return
    try:
        Holding(name, action, hands, note, tell).is_well()
    except EngineError as error:
        raise EngineError(
            f"{error.message}; container/{aside.name}, whose place it took, is kept",
            hint="change what is declared, or remove one of the two by hand",
        ) from error


def _stop_aside(action: CreateContainer, hands: Hands, note: Note) -> None:
    """Stop what an interrupted replacement left aside: it may still hold the endpoint of that name."""
    engine = hands.engine(action.host)
    try:
        found = _ours(action.host, f"{action.address.name}{ASIDE_SUFFIX}", hands)
    except NotFoundError:
        return

    def attempt() -> None:
        engine.update_container(found.id, {"RestartPolicy": restart_policy("no")})
        engine.stop_container(found.id, timeout_s=found.stop_timeout_s)

    hands.retrying(attempt, action.remedies, note)


def _ours(host: str, reference: str, hands: Hands) -> ContainerState:
    """Read a container again before anything is done to it; ConflictError when it is not ours."""
    shown = hands.engine(host).inspect_container(reference)
    found = container_state(shown)
    found = dataclasses.replace(found, labels=labels_of(host, shown, hands))
    if owner_of(found.labels) != hands.desired.name:
        raise ConflictError(f"container {found.name} is not ours", hint="rename it, or give yours another name")
    return found
