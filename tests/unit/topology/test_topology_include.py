"""Several files are one topology: which file a thing stands in makes no difference, and places name the right one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cli.validate import validate
from controller.errors import TopologyError
from controller.topology.files import MAX_BYTES
from controller.topology.load import load, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.load import Loaded

HEAD = "version: 1\nname: t\n"
H1 = "hosts: {h1: {address: 192.0.2.1}}\n"
EMPTY = "# nothing\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(main: str, env: Mapping[str, str] | None = None, **files: str) -> Loaded:
    """Load *main* as t.yaml, with *files* beside it: NAME_yaml is NAME.yaml, and two underscores are a slash."""
    for name, text in {"t_yaml": main, **files}.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load(Path("t.yaml"), env or {})


def problems(main: str, env: Mapping[str, str] | None = None, **files: str) -> list[str]:
    try:
        found = loaded(main, env, **files).warnings
    except TopologyError as error:
        found = error.problems
    return [str(problem) for problem in found]


def test_files_contribute_hosts_networks_containers_and_defaults() -> None:
    found = loaded(
        HEAD + "store: consul://192.0.2.9:8500\ninclude: [a.yaml, {path: sub/b.yaml}]\n" + H1,
        a_yaml="networks: {n1: }\ndefaults: {containers: {image: i, labels: {a: 1}}, hosts: {sudo: true}}\nx-a: 1\n",
        sub__b_yaml="include: [c.yaml]\ncontainers: {c1: {host: h2, networks: [n1]}}\n"
        "defaults: {networks: {mtu: 1400}}\n",
        sub__c_yaml="hosts: {h2: {address: 192.0.2.2}}\ndefaults: {containers: {labels: {b: 2}}}\n",
    )
    topology = found.topology
    assert topology.containers["c1"].labels == {"a": "1", "b": "2"}
    assert topology.networks["n1"].mtu == 1400
    assert [topology.hosts[name].sudo for name in ("h1", "h2")] == [True, True]
    assert found.files == tuple(Path(name) for name in ("t.yaml", "a.yaml", "sub/b.yaml", "sub/c.yaml"))
    assert str(found.places.place("hosts", "h2", "address")) == "sub/c.yaml:1:23"


def test_paths_of_variables_are_relative_to_the_file_that_names_them() -> None:
    Path("sub").mkdir()
    Path("sub/a.env").write_text("A=sub\n")
    Path("a.env").write_text("A=main\n")
    topology = loaded(
        HEAD + H1 + "include: [sub/b.yaml]\ncontainers: {c1: {host: h1, image: i, env_file: a.env}}\n",
        sub__b_yaml="containers: {c2: {host: h1, image: i, env_file: a.env}}\n",
    ).topology
    assert [topology.containers[name].environment["A"] for name in ("c1", "c2")] == ["main", "sub"]


def test_variables_work_in_included_files_and_their_names() -> None:
    topology = loaded(
        HEAD + "include: ['$S.yaml']\n", {"S": "prod", "A": "192.0.2.7"}, prod_yaml="hosts: {h1: {address: $A}}\n"
    ).topology
    assert str(topology.hosts["h1"].address) == "192.0.2.7"


def test_what_a_variable_in_a_files_name_holds_is_not_shown() -> None:
    main = HEAD + H1 + "include: ['$S.yaml', '${S}er.yaml']\n"
    found = problems(main, {"S": "hunter2"}, hunter2_yaml="hsts: {}\n")
    assert found == ["t.yaml:4:22: include[1]: ${S}er.yaml: no such file", "$S.yaml:1:1: hsts: unknown key"]


def test_the_files_are_listed_for_programs_as_they_are_written() -> None:
    loaded(HEAD + H1 + "include: ['$S.yaml']\n", {"S": "prod"}, prod_yaml="networks: {}\n")
    result = CliRunner(env={"S": "prod"}).invoke(validate, ["-o", "json", "t.yaml"])
    assert json.loads(result.stdout)["files"] == ["t.yaml", "$S.yaml"]


def test_problems_of_all_files_are_told_at_once_in_the_order_of_files() -> None:
    found = problems(
        HEAD + "include: [b.yaml, a.yaml]\n" + H1 + "containers: {c1: {host: h3, image: i}}\n",
        a_yaml="hosts: {h2: {address: x}}\ncontainers: {c2: {host: h1, image: I}}\n",
        b_yaml="containers:\n  c3: {host: h1, image: i, restart: never, environment: {A: no}}\n",
    )
    assert found == [
        "t.yaml:5:25: containers.c1.host: no host is named 'h3'",
        "b.yaml:2:37: containers.c3.restart: 'never' is no restart policy",
        "b.yaml:2:61: containers.c3.environment.A: no is the text 'no', not true or false",
        "a.yaml:1:23: hosts.h2.address: 'x' is not an IPv4 address",
        "a.yaml:2:36: containers.c2.image: 'I' has capital letters",
    ]


def test_a_fact_about_two_files_has_both_places() -> None:
    network = "networks: {n1: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}\nstore: consul://192.0.2.9:8500\n"
    on = "containers: {%s: {host: h1, image: i, networks: {n1: {ipv4_address: 10.0.0.2}}}}\n"
    (found,) = problems(HEAD + H1 + network + "include: [a.yaml]\n" + on % "c1", a_yaml=on % "c2")
    assert found == (
        "a.yaml:1:69: containers.c2.networks.n1.ipv4_address: "
        "10.0.0.2 is already the address of container c1 (t.yaml:7:69)"
    )


@pytest.mark.parametrize(
    ("main", "more", "problem"),
    [
        (H1, H1, "a.yaml:1:9: hosts.h1: the key stands twice, first at t.yaml:4:9"),
        (
            H1 + "containers: {c1: {host: h1, image: i}}\n",
            "containers: {c1: {host: h2, image: j}}\n",
            "a.yaml:1:14: containers.c1: the key stands twice, first at t.yaml:5:14",
        ),
        (
            H1 + "defaults: {containers: {image: i}}\n",
            "defaults: {containers: {image: i}}\n",
            "a.yaml:1:25: defaults.containers.image: the key stands twice, first at t.yaml:5:25",
        ),
        (
            H1 + "defaults: {containers: {labels: {a: 1}}}\n",
            "defaults: {containers: {labels: {a: 1}}}\n",
            "a.yaml:1:34: defaults.containers.labels.a: the key stands twice, first at t.yaml:5:34",
        ),
        (
            H1 + "defaults: {hosts: {ssh: {user: a}}}\n",
            "defaults: {hosts: {ssh: {port: 22}}}\n",
            None,
        ),
        (H1, "name: t\nversion: 1\n", None),
        (H1, "name: u\n", "a.yaml:1:1: name: name is another one than in the main file (t.yaml:2:1)"),
        (H1, "store: consul://a:1\n", "a.yaml:1:1: store: store belongs into the main file, and is not there"),
        (H1, "hosts: []\n", "a.yaml:1:1: hosts: expected a mapping, got a list"),
        (H1, "networks:\n", "a.yaml:1:10: networks: expected a mapping, got nothing"),
        (H1, "hsts: {}\n", "a.yaml:1:1: hsts: unknown key"),
        (H1, EMPTY, "a.yaml:1:1: the file is empty"),
        (H1, "- a\n", "a.yaml:1:1: expected a mapping, got a list"),
        (H1, "a: [\n", "a.yaml:2:1: did not find expected node content, while parsing a flow node"),
        ("", "networks: {}\n", "t.yaml:1:1: hosts is missing"),
    ],
)
def test_two_files_that_do_not_fit_are_told_with_both_places(main: str, more: str, problem: str | None) -> None:
    found = problems(HEAD + "include: [a.yaml]\n" + main, a_yaml=more)
    assert [line.partition(" that starts")[0] for line in found] == ([] if problem is None else [problem])


def test_files_that_include_each_other_are_told_with_the_whole_way() -> None:
    found = problems(HEAD + H1 + "include: [a.yaml]\n", a_yaml="include: [b.yaml]\n", b_yaml="include: [./a.yaml]\n")
    assert found == ["b.yaml:1:11: include[0]: the files include each other: a.yaml -> b.yaml -> a.yaml"]
    assert problems(HEAD + H1 + "include: [t.yaml]\n") == [
        "t.yaml:4:11: include[0]: the files include each other: t.yaml -> t.yaml"
    ]


def test_a_file_that_is_included_twice_is_told_with_both_places() -> None:
    Path("link.yaml").symlink_to("c.yaml")
    found = problems(
        HEAD + H1 + "include: [a.yaml, c.yaml]\n", a_yaml="include: [link.yaml]\n", c_yaml="networks: {}\n"
    )
    assert found == ["a.yaml:1:11: include[0]: the file is included already (t.yaml:4:19)"]


def test_while_a_file_cannot_be_read_only_what_is_wrong_anyway_is_told() -> None:
    main = HEAD + "include: [no.yaml, a.yaml]\ncontainers: {c1: {host: h1, restart: never}}\n"
    assert problems(main, a_yaml="containers: {c2: {host: h2, image: i, comand: x}}\n") == [
        "t.yaml:3:11: include[0]: no.yaml: no such file",
        "t.yaml:4:38: containers.c1.restart: 'never' is no restart policy",
        "a.yaml:1:39: containers.c2.comand: unknown key",
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a.yaml", "include: expected a list, got the text 'a.yaml'"),
        ("", "include: expected a list, got nothing"),
        ("[5]", "include[0]: expected text, got the number 5"),
        ("[[a.yaml]]", "include[0]: expected text, got a list"),
        ("[{paht: a.yaml}]", "include[0].paht: unknown key"),
        ("[{path: a.yaml, env_file: b}]", "include[0].env_file: unknown key"),
        ("[{path: [a.yaml]}]", "include[0].path: expected text, got a list"),
        ("[{}]", "include[0]: path is missing"),
        ("['*.yaml']", "include[0]: patterns are not taken"),
        ("['~/a.yaml']", "include[0]: ~ stands for no directory here"),
        ("['']", "include[0]: the path is empty, or no path"),
        ("[$X]", "include[0]: $X is not set and has no default"),
        ("[.]", "include[0]: .: is a directory"),
        ("[out.yaml]", "include[0]: a symbolic link leads out of the directory of this file"),
        ("[]", None),
    ],
)
def test_what_is_no_list_of_files_is_refused(value: str, problem: str | None, here: Path) -> None:
    outside = here.parent / f"{here.name}.yaml"
    outside.write_text(H1)
    Path("out.yaml").symlink_to(outside)
    found = problems(f"{HEAD}{H1}include: {value}\n", a_yaml="networks: {}\n")
    assert [line.split(": ", 1)[1] for line in found][:1] == ([] if problem is None else [problem])


def test_a_file_outside_is_included_where_it_is_written_out(here: Path) -> None:
    outside = here.parent / f"{here.name}.yaml"
    outside.write_text(H1)
    for path in (f"../{outside.name}", str(outside)):
        assert list(loaded(f"{HEAD}include: ['{path}']\n").topology.hosts) == ["h1"]


def test_a_file_that_is_no_text_is_told_by_its_own_name() -> None:
    Path("a.yaml").write_bytes(b"hosts: {}\n\xff")
    assert problems(HEAD + H1 + "include: [a.yaml]\n") == ["a.yaml:2:1: the byte 0xff is not UTF-8"]


DOCUMENT: dict[str, Any] = {
    "hosts": {f"h{n}": {"address": f"192.0.2.{n}"} for n in range(1, 4)},
    "networks": {"n1": None, "n2": {"mtu": 1400}},
    "containers": {f"c{n}": {"host": f"h{n}", "image": "i", "environment": {"A": str(n)}} for n in range(1, 4)},
    "defaults": {"hosts": {"sudo": True}, "containers": {"restart": "always", "labels": {"a": "b"}}},
}
NAMED = [(section, name) for section, entries in DOCUMENT.items() for name in entries]


@given(st.lists(st.integers(0, 3), min_size=len(NAMED), max_size=len(NAMED)), st.permutations(range(1, 4)))
@settings(max_examples=30, deadline=None)
def test_a_topology_is_the_same_however_it_is_spread_over_files(
    tmp_path_factory: pytest.TempPathFactory, spread: list[int], order: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("spread")
    files: list[dict[str, Any]] = [{"x-file": at} for at in range(4)]
    for (section, name), at in zip(NAMED, spread, strict=True):
        files[at].setdefault(section, {})[name] = DOCUMENT[section][name]
    head = {"version": 1, "name": "t", "store": "consul://192.0.2.9:8500"}
    files[0] |= head | {"include": [f"{at}.yaml" for at in order[:2]]}
    files[order[0]]["include"] = [f"{order[2]}.yaml"]
    for at, file in enumerate(files):
        (folder / f"{at}.yaml").write_text(json.dumps(file))
    whole = loads(json.dumps(head | DOCUMENT).encode(), Path("t.yaml"), {})
    parts = load(folder / "0.yaml", {})
    assert parts.topology == whole.topology
    assert parts.generation_digest == whole.generation_digest


def test_files_that_are_too_large_together_are_refused() -> None:
    for name in ("a.yaml", "b.yaml"):
        with Path(name).open("wb") as file:
            file.truncate(MAX_BYTES - 1)
    assert problems(HEAD + H1 + "include: [a.yaml, b.yaml]\n") == [
        "t.yaml:4:19: include[1]: the files are larger than 64 MiB together",
        "a.yaml:1:1: a NUL character is not allowed here",
    ]
