"""
What was recorded of real engines, compared with what is declared: no difference, and one field for one that differs.

When a case is new or says something else, record again: ``make corpus``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest

from controller.diff import diff
from controller.lab.spec import SUITES
from controller.model.observed import DaemonState, HostState, Observed
from controller.observe.container import container_state
from controller.observe.network import network_state
from tests import corpus
from tests.corpus import FOLDER, TOPOLOGY, Corpus
from tests.corpus.normal import Normal
from tests.unit.reconcile.host_cases import host_containers, host_networks, host_topology
from tests.unit.reconcile.object_cases import (
    CONTAINER_CASES,
    NETWORKS,
    OTHER,
    differences,
    is_able,
    wanted_container,
    wanted_network,
)

if TYPE_CHECKING:
    from controller.model.observed import EngineState

WHICH = ("first", "second")
ENGINES = sorted(SUITES)
"""In the order of the alphabet: what is recorded stands in a file by an engine's name."""

read = lru_cache(corpus.read)


def container_lines(found: Corpus, name: str, declared: str, made: str) -> list[str]:
    """Return how a case's container differs that was made from one declaration, while another one is declared."""
    case = CONTAINER_CASES[name]
    wanted = wanted_container(case, getattr(case, declared), topology=TOPOLOGY)
    seen = container_state(found.containers[name, made])
    return differences(wanted, replace(found.state, containers=(seen,)))


def network_lines(found: Corpus, name: str, declared: str, made: str) -> list[str]:
    """Return the same of a network."""
    wanted = wanted_network(getattr(NETWORKS[name], declared), topology=TOPOLOGY)
    return differences(wanted, replace(found.state, networks=(network_state(found.networks[name, made]),)))


def host_lines(state: EngineState, kind: str = "", **fields: Any) -> list[tuple[str, list[str]]]:
    """Return address and fields of all that differs on the host with everything, if *fields* of a kind are others."""
    host = next(iter({one.name.rpartition("-")[2] for one in state.containers}))
    daemon = DaemonState(text=None, settings={}, problem=None, arguments=(), unit="active")
    seen = HostState(hostname=host, boot_id="", interfaces={}, daemon=daemon, record=None, engine=state)
    items = diff(host_topology(TOPOLOGY, host, kind, fields), Observed({host: seen}, None)).items
    return [(str(item.address).removesuffix(f"-{host}"), [change.field for change in item.changes]) for item in items]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_corpus_has_every_case_that_the_engine_can_do(engine: str) -> None:
    found = read(engine)
    able = {name for name, case in CONTAINER_CASES.items() if is_able(case, found.state)}
    assert set(found.containers) == {(name, which) for name in able for which in WHICH}
    assert set(found.networks) == {(name, which) for name in NETWORKS for which in WHICH}
    assert len(found.host.containers) == len(host_containers("h1"))
    assert {one.name for one in found.host.networks} == set(host_networks())


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_made_as_declared_does_not_differ(engine: str) -> None:
    found = read(engine)
    # it was made and not started
    keys = list(found.containers)
    assert [(key, container_lines(found, *key, key[1])) for key in keys] == [(key, ["state"]) for key in keys]
    same = [(name, which) for name, which in found.networks if which == "first" or not NETWORKS[name].by_hand]
    assert [(key, network_lines(found, *key, key[1])) for key in same] == [(key, []) for key in same]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("declared", "made"), [WHICH, WHICH[::-1]])
def test_another_declaration_is_exactly_that_field(engine: str, declared: str, made: str) -> None:
    found = read(engine)
    names = [name for name, which in found.containers if which == made]
    assert {name: container_lines(found, name, declared, made) for name in names} == {
        name: [CONTAINER_CASES[name].named, "state"] for name in names
    }
    pairs = {name: case.line for name, case in NETWORKS.items() if declared == "first" or not case.by_hand}
    assert {name: network_lines(found, name, declared, made) for name in pairs} == {
        name: [line] for name, line in pairs.items()
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_a_host_on_which_everything_runs_does_not_differ(engine: str) -> None:
    assert host_lines(read(engine).host) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("kind", "changes", "lines"),
    [
        ("a", {"networks": ["lan2"]}, ["networks.lan", "networks.lan2.aliases"]),
        ("b", {"networks": {"lan": {"ipv4_address": "10.70.0.14"}}}, ["networks.lan.ipv4_address"]),
        ("b", {"networks": ["lan", "lan2"]}, ["networks.lan2"]),
        ("form", {"hostname": None}, ["hostname"]),
        ("form", {"command": ["1"]}, ["command"]),
        ("form", {"restart": "always"}, ["restart"]),
        ("own", {"image": OTHER}, ["image"]),
        ("none", {"network_mode": "host"}, ["network_mode"]),
        ("host", {"network_mode": "none"}, ["network_mode"]),
    ],
)
def test_one_container_that_is_declared_otherwise_is_all_that_differs_on_a_host(
    engine: str, kind: str, changes: dict[str, Any], lines: list[str]
) -> None:
    assert host_lines(read(engine).host, kind, **changes) == [(f"container/{kind}", lines)]


def test_the_corpus_is_small_and_says_nothing_of_the_machine_that_recorded_it() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.gz")) == [f"{engine}.jsonl.gz" for engine in ENGINES]
    assert sum(corpus.size_bytes(engine) for engine in ENGINES) < 300_000
    for engine in ENGINES:
        text = gzip.decompress((FOLDER / f"{engine}.jsonl.gz").read_bytes()).decode()
        assert "ovctl-lab" not in text
        assert "192.168." not in text


def test_an_inspection_is_the_same_from_run_to_run_and_keeps_what_belongs_together() -> None:
    def inspection(number: int) -> dict[str, Any]:
        known = f"{number:064x}"[::-1]
        return {
            "Id": known,
            "Created": f"2026-01-0{number}",
            "LogPath": f"/x/{known}",
            "State": {"Pid": number, "StartedAt": f"2026-01-0{number}"},
            "Config": {"Hostname": known[:12]},
            "Networks": {"MacAddress": f"7a:00:00:00:00:0{number}", "NetworkID": "", "IPAddress": "10.70.0.11"},
            "Ports": [{"HostPort": str(40000 + number)}, {"HostPort": "8080"}],
            "Mounts": [{"Destination": "/a"}, {"Destination": "/b"}][:: 3 - 2 * number],
        }

    first, second = Normal()(inspection(1)), Normal()(inspection(2))
    assert first == second
    assert first["Config"]["Hostname"] == first["Id"][:12]
    assert "LogPath" not in first
    assert [place["HostPort"] for place in first["Ports"]] == ["32768", "8080"]
    both = Normal()
    assert json.dumps(both(inspection(1))) != json.dumps(both(inspection(2)))
