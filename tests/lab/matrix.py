"""
The lab ``matrix``: one host for each engine, what is declared on them, and how the cases are made there.

Beside the lab of the other tests; its tests, and the recorder of the corpus, bring it up one after the other.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from controller.apply.engine_config import container_config, endpoint_of, further_networks, network_config
from controller.lab.images import Node, busybox
from controller.model.desired import container_fields, network_fields
from controller.model.identity import Generation, owner_labels
from controller.model.observed import EngineState
from controller.observe import observe
from controller.plan import Policy
from controller.reconcile import Cycle
from controller.wiring import clock, connect
from tests.corpus import TOPOLOGY
from tests.lab.fixtures import load_text
from tests.lab.own import on, own_lab
from tests.unit.reconcile.host_cases import OWN, host_containers, host_networks
from tests.unit.reconcile.object_cases import CASE, OTHER, RICH, RICH_CONFIG
from tests.unit.reconcile.worlds import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from controller.lab import Lab
    from controller.model.network import Network
    from controller.model.plan import Plan
    from controller.model.topology import Container
    from controller.ports import Engine, Fleet, Json

T = TypeVar("T")

NAME, PREFIX = TOPOLOGY, "192.168.145"
ENGINES = ("classic", "etcd", "modern", "newest")
HOSTS = {engine: f"h{at}" for at, engine in enumerate(ENGINES, start=1)}


@dataclass(frozen=True)
class Matrix:
    """The lab's hosts, what is declared on them, and the way to them."""

    lab: Lab
    text: dict[str, Any]
    fleet: Fleet

    def cycle(self) -> Cycle:
        """Return a cycle as a new process would have it."""
        topology = load_text(json.dumps(self.text))
        return Cycle(topology, Generation("g"), self.fleet, clock(), Policy(max_deletes=99), 0.0)

    def plan(self) -> Plan:
        """Look."""
        return self.cycle().look()[1]

    def differences(self) -> list[tuple[str, list[str]]]:
        """Return address and fields of each item of a plan, sorted."""
        return sorted((str(item.address), [change.field for change in item.changes]) for item in self.plan().items)

    def converge(self) -> None:
        """Apply, and see that nothing is left to do."""
        carried = self.cycle().apply(lambda _: True, Silent(), lambda: False)
        assert carried is not None
        assert carried.report.ok, [(one.step.id, one.detail) for one in carried.report.outcomes if one.result != "done"]
        plan = self.plan()
        assert plan.empty, (plan.items, plan.blocked, plan.gaps)

    def engine_state(self, host: str) -> EngineState:
        """Return an engine as it is observed."""
        found = observe(load_text(json.dumps(self.text)), self.fleet).engine(host)
        assert isinstance(found, EngineState)
        return found

    def lives(self) -> dict[str, tuple[str, str, int]]:
        """Return container -> its id, when it was started and how often it was restarted."""
        found = {}
        for host in HOSTS.values():
            for summary in self.fleet.engine(host).containers():
                seen = self.fleet.engine(host).inspect_container(summary["Id"])
                found[f"{host}{seen['Name']}"] = (seen["Id"], seen["State"]["StartedAt"], seen["RestartCount"])
        return found

    def docker(self, host: str, *argv: str) -> str:
        """Run docker on a host, as somebody at its terminal does."""
        return on(self.lab, host, "docker", *argv)

    def everywhere(self, work: Callable[[str], T]) -> dict[str, T]:
        """Do *work* with each engine's name, side by side; engine -> what came of it."""
        with ThreadPoolExecutor(len(ENGINES)) as pool:
            return dict(zip(ENGINES, pool.map(work, ENGINES), strict=True))


@contextmanager
def raised(
    networks: Mapping[str, Any], containers: Mapping[str, Any], tags: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Matrix]:
    """
    Bring the lab up, apply what is declared, and take it down in the end.

    Args:
        tags: Image -> another name that hosts give it.
    """
    with own_lab(NAME, engine=",".join(ENGINES), subnet=f"{PREFIX}.0/24") as lab:
        ssh = {"config": str(lab.ssh_config)}
        text = {
            "version": 1,
            "name": NAME,
            "hosts": {host: {"address": f"{PREFIX}.{10 + int(host[1:])}", "ssh": ssh} for host in HOSTS.values()},
            "networks": dict(networks),
            "containers": dict(containers),
        }
        fleet = connect(load_text(json.dumps(text)))
        try:
            found = Matrix(lab, text, fleet)
            _load_images(found)
            for image, name in tags.items():
                for host in HOSTS.values():
                    found.docker(host, "tag", image, name)
            found.converge()
            yield found
        finally:
            fleet.close()


def everything() -> AbstractContextManager[Matrix]:
    """Bring the lab up with everything on each host that ``tests.unit.reconcile.host_cases`` declares."""
    containers = {name: fields for host in HOSTS.values() for name, fields in host_containers(host).items()}
    return raised(host_networks(), containers, tags={"busybox:1": OWN})


def _load_images(matrix: Matrix) -> None:
    """Give all hosts the images of the cases beside that of the lab."""
    images = (
        busybox((OTHER,), more={"etc/other": Node(b"", 0o644)}),
        busybox((RICH,), RICH_CONFIG),
    )
    with tempfile.TemporaryDirectory() as folder:
        for image in images:
            file = Path(folder) / image.tags[0]
            file.write_bytes(image.archive)
            matrix.everywhere(partial(_load, matrix, image.tags[0], file))


def _load(matrix: Matrix, reference: str, archive: Path, engine: str) -> None:
    matrix.fleet.engine(HOSTS[engine]).load_image(reference, str(archive), lambda _: None)


def made_container(client: Engine, wanted: Container, body: Container) -> Json:
    """Create *body* under the owner labels of *wanted*, without starting it; return its inspection."""
    labels = {**body.labels, **owner_labels(NAME, container_fields(wanted))}
    made = client.create_container(CASE, container_config(body, labels))
    try:
        for network in further_networks(body):
            client.connect(network, made, endpoint_of(body.networks[network]))
        return client.inspect_container(made)
    finally:
        client.remove_container(made, force=True)


def network_by_hand(wanted: Network, body: Network, by_hand: Json) -> Json:
    """Return what an engine is told so that it makes *body*, changed *by_hand*, under the owner labels of *wanted*."""
    labels = {**body.labels, **owner_labels(NAME, network_fields(wanted))}
    return {**network_config(body, labels), **by_hand}


def made_network(client: Engine, wanted: Network, body: Network, by_hand: Json) -> Json:
    """Make what ``network_by_hand`` tells; return it as a list of networks shows it."""
    made = client.create_network(CASE, network_by_hand(wanted, body, by_hand))
    try:
        (found,) = (network for network in client.networks() if network["Id"] == made)
        return found
    finally:
        client.remove_network(made)
