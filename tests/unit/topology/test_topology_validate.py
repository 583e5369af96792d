"""What a person sees of ``ovctl validate``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.cli.validate import validate

ROOT = Path(__file__).parents[3]
GOOD = "version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_topology_yaml_is_what_is_validated_by_default() -> None:
    Path("topology.yaml").write_text(GOOD, encoding="utf-8")
    result = CliRunner().invoke(validate, [])
    assert result.exit_code == 0
    assert result.stdout.startswith("topology.yaml: ok (1 host, 0 networks, 0 containers), generation ")
    assert result.stderr == ""


@pytest.mark.parametrize("name", ["topology", "store-in-container"])
def test_the_examples_are_valid_without_a_word(name: str) -> None:
    result = CliRunner().invoke(validate, [str(ROOT / "examples" / f"{name}.yaml")])
    assert result.stderr == ""
    assert f"{name}.yaml: ok (3 hosts, 3 networks, 6 containers)" in result.stdout
    assert result.exit_code == 0


@pytest.mark.usefixtures("here")
def test_a_forbidden_ssh_option_is_told_with_place_and_hint() -> None:
    text = GOOD.replace("2.1}", "2.1, ssh: {options: {ProxyCommand: nc, Compression: $X, HostName: a}, config: c}}")
    Path("t.yaml").write_text(text, encoding="utf-8")
    result = CliRunner(env={"X": "secret"}).invoke(validate, ["t.yaml"])
    assert result.exit_code == 1
    assert result.stderr == (
        "error: t.yaml:3:50: hosts.h1.ssh.options.ProxyCommand: a topology may not set this option: "
        "it starts a program on the machine that ovctl runs on, or loads one\n"
        "  hint: put it into your own ssh configuration, which ovctl uses\n"
        "error: t.yaml:3:81: hosts.h1.ssh.options.Compression: '$X' is no plain value for this option\n"
        "  hint: write yes or no\n"
        "error: t.yaml:3:85: hosts.h1.ssh.options.HostName: a topology may not set this option: "
        "it is the host's address\n"
        "  hint: write it as hosts.NAME.address\n"
        "error: t.yaml:3:107: hosts.h1.ssh.config: 'c' is not an absolute path\n"
        "  hint: write /… or ~/…, without % and $\n"
        "4 errors\n"
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "line",
    [
        "environment: PASSWORD=hunter2",
        "environment: [hunter2]",
        "environment: [[hunter2]]",
        "labels: [hunter2]",
        "labels: hunter2",
        "command: sh -c 'hunter2",
        "entrypoint: sh -c 'hunter2",
        "command: {hunter2: x}",
    ],
)
def test_no_value_that_may_be_a_secret_is_shown(line: str) -> None:
    text = f"{GOOD}containers:\n  c1:\n    host: h1\n    image: busybox:1\n    {line}\n"
    Path("topology.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(validate, [])
    assert result.exit_code == 1
    assert "topology.yaml:8:" in result.stderr
    assert "hunter2" not in result.output


@pytest.mark.usefixtures("here")
def test_warnings_are_shown_and_do_not_fail() -> None:
    Path("t.yaml").write_text(GOOD + "containers: {cc: {host: h1, image: i, environment: {A: no}}}\n", encoding="utf-8")
    result = CliRunner().invoke(validate, ["t.yaml"])
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: t.yaml:4:56: containers.cc.environment.A: no is the text")


@pytest.mark.usefixtures("here")
def test_errors_are_counted_and_fail() -> None:
    Path("t.yaml").write_text(GOOD + "nme: x\nvrsion: 2\n", encoding="utf-8")
    result = CliRunner().invoke(validate, ["t.yaml"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "error: t.yaml:4:1: nme: unknown key\n"
        "  hint: did you mean name?\n"
        "error: t.yaml:5:1: vrsion: unknown key\n"
        "  hint: did you mean version?\n"
        "2 errors\n"
    )


@pytest.mark.usefixtures("here")
def test_json_has_the_same_for_programs() -> None:
    Path("t.yaml").write_text(GOOD, encoding="utf-8")
    result = CliRunner().invoke(validate, ["-o", "json", "t.yaml"])
    document = json.loads(result.stdout)
    assert (document["valid"], document["hosts"], document["problems"]) == (True, 1, [])
    Path("t.yaml").write_text(GOOD + "nme: x\n", encoding="utf-8")
    result = CliRunner().invoke(validate, ["-o", "json", "t.yaml"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"] == [
        {
            "severity": "error",
            "file": "t.yaml",
            "line": 4,
            "column": 1,
            "path": "nme",
            "fact": "unknown key",
            "hint": "did you mean name?",
        },
    ]


def test_help_imports_neither_pydantic_nor_yaml() -> None:
    code = "import sys, controller.cli.validate, controller.cli.schema; print({'pydantic', 'yaml'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
