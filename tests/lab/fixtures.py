"""
Fixtures for tests against real hosts: one lab for the whole run, topologies on its addresses, and hosts left as found.

The lab is called ``test`` and has a subnet of its own, so that it can be up beside a person's. It is always taken down;
if a run is killed, the next one takes over what it left. Not for pytest-xdist: there is one lab.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from controller.model.allocation import COUNTS
from controller.topology.load import loads
from controller.wiring import connect
from tests.lab.own import on, own_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from controller.lab import Lab
    from controller.model.topology import Topology
    from controller.ports import Fleet

_T = TypeVar("_T")

LAB_NAME = "test"
PREFIX = "192.168.114"
HOSTS = ("h1", "h2", "h3")
STORE_URL = f"consul://{PREFIX}.10:8500"

_EXAMPLES = Path(__file__).parents[2] / "examples"
_EXAMPLE_PREFIX, _EXAMPLE_CONFIG = "192.168.112", "/var/lib/ovctl-lab/ovctl/ssh_config"
_DAEMON_JSON = "/etc/docker/daemon.json"
_KEPT_NETWORKS = ("bridge", "host", "none", "docker_gwbridge")


class LabExec(Protocol):
    """Runs a command on a host of the lab and returns what it printed."""

    def __call__(self, host: str, *argv: str) -> str:
        """Run *argv* on *host*; AssertionError when it fails."""
        ...


class TopologyFactory(Protocol):
    """Builds topologies on the lab's hosts and store."""

    def __call__(self, **fields: Any) -> Topology:
        """Return a topology with these top-level fields instead of the usual ones."""
        ...


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Three hosts with engine 20.10.5, whose daemons use no store yet, and a consul server."""
    with own_lab(LAB_NAME, hosts=len(HOSTS), engine="classic", subnet=f"{PREFIX}.0/24", store="consul") as found:
        yield found


@pytest.fixture(scope="session")
def lab_exec(lab: Lab) -> LabExec:
    """Run a command on a host of the lab."""

    def run(host: str, *argv: str) -> str:
        return on(lab, host, *argv)

    return run


@pytest.fixture(scope="session")
def topology_factory(lab: Lab) -> TopologyFactory:
    """Build topologies of the lab's hosts; without arguments, its three hosts and its store with nothing on them."""

    def build(**fields: Any) -> Topology:
        ssh = {"config": str(lab.ssh_config)}
        hosts = {name: {"address": f"{PREFIX}.{11 + at}", "ssh": ssh} for at, name in enumerate(HOSTS)}
        usual = {"version": 1, "name": "test", "store": STORE_URL, "hosts": hosts}
        return load_text(json.dumps({**usual, **fields}))

    return build


@pytest.fixture(scope="session")
def example(lab: Lab) -> Callable[..., Topology]:
    """Load ``examples/NAME.yaml`` on the lab's addresses; keywords replace top-level fields of the model."""

    def build(name: str = "topology", **changes: Any) -> Topology:
        topology = load_text(example_text(lab, name))
        return topology.model_copy(update=changes)

    return build


@pytest.fixture
def fleet(topology_factory: TopologyFactory) -> Iterator[Fleet]:
    """Reach the lab's hosts and its store through the real adapters."""
    found = connect(topology_factory())
    yield found
    found.close()


@pytest.fixture
def clean_hosts(lab: Lab) -> Iterator[None]:
    """Leave every host as it is found: what a test created, configured, switched off or unplugged is undone."""
    before = look(lab)
    yield
    restore(lab, before)


def example_text(lab: Lab, name: str = "topology") -> str:
    """Return the text of ``examples/NAME.yaml`` on the lab's addresses."""
    text = (_EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    return text.replace(_EXAMPLE_PREFIX, PREFIX).replace(_EXAMPLE_CONFIG, str(lab.ssh_config))


def load_text(text: str) -> Topology:
    """Return the topology that *text* declares."""
    return loads(text.encode(), Path("topology.yaml"), dict(os.environ)).topology


@dataclass(frozen=True, slots=True)
class Found:
    """What was on a host before a test."""

    containers: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]
    daemon_json: str | None


def look(lab: Lab) -> list[Found]:
    """Return what is on the lab's hosts, in their order."""
    return _each(lambda host: _look(lab, host))


def restore(lab: Lab, before: Sequence[Found]) -> None:
    """Bring the lab's hosts back to what they were."""
    store = lab.host("store")
    if not store.init_pid():
        lab.boot("store")
    on(lab, "store", "systemctl", "start", "consul")
    _each(lambda host: _power(lab, host))
    found = dict(zip(HOSTS, before, strict=True))
    _each(lambda host: _remove_containers(lab, host, found[host]))
    # the overlays of one host are those of all: one after the other
    for host in HOSTS:
        _remove_networks(lab, host, found[host])
    _each(lambda host: _configure(lab, host, found[host]))
    on(lab, "store", "consul", "kv", "delete", "-recurse", "ovctl/")
    if all(host.daemon_json is None for host in before):
        # no daemon uses the store now, so what they left there is nobody's
        on(lab, "store", "consul", "kv", "delete", "-recurse", "docker/")


def _look(lab: Lab, host: str) -> Found:
    return Found(
        containers=_words(lab, host, "docker", "ps", "-aq", "--no-trunc"),
        networks=_words(lab, host, "docker", "network", "ls", "-q", "--no-trunc"),
        volumes=_words(lab, host, "docker", "volume", "ls", "-q"),
        daemon_json=_daemon_json(lab, host),
    )


def _power(lab: Lab, host: str) -> None:
    """Switch a host on, plug it in, and have its engine answer."""
    found = lab.host(host)
    if not found.is_plugged:
        lab.link(host, up=True)
    if not found.init_pid():
        lab.boot(host)
    if lab.exec(host, ("timeout", "20", "docker", "version")).returncode != 0:
        lab.exec(host, ("rm", "-f", _DAEMON_JSON))
        _restart(lab, host)


def _remove_containers(lab: Lab, host: str, before: Found) -> None:
    created = _words(lab, host, "docker", "ps", "-aq", "--no-trunc") - before.containers
    if created:
        on(lab, host, "docker", "rm", "-f", "-v", *sorted(created))
    volumes = _words(lab, host, "docker", "volume", "ls", "-q") - before.volumes
    if volumes:
        on(lab, host, "docker", "volume", "rm", "-f", *sorted(volumes))


def _remove_networks(lab: Lab, host: str, before: Found) -> None:
    networks = json.loads(on(lab, host, "sh", "-c", "docker network inspect $(docker network ls -q)"))
    for network in networks:
        if network["Id"] in before.networks or network["Name"] in _KEPT_NETWORKS:
            continue
        for endpoint in network["Containers"].values():
            # a ghost: its container is gone
            lab.exec(host, ("docker", "network", "disconnect", "-f", network["Id"], endpoint["Name"]))
        if lab.exec(host, ("docker", "network", "rm", network["Id"])).returncode:
            # the engine missed its store for a moment, and counts an endpoint that is gone
            on(lab, "store", "consul", "kv", "put", f"{COUNTS}{network['Id']}/", '{"Count":0}')
            on(lab, host, "docker", "network", "rm", network["Id"])


def _configure(lab: Lab, host: str, before: Found) -> None:
    on(lab, host, "rm", "-rf", "/var/lib/ovctl")
    if _daemon_json(lab, host) != before.daemon_json:
        if before.daemon_json is None:
            on(lab, host, "rm", "-f", _DAEMON_JSON)
        else:
            written = lab.exec(host, ("tee", _DAEMON_JSON), input=before.daemon_json)
            assert written.returncode == 0, written.stderr
        _restart(lab, host)


def _restart(lab: Lab, host: str) -> None:
    lab.exec(host, ("systemctl", "kill", "-s", "KILL", "docker"))
    lab.exec(host, ("systemctl", "reset-failed", "docker", "docker.socket"))
    on(lab, host, "systemctl", "restart", "docker")


def _daemon_json(lab: Lab, host: str) -> str | None:
    done = lab.exec(host, ("cat", _DAEMON_JSON))
    return done.stdout if done.returncode == 0 else None


def _words(lab: Lab, host: str, *argv: str) -> frozenset[str]:
    return frozenset(on(lab, host, *argv).split())


def _each(work: Callable[[str], _T]) -> list[_T]:
    """Do *work* for all hosts side by side and return what came of it, in their order."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return list(pool.map(work, HOSTS))
