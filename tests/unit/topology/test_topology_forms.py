"""Compose's short and long forms become one form."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from controller.model.forms import Mount, Port, expand_port
from controller.model.network import IpamConfig
from controller.model.topology import Container, Store


def container(**fields: Any) -> Container:
    return Container.model_validate({"host": "h1", "image": "busybox:1", **fields})


@pytest.mark.parametrize(
    ("item", "ports"),
    [
        (80, [(80, None, "tcp", "")]),
        ("80", [(80, None, "tcp", "")]),
        ("8080:80", [(80, 8080, "tcp", "")]),
        ("127.0.0.1:53:53/udp", [(53, 53, "udp", "127.0.0.1")]),
        ("127.0.0.1::80", [(80, None, "tcp", "127.0.0.1")]),
        ("80-81", [(80, None, "tcp", ""), (81, None, "tcp", "")]),
        ("8080-8081:80-81/sctp", [(80, 8080, "sctp", ""), (81, 8081, "sctp", "")]),
        ("8080:80-81", [(80, 8080, "tcp", ""), (81, 8081, "tcp", "")]),
        ({"target": 80, "published": "8080"}, [(80, 8080, "tcp", "")]),
    ],
)
def test_a_port_has_one_form(item: Any, ports: list[tuple[int, int | None, str, str]]) -> None:
    found = container(ports=[item]).ports
    assert [(port.target, port.published, port.protocol, port.host_ip) for port in found] == ports


@pytest.mark.parametrize(
    ("item", "fact"),
    [
        ("http", "'http' is not a port"),
        (True, "True is not a port"),
        ("80:", "'80:' is not a port"),
        ("-81:80", "'-81:80' is not a port"),
        ("80/icmp", "'80/icmp' is not a port"),
        ("٨٠:80", "'٨٠:80' is not a port"),
        ("0", "'0': ports go from 1 to 65535"),
        ("65536:80", "'65536:80': ports go from 1 to 65535"),
        ("1-999999999:1-999999999", "'1-999999999:1-999999999': ports go from 1 to 65535"),
        ("81-80", "'81-80': the two ranges differ in length"),
        ("8080-8082:80-81", "'8080-8082:80-81': the two ranges differ in length"),
        ("1.2.3:80:80", "'1.2.3' is not an IPv4 address"),
    ],
)
def test_what_is_no_port_is_refused(item: Any, fact: str) -> None:
    with pytest.raises(PydanticCustomError) as error:
        expand_port(item)
    assert error.value.message() == fact


def test_a_mount_has_one_form() -> None:
    long = {"type": "volume", "source": "data", "target": "/data"}
    assert container(volumes=["data:/data:rw", long, "/etc:/x:ro"]).volumes == (
        Mount(type="volume", source="data", target="/data"),
        Mount(type="volume", source="data", target="/data"),
        Mount(type="bind", source="/etc", target="/x", read_only=True),
    )


@pytest.mark.parametrize("item", ["data", "data:x", ":/x", "data:/x:z", "data:/x:ro:z", "~/x:/x", 5])
def test_what_is_no_mount_is_refused(item: Any) -> None:
    with pytest.raises(ValidationError):
        container(volumes=[item])


def test_mappings_and_lists_of_key_and_value_are_one() -> None:
    as_list = container(environment=["A=1", "B=x=y", "C="])
    assert as_list == container(environment={"A": 1, "B": "x=y", "C": ""})
    assert container(labels={"a": True, "b": 1.5}).labels == {"a": "true", "b": "1.5"}


def test_a_command_is_split_as_a_shell_would() -> None:
    assert container(command="sh -c 'echo a b'").command == ("sh", "-c", "echo a b")
    assert container(command=["sleep", 5]).command == ("sleep", "5")


def test_networks_and_dependencies_have_one_form() -> None:
    assert container(networks=["a"]) == container(networks={"a": None})
    assert container(depends_on=["a"]) == container(depends_on={"a": {"condition": "service_started"}})
    assert container(depends_on=["a"]) == container(depends_on={"a": {"required": True, "restart": False}})
    assert container(depends_on=["a"]) == container(depends_on={"a": None})


@pytest.mark.parametrize(
    "field", [{"networks": ["a", "a"]}, {"depends_on": ["a", "a"]}, {"environment": ["A=1", "A=2"]}]
)
def test_what_stands_twice_in_a_list_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="stands twice"):
        container(**field)


def test_a_pool_has_a_gateway_and_a_dynamic_range() -> None:
    pool = IpamConfig.model_validate({"subnet": "10.0.0.0/24"})
    assert (str(pool.effective_gateway), str(pool.effective_ip_range)) == ("10.0.0.1", "10.0.0.128/25")


def test_a_store_has_an_endpoint() -> None:
    assert Store(url="consul://store.example:8500").endpoint == ("store.example", 8500)


def test_a_port_in_a_port_is_the_port_itself() -> None:
    port = Port(target=80)
    assert expand_port(port) == [port]
