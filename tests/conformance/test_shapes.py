"""The fake's JSON is an engine's: the same history, told by both, field by field; and what ``observe`` makes of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from controller.model.observed import HostState
from controller.observe import observe
from tests.conformance.normal import Normalizer, differences
from tests.conformance.scenario import Story
from tests.conformance.world import FakeWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.world import RealWorld


@pytest.fixture
def lab_world(real: RealWorld) -> Iterator[RealWorld]:
    """
    The lab, cleaned up afterwards.

    Its daemons are started anew: the longer one runs, the more of its threads were left in the network namespaces of
    containers, and the oftener it misses the store at random (moby#39036). A history cannot be told twice.
    """
    real.restart()
    yield real
    real.clean()


@pytest.mark.lab
def test_a_history_reads_the_same_in_both_worlds(lab_world: RealWorld) -> None:
    stories = [Story(FakeWorld()), Story(lab_world)]
    for story in stories:
        story.tell()
    fake, real = (story.chapters for story in stories)
    assert list(fake) == list(real)
    found = [line for title in fake for line in differences(fake[title], real[title], title)]
    assert not found, "\n".join(found)


@pytest.mark.lab
def test_what_is_observed_is_the_same_in_both_worlds(lab_world: RealWorld) -> None:
    seen = []
    for world in (FakeWorld(), lab_world):
        Story(world).tell()
        observed = observe(lab_world.topology, world.fleet)
        normal = Normalizer(
            {world.store_url: "<store>", **{world.address(host): f"<{host}>" for host in ("h1", "h2", "h3")}}
        )
        hosts = {name: state for name, state in observed.hosts.items() if isinstance(state, HostState)}
        for state in hosts.values():
            for container in getattr(state.engine, "containers", ()):
                normal.name(container.id, container.name)
            for network in getattr(state.engine, "networks", ()):
                normal.name(network.id, network.name)
        seen.append(normal({name: _comparable(state) for name, state in hosts.items()}))
    found = list(differences(*seen))
    assert not found, "\n".join(found)


def _comparable(state: HostState) -> dict[str, object]:
    """Return what is to be equal, with sets sorted; boots and what the image is called differ."""
    found = asdict(state)
    engine = found["engine"]
    return {
        "hostname": found["hostname"],
        "daemon": {key: found["daemon"][key] for key in ("text", "settings", "problem", "unit")},
        "record": found["record"],
        "engine": {key: engine[key] for key in ("version", "cluster_store", "cluster_advertise", "swarm")},
        "containers": [
            {
                key: repr(sorted(item, key=str)) if isinstance(item, frozenset) else item
                for key, item in container.items()
            }
            for container in ({**item, "pid": item["pid"] > 0} for item in engine["containers"])
        ],
        "networks": [network["name"] for network in engine["networks"]],
        "foreign": sorted(name for names in engine["foreign_endpoints"].values() for name in names),
        "gateway_addresses": sorted(key for key in engine["gateway_addresses"] if not key.startswith("ep-")),
    }
