"""
What is: the state of hosts, engines and store as one frozen value.

What could not be read is ``Unknown`` with its reason, never "empty".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.adoption import Adopted, Adoptions
    from controller.model.engine_words import Comparable
    from controller.model.files import DeliveredFile
    from controller.model.forms import Mount, Port

STOP_TIMEOUT_S = 10
"""How long an engine lets a container end that says nothing about it."""


FIRST_WITH_ENDPOINT_MAC = 25
"""Engines from 25.0 (API 1.44) on keep a MAC address with the endpoint, not with the container."""


@dataclass(frozen=True)
class Unknown:
    """Something that could not be read, and why."""

    reason: str


@dataclass(frozen=True)
class StoreNode:
    """A daemon's registration in the store: ``address`` is what it advertises, IP:PORT."""

    address: str


@dataclass(frozen=True)
class StoreState:
    """
    The cluster store.

    Args:
        nodes: What the registered daemons advertise, IP:PORT.
        members: Host name -> names of our containers there, as last recorded; None when nothing is recorded yet.
        settled: Whether all that joined networks had found their peers by the end of the last apply, as recorded.
        adopted: Topology -> id of an overlay -> what is recorded of its adoption; of other topologies, too.
    """

    nodes: frozenset[str]
    members: Mapping[str, tuple[str, ...]] | None
    settled: bool = True
    adopted: Adoptions = field(default_factory=dict)


@dataclass(frozen=True)
class HostRecord:
    """
    Our record on a host: what daemon.json said before us, and what we adopted there.

    Args:
        keys: Key of ours -> [whether it was there, its earlier value].
        original: The file's whole text before our first change; None when there was no file.
        written: The text that we wrote last; None when we never wrote it.
        adopted: Id of a container, or of a network of this host -> what is recorded of its adoption.
    """

    keys: Mapping[str, tuple[bool, Any]]
    original: str | None
    written: str | None
    adopted: Mapping[str, Adopted] = field(default_factory=dict)


@dataclass(frozen=True)
class DaemonState:
    """
    What /etc/docker/daemon.json says.

    Args:
        text: The file's text, None when there is none.
        settings: Its top-level keys; None when the text is no JSON object, then *problem* says why.
        arguments: The running daemon's command line: flags set there and in the file stop dockerd.
    """

    text: str | None
    settings: Mapping[str, Any] | None
    problem: str | None
    arguments: tuple[str, ...]
    unit: str

    @property
    def flags(self) -> dict[str, str]:
        """The ``--key=value`` and ``--key value`` flags of the daemon's command line."""
        flags: dict[str, str] = {}
        for position, argument in enumerate(self.arguments):
            if not argument.startswith("--"):
                continue
            key, equals, value = argument.removeprefix("--").partition("=")
            following = self.arguments[position + 1 : position + 2]
            flags[key] = value if equals or not following else following[0]
        return flags


@dataclass(frozen=True)
class EndpointState:
    """
    A container on a network.

    Args:
        ipv4_address: The fixed address it was configured with, None when the engine chose.
        current: The address it has now; empty when stopped.
        aliases: As configured, without the short id and the host name, which the engine adds by itself.
        ipv6_address: The fixed IPv6 address it was configured with, in its shortest form, None when the engine chose.
        current_ipv6: The IPv6 address it has now, in its shortest form; empty when stopped or without one.
        mac_address: The MAC address it has now, in lower case; empty when stopped.
    """

    network_id: str
    endpoint_id: str
    ipv4_address: str | None
    current: str
    aliases: frozenset[str]
    ipv6_address: str | None = None
    current_ipv6: str = ""
    mac_address: str = ""


@dataclass(frozen=True)
class ImageState:
    """What an image brings along: containers merge it with what they declare; *fields* as those of a container."""

    id: str
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    command: tuple[str, ...]
    entrypoint: tuple[str, ...]
    fields: Mapping[str, Comparable] = field(default_factory=dict)


@dataclass(frozen=True)
class ContainerState:
    """
    A container as configured, and what it is doing.

    Args:
        labels: Those of an adopted one say whose it is, too.
        fields: Those of ``container_fields``, by name.
        network_mode: The network that it was created on, by name.
        mac_address: The MAC address it was created with, in lower case, None for one that the engine chose. Engines
            up to API 1.43 give it to the interface on that network, whenever it is made.
        auto_remove: Whether the engine removes it as soon as it ends (``docker run --rm``).
        health: ``starting``, ``healthy`` or ``unhealthy``, as it is now; None unless it runs and is checked.
    """

    id: str
    name: str
    image: str
    image_id: str
    status: str
    exit_code: int
    pid: int
    resolv_conf: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    command: tuple[str, ...]
    entrypoint: tuple[str, ...]
    hostname: str
    fields: Mapping[str, Comparable]
    mounts: frozenset[Mount]
    ports: frozenset[Port]
    endpoints: Mapping[str, EndpointState]
    published: tuple[str, ...]
    network_mode: str = ""
    mac_address: str | None = None
    auto_remove: bool = False
    health: str | None = None

    @property
    def running(self) -> bool:
        """Whether its main process runs now."""
        return self.status == "running"

    @property
    def restart(self) -> str:
        """Its restart policy, as in a topology."""
        return str(self.fields["restart"])

    @property
    def stop_timeout_s(self) -> int:
        """How long it has to end when it is asked to: what it was made with, or the engine's own 10 s."""
        found = self.fields["stop_grace_period"]
        return STOP_TIMEOUT_S if found is None else int(str(found))


@dataclass(frozen=True)
class Pool:
    """One address pool of a network, IP texts in their shortest form, without the gateway's mask."""

    subnet: str
    gateway: str
    ip_range: str
    aux_addresses: Mapping[str, str]


@dataclass(frozen=True)
class NetworkState:
    """A network as one engine shows it; the labels of an adopted one say whose it is, too."""

    id: str
    name: str
    driver: str
    scope: str
    internal: bool
    pools: tuple[Pool, ...]
    options: Mapping[str, str]
    labels: Mapping[str, str]
    enable_ipv6: bool = False
    attachable: bool = False
    ipam_driver: str = "default"
    ipam_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumeState:
    """A named volume as one engine shows it, with the options of its driver."""

    name: str
    driver: str
    options: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class EngineState:
    """
    An engine and what it holds.

    Args:
        cluster_store: The store it runs with, empty when none.
        cluster_advertise: What it advertises, as it runs.
        containers: Those that are ours, by label or by adoption, or bear a name that the topology wants.
        networks: All of them.
        running: Names of all containers that run or are paused, foreign ones too: what a restart of the daemon
            interrupts.
        foreign_endpoints: Network id -> names of the containers on it that are not ours, whatever name they bear,
            be it that they never were started.
        images: Image reference that the topology uses here -> image, None when the host does not have it; and the id
            that a declared container was made from -> image, when its reference is gone.
        gateway_addresses: Container id -> its address on docker_gwbridge; empty unless it was asked for.
        volumes: All of them.
        foreign_volumes: Volume -> names of the containers that have it and are not ours.
        lacks: Abilities that the host's kernel lacks, as ``GET /info`` calls them: limits would be discarded silently.
    """

    version: str
    cluster_store: str
    cluster_advertise: str
    swarm: bool
    live_restore: bool
    containers: tuple[ContainerState, ...]
    networks: tuple[NetworkState, ...]
    images: Mapping[str, ImageState | None]
    running: tuple[str, ...] = ()
    foreign_endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gateway_addresses: Mapping[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    volumes: tuple[VolumeState, ...] = ()
    foreign_volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def release(self) -> tuple[int, ...]:
        """Year and month of its version, or whatever its first two numbers are: ``(20, 10)``."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:2])

    def container(self, name: str) -> ContainerState | None:
        """Return the container of that name."""
        return next((container for container in self.containers if container.name == name), None)

    def network(self, name: str) -> NetworkState | None:
        """Return the network of that name, an overlay before a local one."""
        return min(self.networks_named(name), key=lambda network: network.scope != "global", default=None)

    def networks_named(self, name: str) -> tuple[NetworkState, ...]:
        """Return all networks of that name: engines can have several."""
        return tuple(network for network in self.networks if network.name == name)

    def volume(self, name: str) -> VolumeState | None:
        """Return the volume of that name."""
        return next((volume for volume in self.volumes if volume.name == name), None)

    @property
    def keeps_mac_addresses(self) -> bool:
        """
        Whether a container that is connected to its first network again gets its declared MAC address again.

        Up to API 1.43 it is a field of the container; later ones take it at creation alone, and forget it with the
        endpoint (26.1.5: ``connect`` ignores it).
        """
        major = self.version.partition(".")[0]
        return major.isdecimal() and int(major) < FIRST_WITH_ENDPOINT_MAC


@dataclass(frozen=True)
class HostState:
    """
    A host that could be read; its engine may still be unknown (a daemon that is down).

    Args:
        files: Path -> copy of a config or secret of the topology.
    """

    hostname: str
    boot_id: str
    interfaces: Mapping[str, str]
    daemon: DaemonState
    record: HostRecord | None
    engine: EngineState | Unknown
    files: Mapping[str, DeliveredFile] = field(default_factory=dict)

    @property
    def configured(self) -> bool:
        """Whether its record says that daemon.json is as we wrote it: one of adoptions alone does not."""
        return self.record is not None and self.record.written is not None


@dataclass(frozen=True)
class Observed:
    """Everything that was read in one observation."""

    hosts: Mapping[str, HostState | Unknown]
    store: StoreState | Unknown | None

    def engine(self, host: str) -> EngineState | Unknown:
        """Return the engine of *host*, or why it is unknown."""
        state = self.hosts.get(host, Unknown("not asked"))
        return state if isinstance(state, Unknown) else state.engine

    def files(self, host: str) -> Mapping[str, DeliveredFile]:
        """Return path -> copy of a config or secret on *host*; empty when it could not be read."""
        state = self.hosts.get(host)
        return state.files if isinstance(state, HostState) else {}

    @property
    def recorded_members(self) -> Mapping[str, tuple[str, ...]]:
        """What the store remembers, host -> names; empty when it could not be read or remembers nothing."""
        return (self.store.members or {}) if isinstance(self.store, StoreState) else {}

    @property
    def engines(self) -> Mapping[str, EngineState]:
        """Every engine that could be read, by host, in the hosts' order."""
        found = {name: self.engine(name) for name in self.hosts}
        return {name: engine for name, engine in found.items() if not isinstance(engine, Unknown)}
