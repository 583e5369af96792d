"""Claims that hold for any file."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.errors import TopologyError
from controller.topology.interpolate import InterpolationError, interpolate
from controller.topology.load import loads
from controller.topology.scalars import resolve
from controller.topology.source import Source
from controller.topology.yaml_tree import read_tree

if TYPE_CHECKING:
    from controller.topology.problem import Problem

WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="$\x7f", exclude_categories=["Cc", "Cs"])
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
# what PyYAML writes without quotes and YAML 1.2 reads as a number is one of the known differences
TEXTS = WORDS.filter(lambda text: isinstance(resolve(text), str)) | st.sampled_from(
    ["", "~", "true", "no", "010", "1.5"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | TEXTS
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=4), max_leaves=20
)
# words that YAML 1.1 and 1.2 read differently, unless quoted
ONLY_1_1 = re.compile(
    r"y|n|yes|no|on|off|=|<<|[-+]?[0-9][0-9_:.]*|0b[01_]+|0x[0-9a-f_]+|[0-9]{4}-.*|[-+]?[0-9_.]+e.*", re.IGNORECASE
)


def problems_of(data: bytes) -> tuple[Problem, ...]:
    """Load *data*; return what is wrong with it, or the warnings. Anything but a TopologyError fails the test."""
    try:
        return loads(data, Path("t.yaml"), {}).warnings
    except TopologyError as error:
        found: tuple[Problem, ...] = error.problems
        return found


HEAD = b"version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"
LINES = st.sampled_from(
    [
        b"a: 1\n",
        b"  - x\n",
        b"- &a b\n",
        b"c: *a\n",
        b"<<: *a\n",
        b"? x\n",
        b": y\n",
        b"containers:\n",
        b"  cc:\n",
        b"    host: h1\n",
        b"    ports: [80, x, {target: 0}]\n",
        b"    networks: {n: {ipv4_address: 10.0.0.1}}\n",
        b"    depends_on: {cc: {condition: ${X:-y}}}\n",
        b"networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1/3}]}}}\n",
        b"store: {place: {host: h2}}\n",
        b"hosts: [h1]\n",
        b"'",
        b'"',
        b"{",
        b"]",
        b"\t",
        b"|\n",
        b"--- \n",
        b"%YAML 1.1\n",
        b"!t ",
        b"$",
    ],
)


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_the_loader_reads_what_pyyaml_wrote(data: Any) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    tree = read_tree(text, "t.yaml", {})
    assert tree.problems == ()
    assert tree.root == yaml.load(text, Loader=yaml.CSafeLoader)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12))
def test_plain_scalars_are_what_pyyaml_reads_unless_yaml_1_1_differs(text: str) -> None:
    value = resolve(text)
    if ONLY_1_1.fullmatch(text) or text.startswith("0o"):
        return
    try:
        peer, in_list = yaml.safe_load(text), yaml.safe_load(f"[{text}]")
    except yaml.YAMLError:
        return
    if in_list == [peer] and isinstance(peer, (bool, int, float)):
        assert value == peer or (value != value and peer != peer)  # noqa: PLR0124 - NaN is what differs from itself


@given(
    st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(0, 10**6) | NAMES, max_size=5), max_size=5), st.booleans()
)
def test_places_point_at_the_text(data: dict[str, dict[str, Any]], flow: bool) -> None:  # noqa: FBT001 - drawn
    text = yaml.safe_dump(data, default_flow_style=flow or None, width=30)
    source = Source(read_tree(text, "t.yaml", {}))
    lines = text.splitlines()
    for outer, entries in data.items():
        for inner, value in entries.items():
            key, place = source.key_place(outer, inner), source.place(outer, inner)
            assert lines[key.line - 1][key.column - 1 :].lstrip("'").startswith(inner)
            assert lines[place.line - 1][place.column - 1 :].lstrip("'").startswith(str(value))


@given(st.binary(max_size=200) | st.lists(LINES, max_size=12).map(b"".join), st.booleans())
@settings(max_examples=500, deadline=None)
def test_any_bytes_give_a_topology_or_a_topology_error(data: bytes, behind: bool) -> None:  # noqa: FBT001 - drawn
    problems = problems_of((HEAD if behind else b"") + data)
    assert all(problem.place.file == "t.yaml" and problem.fact for problem in problems)


@given(
    TREES,
    st.sampled_from(["hosts", "networks", "containers", "store", "name", "version", "x-a", "defaults", "include"]),
)
@settings(max_examples=300, deadline=None)
def test_any_data_anywhere_gives_a_topology_or_a_topology_error(data: Any, section: str) -> None:
    document = {"version": 1, "name": "t", "hosts": {"h1": {"address": "192.0.2.1"}}, section: data}
    problems = problems_of(yaml.safe_dump(document).encode())
    assert all(problem.place.line for problem in problems)


@given(TREES, st.sampled_from(["hosts", "networks", "containers"]), st.sampled_from(["env_file", "ssh", "labels", "x"]))
@settings(max_examples=300, deadline=None)
def test_any_data_as_a_default_gives_a_topology_or_a_topology_error(data: Any, section: str, key: str) -> None:
    document = {
        "version": 1,
        "name": "t",
        "hosts": {"h1": {"address": "192.0.2.1", "ssh": {"user": "ops"}}},
        "containers": {"aa": {"host": "h1", "image": "i", "labels": {"a": "b"}}},
        "defaults": {section: {key: data}},
    }
    for defaults in (document["defaults"], {section: data}):
        problems = problems_of(yaml.safe_dump(document | {"defaults": defaults}).encode())
        assert all(problem.place.line for problem in problems)


@given(st.text("${}:-?+AB x", max_size=30))
@settings(max_examples=500)
def test_any_text_is_interpolated_or_refused(text: str) -> None:
    with contextlib.suppress(InterpolationError):
        interpolate(text, {"A": "a"})


@given(WORDS)
def test_text_without_a_dollar_is_not_changed(text: str) -> None:
    assert interpolate(text, {}) == text
    assert interpolate(text.replace("x", "$$"), {}) == text.replace("x", "$")
