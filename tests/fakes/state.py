"""
What a simulated cluster consists of, as plain data.

No behaviour beyond what a record knows of itself: everything here can be pickled, which is how a cluster is copied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.ports import Holder

Json = dict[str, Any]

SHORT_ID = 12
ENGINE_VERSION = "20.10.5+dfsg1"
API_VERSION = "1.41"
PREDEFINED = ("bridge", "host", "none")
GATEWAY_BRIDGE = "docker_gwbridge"
PROCESSORS = 2
DEFAULT_SHM_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Image:
    """An image on a host: ``config`` has the keys of its ``Config``."""

    id: str
    tags: tuple[str, ...]
    config: Json


@dataclass(slots=True)
class Endpoint:
    """A container on a network, as the network knows it; of an overlay, this is in the store."""

    id: str
    name: str
    ip: str
    prefix_length: int
    mac: str
    gateway: str
    host: str
    container: str
    ip6: str = ""
    prefix6_length: int = 0
    gateway6: str = ""


@dataclass(slots=True)
class Pool:
    """
    One address pool; addresses are numbers. ``first`` to ``last`` is where automatic ones come from.

    Args:
        version: 4 or 6, as of IP.
        ends_with_a_64: Whether its automatic addresses end where engines, who count in 64 bits, can count no further.
    """

    low: int
    high: int
    prefix_length: int
    first: int
    last: int
    gateway: int
    reserved: tuple[int, ...]
    version: int = 4
    ends_with_a_64: bool = False


@dataclass(slots=True)
class Network:
    """
    A network; ``ipam`` is its configuration as the engine shows it.

    Args:
        user_subnets: IP versions of the subnets that were asked for.
        leaked: Addresses, as numbers, that are taken for nobody.
        miscounted: How many endpoints more are counted than there are.
    """

    id: str
    name: str
    driver: str
    scope: str
    created: str
    ipam: list[Json]
    pools: list[Pool]
    user_subnets: tuple[int, ...]
    internal: bool
    options: dict[str, str]
    labels: dict[str, str]
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    leaked: set[int] = field(default_factory=set)
    miscounted: int = 0
    enable_ipv6: bool = False
    attachable: bool = False
    ipam_driver: str = "default"
    ipam_options: dict[str, str] | None = None


@dataclass(slots=True)
class Attachment:
    """
    A container on a network, as the container is configured: ``NetworkSettings.Networks``.

    Args:
        is_listed: Whether the list of containers shows it: what a failed connect leaves behind is not saved at once.
        is_told: Whether the container is shown with its endpoint: an engine that cannot read back what it wrote to the
            store does without.
    """

    ipam_config: Json | None = None
    aliases: list[str] | None = None
    network_id: str = ""
    endpoint_id: str = ""
    ip: str = ""
    prefix_length: int = 0
    gateway: str = ""
    mac: str = ""
    is_listed: bool = True
    is_told: bool = True
    ip6: str = ""
    prefix6_length: int = 0
    gateway6: str = ""

    def clear(self) -> None:
        """Forget what holds only while the container runs; the engine keeps the network's id."""
        self.is_listed = self.is_told = True
        self.endpoint_id = self.ip = self.gateway = self.mac = self.ip6 = self.gateway6 = ""
        self.prefix_length = self.prefix6_length = 0

    @property
    def fixed_ip(self) -> str:
        """The address that was asked for, or nothing."""
        return (self.ipam_config or {}).get("IPv4Address") or ""

    @property
    def fixed_ip6(self) -> str:
        """The IPv6 address that was asked for, or nothing."""
        return (self.ipam_config or {}).get("IPv6Address") or ""


@dataclass(slots=True)
class Container:
    """A container; ``config`` and ``host_config`` hold what was asked for, merged with its image."""

    id: str
    name: str
    created: str
    created_s: int
    image_id: str
    config: Json
    host_config: Json
    attachments: dict[str, Attachment]
    status: str = "created"
    exit_code: int = 0
    error: str = ""
    pid: int = 0
    sandbox: str = ""
    gateway_endpoint: str = ""
    published: dict[str, list[Json] | None] = field(default_factory=dict)
    manually_stopped: bool = False
    restarts: int = 0
    started_s: float = 0.0
    started: str = "0001-01-01T00:00:00Z"
    finished: str = "0001-01-01T00:00:00Z"

    @property
    def running(self) -> bool:
        """Whether a process of it lives."""
        return self.status in ("running", "paused")

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        labels: dict[str, str] = self.config["Labels"]
        return labels

    @property
    def restart(self) -> str:
        """Name of its restart policy, ``no`` when none was said."""
        return (self.host_config.get("RestartPolicy") or {}).get("Name") or "no"

    @property
    def mode(self) -> str:
        """Its network mode."""
        return self.host_config.get("NetworkMode") or "default"


@dataclass(slots=True)
class Volume:
    """A named volume of the driver local."""

    name: str
    created: str
    options: dict[str, str] | None
    labels: dict[str, str] | None


@dataclass(slots=True)
class Engine:
    """
    The engine of a host, and what it keeps on disk; the settings are those it was started with.

    Args:
        has_stale_sandboxes: Whether its last end was a power cut: no overlay container starts until that is repaired.
        stuck_ports: Port and protocol of what the knife left allocated to nobody; a restart does not help.
        log_driver: What containers log to that say nothing of it, with its options.
        default_ulimits: Limits that containers have beside their own, as the engine shows them.
    """

    running: bool = True
    problem: str = ""
    cluster_store: str = ""
    cluster_advertise: str = ""
    live_restore: bool = False
    containers: dict[str, Container] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    has_stale_sandboxes: bool = False
    stuck_ports: set[tuple[str, str]] = field(default_factory=set)
    log_driver: str = "json-file"
    log_options: dict[str, str] = field(default_factory=dict)
    default_ulimits: list[Json] = field(default_factory=list)

    def named(self, name: str) -> Container | None:
        """Return the container of that name."""
        return next((container for container in self.containers.values() if container.name == name), None)


@dataclass(slots=True)
class Host:
    """
    A machine.

    Args:
        powered: Whether it is on.
        plugged: Whether its cable is in.
        boots: How often it was switched on; makes the boot id.
        records: Topology -> text of our record.
        arguments: What stands on dockerd's command line beside its defaults.
        lacks: What its kernel has no means for, as ``GET /info`` calls it.
        files: Path -> content, mode, owner and group of a copy of a config or secret.
        deliveries: How many copies were ever made: names the next one.
    """

    name: str
    address: str
    hostname: str
    interfaces: dict[str, str]
    engine: Engine = field(default_factory=Engine)
    daemon_json: str | None = None
    records: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    powered: bool = True
    plugged: bool = True
    boots: int = 1
    lacks: set[str] = field(default_factory=set)
    files: dict[str, tuple[bytes, str, str, str]] = field(default_factory=dict)
    deliveries: int = 0


@dataclass(slots=True)
class Store:
    """
    The cluster store.

    Args:
        placed_on: Host whose container ``ovctl-store`` it is; empty for a store outside the cluster.
        registrations: IP:PORT -> when it runs out, in seconds since the epoch; None while its daemon lives.
        locks: Topology -> holder and the token that only its fence knows.
        leaked_pools: Subnets that belong to no network.
    """

    url: str
    up: bool = True
    placed_on: str = ""
    keys: dict[str, bytes] = field(default_factory=dict)
    registrations: dict[str, float | None] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    locks: dict[str, tuple[Holder, str]] = field(default_factory=dict)
    leaked_pools: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Touched:
    """An object that an effect changed, with its labels at that time."""

    kind: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """
    One effect that was asked for.

    Args:
        host: Name of the host, ``store`` for the store.
        method: Name of the port's method.
        arguments: As given, positions and keywords in the port's order.
        touched: The objects that it named, as they were before; for a creation, as they were asked for.
    """

    host: str
    method: str
    arguments: tuple[Any, ...]
    touched: tuple[Touched, ...] = ()
