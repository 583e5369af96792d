"""
Compose files as plain files: tests/golden/import/<case>/.

compose.yaml is what is imported; topology.yaml is what becomes of it, warnings.txt what is said.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.cli import root
from controller.errors import UsageError
from controller.topology.importing.file import Imported, import_compose
from controller.topology.load import loads

CASES = Path(__file__).parents[2] / "golden" / "import"
HOSTS = {"h1": "192.168.112.11", "h2": "192.168.112.12"}
VARIABLES = {"DB_PASSWORD": "secret", "SENTRY_DSN": "dsn", "TOKEN": "token"}


def imported(file: Path, *, place: dict[str, str] | None = None, project: str | None = None) -> Imported:
    return import_compose(file, hosts=HOSTS, place=place or {}, project=project, store=None, output=None)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_compose_file_becomes_the_valid_topology_on_file(case: str, request: pytest.FixtureRequest) -> None:
    folder = CASES / case
    made = imported(folder / "compose.yaml")
    loads(made.text.encode(), folder / "topology.yaml", VARIABLES)
    lines = [line for problem in made.warnings for line in problem.lines()]
    got = {"topology.yaml": made.text, "warnings.txt": "\n".join(lines).replace(f"{folder}/", "") + "\n"}
    for name, text in got.items():
        if request.config.getoption("--update-golden"):
            (folder / name).write_text(text)
        assert text == (folder / name).read_text()


def test_what_is_left_out_is_a_comment_and_a_warning_and_hides_values(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n  web: {image: 'i:1', links: [db], environment: {KEY: hunter2}}\n")
    made = imported(file)
    assert "# links is left out" in made.text
    assert [problem.place.line for problem in made.warnings] == [2]
    assert not any("hunter2" in str(problem) for problem in made.warnings)


def test_a_service_runs_where_it_is_placed_and_nowhere_unknown(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {image: 'i:1'}, db: {image: 'i:2'}}\n")
    made = loads(imported(file, place={"db": "h2"}, project="shop").text.encode(), file, {}).topology
    assert {name: container.host for name, container in made.containers.items()} == {"web": "h1", "db": "h2"}
    with pytest.raises(UsageError, match="no such host"):
        imported(file, place={"db": "h9"})


def test_volumes_are_declared_by_their_names_on_the_engine_where_a_container_uses_them(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services: {web: {image: 'i:1', volumes: ['a:/a', {type: volume, source: b, target: /b}, 'c:/c', 'd:/d']}}\n"
        "volumes:\n"
        "  a: {driver: local, driver_opts: {type: tmpfs, device: tmpfs}, labels: [x=y], driver_config: 1}\n"
        "  b: {name: plain}\n"
        "  c: {external: true, name: theirs, driver: local}\n"
        "  d: {name: '${D}'}\n"
        "  unused: {}\n"
    )
    made = imported(file, project="shop")
    found = loads(made.text.encode(), file, {"D": "dd"}).topology
    assert {name: volume.external for name, volume in found.volumes.items()} == {
        "shop_a": False,
        "plain": False,
        "theirs": True,
    }
    assert (found.volumes["shop_a"].driver_opts, found.volumes["shop_a"].labels) == (
        {"type": "tmpfs", "device": "tmpfs"},
        {"x": "y"},
    )
    assert [mount.source for mount in found.containers["web"].volumes] == ["shop_a", "plain", "theirs", "dd"]
    assert [(problem.place.line, problem.path.rpartition(".")[2]) for problem in made.warnings] == [
        (1, "volumes[3]"),
        (3, "driver_config"),
        (5, "driver"),
        (6, "d"),
        (7, "unused"),
    ]


def test_an_option_with_which_no_engine_makes_a_volume_is_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {image: 'i:1', volumes: ['a:/a']}}\nvolumes: {a: {driver_opts: {type: nfs}}}\n")
    made = imported(file, project="shop")
    assert loads(made.text.encode(), file, {}).topology.volumes["shop_a"].driver_opts == {}
    assert ["'type' only together with 'device'" in problem.fact for problem in made.warnings] == [True]


def test_what_the_topology_warns_of_is_told_where_it_stands_and_of_variables_nothing_is_said(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    web = "{image: 'i:1',\n  ports: ['80:80', '22:22'], networks: [lan]}"
    file.write_text(
        f"services: {{web: {web}, two: {{image: 'i:1', ports: ['80:80', '$SSH:22']}}}}\n"
        "networks:\n  lan: {ipam: {config: [{subnet: 172.17.0.0/24}]}}\n"
    )
    made = imported(file)
    assert [(problem.place.line, problem.path, problem.fact.partition(" (")[0]) for problem in made.warnings] == [
        (2, "services.web.ports", "ports: port 22/tcp of host h1 is probably sshd's"),
        (2, "services.two.ports[0]", "ports[0] is left out: port 80/tcp of host h1 is already taken by container web"),
        (
            4,
            "networks.lan.ipam.config",
            "ipam.config: 172.17.0.0/24 overlaps 172.17.0.0/16, which engines give to docker0 unless told otherwise",
        ),
    ]
    assert "# ports: port 22/tcp of host h1 is probably sshd's (publish another one" in made.text


def test_a_file_that_takes_from_another_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {extends: {file: base.yaml, service: web}}}\n")
    with pytest.raises(UsageError, match=r"services\.web\.extends"):
        imported(file)


def test_the_written_file_is_private_and_replaces_none(tmp_path: Path) -> None:
    file, output = tmp_path / "compose.yaml", tmp_path / "topology.yaml"
    file.write_text("services: {web: {image: 'i:1'}}\n")
    arguments = ["import", "--compose", str(file), "--host", "h1=192.168.112.11", "-o", str(output)]
    assert CliRunner().invoke(root, arguments).exit_code == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    before = output.read_text()
    assert isinstance(CliRunner().invoke(root, arguments).exception, UsageError)
    assert output.read_text() == before
