"""What the YAML loader takes, refuses and remembers."""

from __future__ import annotations

import math
from textwrap import dedent
from typing import Any

import pytest

from controller.topology.scalars import resolve
from controller.topology.source import Source
from controller.topology.yaml_tree import MAX_DEPTH, read_tree


def tree(text: str) -> Any:
    result = read_tree(dedent(text), "t.yaml", {})
    assert not result.problems, result.problems
    return result.root


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read_tree(dedent(text), "t.yaml", {}).problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("010", 10),
        ("-08", -8),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2001-01-01", "2001-01-01"),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        ("~", None),
        ("null", None),
        ("", None),
        ("-", "-"),
        ("9" * 101, "9" * 101),
        ("\u0661", "\u0661"),
    ],
)
def test_plain_scalars_take_the_value_of_the_yaml_1_2_core_schema(text: str, value: Any) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_read() -> None:
    found = resolve(".NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_quoted_and_block_scalars_are_text() -> None:
    assert tree("a: '010'\nb: \"true\"\nc: |\n  12\n") == {"a": "010", "b": "true", "c": "12\n"}


def test_keys_are_always_text() -> None:
    assert tree("80: a\ntrue: b\n") == {"80": "a", "true": "b"}


def test_anchors_aliases_and_merge_keys_work() -> None:
    text = """\
    a: &a {x: 1, y: 2}
    b: {<<: *a, y: 3}
    c: {y: 4, <<: [{z: 5, x: 6}, *a]}
    d: *a
    e: &text word
    f: [*text]
    *text : 7
    """
    assert tree(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"y": 4, "z": 5, "x": 6},
        "d": {"x": 1, "y": 2},
        "e": "word",
        "f": ["word"],
        "word": 7,
    }


def test_a_quoted_merge_key_is_a_key() -> None:
    assert tree('a: {"<<": 1}') == {"a": {"<<": 1}}


def test_a_merged_value_has_the_place_of_its_anchor() -> None:
    text = "a: &a\n  x: 1\nb:\n  y: 2\n  <<: *a\n"
    source = Source(read_tree(text, "t.yaml", {}))
    assert str(source.place("b", "x")) == "t.yaml:2:6"
    assert str(source.place("b", "y")) == "t.yaml:4:6"
    assert str(source.key_place("b", "y")) == "t.yaml:4:3"


def test_what_is_not_in_the_file_has_the_place_of_its_parent() -> None:
    source = Source(read_tree("a:\n  b: 1\n", "t.yaml", {}))
    assert str(source.place("a", "c", "d")) == "t.yaml:1:1"
    assert str(source.place("a", "b", "d")) == "t.yaml:2:6"
    assert str(source.place()) == "t.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: a: the key stands twice, first at 1:1"),
        ("a: {b: 1, c: 2, b: 3}", "t.yaml:1:17: a.b: the key stands twice, first at 1:5"),
        ("a: &a [*a]", "t.yaml:1:8: a[0]: *a stands inside the value that it stands for"),
        ("a: *nope", "t.yaml:1:4: a: *nope is not defined before this place"),
        ("? [a]\n: 1", "t.yaml:1:3: a key must be text, this one is a list"),
        ("{a: 1}: 1", "t.yaml:1:1: a key must be text, this one is a mapping"),
        ("a: &a [1]\n*a : 2", "t.yaml:2:1: a key must be text, *a is not"),
        ("a: !!python/object:os.system x", "t.yaml:1:4: a: tags such as !!python/object:os.system are not taken"),
        ("a: !foo [x]", "t.yaml:1:4: a: tags such as !foo are not taken"),
        ("!x a: 1", "t.yaml:1:1: tags such as !x are not taken"),
        ("a: {<<: 1}", "t.yaml:1:9: a.<<: << takes a mapping or a list of mappings"),
        ("a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document starts here"),
        ('a: "x\\0y"', "t.yaml:1:4: a: the text holds a NUL character"),
        ("a: 1\n? \n: 1", "t.yaml:2:2: a key is empty"),
        ("a:\n\t- b", "t.yaml:2:1: a tab indents here"),
        ("a: @b", "t.yaml:1:4: '@' starts no value"),
        ("a: b: c", "t.yaml:1:5: mapping values are not allowed in this context"),
        ("a: 'b", "t.yaml:1:6: unexpected end of stream, while scanning a quoted scalar that starts at 1:4"),
        ("a: b\nc: \0", "t.yaml:2:4: a NUL character is not allowed here"),
        ("é: \x07", "t.yaml:1:4: the control character U+0007 is not allowed here"),
    ],
)
def test_what_is_wrong_with_yaml_is_told_with_its_place(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_reading_goes_on_after_a_mistake() -> None:
    assert len(problems("a: !x 1\na: 2\nb: *b\n? [k]\n: *c\nd: $X\n")) == 6


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "aliases stand for more than 2,000,000 values" in problems("\n".join(lines))[0]


def test_a_long_text_behind_many_aliases_is_refused() -> None:
    text = f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 200)}]"
    assert "aliases stand for more than 2,000,000 values" in problems(text)[0]


def test_a_chain_of_aliases_is_not_deeper_than_anything_else() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert "nested more than 64 deep" in problems("\n".join(lines))[0]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 10_000, "- " * 10_000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert f"nested more than {MAX_DEPTH} deep" in problems(text)[0]
