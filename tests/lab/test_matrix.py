"""
Every plain field on every engine of the lab: what is declared is read back, and what is changed by hand is one line.

A lab of its own, ``matrix``, with one host for each engine, beside that of the other lab tests.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.apply.engine_config import container_config
from controller.diff.container_fields import field_changes, why_unable
from controller.lab import Lab
from controller.lab.locks import locked
from controller.lab.spec import SUITES
from controller.model.container_fields import FIELDS
from controller.model.desired import container_labels
from controller.model.identity import Generation
from controller.model.observed import EngineState
from controller.model.topology import Container
from controller.observe import observe
from controller.observe.container import container_state
from controller.plan import Policy
from controller.reconcile import Cycle
from controller.wiring import clock, connect
from tests.lab.fixtures import load_text
from tests.unit.reconcile.field_cases import BY_HAND, CASES, LIMITS, Case, lines
from tests.unit.reconcile.worlds import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.plan import Plan
    from controller.ports import Fleet

NAME, PREFIX = "matrix", "192.168.145"
ENGINES = ("classic", "etcd", "modern", "newest")
HOSTS = {engine: f"h{at}" for at, engine in enumerate(ENGINES, start=1)}
ANNOTATIONS = Case("annotations", {"org.example.a": "1"}, {"org.example.a": "2"}, "annotations.org.example.a")
ALL = (*CASES, ANNOTATIONS)

LIMITED = ("classic", "etcd")
"""Engines whose hosts can limit everything on any machine; the others see cgroup2, which may lack controllers."""
WITHOUT_ANNOTATIONS = ("classic", "etcd")


@dataclass(frozen=True)
class Matrix:
    """The lab's hosts, each with a bridge and two containers declared, and the way to them."""

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


def declared(engine: str) -> dict[str, Any]:
    """Return a declared container of the host with *engine*, on its bridge, with every limit where there are any."""
    name, limits = HOSTS[engine], LIMITS if engine in LIMITED else {}
    usual = {"host": name, "image": "busybox:1", "command": ["sleep", "infinity"], "stop_grace_period": "1s"}
    return {**usual, "restart": "always", "networks": {"lan": {"aliases": ["www"]}}, **limits}


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    """The lab with what is declared applied."""
    lab = Lab(NAME)
    with locked(Path(tempfile.gettempdir()) / f"ovctl-lab-{NAME}.lock"):
        lab.down()
        try:
            lab.up(engine=",".join(ENGINES), subnet=f"{PREFIX}.0/24", store="none")
            ssh = {"config": str(lab.ssh_config)}
            text = {
                "version": 1,
                "name": NAME,
                "hosts": {host: {"address": f"{PREFIX}.{10 + int(host[1:])}", "ssh": ssh} for host in HOSTS.values()},
                "networks": {"lan": {"driver": "bridge", "ipam": {"config": [{"subnet": "10.70.0.0/24"}]}}},
                "containers": {f"{kind}{HOSTS[engine]}": declared(engine) for engine in ENGINES for kind in ("a", "b")},
            }
            found = Matrix(lab, text, connect(load_text(json.dumps(text))))
            found.converge()
            yield found
            found.fleet.close()
        finally:
            lab.down()


@pytest.fixture(scope="module")
def states(matrix: Matrix) -> dict[str, EngineState]:
    """Engine -> what is observed of it."""
    return {engine: matrix.engine_state(host) for engine, host in HOSTS.items()}


def case_container(host: str, case: Case, value: Any) -> Container:
    """Return a container that declares *value* for the field of *case*, on no network."""
    fields = {"host": host, "image": "busybox:1", "command": ["sleep", "infinity"]}
    return Container.model_validate({**fields, **dict(case.also), case.field: value})


def tried(matrix: Matrix, engine: str) -> tuple[int, list[str], frozenset[str]]:
    """
    Create each case's two declarations, and the second under the first one's labels, as by hand.

    Returns:
        How many were created, what was not as it should be, and the fields that ovctl refuses on this engine.
    """
    host = HOSTS[engine]
    client, state = matrix.fleet.engine(host), matrix.engine_state(host)
    image = state.images["busybox:1"]
    assert image is not None
    count, wrong, lacking = 0, [], set()
    for case in ALL:
        first, second = (case_container(host, case, value) for value in (case.first, case.second))
        if why_unable(first, state) is not None:
            lacking.add(case.field)
            continue
        for wanted, body, expected in ((first, first, []), (second, second, []), (first, second, [case.named])):
            made = client.create_container("case", container_config(body, container_labels(NAME, wanted)))
            found = container_state(client.inspect_container(made))
            client.remove_container(made, force=True)
            count += 1
            said = [change.field for change in field_changes(wanted, found, state, image)]
            if said != expected:
                wrong.append(f"{engine}: {case.field}: {said} for {expected}")
    return count, wrong, frozenset(lacking)


def test_the_matrix_has_every_engine_of_the_lab_and_every_plain_field() -> None:
    assert set(ENGINES) == set(SUITES)
    assert {case.field for case in ALL} == {row.name for row in FIELDS}
    assert (len(ENGINES), len(ALL), len(FIELDS)) == (4, 43, 39)


def test_every_field_is_read_back_as_declared_and_another_value_is_one_line_on_every_engine(matrix: Matrix) -> None:
    with ThreadPoolExecutor(len(ENGINES)) as pool:
        found = dict(zip(ENGINES, pool.map(lambda engine: tried(matrix, engine), ENGINES), strict=True))
    assert [line for _, wrong, _ in found.values() for line in wrong] == []
    for engine, (count, _, lacking) in found.items():
        kernel = matrix.engine_state(HOSTS[engine]).lacks
        assert not (kernel and engine in LIMITED)
        unlimited = {row.name for row in FIELDS if row.kernel in kernel}
        assert lacking == unlimited | ({"annotations"} if engine in WITHOUT_ANNOTATIONS else set())
        assert count == 3 * sum(case.field not in lacking for case in ALL)


@st.composite
def mixtures(draw: st.DrawFn) -> dict[str, Any]:
    """Draw declarations of up to twelve fields together; what is declared of swap stands with its memory."""
    cases = draw(st.lists(st.sampled_from(ALL), unique_by=lambda case: case.field, min_size=2, max_size=12))
    fields = {case.field: case.first if draw(st.booleans()) else case.second for case in cases}
    for case in cases:
        fields |= dict(case.also)
    return fields


# the same twenty in each run: what fails once can be tried again
@settings(max_examples=20, derandomize=True, database=None, deadline=None)
@given(fields=mixtures())
def test_fields_that_are_declared_together_are_read_back_on_every_engine(
    matrix: Matrix, states: dict[str, EngineState], fields: dict[str, Any]
) -> None:
    for engine, state in states.items():
        usual = {"host": HOSTS[engine], "image": "busybox:1", "command": ["sleep", "infinity"]}
        image, client = state.images["busybox:1"], matrix.fleet.engine(HOSTS[engine])
        assert image is not None
        able = {
            name: value
            for name, value in fields.items()
            if why_unable(Container.model_validate({**usual, name: value}), state) is None
        }
        wanted = Container.model_validate({**usual, **able})
        made = client.create_container("mixture", container_config(wanted, container_labels(NAME, wanted)))
        found = container_state(client.inspect_container(made))
        client.remove_container(made, force=True)
        assert list(field_changes(wanted, found, state, image)) == [], engine


@pytest.mark.parametrize("field", sorted(BY_HAND))
def test_a_limit_changed_by_hand_is_one_line_and_goes_back_with_nothing_restarted(matrix: Matrix, field: str) -> None:
    update, line = BY_HAND[field]
    hosts = [HOSTS[engine] for engine in (ENGINES if field == "restart" else LIMITED)]
    before = matrix.lives()
    for host in hosts:
        matrix.fleet.engine(host).update_container(f"a{host}", update)
    plan = matrix.plan()
    assert [(item.address.name, [change.field for change in item.changes]) for item in plan.items] == [
        (f"a{host}", [line]) for host in hosts
    ]
    matrix.converge()
    assert matrix.lives() == before


def test_a_container_whose_aliases_were_changed_by_hand_is_attached_anew_and_not_restarted(matrix: Matrix) -> None:
    before = matrix.lives()
    for host in HOSTS.values():
        client = matrix.fleet.engine(host)
        client.disconnect("lan", f"a{host}")
        client.connect("lan", f"a{host}", {"Aliases": ["other"]})
    assert lines(matrix.plan()) == ["networks.lan.aliases"] * len(ENGINES)
    matrix.converge()
    assert matrix.lives() == before


def test_a_container_that_was_removed_by_hand_comes_back_and_no_other_is_touched(matrix: Matrix) -> None:
    before = matrix.lives()
    for host in HOSTS.values():
        matrix.fleet.engine(host).remove_container(f"a{host}", force=True)
    assert [item.cls for item in matrix.plan().items] == ["missing"] * len(ENGINES)
    matrix.converge()
    after = matrix.lives()
    assert {name for name in before if after[name] != before[name]} == {f"{host}/a{host}" for host in HOSTS.values()}
