"""
A cluster of hosts, engines and a store in memory, behaving like Debian's engine 20.10.5 with a consul store.

Only its state, time, and what happens to it from outside (power cuts, pulled cables, a store that stops). What engines
do on request is in ``networks``, ``containers`` and ``daemon``; what ovctl may ask for is in ``fleet``.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.errors import UnreachableError
from controller.model.identity import STORE_CONTAINER
from tests.fakes import containers, daemon, files, networks
from tests.fakes.faults import Faults, Killed
from tests.fakes.state import GATEWAY_BRIDGE, Effect, Host, Image, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.ports import Holder
    from tests.fakes.faults import Fault
    from tests.fakes.state import Json, Touched

START_S = 1_795_000_000.0
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BUSYBOX: Json = {"Env": [PATH], "Cmd": ["sh"], "Entrypoint": None, "Labels": None}
CONSUL: Json = {"Env": [PATH], "Cmd": None, "Entrypoint": ["consul"], "Labels": {"vendor": "debian"}}


class Cluster:
    """
    Hosts h1 … hN with an engine each, and a store.

    Args:
        hosts: How many.
        prefix: First three numbers of the hosts' addresses; h1 is .11, the store .10.
        store: Whether there is a store outside the hosts.
        joined: Whether the daemons use the store already.
        placed_on: The store is the container ``ovctl-store`` on this host instead.
    """

    def __init__(
        self,
        hosts: int = 3,
        *,
        prefix: str = "192.168.112",
        store: bool = True,
        joined: bool = False,
        placed_on: str = "",
    ) -> None:
        self.lock = threading.RLock()
        self.faults = Faults()
        self.effects: list[Effect] = []
        self.reads: Counter[tuple[str, str]] = Counter()
        self.time_s = START_S
        self.count = 0
        self.unreachable_pairs: set[frozenset[str]] = set()
        self.hosts: dict[str, Host] = {}
        self.registry: dict[str, Json] = {}
        self.local_locks: dict[str, tuple[Holder, str]] = {}
        self.store: Store | None = None
        if placed_on:
            self.store = Store(f"consul://{prefix}.{10 + int(placed_on[1:])}:8500", placed_on=placed_on)
        elif store:
            self.store = Store(f"consul://{prefix}.10:8500")
        for number in range(1, hosts + 1):
            self.add_host(f"h{number}", f"{prefix}.{10 + number}")
            if joined:
                self.join(f"h{number}")

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what cannot be copied."""
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a lock of its own."""
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def copy(self) -> Cluster:
        """Return an independent copy, planned faults and all."""
        with self.lock:
            return pickle.loads(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))  # type: ignore[no-any-return]  # noqa: S301 - our own bytes

    def snapshot(self, *, ids: bool = False) -> Json:
        """
        Return the lasting state as plain data for comparison: settings, records, networks, containers, endpoints, keys.

        Args:
            ids: Whether ids count; without them, two ways to the same state are equal.
        """
        with self.lock:
            return {
                "hosts": {name: self._host_snapshot(host, ids=ids) for name, host in self.hosts.items()},
                "store": self.store
                and {
                    "keys": dict(sorted(self.store.keys.items())),
                    "registrations": sorted(self.registrations()),
                    "networks": _network_snapshots(self.store.networks.values(), ids=ids),
                },
            }

    def _host_snapshot(self, host: Host, *, ids: bool) -> Json:
        engine = host.engine
        return {
            "daemon_json": host.daemon_json,
            "records": dict(sorted(host.records.items())),
            **files.snapshot(host),
            "engine": (engine.running, engine.cluster_store, engine.cluster_advertise),
            "containers": {
                container.name: {
                    "id": container.id if ids else "",
                    "status": container.status,
                    "image": container.image_id,
                    "config": _without_short_id(container.config, container.id),
                    "host_config": container.host_config if ids else files.without_versions(container.host_config),
                    "attachments": {
                        name: (
                            attachment.fixed_ip,
                            attachment.fixed_ip6,
                            sorted(set(attachment.aliases or ()) - {container.id[:12]}),
                            bool(attachment.endpoint_id),
                            attachment.ip,
                            attachment.ip6,
                            attachment.mac,
                        )
                        for name, attachment in sorted(container.attachments.items())
                    },
                }
                for container in sorted(engine.containers.values(), key=lambda container: container.name)
            },
            "networks": _network_snapshots(engine.networks.values(), ids=ids),
            "volumes": sorted((found.name, found.options, found.labels) for found in engine.volumes.values()),
        }

    # -- what everything else here is made from

    def new_id(self, kind: str) -> str:
        """Return the next id, 64 hex digits; the same history makes the same ids."""
        self.count += 1
        return hashlib.sha256(f"{kind}-{self.count}".encode()).hexdigest()

    def timestamp(self) -> str:
        """Return now as engines write it."""
        return datetime.fromtimestamp(self.time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"

    def store_answers(self) -> bool:
        """Whether there is a store and it runs."""
        if self.store is None or not self.store.up:
            return False
        if not self.store.placed_on:
            return True
        host = self.hosts[self.store.placed_on]
        found = host.engine.named(STORE_CONTAINER)
        return found is not None and found.status == "running" and host.powered and host.plugged

    def sees_store(self, host: Host) -> bool:
        """Whether this host's engine runs with the store, and the store answers it."""
        return (
            self.store is not None
            and host.engine.cluster_store == self.store.url
            and self.store_answers()
            and host.plugged
        )

    @property
    def locks(self) -> dict[str, tuple[Holder, str]]:
        """The cycle locks: in the store, or without one, on the machine where ovctl runs."""
        return self.local_locks if self.store is None else self.store.locks

    def registrations(self) -> tuple[str, ...]:
        """Return the IP:PORTs that are registered and have not run out."""
        if self.store is None:
            return ()
        return tuple(sorted(at for at, end in self.store.registrations.items() if end is None or end > self.time_s))

    def reached(self, host: str) -> Host:
        """Return the host; UnreachableError when ssh does not reach it, Killed when the process is dead."""
        if self.faults.killed:
            raise Killed
        found = self.hosts[host]
        if not found.powered or not found.plugged or host in self.faults.unreachable:
            message = f"host/{host}: ssh {found.address}:22: connection timed out"
            raise UnreachableError(message, hint="is it on, and does its network work?")
        return found

    def reached_engine(self, host: str) -> Host:
        """Return the host; UnreachableError when its engine does not answer."""
        found = self.reached(host)
        if not found.engine.running or host in self.faults.hung_engines:
            raise UnreachableError(
                f"host/{host}: the engine does not answer", hint=f"on {host}: systemctl status docker"
            )
        return found

    def read(self, host: str, method: str) -> None:
        """Count a read."""
        if self.faults.killed:
            raise Killed
        self.reads[host, method] += 1

    @contextmanager
    def effect(
        self, host: str, method: str, *arguments: Any, touched: tuple[Touched, ...] = ()
    ) -> Iterator[Fault | None]:
        """Note an effect and let it happen, or go wrong as planned; its body holds the cluster's lock."""
        with self.lock:
            if self.faults.killed:
                raise Killed
            self.effects.append(Effect(host, method, arguments, touched))
            fault = self.faults.take(host, method, str(arguments[0]) if arguments else "")
            if fault is not None and not fault.after and not fault.leak:
                self._count_down()
                raise fault.fresh()
            try:
                yield fault
            finally:
                self._count_down()
            if fault is not None and fault.after:
                raise fault.fresh()

    def _count_down(self) -> None:
        if self.faults.left is None:
            return
        self.faults.left -= 1
        if self.faults.left <= 0:
            self.faults.killed = True
            self.locks.clear()  # the lock of a dead holder frees itself
            raise Killed

    # -- what happens to it from outside

    def add_host(self, name: str, address: str) -> Host:
        """Put a host up whose engine has busybox:1 and consul:1.8 and uses no store."""
        host = Host(name, address, name, {"lo": "127.0.0.1", "eth0": address, "docker0": "172.17.0.1"})
        self.hosts[name] = host
        networks.make_predefined(self, host)
        self.add_image(name, "busybox:1", BUSYBOX)
        self.add_image(name, "consul:1.8", CONSUL)
        return host

    def add_image(self, host: str, tag: str, config: Json | None = None) -> str:
        """Give a host an image; the same configuration has the same id everywhere."""
        config = config if config is not None else BUSYBOX
        image_id = "sha256:" + hashlib.sha256(repr((tag, sorted(config.items()))).encode()).hexdigest()
        images = self.hosts[host].engine.images
        for other in [other for other in images.values() if tag in other.tags]:
            other.tags = tuple(known for known in other.tags if known != tag)
        images[image_id] = Image(image_id, (tag,), config)
        return image_id

    def join(self, host: str) -> None:
        """Let a daemon join the store as if somebody had done so by hand."""
        found = self.hosts[host]
        if self.store is None:
            message = "this cluster has no store"
            raise ValueError(message)
        found.daemon_json = f'{{"cluster-store": "{self.store.url}", "cluster-advertise": "{found.address}:2376"}}\n'
        daemon.restart(self, found)

    def crash(self, host: str) -> None:
        """Cut a host's power: its endpoints stay in the store, its registration until it runs out."""
        with self.lock:
            found = self.hosts[host]
            found.powered = False
            daemon.die(self, found, exit_code=255, is_power_cut=True)

    def boot(self, host: str) -> None:
        """Switch a host on: overlay containers that ran when it died cannot start, their ghosts are gone."""
        with self.lock:
            found = self.hosts[host]
            found.powered = True
            found.boots += 1
            daemon.start(self, found)

    def unplug(self, host: str) -> None:
        """Pull a host's cable."""
        self.hosts[host].plugged = False

    def plug(self, host: str) -> None:
        """Plug a host's cable in."""
        self.hosts[host].plugged = True

    def kill_engine(self, host: str) -> None:
        """Kill -9 a host's dockerd; systemd starts it again."""
        with self.lock:
            found = self.hosts[host]
            daemon.die(self, found, exit_code=137)
            daemon.start(self, found)

    def repair_engine(self, host: str) -> None:
        """Move local-kv.db away, with the daemon stopped: what a host needs after a power cut."""
        with self.lock:
            found = self.hosts[host]
            daemon.stop(self, found)
            found.engine.has_stale_sandboxes = False
            found.engine.stuck_ports.clear()
            local = found.engine.networks
            for network in [network for network in local.values() if network.name not in networks.REMADE]:
                del local[network.id]
            daemon.start(self, found)

    def exit_container(self, host: str, name: str, exit_code: int = 0) -> None:
        """Let a container's process end by itself; its restart policy counts."""
        with self.lock:
            found = self.hosts[host]
            container = found.engine.named(name)
            if container is None or not container.running:
                message = f"{name} does not run on {host}"
                raise ValueError(message)
            containers.end(self, found, container, exit_code)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.time_s += seconds

    def wipe_store(self) -> None:
        """Lose everything that the store knew."""
        if self.store is not None:
            self.store.keys.clear()
            self.store.registrations.clear()
            self.store.networks.clear()
            self.store.locks.clear()


def _without_short_id(config: Json, container_id: str) -> Json:
    if config.get("Hostname") == container_id[:12]:
        return {**config, "Hostname": ""}
    return config


def _network_snapshots(found: Any, *, ids: bool) -> list[Json]:
    return [
        {
            "id": network.id if ids else "",
            "name": network.name,
            "driver": network.driver,
            "ipam": (network.ipam_driver, network.ipam_options, network.ipam),
            "enable_ipv6": network.enable_ipv6,
            "attachable": network.attachable,
            "internal": network.internal,
            "options": network.options,
            "labels": network.labels,
            "endpoints": sorted((endpoint.name, endpoint.ip, endpoint.host) for endpoint in network.endpoints.values())
            if network.scope == "global"
            else [],
        }
        for network in sorted(found, key=lambda network: (network.name, network.id if ids else ""))
        if network.name != GATEWAY_BRIDGE
    ]
