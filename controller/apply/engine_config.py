"""What is declared, in the words of the engine's API. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.container_fields import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.topology import Attachment, Container
    from controller.ports import Json


def container_config(container: Container, labels: Mapping[str, str]) -> Json:
    """Return the body of ``POST /containers/create``, attached to the first declared network only."""
    plain = told(container)
    config: Json = {
        **plain["Config"],
        "Image": container.image,
        "Env": [f"{key}={value}" for key, value in container.environment.items()],
        "Labels": dict(labels),
        "HostConfig": {
            **plain["HostConfig"],
            "Binds": [
                f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}" for mount in container.volumes
            ],
            "PortBindings": _port_bindings(container),
        },
    }
    if container.command is not None:
        config["Cmd"] = list(container.command)
    if container.entrypoint is not None:
        config["Entrypoint"] = list(container.entrypoint)
    if container.hostname is not None:
        config["Hostname"] = container.hostname
    for network, attachment in list(container.networks.items())[:1]:
        config["HostConfig"]["NetworkMode"] = network
        config["NetworkingConfig"] = {"EndpointsConfig": {network: endpoint_of(attachment)}}
    return config


def further_networks(container: Container) -> tuple[str, ...]:
    """Return the networks beyond the first: below API 1.44 they are connected between create and start."""
    return tuple(container.networks)[1:]


def endpoint_of(attachment: Attachment) -> Json:
    """Return the EndpointConfig of a declared attachment."""
    address = attachment.ipv4_address
    return endpoint_config(ipv4_address=str(address) if address else None, aliases=attachment.aliases)


def endpoint_config(*, ipv4_address: str | None, aliases: tuple[str, ...]) -> Json:
    """Return an EndpointConfig."""
    config: Json = {"Aliases": list(aliases)}
    if ipv4_address is not None:
        config["IPAMConfig"] = {"IPv4Address": ipv4_address}
    return config


def _port_bindings(container: Container) -> dict[str, list[Json]]:
    bindings: dict[str, list[Json]] = {}
    for port in container.ports:
        place = {"HostIp": port.host_ip, "HostPort": str(port.published or "")}
        bindings.setdefault(f"{port.target}/{port.protocol}", []).append(place)
    return bindings
