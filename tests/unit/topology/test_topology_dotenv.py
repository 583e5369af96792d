"""A file of variables is read as Compose reads it, and no message shows anything of a value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.topology.dotenv import Mistaken, Variable, read_variables

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def read(text: str, env: dict[str, str] | None = None) -> dict[str, str]:
    found = list(read_variables(text, env or {}))
    assert all(isinstance(one, Variable) for one in found), found
    return {one.name: one.value for one in found if isinstance(one, Variable)}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("A= b ", "b"),
        ("A = b", "b"),
        ("  A=b", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("A: b", "b"),
        ("A=b=c", "b=c"),
        ("A=b:c", "b:c"),
        ("A=b # c", "b"),
        ("A=b# c", "b# c"),
        ("A= # c", ""),
        ("A=#c", "#c"),
        ("A='b # c'", "b # c"),
        ("A='b' # c", "b"),
        ("A=' b '", " b "),
        ("A='b\\'c'", "b'c"),
        ("A='b\\nc'", "b\\nc"),
        ("A='$B ${C}'", "$B ${C}"),
        ('A="b \\"c\\" \\n\\t\\\\ \\q"', 'b "c" \n\t\\ \\q'),
        ('A="b\nc"', "b\nc"),
        ("A='b\nc'", "b\nc"),
        ('A="b" # "c"', "b"),
        ("A=b'c", "b'c"),
        ("A=$X", "x"),
        ('A="${X}-${Y:-y}"', "x-y"),
        ('A="\\$X"', "$X"),
        ("A=$$X", "$X"),
        ("A=b\\c", "b\\c"),
        ("A=b\r", "b"),
        ("A='b'\r", "b"),
    ],
)
def test_a_line_is_what_compose_takes_it_for(line: str, value: str) -> None:
    assert read(f"# first\n\n{line}\n\t# last\n", {"X": "x"}) == {"A": value}


def test_a_value_may_name_a_variable_of_a_line_above_but_the_environment_wins() -> None:
    assert read("A=1\nB=$A$X\nX=2\nC=$X\n", {"X": "x"}) == {"A": "1", "B": "1x", "X": "2", "C": "x"}


@pytest.mark.parametrize(
    ("text", "at", "fact"),
    [
        ("A=1\nSECRET\nB=2", 4, "the line has no = in it, and nothing is taken from the environment unasked"),
        ("export SECRET", 7, "the line has no = in it"),
        ("A b=SECRET", 0, "what stands before the = is no name of a variable"),
        ("1A=SECRET", 0, "what stands before the = is no name of a variable"),
        ("=SECRET", 0, "what stands before the = is no name of a variable"),
        ("A='SECRET", 2, "the quote is not closed"),
        ('A="SECRET\\"', 2, "the quote is not closed"),
        ('A="x"SECRET', 5, "text stands behind the closing quote"),
        ("A='x'#SECRET", 5, "text stands behind the closing quote"),
        ("A=SE\0CRET", 2, "the value holds a NUL character"),
        ("A=x$SECRET", 2, "a $ in the value starts no variable, or one that is not set"),
        ("A=${SECRET:?SECRET}", 2, "a $ in the value starts no variable, or one that is not set"),
        ("A=x$", 2, "a $ in the value starts no variable, or one that is not set"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_without_the_text(text: str, at: int, fact: str) -> None:
    (found,) = (one for one in read_variables(text, {}) if isinstance(one, Mistaken))
    assert found.at == at
    assert found.fact.startswith(fact)
    assert "SECRET" not in found.fact + found.hint


def test_a_variable_that_stands_twice_is_told_with_the_first_place() -> None:
    (found,) = (one for one in read_variables("B=1\nA=SECRET\nA=x\n", {}) if isinstance(one, Mistaken))
    assert (found.at, found.fact) == (13, "A stands twice, first in line 2")


def test_reading_goes_on_after_a_mistake() -> None:
    found = list(read_variables("A\nB=1\n1C=\nD='\nE=2\n", {}))
    assert [one.name for one in found if isinstance(one, Variable)] == ["B", "E"]
    assert len(found) == 5


@given(st.dictionaries(NAMES, TEXTS, max_size=4))
@settings(deadline=None)
def test_any_values_in_double_quotes_come_back(values: dict[str, str]) -> None:
    escapes = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$"})
    text = "\n".join(f'{name}="{value.translate(escapes)}"' for name, value in values.items())
    assert read(text) == values


@given(st.text(st.sampled_from("AB=:'\"\\$#{} \t\n\r\0x"), max_size=40))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_to_its_end(text: str) -> None:
    places = [one.at for one in read_variables(text, {"A": "a"})]
    assert places == sorted(places)
    assert all(0 <= at <= len(text) for at in places)
    assert bool(places) == any(line.strip() and not line.strip().startswith("#") for line in text.split("\n"))
