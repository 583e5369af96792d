"""What a topology asks of one object: derived from declared fields alone, shared by comparing and by creating."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.model.files import FILE_KINDS, Delivery
from controller.model.identity import LABEL_ROLE, STORE_CONTAINER, owner_labels
from controller.model.network import Attachment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from controller.model.files import FileReference
    from controller.model.network import Network
    from controller.model.topology import Container, StorePlace, Topology
    from controller.model.volume import Volume

DEFAULT_NETWORK = "bridge"
"""Where the engine puts a container that declares no network."""

HOST_MODE = "host"
"""The mode of a container in its host's own network."""

_MAKING = {"host", "depends_on", "pull_policy", "image_archive"}
"""Fields of a container that say where, when and from what it is made, and are none of what it is."""

OPTION_MTU = "com.docker.network.driver.mtu"


def engine_settings(topology: Topology, host: str) -> dict[str, Any]:
    """Return the daemon.json keys that *host* must have; empty for a host outside the cluster."""
    if topology.store is None or host not in topology.members:
        return {}
    return {
        "cluster-store": topology.store.url,
        "cluster-advertise": topology.hosts[host].effective_advertise,
    }


def registration(advertise: str, interfaces: Mapping[str, str]) -> str:
    """Return IP:PORT as the daemon registers itself, an interface's name resolved by what the host has."""
    place, _, port = advertise.rpartition(":")
    return f"{interfaces.get(place, place)}:{port}"


def present_hosts(topology: Topology) -> tuple[str, ...]:
    """Return the names of the hosts that belong to the topology now."""
    return tuple(name for name, host in topology.hosts.items() if host.state == "present")


def driver_options(network: Network) -> dict[str, str]:
    """Return the driver options of *network*, its mtu among them."""
    options = dict(network.driver_opts)
    if network.mtu is not None:
        options[OPTION_MTU] = str(network.mtu)
    return options


def placed(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Return present host -> names of the containers declared there, sorted: what the store remembers."""
    members: dict[str, list[str]] = {name: [] for name in present_hosts(topology)}
    for name, container in topology.containers.items():
        members.setdefault(container.host, []).append(name)
    return {host: tuple(sorted(names)) for host, names in members.items()}


def container_labels(topology: str, container: Container) -> dict[str, str]:
    """Return all labels of a container that is to be created."""
    return {**container.labels, **owner_labels(topology, container_fields(container))}


def container_fields(container: Container) -> dict[str, Any]:
    """Return the declared fields of *container* that differ from their defaults, JSON-like; none that only makes it."""
    return container.model_dump(mode="json", exclude_defaults=True, exclude=_MAKING)


def deliveries(topology: Topology, name: str) -> Iterator[tuple[FileReference, Delivery]]:
    """Yield the files that the container of that name reads, as its host is to have them: configs, then secrets."""
    container = topology.containers[name]
    for kind in FILE_KINDS:
        for used in container.configs if kind == "configs" else container.secrets:
            content = topology.content(kind, used.source)
            yield (
                used,
                Delivery(topology.name, name, kind, used.source, content, mode=used.mode, uid=used.uid, gid=used.gid),
            )


def volume_labels(topology: str, volume: Volume) -> dict[str, str]:
    """Return all labels of a volume that is to be created."""
    fields = volume.model_dump(mode="json", exclude_defaults=True)
    return {**volume.labels, **owner_labels(topology, fields)}


def named_volumes(container: Container) -> tuple[str, ...]:
    """Return the names of the volumes that *container* uses, each once."""
    return tuple(dict.fromkeys(mount.source for mount in container.volumes if mount.type == "volume"))


def uses_volume(topology: Topology, host: str, volume: str) -> bool:
    """Whether a declared container on *host* uses *volume*, be it declared itself or not."""
    containers = topology.containers.values()
    return any(container.host == host and volume in named_volumes(container) for container in containers)


def hosts_with(topology: Topology, volume: str) -> tuple[str, ...]:
    """Return the present hosts that have a declared container which uses *volume*, in the file's order."""
    return tuple(host for host in present_hosts(topology) if uses_volume(topology, host, volume))


def network_labels(topology: str, network: Network) -> dict[str, str]:
    """Return all labels of a network that is to be created."""
    return {**network.labels, **owner_labels(topology, network_fields(network))}


def network_fields(network: Network) -> dict[str, Any]:
    """Return the declared fields of *network* that differ from their defaults, JSON-like."""
    return network.model_dump(mode="json", exclude_defaults=True)


def attachments(container: Container) -> dict[str, Attachment]:
    """
    Return network -> attachment in the order of connection: by priority, then as declared.

    Without a declared network, the one that its mode means, else the engine's default bridge.
    """
    if not container.networks:
        return {container.network_mode or DEFAULT_NETWORK: Attachment()}
    return dict(sorted(container.networks.items(), key=lambda item: -item[1].priority))


def hosts_on(topology: Topology, network: str) -> tuple[str, ...]:
    """Return the present hosts that have a declared container on *network*, in the file's order."""
    used = {container.host for container in topology.containers.values() if network in container.networks}
    return tuple(host for host in present_hosts(topology) if host in used)


def overlays_of(topology: Topology, container: Container) -> tuple[str, ...]:
    """Return the networks of *container* that need the cluster store: overlays that are not external."""
    return tuple(name for name in container.networks if is_overlay(topology, name))


def is_overlay(topology: Topology, network: str) -> bool:
    """Whether *network* is an overlay of the topology's own; not an external one, whatever that is."""
    declared = topology.networks.get(network)
    return declared is not None and declared.spans_hosts


def has_overlays(topology: Topology) -> bool:
    """Whether the topology makes networks that span hosts, for which there must be a store."""
    return any(network.spans_hosts for network in topology.networks.values())


def store_labels(topology: str, place: StorePlace) -> dict[str, str]:
    """Return all labels of the store's container."""
    return {LABEL_ROLE: STORE_CONTAINER, **owner_labels(topology, place.model_dump(mode="json", exclude={"host"}))}


def shared_networks(topology: Topology) -> frozenset[str]:
    """Return the overlays that containers of more than one host are on: a bridge is not shared."""
    hosts: dict[str, set[str]] = {}
    for container in topology.containers.values():
        for network in overlays_of(topology, container):
            hosts.setdefault(network, set()).add(container.host)
    return frozenset(network for network, on in hosts.items() if len(on) > 1)


def retired(topology: Topology) -> Topology:
    """
    Return the same topology with nothing left in it: what ``destroy`` desires.

    The hosts are still there, as absent, so that their settings are restored; the store is still read, and what is
    external is still others'.
    """
    hosts = {name: host.model_copy(update={"state": "absent"}) for name, host in topology.hosts.items()}
    volumes = {name: volume for name, volume in topology.volumes.items() if volume.external}
    return topology.model_copy(update={"hosts": hosts, "networks": {}, "volumes": volumes, "containers": {}})


def is_retired(topology: Topology) -> bool:
    """Whether every host is to be left: everything that was created is to go, and the file says so."""
    return all(host.state == "absent" for host in topology.hosts.values())


def places_store(topology: Topology) -> bool:
    """Whether the topology runs the store itself: one that does not answer may then be down rightly."""
    return topology.store is not None and topology.store.place is not None


def store_place(topology: Topology) -> StorePlace | None:
    """Return where the store is to run now; None for one that others run, and on a host that is absent."""
    place = topology.store.place if topology.store else None
    return place if place is not None and topology.hosts[place.host].state == "present" else None


def images_on(topology: Topology, host: str) -> tuple[str, ...]:
    """Return the image references that the topology uses on *host*, sorted."""
    images: Iterable[str] = (container.image for container in topology.containers.values() if container.host == host)
    place = store_place(topology)
    return tuple(sorted({*images, *([place.image] if place and place.host == host else [])}))
