"""Variables in values, as in Compose, but for unset ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.topology.interpolate import InterpolationError, interpolate

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.topology.load import Loaded

ENV = {"A": "1", "EMPTY": "", "NAME": "web"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("no variable", "no variable"),
        ("$A", "1"),
        ("x${NAME}y$A.", "xweby1."),
        ("$$A $$$A", "$A $1"),
        ("${X:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${X-d}", "d"),
        ("${X:-}", ""),
        ("${A:-d}", "1"),
        ("${X:-${Y:-${NAME}}/z}", "web/z"),
        ("${X:-a$$b}", "a$b"),
        ("${A:-${Z:?never}}", "1"),
        ("${A:+alt}", "alt"),
        ("${EMPTY:+alt}", ""),
        ("${EMPTY+alt}", "alt"),
        ("${X+alt}", ""),
        ("${A:?told}", "1"),
        ("${EMPTY?told}", ""),
        ("a}b", "a}b"),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, result: str) -> None:
    assert interpolate(text, ENV) == result


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("$X", "$X is not set and has no default"),
        ("${X}", "$X is not set and has no default"),
        ("${X:-$Y}", "$Y is not set and has no default"),
        ("${X:?set it, please}", "$X is unset or empty: set it, please"),
        ("${EMPTY:?}", "$EMPTY is unset or empty"),
        ("${X?}", "$X is unset"),
        ("$1", "'$' starts no variable"),
        ("5$", "'$' starts no variable"),
        ("${", "'${' is not followed by a variable's name"),
        ("${A", "'${A' is not closed, or goes on with what is no operator"),
        ("${A!x}", "'${A' is not closed, or goes on with what is no operator"),
        ("${X:-a", "'${' is not closed"),
        ("${X:-" * 20 + "}" * 20, "defaults are nested more than 16 deep"),
    ],
)
def test_what_cannot_be_replaced_is_an_error(text: str, fact: str) -> None:
    with pytest.raises(InterpolationError) as error:
        interpolate(text, ENV)
    assert error.value.fact == fact


def test_a_field_that_wants_a_number_gets_one_from_a_plain_variable(read: Callable[..., Loaded]) -> None:
    text = """\
    version: 1
    name: t
    hosts: {h1: {address: 10.1.0.1, ssh: {port: "${P:-22}"}}}
    """
    with pytest.raises(TopologyError, match="expected a whole number"):
        read(text)
    topology = read(text.replace('"', "").replace("{P:-22}", "P"), {"P": "22"}).topology
    assert topology.hosts["h1"].ssh.port == 22


def test_a_field_that_wants_text_gets_what_the_variable_holds(read: Callable[..., Loaded]) -> None:
    text = """\
    version: 1
    name: t
    hosts: {h1: {address: 10.1.0.1, sudo: $SUDO}}
    containers:
      cc: {host: $HOST, image: busybox, environment: {PIN: $PIN}}
    """
    topology = read(text, {"PIN": "007", "HOST": "h1", "SUDO": "true"}).topology
    assert topology.containers["cc"].environment == {"PIN": "007"}
    assert topology.hosts["h1"].sudo is True


@pytest.mark.parametrize(
    "line",
    [
        "mtu: $SECRET",
        "mtu: x${SECRET}y",
        "internal: ${SECRET:-true}",
        "driver: $SECRET",
        "ipam: {config: [{subnet: $SECRET}]}",
        "ipam: {config: [{subnet: 10.0.0.0/24, gateway: $SECRET}]}",
        "driver_opts: [$SECRET]",
    ],
)
@pytest.mark.parametrize("secret", ["hunter2", "10.9.8.7", "10.9.8.7/8", "31337", "hunt er2!"])
def test_what_the_environment_holds_is_never_shown(line: str, secret: str, read: Callable[..., Loaded]) -> None:
    text = "version: 1\nname: t\nstore: consul://192.0.2.9:8500\nhosts: {h1: {address: 192.0.2.1}}\nnetworks:\n  n:\n"
    text += f"    {line}\n"
    with pytest.raises(TopologyError) as error:
        read(text, {"SECRET": secret})
    assert secret not in error.value.message
    assert "SECRET" in error.value.message or "this item" in error.value.message


@pytest.mark.parametrize(
    "line", ["host: $SECRET", "image: $SECRET", "depends_on: [$SECRET]", "volumes: [$SECRET]", "ports: [$SECRET]"]
)
def test_what_the_environment_holds_is_not_shown_by_rules(line: str, read: Callable[..., Loaded]) -> None:
    fields = {"host": "host: h1", "image": "image: busybox"}
    fields[line.split(":", 1)[0]] = line
    text = "version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"
    text += f"containers: {{cc: {{{', '.join(fields.values())}}}}}\n"
    with pytest.raises(TopologyError) as error:
        read(text, {"SECRET": "HUNTER 2"})
    assert "HUNTER" not in error.value.message


def test_keys_are_not_interpolated(read: Callable[..., Loaded]) -> None:
    text = "version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"
    text += "networks: {nn: {labels: {$A: b}}}\nstore: consul://a:1\n"
    assert read(text).topology.networks["nn"].labels == {"$A": "b"}
