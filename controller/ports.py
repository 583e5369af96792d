"""
The Protocols between the rooms and the world: adapters and fakes implement them, one conformance suite tests both.

Engine answers keep the engine's own JSON (API field names), since interpreting them is ``observe``'s work, not an
adapter's. Every method is synchronous, may be called from several threads, and raises only ``OvctlError``s:
UnreachableError when nobody answered, EngineError and its kin when the engine said no.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from controller.model.files import DeliveredFile, Delivery
    from controller.model.observed import StoreNode

Json = dict[str, Any]


class Engine(Protocol):
    """
    One host's Docker engine.

    Reads are cheap and may be repeated; effects are single requests: retries and remedies are ``apply``'s. ``ref`` is
    an id or a name. Source: Docker Engine API, the version that client and engine agree on.
    """

    def version(self) -> Json:
        """Return ``GET /version``; ``ApiVersion`` is the version in use."""
        ...

    def info(self) -> Json:
        """Return ``GET /info`` (ClusterStore, ClusterAdvertise, Swarm, …)."""
        ...

    def containers(self) -> list[Json]:
        """Return ``GET /containers/json?all=1``: running and stopped ones."""
        ...

    def inspect_container(self, ref: str) -> Json:
        """Return one container; NotFoundError if there is none."""
        ...

    def networks(self) -> list[Json]:
        """Return ``GET /networks``; costly on big clusters, never in a tight loop."""
        ...

    def inspect_network(self, ref: str) -> Json:
        """Return one network with its endpoints; NotFoundError if there is none."""
        ...

    def volumes(self) -> list[Json]:
        """Return the volumes of ``GET /volumes``."""
        ...

    def inspect_volume(self, name: str) -> Json:
        """Return one volume; NotFoundError if there is none."""
        ...

    def inspect_image(self, ref: str) -> Json:
        """Return one image; NotFoundError if the host has none of that name."""
        ...

    def pull_image(self, ref: str, tell: Callable[[str], None]) -> None:
        """
        Pull *ref* from its registry, with the credentials that the person has for it on this machine.

        Args:
            tell: Told how far it is, such as ``12 of 30 MB``.
        """
        ...

    def load_image(self, ref: str, archive: str, tell: Callable[[str], None]) -> None:
        """
        Load what is in an archive of this machine, *ref* among it; EngineError without sending it when that is missing.

        Args:
            tell: Told how far it is.
        """
        ...

    def create_container(self, name: str, config: Json) -> str:
        """Create a container from the body of ``POST /containers/create``, return its id; ConflictError: name taken."""
        ...

    def start_container(self, ref: str) -> None:
        """Start it; one that runs already is left alone."""
        ...

    def unpause_container(self, ref: str) -> None:
        """Let a paused one go on; EngineError when it is not paused."""
        ...

    def stop_container(self, ref: str, *, timeout_s: int = 10) -> None:
        """Stop it; one that is stopped already is left alone."""
        ...

    def rename_container(self, ref: str, name: str) -> None:
        """Give it another name."""
        ...

    def update_container(self, ref: str, config: Json) -> None:
        """Change what can be changed in place (``POST /containers/{id}/update``)."""
        ...

    def remove_container(self, ref: str, *, force: bool = False) -> None:
        """Remove it, never its named volumes; NotFoundError if it is gone."""
        ...

    def create_network(self, name: str, config: Json) -> str:
        """Create a network from the body of ``POST /networks/create`` (without Name) and return its id."""
        ...

    def remove_network(self, ref: str) -> None:
        """Remove it; EngineError 403 while it has active endpoints."""
        ...

    def create_volume(self, name: str, config: Json) -> Json:
        """Create a volume from the body of ``POST /volumes/create``; return it, or the one that is there already."""
        ...

    def remove_volume(self, name: str) -> None:
        """Remove it with its data; ConflictError while a container has it, NotFoundError if it is gone."""
        ...

    def connect(self, network: str, container: str, endpoint: Json) -> None:
        """Attach a container (EndpointConfig: IPAMConfig, Aliases)."""
        ...

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """Detach a container by id or name. Forced, this is a knife: see ``apply.knife``."""
        ...


@dataclass(frozen=True, slots=True)
class HostFacts:
    """
    What a host says of itself, in one answer.

    Args:
        hostname: Kernel host name.
        boot_id: Of this boot.
        interfaces: Interface name -> first IPv4 address, text.
        daemon_json: Text of /etc/docker/daemon.json, None when there is no such file.
        record: Text of our record for this topology, None when there is none.
        engine_arguments: Command line of the running dockerd; empty when none runs.
        engine_unit: ``systemctl is-active docker``: active, inactive, failed, activating …
        gossips: Whether something listens on tcp 7946, where daemons tell each other of their containers.
        files: The copies of configs and secrets of this topology.
        others: Other topology -> text of our record for it.
    """

    hostname: str
    boot_id: str
    interfaces: Mapping[str, str]
    daemon_json: str | None
    record: str | None
    engine_arguments: tuple[str, ...]
    engine_unit: str
    gossips: bool = False
    files: tuple[DeliveredFile, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ping:
    """
    One question to the data path, asked from a container's network namespace on its own host.

    Args:
        pid: The container's init, in the host's pid namespace.
        resolv_conf: The container's resolv.conf on the host, so that names resolve as inside; None asks by IP address.
        target: IP address or name.
    """

    pid: int
    resolv_conf: str | None
    target: str


@dataclass(frozen=True, slots=True)
class Pong:
    """
    The answer to a Ping.

    Args:
        reached: Whether an echo came back.
        rtt_ms: Round trip in milliseconds, when reached.
        detail: What ping said otherwise, one line.
        asked: Whether the question was put at all; when not, *detail* says why, and that nothing came says nothing.
    """

    reached: bool
    rtt_ms: float | None
    detail: str
    asked: bool = True


class HostShell(Protocol):
    """What is done on a host besides its engine: a fixed set of verbs, never a shell made of topology text."""

    def facts(self, topology: str) -> HostFacts:
        """Read everything that is compared, in one round trip."""
        ...

    def write_daemon_json(self, text: str | None, *, expected: str | None) -> None:
        """
        Replace /etc/docker/daemon.json atomically (None removes it), keeping its mode, 0644 for a new one.

        Args:
            text: The new text.
            expected: The text it was decided from; HostError when the file says something else by now.
        """
        ...

    def write_record(self, topology: str, text: str | None) -> None:
        """Replace our record of *topology* on the host atomically, 0600; None removes it, and our empty directory."""
        ...

    def deliver(self, delivery: Delivery) -> str:
        """
        Put a file where a container can read it, atomically, and return its path; one that is there already is as good.

        A file that is there is never changed: other content, mode or owner makes another file beside it. Nobody but
        root can get at any of them on the host.
        """
        ...

    def sweep(self, topology: str, container: str, keep: Collection[str]) -> None:
        """
        Remove the files that were delivered for a container, and their directories when these are empty.

        Args:
            keep: Paths that stay.
        """
        ...

    def restart_engine(self, *, kill: bool = False) -> None:
        """
        Restart docker.service, after ``reset-failed``; HostError with its last log lines when it does not come up.

        Args:
            kill: End a daemon that hangs (SIGKILL) instead of waiting for it.
        """
        ...

    def interfaces(self, pids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
        """Return pid -> IP address -> interface name, from inside the containers; pids that are gone are left out."""
        ...

    def ping(self, questions: Sequence[Ping], *, within_s: int = 3) -> list[Pong]:
        """Answer all questions, in their order; they run side by side, each at most *within_s* (1 to 9)."""
        ...

    def resolve(self, pid: int, resolv_conf: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """
        Return name -> IP addresses for those of *names* that a container's resolver knows within 0.6 s.

        It asks others for what it does not know itself, and they may never answer.

        Args:
            pid: The container's init, in the host's pid namespace.
            resolv_conf: The container's resolv.conf on the host.
            names: Asked side by side; the host's own /etc/hosts does not count.

        Raises:
            HostError: They could not be asked for.
        """
        ...


@dataclass(frozen=True, slots=True)
class Versioned:
    """A value in the store, and the version that tells whether somebody wrote it since."""

    value: bytes
    version: int


class Store(Protocol):
    """
    The cluster store, as ovctl sees it: the engines' registrations, and our own few keys under ``ovctl/``.

    Of the engines' own keys only what they count and allocate is ever replaced: see ``apply.leaks``.
    """

    def nodes(self) -> tuple[StoreNode, ...]:
        """Return the daemons that are registered; UnreachableError when the store has no leader or does not answer."""
        ...

    def get(self, key: str) -> bytes | None:
        """Return the value of *key* (full path), or None."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Write *key*."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Delete our keys under *prefix*; ValueError unless it starts with ``ovctl/`` and names a topology."""
        ...

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all keys under *prefix*, sorted."""
        ...

    def values(self, prefix: str) -> Mapping[str, bytes]:
        """Return all keys under *prefix* with their values; a key that is a mere directory has an empty one."""
        ...

    def versioned(self, key: str) -> Versioned | None:
        """Return the value of an engines' *key* with its version, or None."""
        ...

    def replace(self, key: str, value: bytes, *, version: int) -> bool:
        """
        Replace what the engines count or allocate at *key*, unless somebody wrote it after *version*.

        Returns:
            Whether it was replaced.

        Raises:
            ValueError: *key* is neither an endpoint count nor part of the address management.
        """
        ...


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: host name, user, process id, and since when (ISO 8601, UTC)."""

    host: str
    user: str
    pid: int
    since: str


class Fence(Protocol):
    """The cycle lock of a topology, held while an apply runs; its index is checked before each action."""

    def acquire(self, *, timeout_s: float) -> None:
        """Take the lock within *timeout_s*, or LockedError names the holder. A dead holder's lock frees itself."""
        ...

    def check(self) -> None:
        """Raise FenceLostError unless the lock is still ours."""
        ...

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        ...


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def jitter(self) -> float:
        """Return a draw in [0, 1] for backoff."""
        ...


class Fleet(Protocol):
    """The hosts and the store of one topology; connections open when they are first used."""

    def engine(self, host: str) -> Engine:
        """The engine of *host* (a name of the topology)."""
        ...

    def shell(self, host: str) -> HostShell:
        """The shell of *host*."""
        ...

    def store(self) -> Store | None:
        """The cluster store, None for a topology without one."""
        ...

    def fence(self) -> Fence:
        """The topology's cycle lock."""
        ...

    def close(self) -> None:
        """End what this run opened."""
        ...
