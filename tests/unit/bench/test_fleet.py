"""The fleets that are measured: whole, even, and accepted by the product's own loader."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench import apply, crash
from bench.fleet import Shape, places, topology_text
from bench.raw import work_of
from controller.topology.load import load

if TYPE_CHECKING:
    from controller.model.topology import Topology

SHAPES = pytest.mark.parametrize("shape", [apply.SHAPE, crash.SHAPE], ids=lambda shape: shape.name)
CONFIG = Path("/nowhere/ssh_config")


def read(text: str, directory: Path) -> Topology:
    path = directory / "topology.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, {}).topology


@SHAPES
def test_every_overlay_has_containers_on_every_host(shape: Shape) -> None:
    seen = {(network, place.host) for place in places(shape) for network in place.addresses}
    assert seen == {(network, host) for network in shape.network_names for host in shape.host_names}


@SHAPES
def test_hosts_carry_the_same_number_of_containers(shape: Shape) -> None:
    counts = Counter(place.host for place in places(shape))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert sum(counts.values()) == shape.containers


@SHAPES
def test_no_ip_address_is_given_twice(shape: Shape) -> None:
    given = [address for place in places(shape) for address in place.addresses.values()]
    assert len(given) == len(set(given))


def test_doubled_containers_are_on_two_overlays() -> None:
    numbers = [len(place.addresses) for place in places(crash.SHAPE)]
    assert numbers == [2, 1, 1, 1] * 3


@SHAPES
def test_topology_is_accepted_with_its_fixed_ip_addresses(shape: Shape, tmp_path: Path) -> None:
    topology = read(topology_text(shape, CONFIG), tmp_path)
    declared = {
        name: {network: str(attachment.ipv4_address) for network, attachment in container.networks.items()}
        for name, container in topology.containers.items()
    }
    assert declared == {place.name: dict(place.addresses) for place in places(shape)}


def test_topology_can_declare_the_hosts_alone(tmp_path: Path) -> None:
    topology = read(topology_text(apply.SHAPE, CONFIG, filled=False), tmp_path)
    assert (tuple(topology.hosts), dict(topology.networks), dict(topology.containers)) == (("h1", "h2"), {}, {})


def test_marks_change_the_marked_containers_only(tmp_path: Path) -> None:
    plain = read(topology_text(crash.SHAPE, CONFIG), tmp_path).containers
    marked = read(topology_text(crash.SHAPE, CONFIG, marks={"soak-c02": "x"}), tmp_path).containers
    assert [name for name in plain if plain[name] != marked[name]] == ["soak-c02"]
    assert dict(marked["soak-c02"].environment) == {"MARK": "x"}


def test_raw_work_is_all_that_is_declared(tmp_path: Path) -> None:
    work = work_of(read(topology_text(apply.SHAPE, CONFIG), tmp_path))
    assert tuple(request.name for request in work.networks) == apply.SHAPE.network_names
    assert [len(work.containers[host]) for host in apply.SHAPE.host_names] == [20, 20]
    first = work.containers["h1"][0]
    assert first.name == "bench-c01"
    assert first.body["HostConfig"]["NetworkMode"] == "bench-net1"
    assert first.body["Labels"]["ovctl.topology"] == "bench"
