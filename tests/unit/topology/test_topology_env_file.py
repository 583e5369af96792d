"""Variables from files reach the containers that name the files, below their own environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.topology.load import load
from controller.topology.tree import MAX_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.load import Loaded

HEAD = "version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(containers: str, more: str = "", *, env: Mapping[str, str] | None = None) -> Loaded:
    """Load a topology with *containers*, mappings without host and image, each on its line."""
    lines = containers.splitlines()
    text = "".join(f"  c{at}: {{host: h1, image: i, {line}}}\n" for at, line in enumerate(lines))
    Path("t.yaml").write_text(f"{HEAD}{more}containers:\n{text}", encoding="utf-8")
    return load(Path("t.yaml"), env or {})


def environments(containers: str, more: str = "", *, env: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    topology = loaded(containers, more, env=env).topology
    return [container.environment for container in topology.containers.values()]


def problems(containers: str, more: str = "", *, env: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(TopologyError) as error:
        loaded(containers, more, env=env)
    return [str(problem) for problem in error.value.problems]


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def test_environment_wins_and_of_several_files_the_last() -> None:
    write("a.env", "A=a\nB=a\nC=a\n")
    write("b.env", "B=b\nC=b\n")
    merged = {"A": "a", "B": "b", "C": "own"}
    assert environments(
        "env_file: [a.env, b.env], environment: {C: own}\n"
        "env_file: [a.env, b.env], environment: [C=own]\n"
        "env_file: a.env\n"
        "env_file: []\n"
    ) == [merged, merged, {"A": "a", "B": "a", "C": "a"}, {}]


def test_a_default_file_gives_way_to_a_file_of_ones_own() -> None:
    write("a.env", "A=a\nB=a\n")
    write("b.env", "B=b\nC=b\n")
    defaults = "defaults: {containers: {env_file: a.env, environment: {C: default}}}\n"
    assert environments("labels: {}\nenv_file: b.env\nenvironment: {B: own}\n", defaults) == [
        {"A": "a", "B": "a", "C": "default"},
        {"B": "b", "C": "default"},
        {"A": "a", "B": "own", "C": "default"},
    ]


def test_what_a_file_says_is_part_of_the_generation_and_the_file_of_the_files() -> None:
    write("a.env", "A=1\n")
    first = loaded("env_file: a.env")
    assert first.files == (Path("t.yaml"), Path("a.env"))
    write("a.env", "A=1 # comment\n")
    assert loaded("env_file: a.env").generation_digest == first.generation_digest
    write("a.env", "A=2\n")
    assert loaded("env_file: a.env").generation_digest != first.generation_digest


def test_a_mistake_in_a_file_is_told_once_however_many_name_it() -> None:
    write("sub/a.env", "A=1\n  BROKEN\n")
    assert problems("env_file: sub/a.env\nenv_file: ./sub/a.env\nenv_file: [sub/a.env]\n") == [
        "sub/a.env:2:3: the line has no = in it, and nothing is taken from the environment unasked"
    ]


def test_a_default_file_is_judged_where_it_stands_whoever_takes_it() -> None:
    assert problems("env_file: []", "defaults: {containers: {env_file: [no.env, 5]}}\n") == [
        "t.yaml:4:36: defaults.containers.env_file[0]: no.env: no such file",
        "t.yaml:4:44: defaults.containers.env_file[1]: expected text, got the number 5",
    ]
    assert problems("labels: {}\nlabels: {}", "defaults: {containers: {env_file: no.env}}\n") == [
        "t.yaml:4:35: defaults.containers.env_file: no.env: no such file"
    ]


def test_a_file_that_cannot_be_read_is_told_where_it_is_named(here: Path) -> None:
    write("latin.env", "")
    Path("latin.env").write_bytes(b"A=1\nB=\xe9\n")
    found = problems("env_file: no.env\nenv_file: [no.env, '']\nenv_file: latin.env\nenv_file: sub\nenv_file: a*.env\n")
    assert found[:3] == [
        "t.yaml:5:38: containers.c0.env_file: no.env: no such file",
        "t.yaml:6:39: containers.c1.env_file[0]: no.env: no such file",
        "t.yaml:6:47: containers.c1.env_file[1]: the path is empty, or no path",
    ]
    assert found[3] == "t.yaml:8:38: containers.c3.env_file: sub: no such file"
    assert found[4] == "t.yaml:9:38: containers.c4.env_file: patterns are not taken"
    assert found[5] == "latin.env:2:3: the byte 0xe9 is not UTF-8"
    assert problems(f"env_file: {here}") == [f"t.yaml:5:38: containers.c0.env_file: {here}: is a directory"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "t.yaml:5:38: containers.c0.env_file: expected text or a list, got nothing"),
        ("5", "t.yaml:5:38: containers.c0.env_file: expected text or a list, got the number 5"),
        ("{path: a.env}", "t.yaml:5:28: containers.c0.env_file: expected text or a list, got a mapping"),
        ("[{path: a.env}]", "t.yaml:5:39: containers.c0.env_file[0]: expected text, got a mapping"),
        ("$X", "t.yaml:5:38: containers.c0.env_file: $X is not set and has no default"),
    ],
)
def test_what_is_no_path_is_refused(value: str, problem: str) -> None:
    assert problems(f"env_file: {value}") == [problem]


def test_a_misspelled_key_is_told_with_what_is_meant() -> None:
    write("a.env", "A=1\n")
    with pytest.raises(TopologyError, match=r"envfile: unknown key\n  hint: did you mean env_file\?"):
        loaded("envfile: a.env")


def test_a_wrong_environment_is_told_as_without_a_file() -> None:
    write("a.env", "A=1\n")
    assert problems("env_file: a.env, environment: [B]\nenv_file: a.env, environment: 5\n") == [
        "t.yaml:5:59: containers.c0.environment[0]: 'B' is not KEY=VALUE",
        "t.yaml:6:58: containers.c1.environment: expected a mapping, got the number 5",
    ]


def test_no_value_is_part_of_any_message() -> None:
    write("hunter2.env", "A=hunter2\nB='hunter2\nC=${hunter2}\nhunter2\n")
    found = problems("env_file: $F, restart: x, labels: {ovctl.a: b}", env={"F": "hunter2.env"})
    assert len(found) == 5
    assert "hunter2" not in "\n".join(found)
    assert found[2] == "$F:2:3: the quote is not closed"


def test_a_link_within_the_directory_is_followed_and_one_that_leads_out_is_not(tmp_path: Path) -> None:
    write("a.env", "A=1\n")
    Path("link.env").symlink_to("a.env")
    assert environments("env_file: link.env") == [{"A": "1"}]
    outside = tmp_path.parent / f"{tmp_path.name}.env"
    outside.write_text("A=2\n")
    Path("out.env").symlink_to(outside)
    assert problems("env_file: out.env") == [
        "t.yaml:5:38: containers.c0.env_file: a symbolic link leads out of the directory of this file"
    ]
    assert environments(f"env_file: ../{outside.name}\nenv_file: {outside}") == [{"A": "2"}] * 2


def test_more_files_than_places_can_tell_apart_are_refused() -> None:
    for at in range(MAX_FILES):
        write(f"{at}.env", f"A{at}={at}\n")
    names = [f"{at}.env" for at in range(MAX_FILES)]
    assert len(environments(f"env_file: [{', '.join(names[:-1])}]")[0]) == MAX_FILES - 1
    (problem,) = problems(f"env_file: [{', '.join(names)}]")
    assert problem.endswith(f"containers.c0.env_file[{MAX_FILES - 1}]: more than 2,048 files are named")
