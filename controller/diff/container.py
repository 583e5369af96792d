"""Containers: there, running, on their networks, and configured as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.diff.container_fields import field_changes, why_unable
from controller.diff.files import delivered_mounts, file_changes
from controller.diff.network_mode import hostname_changes, is_apart, mode_changes
from controller.diff.owner import whose
from controller.model.desired import attachments
from controller.model.drift import Change, DriftItem
from controller.model.identity import ASIDE_SUFFIX, LABEL_ROLE, Address, owner_of, without_ours
from controller.model.observed import ImageState, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.forms import Mount, Port
    from controller.model.network import Attachment
    from controller.model.observed import ContainerState, EndpointState, EngineState, Observed
    from controller.model.topology import Container, Topology

_BEYOND_START = ("dead", "removing")


def container_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """Yield the drift of each declared container whose engine was read, and of ours that are no longer declared."""
    for name, container in sorted(desired.containers.items()):
        engine = observed.engine(container.host)
        if isinstance(engine, Unknown):
            continue
        address = Address("container", name)
        found = engine.container(name)
        unable = why_unable(container, engine)
        if unable is not None and (found is None or owner_of(found.labels) == desired.name):
            yield DriftItem(address, container.host, "conflict", (), unable, found.id if found else None)
        elif found is None:
            yield DriftItem(address, container.host, "missing", (), f"there is none on {container.host}")
        elif owner_of(found.labels) != desired.name:
            reason = f"host/{container.host} has a container of that name {whose(found.labels, address)}"
            yield DriftItem(address, container.host, "conflict", (), reason, found.id)
        else:
            changes = (
                *_changes(
                    container, found, engine, mounts=found.mounts - {*delivered_mounts(desired.name, name, found)}
                ),
                *file_changes(desired, name, found, observed.files(container.host)),
                *_lost(desired, container, found, engine),
            )
            if changes:
                yield DriftItem(address, container.host, "changed", changes, _reason(changes), found.id)
    for host, engine in sorted(observed.engines.items()):
        for found in engine.containers:
            if owner_of(found.labels) == desired.name and LABEL_ROLE not in found.labels:
                yield from _unexpected(desired, host, found)


def _unexpected(desired: Topology, host: str, found: ContainerState) -> Iterator[DriftItem]:
    name = found.name.removesuffix(ASIDE_SUFFIX)
    declared = desired.containers.get(name)
    here = declared is not None and declared.host == host
    if found.name != name:
        reason = "left aside by a replacement that was interrupted"
    elif here:
        return
    else:
        reason = "no longer declared" if declared is None else f"declared on {declared.host}"
    yield DriftItem(Address("container", found.name), host, "unexpected", (), reason, found.id)


def _reason(changes: tuple[Change, ...]) -> str:
    return ", ".join(
        f"{change.field} is {change.observed or 'missing'}" if change.desired else f"{change.field} is not declared"
        for change in changes[:3]
    ) + (f", and {len(changes) - 3} more" if len(changes) > 3 else "")  # noqa: PLR2004 - one line


def _changes(
    container: Container, found: ContainerState, engine: EngineState, *, mounts: frozenset[Mount]
) -> Iterator[Change]:
    """
    Compare field by field.

    Args:
        mounts: Those of *found* that volumes are compared with.
    """
    yield from _image(container, found, engine.images.get(container.image))
    below = image_below(container, found, engine)
    yield from _merged(container, found, below)
    yield from field_changes(container, found, engine, below)
    yield from _mounts(container.volumes, mounts)
    yield from _ports(container.ports, found.ports)
    if is_apart(container, found):
        yield from mode_changes(container, found)
    else:
        yield from _networks(container, found, engine)
        yield from _order(container, found)
    if found.status in _BEYOND_START:
        # no "state": a start does not help, it gets a successor
        yield Change("status.dead", "running", found.status)
    elif not found.running and not _completed(container, found):
        yield Change("state", "running", found.status)


def _completed(container: Container, found: ContainerState) -> bool:
    """Whether it is right that it does not run: its work is done, or the engine is about to start it again."""
    if found.status == "restarting":
        return True
    finite = container.restart == "no" or container.restart.startswith("on-failure")
    return finite and found.status == "exited" and found.exit_code == 0


def _image(container: Container, found: ContainerState, image: ImageState | None) -> Iterator[Change]:
    """Compare the image; of one that the host lacks, the name."""
    if image is None:
        if found.image != container.image:
            yield Change("image", container.image, found.image)
    elif image.id != found.image_id:
        yield Change("image", f"{container.image} ({image.id[7:19]})", f"{found.image} ({found.image_id[7:19]})")


def image_below(container: Container, found: ContainerState, engine: EngineState) -> ImageState:
    """Return the image that the declaration merges with: by name, or what it was made from, or what can be told."""
    image = engine.images.get(container.image) or engine.images.get(found.image_id)
    if image is not None:
        return image
    return ImageState(
        id=found.image_id,
        environment={key: value for key, value in found.environment.items() if key not in container.environment},
        labels={key: value for key, value in found.labels.items() if key not in container.labels},
        command=found.command,
        entrypoint=found.entrypoint,
        fields=found.fields,
    )


def _merged(container: Container, found: ContainerState, image: ImageState) -> Iterator[Change]:
    """Compare what merges with the image."""
    entrypoint = image.entrypoint if container.entrypoint is None else container.entrypoint
    # an engine has no word for "no command": an empty one is the image's, unless there is an entrypoint of our own
    command = container.command or (() if container.entrypoint else image.command)
    if found.entrypoint != entrypoint:
        yield Change("entrypoint", *_hidden(entrypoint, found.entrypoint))
    if found.command != command:
        yield Change("command", *_hidden(command, found.command))
    yield from _mapping("environment", {**image.environment, **container.environment}, found.environment)
    yield from _mapping("labels", without_ours({**image.labels, **container.labels}), without_ours(found.labels))
    yield from hostname_changes(container, found)


def _mapping(field: str, desired: Mapping[str, str], observed: Mapping[str, str]) -> Iterator[Change]:
    """Compare key by key; values may be secrets and are never shown."""
    for key in sorted({*desired, *observed}):
        wanted, found = desired.get(key), observed.get(key)
        if wanted != found:
            yield Change(f"{field}.{key}", wanted and "(declared value)", found and "(another value)")


def _hidden(desired: tuple[str, ...], observed: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return what is shown of words that may hold secrets: whether there are any."""
    return "(declared value)" if desired else None, "(another value)" if observed else None


def _mounts(desired: tuple[Mount, ...], observed: frozenset[Mount]) -> Iterator[Change]:
    wanted = {mount.target: mount for mount in desired}
    found = {mount.target: mount for mount in observed}
    for target in sorted({*wanted, *found}):
        if wanted.get(target) != found.get(target):
            yield Change(f"volumes.{target}", _mount(wanted.get(target)), _mount(found.get(target)))


def _mount(mount: Mount | None) -> str | None:
    return None if mount is None else f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}"


def _ports(desired: tuple[Port, ...], observed: frozenset[Port]) -> Iterator[Change]:
    wanted, found = set(desired), set(observed)
    for port in sorted(wanted - found, key=_port):
        yield Change(f"ports.{port.target}/{port.protocol}", _port(port), None)
    for port in sorted(found - wanted, key=_port):
        yield Change(f"ports.{port.target}/{port.protocol}", None, _port(port))


def _port(port: Port) -> str:
    return f"{port.host_ip or '0.0.0.0'}:{port.published or 'any'}->{port.target}/{port.protocol}"  # noqa: S104 - shown


def _networks(container: Container, found: ContainerState, engine: EngineState) -> Iterator[Change]:
    """Compare attachments: there, on the network of that name as it is now, with the declared address and aliases."""
    wanted = attachments(container)
    for name in sorted({*wanted, *found.endpoints}):
        endpoint = found.endpoints.get(name)
        if endpoint is None:
            yield Change(f"networks.{name}", "attached", None)
        elif name not in wanted:
            yield Change(f"networks.{name}", None, "attached")
        else:
            current = engine.network(name)
            if found.running and not endpoint.endpoint_id:
                # a disconnect that broke half way: the engine lists the network, the container has no interface
                yield Change(f"networks.{name}", "attached", "listed, without an endpoint")
                continue
            if found.running and wanted[name].ipv4_address and not endpoint.current:
                yield Change(f"networks.{name}", "attached", "attached without an IP address")
                continue
            if current is not None and endpoint.network_id not in ("", current.id):
                yield Change(f"networks.{name}", "attached", "attached to a former network of that name")
                continue
            yield from _attachment(name, wanted[name], endpoint, found)


def _lost(desired: Topology, container: Container, found: ContainerState, engine: EngineState) -> Iterator[Change]:
    """Yield the bridges that the container is bound to by id and that are gone: made again, they have another one."""
    for name in sorted(container.networks):
        network, endpoint = desired.networks[name], found.endpoints.get(name)
        if network.driver != "bridge" or network.external or endpoint is None or engine.networks_named(name):
            continue
        if endpoint.network_id and (endpoint.endpoint_id or not found.running):
            yield Change(f"networks.{name}", "attached", "attached to a former network of that name")


def _attachment(name: str, wanted: Attachment, endpoint: EndpointState, found: ContainerState) -> Iterator[Change]:
    """Compare what is configured of one attachment."""
    for field in ("ipv4_address", "ipv6_address"):
        declared, configured = getattr(wanted, field), getattr(endpoint, field)
        if configured != (str(declared) if declared else None):
            yield Change(f"networks.{name}.{field}", str(declared or "automatic"), configured or "automatic")
    aliases = frozenset(wanted.aliases) - {found.hostname}
    if endpoint.aliases != aliases:
        yield Change(f"networks.{name}.aliases", _joined(aliases), _joined(endpoint.aliases))
    # an interface that is not there has none: then what the container was created with counts
    mac_address = endpoint.mac_address or found.mac_address
    if wanted.mac_address and mac_address != wanted.mac_address:
        yield Change(f"networks.{name}.mac_address", wanted.mac_address, mac_address or "automatic")


def _order(container: Container, found: ContainerState) -> Iterator[Change]:
    """Compare which network comes first, where that is declared: by a priority, or by a MAC address, given there."""
    wanted = attachments(container)
    first = next(iter(wanted))
    ordered = any(attachment.priority or attachment.mac_address for attachment in wanted.values())
    if ordered and found.network_mode != first:
        yield Change("network_mode", first, found.network_mode or None)


def _joined(names: frozenset[str]) -> str | None:
    return ", ".join(sorted(names)) or None
