"""
Networks, attachments and all else that is no plain field, on every engine of the lab: as declared, and changed by hand.

Whatever somebody does to one object is one line with that field's name, and is healed by the mildest means: ids, start
times and restart counts of all containers show what else was touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller.apply.engine_config import endpoint_of
from controller.model.network import Attachment, Ipam, IpamConfig, Network
from controller.observe.network import network_state
from tests.lab.matrix import ENGINES, HOSTS, NAME, everything, made_network, network_by_hand
from tests.unit.reconcile.host_cases import FIXED, MANY, OWN
from tests.unit.reconcile.object_cases import CASE, NETWORKS, OTHER, differences, numbered, wanted_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.ports import Engine, Json
    from tests.lab.matrix import Matrix


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    """The lab with everything on each host."""
    with everything() as found:
        yield found


def everywhere(*items: tuple[str, list[str]]) -> list[tuple[str, list[str]]]:
    """Return what a plan has in it when each host has these items, ``{}`` standing for the host's name."""
    return sorted((address.format(host), fields) for host in HOSTS.values() for address, fields in items)


def test_the_matrix_has_every_field_of_a_network() -> None:
    lines = {case.line for case in NETWORKS.values()}
    fields = {*Network.model_fields} - {"external", "ipam"} | {f"ipam.{name}" for name in Ipam.model_fields}
    fields |= {f"ipam.config.{name}" for name in IpamConfig.model_fields}
    # a network's mtu is an option of its driver
    told = {line.removesuffix(".a").removesuffix(".team").partition(".com.docker")[0] for line in lines}
    assert told == fields - {"mtu", "ipam.config", "ipam.driver"}
    assert len(NETWORKS) == 16


def networks_tried(matrix: Matrix, engine: str) -> list[str]:
    """Create each case's two networks, and the second under the first one's labels; return what was not as declared."""
    client, state = matrix.fleet.engine(HOSTS[engine]), matrix.engine_state(HOSTS[engine])
    wrong = []
    for name, case in NETWORKS.items():
        first, second = (wanted_network(declared, topology=NAME) for declared in (case.first, case.second))
        rounds: list[tuple[Any, Any, Json, list[str]]] = [
            (first, first, {}, []),
            (first, second, case.by_hand, [case.line]),
        ]
        if not case.by_hand:
            rounds.append((second, second, {}, []))
        for wanted, body, by_hand, expected in rounds:
            found = made_network(client, wanted.networks[CASE], body.networks[CASE], by_hand)
            said = differences(wanted, replace(state, containers=(), networks=(network_state(found),)))
            if said != expected:
                wrong.append(f"{engine}: {name}: {said} for {expected}")
    return wrong


def test_every_field_of_a_network_is_read_back_and_another_value_is_one_line_on_every_engine(matrix: Matrix) -> None:
    found = matrix.everywhere(lambda engine: networks_tried(matrix, engine))
    assert [line for wrong in found.values() for line in wrong] == []


def made_again(matrix: Matrix, engine: str) -> None:
    """Make each network of a host again with its labels and one option changed; its container is on the new one."""
    client, container = matrix.fleet.engine(HOSTS[engine]), f"many-{HOSTS[engine]}"
    for name, (case, number) in MANY.items():
        first, second = (Network.model_validate(numbered(declared, number)) for declared in (case.first, case.second))
        client.disconnect(name, container)
        client.remove_network(name)
        client.create_network(name, network_by_hand(first, second, case.by_hand))
        client.connect(name, container, {"Aliases": []})


def test_networks_made_again_by_hand_with_one_option_changed_are_one_line_each_and_no_container_restarts(
    matrix: Matrix,
) -> None:
    before = matrix.lives()
    matrix.everywhere(lambda engine: made_again(matrix, engine))
    assert matrix.differences() == everywhere(*((f"network/{name}", [case.line]) for name, (case, _) in MANY.items()))
    matrix.converge()
    assert matrix.lives() == before


def joined(network: str, **changes: Any) -> Callable[[Engine, str], None]:
    """Return the hand that takes a container off a network and puts it there again with something changed."""

    def act(client: Engine, container: str) -> None:
        client.disconnect(network, container)
        client.connect(network, container, endpoint_of(Attachment.model_validate(FIXED[network] | changes)))

    return act


ATTACHED_BY_HAND: dict[str, tuple[Callable[[Engine, str], None], str]] = {
    "an IPv4 address": (joined("lan", ipv4_address="10.70.0.12"), "networks.lan.ipv4_address"),
    "an IPv6 address": (joined("lan", ipv6_address="fd00:70::12"), "networks.lan.ipv6_address"),
    "an address where none is fixed": (joined("lan2", ipv4_address="10.71.0.12"), "networks.lan2.ipv4_address"),
    "aliases": (joined("lan", aliases=["www"]), "networks.lan.aliases"),
    "a network left": (lambda client, container: client.disconnect("lan2", container), "networks.lan2"),
    "a network joined": (lambda client, container: client.connect("net1", container, {}), "networks.net1"),
}


@pytest.mark.parametrize("change", ATTACHED_BY_HAND)
def test_an_attachment_changed_by_hand_is_one_line_and_is_attached_anew_with_nothing_restarted(
    matrix: Matrix, change: str
) -> None:
    act, line = ATTACHED_BY_HAND[change]
    before = matrix.lives()
    matrix.everywhere(lambda engine: act(matrix.fleet.engine(HOSTS[engine]), f"a-{HOSTS[engine]}"))
    assert matrix.differences() == everywhere(("container/a-{}", [line]))
    matrix.converge()
    assert matrix.lives() == before


@pytest.mark.parametrize("verb", ["stop", "pause", "kill"])
def test_a_container_that_was_stopped_by_hand_is_started_and_no_other_is_touched(matrix: Matrix, verb: str) -> None:
    before = matrix.lives()
    matrix.everywhere(lambda engine: matrix.docker(HOSTS[engine], verb, f"a-{HOSTS[engine]}"))
    assert matrix.differences() == everywhere(("container/a-{}", ["state"]))
    matrix.converge()
    after = matrix.lives()
    assert {name: life[0] for name, life in after.items()} == {name: life[0] for name, life in before.items()}
    started = {name for name in before if after[name] != before[name]}
    assert started == ({f"{host}/a-{host}" for host in HOSTS.values()} if verb != "pause" else set())


def replaced(matrix: Matrix, before: dict[str, tuple[str, str, int]]) -> set[str]:
    """Return the containers that are others than *before*; nothing is lost or added, and no other one was started."""
    after = matrix.lives()
    assert after.keys() == before.keys()
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {name for name in before if after[name][0] != before[name][0]}
    return changed


def test_a_container_that_was_renamed_by_hand_is_made_again_and_no_other_is_touched(matrix: Matrix) -> None:
    before = matrix.lives()
    matrix.everywhere(lambda engine: matrix.docker(HOSTS[engine], "rename", f"a-{HOSTS[engine]}", "renamed"))
    assert matrix.differences() == everywhere(("container/a-{}", []), ("container/renamed", []))
    matrix.converge()
    assert replaced(matrix, before) == {f"{host}/a-{host}" for host in HOSTS.values()}


def test_an_image_that_was_tagged_anew_by_hand_is_one_line_and_only_its_container_is_replaced(matrix: Matrix) -> None:
    before = matrix.lives()
    matrix.everywhere(lambda engine: matrix.docker(HOSTS[engine], "tag", OTHER, OWN))
    assert matrix.differences() == everywhere(("container/own-{}", ["image"]))
    matrix.converge()
    assert replaced(matrix, before) == {f"{host}/own-{host}" for host in HOSTS.values()}


def test_a_mac_address_lost_by_hand_is_one_line_where_an_engine_forgets_it(matrix: Matrix) -> None:
    before = matrix.lives()
    for host in HOSTS.values():
        client = matrix.fleet.engine(host)
        client.disconnect("lan", f"mac-{host}")
        client.connect("lan", f"mac-{host}", {"IPAMConfig": {"IPv4Address": "10.70.0.13"}})
    forgetful = [HOSTS[engine] for engine in ENGINES if engine in ("modern", "newest")]
    assert matrix.differences() == [(f"container/mac-{host}", ["networks.lan.mac_address"]) for host in forgetful]
    matrix.converge()
    assert replaced(matrix, before) == {f"{host}/mac-{host}" for host in forgetful}
