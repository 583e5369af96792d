"""
Every plain field on every engine of the lab: what is declared is read back, and what is changed by hand is one line.

A lab of its own, ``matrix``, with one host for each engine, beside that of the other lab tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.apply.engine_config import container_config
from controller.diff.container_fields import field_changes, why_unable
from controller.lab.spec import SUITES
from controller.model.container_fields import FIELDS
from controller.model.desired import container_labels
from controller.model.topology import Container
from controller.observe.container import container_state
from controller.observe.image import image_state
from tests.lab.matrix import ENGINES, HOSTS, NAME, made_container, raised
from tests.unit.reconcile.field_cases import BY_HAND, CASES, LIMITS, lines
from tests.unit.reconcile.object_cases import (
    ANNOTATIONS,
    CASE,
    CONTAINER_CASES,
    LANS,
    OTHER,
    RICH,
    differences,
    is_able,
    wanted_container,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.observed import EngineState
    from tests.lab.matrix import Matrix

PLAIN = (*CASES, ANNOTATIONS)

LIMITED = ("classic", "etcd")
"""Engines whose hosts can limit everything on any machine; the others see cgroup2, which may lack controllers."""
WITHOUT_ANNOTATIONS = ("classic", "etcd")


def declared(engine: str) -> dict[str, Any]:
    """Return a declared container of the host with *engine*, on its bridge, with every limit where there are any."""
    name, limits = HOSTS[engine], LIMITS if engine in LIMITED else {}
    usual = {"host": name, "image": "busybox:1", "command": ["sleep", "infinity"], "stop_grace_period": "1s"}
    return {**usual, "restart": "always", "networks": {"lan": {"aliases": ["www"]}, "lan2": {}}, **limits}


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    """The lab with what is declared applied."""
    containers = {f"{kind}{HOSTS[engine]}": declared(engine) for engine in ENGINES for kind in ("a", "b")}
    with raised(LANS, containers) as found:
        yield found


@pytest.fixture(scope="module")
def states(matrix: Matrix) -> dict[str, EngineState]:
    """Engine -> what is observed of it."""
    return {engine: matrix.engine_state(host) for engine, host in HOSTS.items()}


def tried(matrix: Matrix, engine: str) -> tuple[int, list[str], frozenset[str]]:
    """
    Create each case's two declarations, and the second under the first one's labels, as by hand.

    Returns:
        How many were created, what was not as it should be, and the fields that ovctl refuses on this engine.
    """
    client, state = matrix.fleet.engine(HOSTS[engine]), matrix.engine_state(HOSTS[engine])
    images = {reference: image_state(client, reference) for reference in ("busybox:1", OTHER, RICH)}
    count, wrong, lacking = 0, list[str](), set[str]()
    for name, case in CONTAINER_CASES.items():
        if not is_able(case, state):
            lacking.add(case.field)
            continue
        first, second = (wanted_container(case, value, topology=NAME) for value in (case.first, case.second))
        for wanted, body, expected in ((first, first, []), (second, second, []), (first, second, [case.named])):
            made = made_container(client, wanted.containers[CASE], body.containers[CASE])
            count += 1
            said = differences(wanted, replace(state, containers=(container_state(made),), images=images))
            # it was not started
            if said != [*expected, "state"]:
                wrong.append(f"{engine}: {name}: {said} for {expected}")
    return count, wrong, frozenset(lacking)


def test_the_matrix_has_every_engine_of_the_lab_and_every_plain_field() -> None:
    assert set(ENGINES) == set(SUITES)
    assert {case.field for case in PLAIN} == {row.name for row in FIELDS}
    assert (len(ENGINES), len(PLAIN), len(FIELDS)) == (4, 43, 39)


def test_every_field_is_read_back_as_declared_and_another_value_is_one_line_on_every_engine(matrix: Matrix) -> None:
    found = matrix.everywhere(lambda engine: tried(matrix, engine))
    assert [line for _, wrong, _ in found.values() for line in wrong] == []
    for engine, (count, _, lacking) in found.items():
        kernel = matrix.engine_state(HOSTS[engine]).lacks
        assert not (kernel and engine in LIMITED)
        unlimited = {row.name for row in FIELDS if row.kernel in kernel}
        assert lacking == unlimited | ({"annotations"} if engine in WITHOUT_ANNOTATIONS else set())
        assert count == 3 * sum(case.field not in lacking for case in CONTAINER_CASES.values())


@st.composite
def mixtures(draw: st.DrawFn) -> dict[str, Any]:
    """Draw declarations of up to twelve fields together; what is declared of swap stands with its memory."""
    cases = draw(st.lists(st.sampled_from(PLAIN), unique_by=lambda case: case.field, min_size=2, max_size=12))
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
