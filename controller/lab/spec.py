"""
What a lab is to look like: names, addresses and engines, as data.

Pure: no I/O. Everything that a person can get wrong in the arguments is refused here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from controller.errors import LabError

DEFAULT_NAME = "ovctl"
DEFAULT_SUBNET = "192.168.112.0/24"
DEFAULT_HOSTS = 3
STORE_HOST = "store"

# engine -> Debian suite that ships it: 20.10.5 (cluster-store), 20.10.24 (the last with etcd), 26.1.5 (swarm only), and
# what Debian's next release has by now: 28.5.2 in November 2026
SUITES = {"classic": "bullseye", "etcd": "bookworm", "modern": "trixie", "newest": "forky"}

# Linux allows 15 characters for a network interface; "<lab>-store" and "<lab>-h99" must fit.
_NAME = re.compile(r"[a-z][a-z0-9]{0,8}")
_RESERVED = {"rootfs"}  # beside the labs in the base directory
_MAX_HOSTS = 99
_FIRST_HOST = 10
_WIDEST, _NARROWEST = 16, 28


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host: ``engine`` is a key of SUITES; a host of role ``store`` runs the consul server and no docker."""

    name: str
    ip: IPv4Address
    engine: str
    role: Literal["engine", "store"]

    @property
    def suite(self) -> str:
        """The Debian suite whose root file system the host boots."""
        return SUITES[self.engine]


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A whole lab; ``store`` says whether a host of its own runs consul."""

    name: str
    subnet: IPv4Network
    engines: tuple[str, ...]
    store: bool

    @property
    def gateway(self) -> IPv4Address:
        """The machine's own address on the bridge."""
        return self.subnet.network_address + 1

    @property
    def hosts(self) -> tuple[HostSpec, ...]:
        """The hosts h1 … hN, and the store at the end if there is one."""
        first = self.subnet.network_address + _FIRST_HOST
        engines = tuple(
            HostSpec(f"h{n}", first + n, engine, "engine") for n, engine in enumerate(self.engines, start=1)
        )
        return (*engines, HostSpec(STORE_HOST, first, "classic", "store")) if self.store else engines

    @property
    def suites(self) -> tuple[str, ...]:
        """The Debian suites that the hosts need, each once, in order of first use."""
        return tuple(dict.fromkeys(host.suite for host in self.hosts))

    def host(self, name: str) -> HostSpec:
        """
        Return the host called *name*.

        Raises:
            LabError: There is none; the message lists those that there are.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"no host {name} in lab {self.name}; it has {', '.join(host.name for host in self.hosts)}")

    def describe(self) -> str:
        """Return the arguments that make this lab, as typed."""
        store = "consul" if self.store else "none"
        return f"--hosts {len(self.engines)} --engine {','.join(self.engines)} --subnet {self.subnet} --store {store}"

    def to_json(self) -> str:
        """Return the lab as JSON, to be read back by from_json()."""
        data = {"name": self.name, "subnet": str(self.subnet), "engines": self.engines, "store": self.store}
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LabSpec:
        """Read back what to_json() wrote."""
        data = json.loads(text)
        return cls(data["name"], IPv4Network(data["subnet"]), tuple(data["engines"]), data["store"])


def check_name(name: str) -> str:
    """
    Return *name* if it can name a lab.

    Raises:
        LabError: It cannot; interface names of the lab start with it.
    """
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise LabError(
            f"--name: {name} cannot name a lab", hint="up to 9 lower-case letters and digits, starting with a letter"
        )
    return name


def make_spec(name: str, *, hosts: int | None, engine: str, subnet: str, store: str) -> LabSpec:
    """
    Turn arguments as typed into a lab.

    Args:
        name: Name of the lab.
        hosts: Number of hosts with an engine; None means one for each engine listed, or three.
        engine: One engine for all hosts, or a comma-separated list with one for each.
        subnet: IPv4 network in CIDR form.
        store: ``consul`` or ``none``.

    Raises:
        LabError: An argument is wrong; the message says which and how.
    """
    engines = tuple(part.strip() for part in engine.split(","))
    for part in engines:
        if part not in SUITES:
            raise LabError(
                f"--engine: no engine {part!r}", hint=f"one of {', '.join(SUITES)}, or a list with one a host"
            )
    if store not in {"consul", "none"}:
        raise LabError(f"--store: no store {store!r}", hint="consul or none")
    if len(engines) == 1:
        engines *= DEFAULT_HOSTS if hosts is None else hosts
    elif hosts is not None and hosts != len(engines):
        raise LabError(f"--engine lists {len(engines)} hosts, --hosts says {hosts}", hint="leave --hosts out")
    if not 1 <= len(engines) <= _MAX_HOSTS:
        raise LabError(f"--hosts: {len(engines)} is not between 1 and {_MAX_HOSTS}")
    return LabSpec(check_name(name), _network(subnet, hosts=len(engines)), engines, store == "consul")


def _network(subnet: str, *, hosts: int) -> IPv4Network:
    """Return *subnet* as a network that has room for *hosts* hosts."""
    try:
        network = IPv4Network(subnet)
    except ValueError as error:
        raise LabError(f"--subnet: {error}", hint=f"an IPv4 network such as {DEFAULT_SUBNET}") from None
    if not _WIDEST <= network.prefixlen <= _NARROWEST or not network.is_private:
        raise LabError(
            f"--subnet: {network} is not a private network between /{_WIDEST} and /{_NARROWEST}",
            hint=f"for example {DEFAULT_SUBNET}",
        )
    if _FIRST_HOST + hosts > network.num_addresses - 2:
        raise LabError(f"--subnet: {network} has no room for {hosts} hosts, the first is .{_FIRST_HOST + 1}")
    return network
