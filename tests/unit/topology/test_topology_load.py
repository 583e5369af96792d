"""A file becomes a topology, or everything that is wrong with it, in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from controller.cli.validate import validate
from controller.errors import TopologyError
from controller.topology.files import MAX_BYTES
from controller.topology.load import load, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.topology.load import Loaded

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "golden" / "topology"
AT_A = "t.yaml:5:51: containers.cc.environment.A"
SMALL = "version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_problems_are_told_exactly_so(
    case: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(CASES / case)
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.setenv("HOME", "home/ops")
    monkeypatch.setenv("PROXY", "s3cret")
    result = CliRunner().invoke(validate, [])
    golden = Path("errors.txt")
    if request.config.getoption("--update-golden"):
        golden.write_text(result.stderr, encoding="utf-8")
    assert result.stderr == golden.read_text(encoding="utf-8")
    assert result.exit_code == 1


@pytest.mark.parametrize("name", ["topology", "store-in-container"])
def test_the_examples_are_valid_and_without_warnings(name: str) -> None:
    loaded = load(ROOT / "examples" / f"{name}.yaml", {})
    assert loaded.warnings == ()
    assert len(loaded.topology.containers) == 6
    assert set(loaded.topology.networks) == {"ov_net1", "ov_net2", "multihost"}
    for network in loaded.topology.networks:
        hosts = [entry.host for entry in loaded.topology.containers.values() if network in entry.networks]
        assert len(set(hosts)) == 2


def test_problems_are_in_order_of_place(read: Callable[..., Loaded]) -> None:
    with pytest.raises(TopologyError) as error:
        read("version: 2\nname: t\nhosts:\n  h1: {address: x}\n  h1: {}\ncontainers: []\n")
    places = [problem.place for problem in error.value.problems]
    assert places == sorted(places)
    assert len(places) == 4


def test_the_message_has_each_problem_with_its_hint(read: Callable[..., Loaded]) -> None:
    with pytest.raises(TopologyError) as error:
        read(SMALL + "networks: {web: {ipam: {config: [{subnet: 10.0.0.1/24}]}}}\nstore: consul://a:1\n")
    assert str(error.value) == (
        "t.yaml:4:43: networks.web.ipam.config[0].subnet: 10.0.0.1/24 has host bits set\n  hint: write 10.0.0.0/24"
    )


def test_extensions_are_ignored_where_compose_allows_them(read: Callable[..., Loaded]) -> None:
    text = """\
    x-a: 1
    version: 1
    name: t
    store: {url: 'consul://a:1', x-b: 2}
    hosts: {h1: {address: 192.0.2.1, x-c: 3}}
    networks: {n: {x-d: 4}}
    containers: {cc: {host: h1, image: i, x-e: 5}}
    """
    assert read(text).warnings == ()


def test_extensions_elsewhere_are_unknown_keys(problems_of: Callable[..., list[str]]) -> None:
    (problem,) = problems_of("version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1, ssh: {x-a: 1}}}\n")
    assert problem == "error: t.yaml:3:40: hosts.h1.ssh.x-a: unknown key"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "error: t.yaml: the file is empty"),
        ("# nothing\n", "error: t.yaml: the file is empty"),
        ("- a\n", "error: t.yaml:1:1: expected a mapping, got a list"),
        ("text", "error: t.yaml:1:1: expected a mapping, got the text 'text'"),
        ("version: 1\nname: t\n", "error: t.yaml:1:1: hosts is missing"),
        ("version: 1\nname: t\nhosts: {}\n", "error: t.yaml:3:1: hosts: no host is declared"),
        ("version: 1\nname: t\nhosts:\n", "error: t.yaml:3:7: hosts: expected a mapping, got nothing"),
    ],
)
def test_a_file_that_is_no_topology_is_refused(text: str, problem: str, problems_of: Callable[..., list[str]]) -> None:
    assert problems_of(text) == [problem]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a: \xff", "t.yaml:1:4: the byte 0xff is not UTF-8"),
        ("é: 1\nb".encode() + b"\xe9", "t.yaml:2:2: the byte 0xe9 is not UTF-8"),
        ("a: 1".encode("utf-16"), "t.yaml: the file is UTF-16, not UTF-8"),
        (b"\xed\xa0\x80", "t.yaml:1:1: the byte 0xed is not UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(TopologyError) as error:
        loads(data, Path("t.yaml"), {})
    assert [str(found) for found in error.value.problems] == [problem]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert loads(b"\xef\xbb\xbf" + SMALL.encode(), Path("t.yaml"), {}).topology.name == "t"


def test_a_file_that_cannot_be_read_is_told_with_a_hint(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    for path, fact in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "is a directory"),
        (huge, "is larger than 64 MiB"),
        (loop, "too many levels of symbolic links"),
        (Path("a\0b"), "embedded null byte"),
    ):
        with pytest.raises(TopologyError, match=fact) as error:
            load(path, {})
        assert "\n  hint: " in error.value.message


def test_a_key_cannot_break_the_line_of_a_message(problems_of: Callable[..., list[str]]) -> None:
    (problem,) = problems_of(SMALL + '"a\\nb\\e[31m": 1\n')
    assert problem == "error: t.yaml:4:1: a?b?[31m: unknown key"


def test_the_generation_does_not_depend_on_order_or_form(read: Callable[..., Loaded]) -> None:
    container = "containers: {{cc: {{host: h1, image: i, environment: {}, {}}}}}\n"
    first = read(SMALL + container.format("{A: 1, B: x}", "depends_on: []"))
    second = read(container.format("[B=x, A=1]", "restart: 'no'") + "# comment\n" + SMALL)
    third = read(SMALL + container.format("[B=x, A=2]", "restart: 'no'"))
    assert first.generation_digest == second.generation_digest != third.generation_digest
    assert len(first.generation_digest) == 12


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ("restart: no", []),
        ("restart: on", ["error: t.yaml:5:43: containers.cc.restart: 'on' is no restart policy"]),
        (
            "environment: {A: no}",
            ["warning: t.yaml:5:51: containers.cc.environment.A: no is the text 'no', not true or false"],
        ),
        (
            "environment: {A: 010}",
            [f"warning: {AT_A}: 010 is the number 10, 8 in YAML 1.1, its leading zero is lost"],
        ),
        (
            "environment: {A: 12:30:45}",
            [f"warning: {AT_A}: 12:30:45 is text, YAML 1.1 reads it as a number to the base 60"],
        ),
        (
            "environment: {A: 1.10}",
            ["warning: t.yaml:5:51: containers.cc.environment.A: 1.10 is a number and becomes the text '1.1'"],
        ),
        ("command: [echo, yes, 12:30:45]", []),
        ("ports: [22:22]", ["warning: t.yaml:5:42: containers.cc.ports[0]: port 22/tcp of host h1 is probably sshd's"]),
        ("ports: [080]", ["error: t.yaml:5:42: containers.cc.ports[0]: 080 is ambiguous: 80 in YAML 1.2"]),
        ("environment: {A: 'no'}", []),
    ],
)
def test_a_surprise_of_yaml_1_1_is_a_warning_unless_it_is_right_or_wrong(
    line: str, problems: list[str], problems_of: Callable[..., list[str]]
) -> None:
    assert problems_of(f"{SMALL}containers:\n  cc: {{host: h1, image: busybox, {line}}}\n") == problems


def test_a_port_that_sshd_may_have_is_still_published_once(problems_of: Callable[..., list[str]]) -> None:
    one, other = (f"  {name}: {{host: h1, image: busybox, ports: [22:22]}}\n" for name in ("aa", "bb"))
    assert problems_of(f"{SMALL}containers:\n{one}{other}") == [
        "warning: t.yaml:5:42: containers.aa.ports[0]: port 22/tcp of host h1 is probably sshd's",
        "warning: t.yaml:6:42: containers.bb.ports[0]: port 22/tcp of host h1 is probably sshd's",
        "error: t.yaml:6:42: containers.bb.ports[0]: port 22/tcp of host h1 is already taken by container aa (5:42)",
    ]


def test_places_of_values_can_be_asked_for(read: Callable[..., Loaded]) -> None:
    loaded = read(SMALL)
    assert str(loaded.places.place("hosts", "h1", "address")) == "t.yaml:3:23"
    assert loaded.path == Path("t.yaml")
