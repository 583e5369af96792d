"""What is declared, in the words of the engine's API. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.container_fields import told
from controller.model.desired import attachments, driver_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controller.model.network import Attachment, Network
    from controller.model.topology import Container
    from controller.ports import Json


def container_config(container: Container, labels: Mapping[str, str], files: Sequence[Json] = ()) -> Json:
    """
    Return the body of ``POST /containers/create``, attached to the first declared network only.

    Args:
        files: Mounts of its configs and secrets.
    """
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
    if files:
        # unlike Binds, these never make a directory in the place of a file that is gone
        config["HostConfig"]["Mounts"] = list(files)
    if container.command is not None:
        config["Cmd"] = list(container.command)
    if container.entrypoint is not None:
        config["Entrypoint"] = list(container.entrypoint)
    if container.hostname is not None:
        config["Hostname"] = container.hostname
    if container.network_mode is not None:
        config["HostConfig"]["NetworkMode"] = container.network_mode
    for network, attachment in list(attachments(container).items())[:1] if container.networks else ():
        config["HostConfig"]["NetworkMode"] = network
        config["NetworkingConfig"] = {"EndpointsConfig": {network: endpoint_of(attachment)}}
        if attachment.mac_address is not None:
            config["MacAddress"] = attachment.mac_address  # engines up to API 1.43 read it here alone
    return config


def further_networks(container: Container) -> tuple[str, ...]:
    """Return the networks beyond the first: below API 1.44 they are connected between create and start."""
    return tuple(attachments(container))[1:]


def endpoint_of(attachment: Attachment) -> Json:
    """Return the EndpointConfig of a declared attachment."""
    return endpoint_config(
        ipv4_address=str(attachment.ipv4_address) if attachment.ipv4_address else None,
        ipv6_address=str(attachment.ipv6_address) if attachment.ipv6_address else None,
        mac_address=attachment.mac_address,
        aliases=attachment.aliases,
    )


def endpoint_config(
    *, ipv4_address: str | None, ipv6_address: str | None, mac_address: str | None, aliases: tuple[str, ...]
) -> Json:
    """Return an EndpointConfig."""
    config: Json = {"Aliases": list(aliases)}
    fixed = {"IPv4Address": ipv4_address, "IPv6Address": ipv6_address}
    if ipv4_address is not None or ipv6_address is not None:
        config["IPAMConfig"] = {family: address for family, address in fixed.items() if address is not None}
    if mac_address is not None:
        config["MacAddress"] = mac_address
    return config


def network_config(network: Network, labels: Mapping[str, str]) -> Json:
    """Return the body of ``POST /networks/create``: gateway and range are always said, never left to the engine."""
    pools = [
        {
            "Subnet": str(config.subnet),
            "Gateway": str(config.effective_gateway),
            "IPRange": str(config.effective_ip_range),
            "AuxiliaryAddresses": {name: str(address) for name, address in config.aux_addresses.items()},
        }
        for config in network.ipam.config
    ]
    return {
        "CheckDuplicate": True,
        "Driver": network.driver,
        "EnableIPv6": network.enable_ipv6,
        "Internal": network.internal,
        "Attachable": network.attachable,
        "IPAM": {"Driver": network.ipam.driver, "Options": dict(network.ipam.options), "Config": pools},
        "Options": driver_options(network),
        "Labels": dict(labels),
    }


def _port_bindings(container: Container) -> dict[str, list[Json]]:
    bindings: dict[str, list[Json]] = {}
    for port in container.ports:
        place = {"HostIp": port.host_ip, "HostPort": str(port.published or "")}
        bindings.setdefault(f"{port.target}/{port.protocol}", []).append(place)
    return bindings
