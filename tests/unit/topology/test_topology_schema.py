"""The JSON Schema says what the model says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from controller.cli.schema import schema
from controller.topology.schema import schema_text, topology_schema
from controller.topology.yaml_tree import read_tree

ROOT = Path(__file__).parents[3]
CHECKED_IN = ROOT / "schemas" / "topology.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(topology_schema())


def errors(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(read_tree(text, "t.yaml", {"A": "$A"}).root)]


def test_the_schema_is_the_one_that_is_checked_in(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        CHECKED_IN.write_text(schema_text(), encoding="utf-8")
    assert CHECKED_IN.read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(topology_schema())


def test_the_command_prints_the_schema() -> None:
    assert json.loads(CliRunner().invoke(schema, []).stdout) == topology_schema()


@pytest.mark.parametrize("name", ["topology", "store-in-container"])
def test_the_examples_name_the_schema_and_fit_it(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schemas/topology.schema.json\n")
    assert errors(text) == []


def test_every_key_has_a_description() -> None:
    def undescribed(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [found for item in node for found in undescribed(item, path)]
        if not isinstance(node, dict):
            return []
        missing = [f"{path}.{key}" for key, value in node.get("properties", {}).items() if not value.get("description")]
        return missing + [found for key, item in node.items() for found in undescribed(item, f"{path}.{key}")]

    assert undescribed(topology_schema(), "") == []


HEAD = "version: 1\nname: t\n"


@pytest.mark.parametrize(
    "text",
    [
        "hosts: {h1: {address: 10.0.0.1, x-mine: [1]}}\nx-other: 1\n",
        "hosts: {h1: {address: 10.0.0.1, ssh: {port: $A}, sudo: $A, state: $A}}\n",
        "hosts: {h1: {address: 10.0.0.1}}\nnetworks: {n: , m: {mtu: $A}}\n",
        "hosts: {h1: {address: 10.0.0.1}}\nstore: {url: $A}\n",
        "hosts: {h1: {address: 10.0.0.1}}\ncontainers: {cc: {host: h1, image: i, ports: [80, '1:2', {target: 5}]}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {cc: {host: h, image: i, depends_on: {dd: {condition: $A}}}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {cc: {host: h, image: i, depends_on: {dd: {required: true}}}}\n",
        "hosts: {h1: {address: 10.0.0.1}}\ncontainers: {cc: {host: h1, image: i, environment: {A: 1, B: true}}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {c1: {host: h, image: i, mem_limit: 64m, dns: 1.0.0.2}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {c1: {host: h, image: i, ulimits: {core: 5}}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {c1: {host: h, image: i, ulimits: {cpu: {soft: 1, hard: 2}}}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {c1: {host: h, image: i, tmpfs: /run}}\n",
        "hosts: {h: {address: 1.0.0.1}}\ncontainers: {c1: {host: h, image: i, healthcheck: {test: a, retries: $A}}}\n",
    ],
)
def test_what_is_right_fits_the_schema(text: str) -> None:
    assert errors(HEAD + text) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("hosts: {h1: {adress: 10.0.0.1, address: 10.0.0.1}}\n", "$.hosts.h1"),
        ("hosts: {h_1: {address: 10.0.0.1}}\n", "$.hosts"),
        ("hosts: {h1: {address: 10.0.0.1, sudo: no}}\n", "$.hosts.h1.sudo"),
        ("hosts: {h1: {address: 10.0.0.1, ssh: {x-a: 1}}}\n", "$.hosts.h1.ssh"),
        ("hosts: {h1: {address: 10.0.0.1}}\nnetworks: {n: {mtu: 1}}\n", "$.networks.n"),
        ("hosts: {h1: {address: 10.0.0.1}}\nstore: etcd://a:1\n", "$.store"),
        ("hosts: {}\n", "$.hosts"),
        ("hosts: {h: {address: 1.0.0.1}}\ncontainers: {cc: {host: h, image: i, tty: 1}}\n", "$.containers.cc.tty"),
        (
            "hosts: {h: {address: 10.0.0.1}}\ncontainers: {cc: {host: h, image: i, restart: never}}\n",
            "$.containers.cc.restart",
        ),
    ],
)
def test_what_is_wrong_does_not_fit_the_schema(text: str, path: str) -> None:
    assert errors(HEAD + text) == [path]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("include: [a.yaml, {path: $A}]\ncontainers: {cc: {host: h1}}\n", []),
        ("include: [{file: a.yaml}]\n", ["$.include[0]"]),
        ("hosts: {h1: {address: 10.0.0.1}}\ndefaults: {containers: {image: i}}\ncontainers: {cc: {host: h1}}\n", []),
        ("hosts: {h1: {address: 10.0.0.1}}\ncontainers: {cc: {host: h1}}\n", ["$.containers.cc"]),
        ("hosts: {h1: {}}\ndefaults: {hosts: {sudo: true}}\n", ["$.hosts.h1"]),
        (
            "hosts: {h1: {address: 10.0.0.1}}\ndefaults: {hosts: {address: 10.0.0.1}, containers: {ports: [80]}}\n",
            ["$.defaults.containers", "$.defaults.hosts"],
        ),
        ("hosts: {h1: {address: 10.0.0.1}}\ndefaults: {containers: {imge: i}}\n", ["$.defaults.containers"]),
        (
            "hosts: {h1: {address: 10.0.0.1}}\ndefaults: {containers: {networks: {n: {ipv4_address: 10.0.0.2}}}}\n",
            ["$.defaults.containers.networks.n"],
        ),
        ("hosts: {h1: {address: 10.0.0.1}}\ndefaults: {containers: {networks: [n], env_file: [a, $A]}}\n", []),
        (
            "hosts: {h1: {address: 10.0.0.1}}\ncontainers: {cc: {host: h1, image: i, env_file: {path: a}}}\n",
            ["$.containers.cc.env_file"],
        ),
        ("containers: {}\n", ["$"]),
    ],
)
def test_the_keys_of_files_fit_as_the_reference_says(text: str, paths: list[str]) -> None:
    assert sorted(errors(HEAD + text)) == paths
