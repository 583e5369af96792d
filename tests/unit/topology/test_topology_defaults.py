"""Defaults stand under what they hold for, and what is wrong with one is told once, where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.topology.fields import known_keys
from controller.topology.file_keys import OWN, SECTIONS
from controller.topology.load import loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.topology.load import Loaded

HEAD = "version: 1\nname: t\n"
HOSTS = "hosts: {h1: {address: 192.0.2.1}, h2: {address: 192.0.2.2}}\n"


def test_a_default_holds_where_nothing_else_is_said(read: Callable[..., Loaded]) -> None:
    topology = read(
        HEAD
        + HOSTS
        + "defaults: {containers: {image: 'i:1', restart: always, command: [sleep, infinity]}}\n"
        + "containers: {aa: {host: h1}, bb: {host: h2, image: 'i:2', command: [top]}}\n"
    ).topology
    aa, bb = topology.containers["aa"], topology.containers["bb"]
    assert (aa.image, aa.restart, aa.command) == ("i:1", "always", ("sleep", "infinity"))
    assert (bb.image, bb.restart, bb.command) == ("i:2", "always", ("top",))


@pytest.mark.parametrize(
    ("default", "own", "merged"),
    [
        ("{A: 1, B: 2}", "{B: 3, C: 4}", {"A": "1", "B": "3", "C": "4"}),
        ("[A=1, B=2]", "{B: 3}", {"A": "1", "B": "3"}),
        ("{A: 1, B: 2}", "[B=3]", {"A": "1", "B": "3"}),
        ("[A=1]", "[A=2]", {"A": "2"}),
        ("{A: 1}", "{}", {"A": "1"}),
    ],
)
def test_mappings_of_texts_are_joined_key_by_key(
    default: str, own: str, merged: dict[str, str], read: Callable[..., Loaded]
) -> None:
    container = read(
        f"{HEAD}{HOSTS}defaults: {{containers: {{environment: {default}, labels: {default}}}}}\n"
        f"containers: {{aa: {{host: h1, image: i, environment: {own}, labels: {own}}}}}\n"
    ).topology.containers["aa"]
    assert (container.environment, container.labels) == (merged, merged)


def test_lists_and_the_networks_of_a_container_are_replaced(read: Callable[..., Loaded]) -> None:
    topology = read(
        HEAD
        + HOSTS
        + "store: consul://192.0.2.9:8500\nnetworks: {n1: , n2: }\n"
        + "defaults: {containers: {image: i, networks: {n1: {aliases: [a]}}, volumes: ['vv:/v']}}\n"
        + "containers: {aa: {host: h1, networks: [n2], volumes: []}, bb: {host: h1}}\n"
    ).topology
    aa, bb = topology.containers["aa"], topology.containers["bb"]
    assert (list(aa.networks), aa.volumes) == (["n2"], ())
    assert (bb.networks["n1"].aliases, bb.volumes[0].source) == (("a",), "vv")


def test_ssh_and_its_options_are_joined_key_by_key(read: Callable[..., Loaded]) -> None:
    topology = read(
        HEAD
        + "defaults: {hosts: {sudo: true, ssh: {user: ops, port: 22, options: {Compression: 'yes', IPQoS: none}}}}\n"
        + "hosts: {h1: {address: 192.0.2.1, ssh: {port: 2222, options: {IPQoS: ef}}}, h2: {address: 192.0.2.2}}\n"
    ).topology
    h1, h2 = topology.hosts["h1"], topology.hosts["h2"]
    assert (h1.sudo, h1.ssh.user, h1.ssh.port) == (True, "ops", 2222)
    assert h1.ssh.options == {"Compression": "yes", "IPQoS": "ef"}
    assert (h2.sudo, h2.ssh.port, h2.ssh.options["IPQoS"]) == (True, 22, "none")


def test_an_empty_network_takes_the_defaults(read: Callable[..., Loaded]) -> None:
    topology = read(
        HEAD
        + HOSTS
        + "store: consul://192.0.2.9:8500\nnetworks: {n1: , n2: {mtu: 1400, labels: {b: 2}}}\n"
        + "defaults: {networks: {mtu: 1450, labels: {a: 1}}}\n"
    ).topology
    n1, n2 = topology.networks["n1"], topology.networks["n2"]
    assert (n1.mtu, n1.labels) == (1450, {"a": "1"})
    assert (n2.mtu, n2.labels) == (1400, {"a": "1", "b": "2"})


def test_a_default_with_a_variable_becomes_a_number_where_one_belongs(read: Callable[..., Loaded]) -> None:
    text = HEAD + HOSTS + "defaults: {hosts: {sudo: $S, ssh: {port: $P}}}\n"
    host = read(text, {"S": "true", "P": "2222"}).topology.hosts["h2"]
    assert (host.sudo, host.ssh.port) == (True, 2222)


def test_extensions_in_defaults_are_ignored(read: Callable[..., Loaded]) -> None:
    text = HEAD + HOSTS + "defaults: {x-a: 1, hosts: {x-b: 2}}\ncontainers: {aa: {host: h1, image: i}}\n"
    assert read(text).warnings == ()


@pytest.mark.parametrize(
    ("defaults", "problem"),
    [
        ("containers: {restart: never}", "4:34: defaults.containers.restart: 'never' is no restart policy"),
        ("containers: {imge: i}", "4:25: defaults.containers.imge: unknown key"),
        ("container: {image: i}", "4:12: defaults.container: unknown key"),
        ("containers: [image]", "4:12: defaults.containers: expected a mapping, got a list"),
        ("hosts: ", "4:19: defaults.hosts: expected a mapping, got nothing"),
        ("containers: {environment: [A]}", "4:39: defaults.containers.environment[0]: this item is not KEY=VALUE"),
        (
            "containers: {environment: {A: $X}}",
            "4:42: defaults.containers.environment.A: $X is not set and has no default",
        ),
        (
            "containers: {volumes: [{type: bind, source: 'a', target: /a}]}",
            "4:35: defaults.containers.volumes[0]: 'a' is not an absolute path of the host",
        ),
        ("containers: {labels: {ovctl.a: b}}", "4:34: defaults.containers.labels.ovctl.a: labels that start with"),
        ("containers: {labels: [ovctl.a=b]}", "4:34: defaults.containers.labels.ovctl.a: labels that start with"),
        ("containers: {host: h3}", "4:31: defaults.containers.host: no host is named 'h3'"),
        ("containers: {networks: [n]}", "4:36: defaults.containers.networks[0]: no network is named 'n'"),
        (
            "hosts: {ssh: {options: {Kompression: 'no'}}}",
            "4:36: defaults.hosts.ssh.options.Kompression: is no option that a topology may set",
        ),
        ("hosts: {ssh: {prt: 1}}", "4:26: defaults.hosts.ssh.prt: unknown key"),
        ("containers: {image: Busybox}", "4:32: defaults.containers.image: 'Busybox' has capital letters"),
        ("containers: {ports: ['1:1']}", "4:25: defaults.containers.ports: ports cannot have a default"),
        ("containers: {hostname: a}", "4:25: defaults.containers.hostname: hostname cannot have a default"),
        ("hosts: {address: 192.0.2.7}", "4:20: defaults.hosts.address: address cannot have a default"),
        ("hosts: {state: absent}", "4:20: defaults.hosts.state: state cannot have a default"),
        ("networks: {ipam: {}}", "4:23: defaults.networks.ipam: ipam cannot have a default"),
        (
            "containers: {networks: {n1: {ipv4_address: 10.0.0.2}}}",
            "4:55: defaults.containers.networks.n1.ipv4_address: a fixed IP address cannot have a default",
        ),
        (
            "containers: {networks: {n1: {ipv6_address: 'fd00::2'}}}",
            "4:55: defaults.containers.networks.n1.ipv6_address: a fixed IP address cannot have a default",
        ),
        (
            "containers: {networks: {n1: {mac_address: '02:42:0a:00:00:02'}}}",
            "4:54: defaults.containers.networks.n1.mac_address: a MAC address cannot have a default",
        ),
    ],
)
def test_a_mistake_in_a_default_is_told_once_at_its_place(
    defaults: str, problem: str, problems_of: Callable[..., list[str]]
) -> None:
    common = "store: 'consul://192.0.2.9:8500'\n"
    text = f"version: 1\nname: t\n{common}defaults: {{{defaults}}}\nnetworks: {{n1: {{}}}}\n{HOSTS}containers:\n"
    image = "" if "ima" in defaults.lower() or "imge" in defaults else ", image: i"
    host = "" if "host:" in defaults else "host: h1, "
    text += "".join(f"  c{n}: {{{host}labels: {{c: {n}}}{image}}}\n" for n in range(5))
    found = problems_of(text)
    assert len(found) == 1
    assert found[0].startswith(f"error: t.yaml:{problem}")


def test_a_value_of_ones_own_hides_a_wrong_default_from_nobody(problems_of: Callable[..., list[str]]) -> None:
    own = "containers: {aa: {host: h1, image: i, restart: always}}\n"
    text = f"{HEAD}{HOSTS}defaults: {{containers: {{restart: never}}}}\n{own}"
    assert problems_of(text) == ["error: t.yaml:4:34: defaults.containers.restart: 'never' is no restart policy"]


def test_a_mistake_of_ones_own_is_told_where_it_stands(problems_of: Callable[..., list[str]]) -> None:
    text = (
        f"{HEAD}{HOSTS}defaults: {{containers: {{image: i, environment: {{A: 1}}}}}}\n"
        "containers: {aa: {host: h1, restart: never, environment: [B]}, bb: {host: h1, environment: }}\n"
    )
    assert problems_of(text) == [
        "error: t.yaml:5:38: containers.aa.restart: 'never' is no restart policy",
        "error: t.yaml:5:59: containers.aa.environment[0]: this item is not KEY=VALUE",
        "error: t.yaml:5:92: containers.bb.environment: expected a mapping, got nothing",
    ]


def test_what_a_variable_in_a_default_holds_is_not_shown(problems_of: Callable[..., list[str]]) -> None:
    text = f"{HEAD}{HOSTS}defaults: {{containers: {{restart: $P}}}}\ncontainers: {{aa: {{host: h1, image: i}}}}\n"
    (problem,) = problems_of(text, {"P": "hunter2"})
    assert problem == "error: t.yaml:4:34: defaults.containers.restart: '$P' is no restart policy"


def test_a_default_that_no_entry_may_have_is_a_key_of_its_section() -> None:
    for section in SECTIONS:
        assert OWN[section] < set(known_keys((section, "any")))
        assert not OWN[section] & set(known_keys(("defaults", section)))


NAMES = st.sampled_from(["A", "B", "C"])
MAPS = st.dictionaries(NAMES, st.sampled_from(["1", "2", "x y"]), max_size=3)
SPELLED = MAPS | MAPS.map(lambda pairs: [f"{key}={value}" for key, value in pairs.items()])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "image": st.sampled_from(["i:1", "i:2"]),
    "restart": st.sampled_from(["no", "always"]),
    "command": st.sampled_from(["top", ["sleep", "1"]]),
    "environment": SPELLED,
    "labels": SPELLED,
    "depends_on": st.sampled_from([[], ["zz"]]),
    "networks": st.sampled_from([[], ["n1"], {"n1": {"aliases": ["www"]}, "n2": {}}]),
    "volumes": st.sampled_from([[], ["vv:/v"], ["vv:/v", "ww:/w:ro"]]),
}
PARTS = st.fixed_dictionaries({}, optional=FIELDS)


def by_hand(default: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Write *default* into *own*, as the reference says it."""
    merged = {**default, **own}
    for key in ("environment", "labels"):
        if key in default and key in own:
            pairs: dict[str, str] = {}
            for part in (default[key], own[key]):
                pairs |= part if isinstance(part, dict) else dict(item.split("=", 1) for item in part)
            merged[key] = pairs
    return merged


@given(PARTS, st.lists(PARTS, max_size=4))
@settings(max_examples=100, deadline=None)
def test_defaults_that_are_written_out_by_hand_give_the_same_topology(
    default: dict[str, Any], parts: list[dict[str, Any]]
) -> None:
    def loaded(containers: dict[str, Any], **more: Any) -> Loaded:
        document = {
            "version": 1,
            "name": "t",
            "store": "consul://192.0.2.9:8500",
            "hosts": {"h1": {"address": "192.0.2.1"}},
            "networks": {"n1": None, "n2": {}},
            "containers": containers,
            **more,
        }
        # JSON is YAML, and has no aliases
        return loads(json.dumps(document).encode(), Path("t.yaml"), {})

    own = {f"c{at}": {"host": "h1", "image": "i:0", **part} for at, part in enumerate(parts)}
    own["zz"] = {"host": "h1", "image": "i", "depends_on": []}
    short = loaded(own, defaults={"containers": default})
    long = loaded({name: by_hand(default, container) for name, container in own.items()})
    assert short.topology == long.topology
    assert short.generation_digest == long.generation_digest
