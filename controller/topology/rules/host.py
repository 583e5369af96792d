"""Rules for hosts: one name and one IP address each, and ways to reach them that make sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.topology import Ssh
from controller.topology.problem import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the hosts."""
    yield from _names(draft)
    yield from _addresses(draft)
    yield from _advertised(draft)
    yield from _connections(draft)


def _names(draft: Draft) -> Iterator[Mistake]:
    first: dict[str, str] = {}
    for name in draft.names("hosts"):
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield Mistake(
                ("hosts", name),
                f"is the host name of {other} ({draft.at('hosts', other)}) in other letters",
                "engines tell each other apart by host name, and case does not count: rename one",
                on_key=True,
            )


def _addresses(draft: Draft) -> Iterator[Mistake]:
    first: dict[int, str] = {}
    for name, host in draft.topology.hosts.items():
        path = ("hosts", name, "address")
        if draft.doubtful(*path):
            continue
        address = host.address
        other = first.setdefault(int(address), name)
        if other != name:
            fact = f"{address} is already the address of host {other} ({draft.at('hosts', other, 'address')})"
            yield Mistake(path, fact, "give each host its own IP address")
        elif address.is_unspecified or address.is_multicast or int(address) == 0xFFFFFFFF:  # noqa: PLR2004 - 255.255.255.255
            yield Mistake(
                path, f"{address} is no machine's IP address", "write the address at which others reach the host"
            )
        elif address.is_loopback and name in draft.topology.members and len(draft.topology.members) > 1:
            fact = f"{address} is every machine's own address: the other hosts cannot reach it"
            yield Mistake(path, fact, "write the address at which others reach the host")


def _advertised(draft: Draft) -> Iterator[Mistake]:
    first: dict[str, str] = {}
    for name, host in draft.topology.hosts.items():
        path = ("hosts", name, "advertise")
        if host.advertise is None or draft.doubtful(*path):
            continue
        where, _, port = host.advertise.rpartition(":")
        if not 1 <= int(port) <= 65535:  # noqa: PLR2004 - the last port
            yield Mistake(path, f"{host.advertise}: ports go from 1 to 65535", "write a port in that range")
        # an interface may have the same name on each host, an IP address is one host's
        elif where.replace(".", "").isdigit():
            other = first.setdefault(host.advertise, name)
            if other != name:
                fact = (
                    f"{host.advertise} is already advertised by host {other} ({draft.at('hosts', other, 'advertise')})"
                )
                yield Mistake(
                    path, fact, "let each host advertise its own IP address, or an interface such as eth0:2376"
                )


def _connections(draft: Draft) -> Iterator[Mistake]:
    local: dict[str, str] = {}
    for name, host in draft.topology.hosts.items():
        path = ("hosts", name, "connection")
        if host.connection != "local" or draft.doubtful(*path):
            continue
        other = local.setdefault(host.docker_socket, name)
        if other != name and not draft.doubtful("hosts", name, "docker_socket"):
            fact = f"both {other} and {name} say that they are the machine ovctl runs on"
            yield Mistake(path, fact, "reach the others by ssh")
        elif host.ssh != Ssh():
            yield Mistake(
                ("hosts", name, "ssh"),
                "is not used with connection: local",
                "remove one of the two",
                "warning",
                on_key=True,
            )
