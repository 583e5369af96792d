"""
The ports, played by a simulated cluster: ``FakeFleet`` is to ``controller.ports`` what ``controller.wiring`` builds.

Each call is one step: it takes the cluster's lock, is noted, and can go wrong as planned. Errors carry the place first,
as the adapters' do.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from controller.errors import EngineError, HostError, NotFoundError, UsageError
from controller.ports import Holder, HostFacts
from tests.fakes import archives, configuration, containers, daemon, datapath, files, networks, shapes, volumes
from tests.fakes.state import Touched
from tests.fakes.store import FakeFence, FakeStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from controller.model.files import Delivery
    from controller.ports import Clock, Engine, Fence, HostShell, Ping, Pong, Store
    from tests.fakes.cluster import Cluster
    from tests.fakes.faults import Fault
    from tests.fakes.state import Container, Host, Json, Network

_ERROR = TypeVar("_ERROR", bound=EngineError)
OPERATOR = Holder("ops", "root", 4711, "2026-01-01T00:00:00Z")


class FakeFleet:
    """
    ``ports.Fleet`` on a cluster, for one process.

    Args:
        topology: Name of the topology whose lock and records are meant.
        holder: Who this process is to others that want the lock.
        by_hand: Whether this is somebody at a terminal: nothing is noted, no fault hits.
    """

    def __init__(
        self, cluster: Cluster, topology: str = "lab", *, holder: Holder = OPERATOR, by_hand: bool = False
    ) -> None:
        self.cluster = cluster
        self._by_hand = by_hand
        self._engines = {name: FakeEngine(cluster, name, by_hand=by_hand) for name in cluster.hosts}
        self._shells = {name: FakeShell(cluster, name) for name in cluster.hosts}
        self._fence = FakeFence(cluster, topology, holder)
        self.clock: Clock = FakeClock(cluster)

    def engine(self, host: str) -> Engine:
        """The engine of *host*."""
        return self._engines[_known(self.cluster, host)]

    def shell(self, host: str) -> HostShell:
        """The shell of *host*."""
        return self._shells[_known(self.cluster, host)]

    def store(self) -> Store | None:
        """The cluster store, None for a cluster without one."""
        return None if self.cluster.store is None else FakeStore(self.cluster)

    def fence(self) -> Fence:
        """The topology's cycle lock, always the same one."""
        return self._fence

    def close(self) -> None:
        """End nothing: nothing was opened."""


class FakeEngine:
    """``ports.Engine`` on a simulated host."""

    def __init__(self, cluster: Cluster, host: str, *, by_hand: bool = False) -> None:
        self._cluster = cluster
        self._host = host
        self._by_hand = by_hand

    # Reads.

    def version(self) -> Json:
        """Return ``GET /version``."""
        with self._read("version"):
            return shapes.version()

    def info(self) -> Json:
        """Return ``GET /info``."""
        with self._read("info") as host:
            return shapes.info(host)

    def containers(self) -> list[Json]:
        """Return all containers, the newest first."""
        with self._read("containers") as host:
            return [shapes.summary(found) for found in reversed(host.engine.containers.values())]

    def inspect_container(self, ref: str) -> Json:
        """Return one container."""
        with self._read("inspect_container") as host:
            return shapes.container(host, containers.find(host, ref), self._cluster.time_s)

    def networks(self) -> list[Json]:
        """Return all networks."""
        with self._read("networks") as host:
            return [shapes.network(found) for found in networks.visible(self._cluster, host)]

    def inspect_network(self, ref: str) -> Json:
        """Return one network with its endpoints."""
        with self._read("inspect_network") as host:
            return shapes.inspected_network(host, networks.find(self._cluster, host, ref))

    def volumes(self) -> list[Json]:
        """Return all volumes."""
        with self._read("volumes") as host:
            return [volumes.shape(found) for found in host.engine.volumes.values()]

    def inspect_volume(self, name: str) -> Json:
        """Return one volume."""
        with self._read("inspect_volume") as host:
            return volumes.shape(volumes.find(host, name))

    def inspect_image(self, ref: str) -> Json:
        """Return one image."""
        with self._read("inspect_image") as host:
            found = containers.find_image(host, ref)
            if found is None:
                raise NotFoundError(f"no such image: {ref}: No such image: {ref}", status=404)
            return shapes.image(found)

    # Effects.

    def pull_image(self, ref: str, tell: Callable[[str], None]) -> None:
        """Pull from the cluster's registry."""
        with self._effect("pull_image", ref):
            tell("1 of 1 MB")
            if ref not in self._cluster.registry:
                message = (
                    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: connection refused'
                )
                raise EngineError(message, status=500)
            self._cluster.add_image(self._host, ref, self._cluster.registry[ref])

    def load_image(self, ref: str, archive: str, tell: Callable[[str], None]) -> None:
        """Load from an archive of this machine."""
        with self._effect("load_image", ref, archive):
            archives.load(self._cluster, self._host, ref, archive)
            tell("1 of 1 MB")

    def create_container(self, name: str, config: Json) -> str:
        """Create a container."""
        touched = _touched("container", name, config.get("Labels") or {})
        with self._effect("create_container", name, config, touched=(touched,)) as (host, _):
            return containers.create(self._cluster, host, name, config)

    def start_container(self, ref: str) -> None:
        """Start it."""
        with self._effect("start_container", ref, touched=self._container(ref)) as (host, fault):
            leak = fault.fresh() if fault is not None and fault.leak else None
            containers.start(self._cluster, host, containers.find(host, ref), leak=leak)

    def unpause_container(self, ref: str) -> None:
        """Let it go on."""
        with self._effect("unpause_container", ref, touched=self._container(ref)) as (host, _):
            containers.unpause(containers.find(host, ref))

    def stop_container(self, ref: str, *, timeout_s: int = 10) -> None:
        """Stop it."""
        with self._effect("stop_container", ref, timeout_s, touched=self._container(ref)) as (host, _):
            containers.stop(self._cluster, host, containers.find(host, ref))

    def rename_container(self, ref: str, name: str) -> None:
        """Give it another name."""
        with self._effect("rename_container", ref, name, touched=self._container(ref)) as (host, _):
            containers.rename(self._cluster, host, containers.find(host, ref), name)

    def update_container(self, ref: str, config: Json) -> None:
        """Change what can be changed in place."""
        with self._effect("update_container", ref, config, touched=self._container(ref)) as (host, _):
            configuration.update(host, containers.find(host, ref), config)

    def remove_container(self, ref: str, *, force: bool = False) -> None:
        """Remove it."""
        with self._effect("remove_container", ref, force, touched=self._container(ref)) as (host, _):
            containers.remove(self._cluster, host, containers.find(host, ref), force=force)

    def create_network(self, name: str, config: Json) -> str:
        """Create a network."""
        touched = _touched("network", name, config.get("Labels") or {})
        with self._effect("create_network", name, config, touched=(touched,)) as (host, _):
            return networks.create(self._cluster, host, name, config)

    def remove_network(self, ref: str) -> None:
        """Remove a network."""
        with self._effect("remove_network", ref, touched=self._network(ref)) as (host, _):
            networks.remove(self._cluster, host, ref)

    def create_volume(self, name: str, config: Json) -> Json:
        """Create a volume."""
        touched = _touched("volume", name, config.get("Labels") or {})
        with self._effect("create_volume", name, config, touched=(touched,)) as (host, _):
            return volumes.shape(volumes.create(self._cluster, host, {**config, "Name": name}))

    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        touched = volumes.touched(self._cluster.hosts[self._host], name)
        with self._effect("remove_volume", name, touched=touched) as (host, _):
            volumes.remove(host, name)

    def connect(self, network: str, container: str, endpoint: Json) -> None:
        """Attach a container."""
        touched = (*self._network(network), *self._container(container))
        with self._effect("connect", network, container, endpoint, touched=touched) as (host, _):
            containers.connect(self._cluster, host, containers.find(host, container), network, endpoint)

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """Detach a container, or, forced, any endpoint of that name."""
        touched = (*self._network(network), *self._container(container))
        with self._effect("disconnect", network, container, force, touched=touched) as (host, _):
            containers.disconnect(self._cluster, host, container, network, force=force)

    # How.

    @contextmanager
    def _read(self, method: str) -> Iterator[Host]:
        cluster = self._cluster
        with cluster.lock:
            if self._by_hand:
                host = cluster.hosts[self._host]
            else:
                cluster.read(self._host, method)
                host = cluster.reached_engine(self._host)
            try:
                yield host
            except EngineError as error:
                raise _placed(error, self._host) from None

    @contextmanager
    def _effect(
        self, method: str, *arguments: Any, touched: tuple[Touched, ...] = ()
    ) -> Iterator[tuple[Host, Fault | None]]:
        cluster = self._cluster
        if self._by_hand:
            with cluster.lock:
                yield cluster.hosts[self._host], None
            return
        with cluster.effect(self._host, method, *arguments, touched=touched) as fault:
            host = cluster.reached_engine(self._host)
            try:
                yield host, fault
            except EngineError as error:
                raise _placed(error, self._host) from None

    def _container(self, ref: str) -> tuple[Touched, ...]:
        """Return what an effect on that container touches; for an endpoint that is elsewhere, its container there."""
        with self._cluster.lock:
            try:
                found: Container | None = containers.find(self._cluster.hosts[self._host], ref)
            except NotFoundError:
                found = next(filter(None, (host.engine.named(ref) for host in self._cluster.hosts.values())), None)
            return () if found is None else (_touched("container", found.name, found.labels),)

    def _network(self, ref: str) -> tuple[Touched, ...]:
        with self._cluster.lock:
            try:
                found: Network = networks.find(self._cluster, self._cluster.hosts[self._host], ref)
            except EngineError:
                return ()
            return (_touched("network", found.name, found.labels),)


class FakeShell:
    """``ports.HostShell`` on a simulated host."""

    def __init__(self, cluster: Cluster, host: str) -> None:
        self._cluster = cluster
        self._host = host

    def facts(self, topology: str) -> HostFacts:
        """Read everything that is compared."""
        cluster = self._cluster
        with cluster.lock:
            cluster.read(self._host, "facts")
            host = cluster.reached(self._host)
            running = host.engine.running
            return HostFacts(
                hostname=host.hostname,
                boot_id=f"{host.name}-boot-{host.boots}",
                interfaces=dict(host.interfaces),
                daemon_json=host.daemon_json,
                record=host.records.get(topology),
                engine_arguments=(*daemon.ARGUMENTS, *host.arguments) if running else (),
                engine_unit="active" if running else "failed",
                gossips=running and bool(host.engine.cluster_store),
                files=files.facts(host, topology),
                others={name: text for name, text in host.records.items() if name != topology},
            )

    def write_daemon_json(self, text: str | None, *, expected: str | None) -> None:
        """Replace daemon.json if it still says what was expected."""
        with self._effect("write_daemon_json", text, expected) as host:
            if host.daemon_json != expected:
                message = f"host/{host.name}: /etc/docker/daemon.json was changed by somebody else meanwhile"
                raise HostError(message, hint="plan again")
            host.daemon_json = text

    def write_record(self, topology: str, text: str | None) -> None:
        """Replace our record."""
        with self._effect("write_record", topology, text) as host:
            if text is None:
                host.records.pop(topology, None)
            else:
                host.records[topology] = text

    def deliver(self, delivery: Delivery) -> str:
        """Put a copy there."""
        with self._effect("deliver", delivery) as host:
            return files.deliver(host, delivery)

    def sweep(self, topology: str, container: str, keep: Collection[str]) -> None:
        """Remove a container's copies."""
        with self._effect("sweep", topology, container, tuple(sorted(keep))) as host:
            files.sweep(host, topology, container, keep)

    def restart_engine(self, *, kill: bool = False) -> None:
        """Restart the daemon; HostError when it does not come up."""
        with self._effect("restart_engine", kill) as host:
            try:
                daemon.restart(self._cluster, host, kill=kill)
            except daemon.DaemonError as error:
                message = f"host/{host.name}: docker.service does not come up (it is failed); its log says\n  {error}"
                raise HostError(message, hint="journalctl -u docker, on the host, shows all of it") from None

    def interfaces(self, pids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
        """Return the interfaces inside the containers with these pids."""
        with self._cluster.lock:
            self._cluster.read(self._host, "interfaces")
            host = self._cluster.reached(self._host)
            found = {container.pid: container for container in host.engine.containers.values() if container.running}
            return {pid: shapes.interfaces(host, found[pid]) for pid in pids if pid in found}

    def ping(self, questions: Sequence[Ping], *, within_s: int = 3) -> list[Pong]:  # noqa: ARG002 - nobody waits here
        """Answer from the simulated data path."""
        with self._cluster.lock:
            self._cluster.read(self._host, "ping")
            host = self._cluster.reached(self._host)
            return [datapath.answer(self._cluster, host, question) for question in questions]

    def resolve(self, pid: int, resolv_conf: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002 - one resolver a container
        """Answer from the simulated networks."""
        with self._cluster.lock:
            self._cluster.read(self._host, "resolve")
            return datapath.resolve(self._cluster, self._cluster.reached(self._host), pid, names)

    @contextmanager
    def _effect(self, method: str, *arguments: Any) -> Iterator[Host]:
        with self._cluster.effect(self._host, method, *arguments):
            yield self._cluster.reached(self._host)


class FakeClock:
    """``ports.Clock`` of the cluster: a sleep is over at once, and time has passed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._cluster.time_s

    def monotonic(self) -> float:
        """Seconds since some time."""
        return self._cluster.time_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._cluster.lock:
            self._cluster.pass_time(seconds)

    def jitter(self) -> float:
        """Return the same draw always."""
        return 0.5


def _known(cluster: Cluster, host: str) -> str:
    if host not in cluster.hosts:
        raise UsageError(f"host/{host}: no such host in this cluster")
    return host


def _placed(error: _ERROR, host: str) -> _ERROR:
    """Return the error with its place in front."""
    return type(error)(f"host/{host}: {error.message}", status=error.status, hint=error.hint)


def _touched(kind: str, name: str, labels: Mapping[str, str]) -> Touched:
    return Touched(kind, name, tuple(sorted(labels.items())))
