"""
Networks, as declared: their pools of IP addresses, and how a container sits on one.

Part of the border, as ``topology`` is: a field is judged by itself here, what needs more is a rule.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from controller.model.forms import PLUGIN, Alias, FrozenModel, IpAddress, TextMap, problem, read_list

LONGEST_IPV6_SPAN = 65
"""
Prefix length of the widest part of an IPv6 subnet that automatic addresses are taken from: engines count addresses in
64 bits, and give none from a range that ends with a /64 ("invalid bit range", 20.10.5 and 26.1.5).
"""

IpAddr = IPv4Address | IPv6Address
IpNet = IPv4Network | IPv6Network

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def read_subnet(value: Any) -> Any:
    """Read an IPv4 or IPv6 subnet in CIDR form, without host bits."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    text = value if isinstance(value, str) else ""
    family, example, usual = ("IPv6", "fd00:1::/64", 64) if ":" in text else ("IPv4", "192.168.2.0/24", 24)
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise problem(f"{value!r} is not an {family} subnet", f"write it as {example}") from None
    address, slash, length = text.partition("/")
    if not slash:
        raise problem(f"{value} has no prefix length", f"write it as {example}", fix=f"write {value}/{usual}, say")
    if not length.isdecimal():
        raise problem(f"{value} has no prefix length", f"write it as {example}", fix=f"write {network}")
    if ip_address(address) != network.network_address:
        raise problem(f"{value} has host bits set", "write the subnet's first address", fix=f"write {network}")
    return network


def read_ipv6_address(value: Any) -> Any:
    """Read an IPv6 address."""
    if isinstance(value, IPv6Address):
        return value
    text = value if isinstance(value, str) else ""
    try:
        address = IPv6Address(text)
    except ValueError:
        address = None
    if address is None or address.scope_id:
        raise problem(f"{value!r} is not an IPv6 address", "write it as fd00:1::11")
    return address


def read_any_address(value: Any) -> Any:
    """Read an IP address of either family."""
    if isinstance(value, str) and ":" in value:
        return read_ipv6_address(value)
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    try:
        return IPv4Address(value if isinstance(value, str) else "")
    except ValueError:
        raise problem(f"{value!r} is not an IPv4 address", "write it as 192.168.2.11, or fd00:1::11") from None


def read_mac_address(value: Any) -> Any:
    """Write a MAC address as engines give it back: in lower case, with colons."""
    text = value.lower().replace("-", ":") if isinstance(value, str) else ""
    if not _MAC.fullmatch(text):
        raise problem(f"{value!r} is not a MAC address", "write it as 02:42:c0:a8:02:0b, in quotes")
    if int(text[:2], 16) & 1:
        raise problem(f"{value!r} is the MAC address of a group", "let its second digit be even, such as 02:…")
    if text == "00:00:00:00:00:00":
        raise problem(f"{value!r} is no interface's MAC address", "write it as 02:42:c0:a8:02:0b, in quotes")
    return text


Ipv6 = Annotated[IPv6Address, BeforeValidator(read_ipv6_address, json_schema_input_type=str)]
AnyAddress = Annotated[IpAddr, BeforeValidator(read_any_address, json_schema_input_type=str)]
Subnet = Annotated[IpNet, BeforeValidator(read_subnet, json_schema_input_type=str)]
MacAddress = Annotated[str, BeforeValidator(read_mac_address, json_schema_input_type=str)]


class IpamConfig(FrozenModel):
    """One pool of addresses of a network."""

    subnet: Subnet = Field(description="The network's addresses, IPv4 or IPv6.", examples=["192.168.2.0/24"])
    gateway: AnyAddress | None = Field(default=None, description="The subnet's first host address without it.")
    ip_range: Subnet | None = Field(
        default=None,
        description="Range that automatic addresses come from; the subnet's upper half without it.",
    )
    aux_addresses: dict[str, AnyAddress] = Field(
        default_factory=dict,
        description="Addresses, by any name, that are never given to a container.",
    )

    @property
    def effective_gateway(self) -> IpAddr:
        """The gateway that the engine is told: declared, or the subnet's first host address."""
        if self.gateway is not None:
            return self.gateway
        return self.subnet[1]

    @property
    def effective_ip_range(self) -> IpNet:
        """
        The dynamic range that the engine is told: declared, or the subnet's upper half, whoever is on it.

        Of an IPv6 subnet above /65, the upper half of its first /65: see ``LONGEST_IPV6_SPAN``.
        """
        if self.ip_range is not None:
            return self.ip_range
        span = self.subnet
        if span.prefixlen >= span.max_prefixlen - 1:
            return span
        if isinstance(span, IPv4Network):
            return list(span.subnets())[1]
        return list(IPv6Network((span[0], max(span.prefixlen, LONGEST_IPV6_SPAN))).subnets())[1]


class Ipam(FrozenModel):
    """Address management of a network, in Compose's words."""

    driver: str = Field(
        default="default",
        pattern=PLUGIN,
        description="Driver of the address management: the engine's own, or a plugin that the engines have.",
    )
    config: Annotated[tuple[IpamConfig, ...], BeforeValidator(read_list, json_schema_input_type=list[IpamConfig])] = (
        Field(
            default=(),
            description="The network's pools of addresses; fixed addresses need one with a subnet.",
        )
    )
    options: TextMap = Field(default_factory=dict, description="Options of the address management's driver.")


class Network(FrozenModel):
    """A network: an overlay spans the member hosts, a bridge is one of its own on each host that uses it."""

    driver: Literal["overlay", "bridge"] = Field(
        default="overlay",
        description="overlay: one network over all member hosts; bridge: one on each host that has containers on it.",
    )
    external: bool = Field(
        default=False,
        description="Whether others make the network: it must be there, and is never created, changed or removed.",
    )
    enable_ipv6: bool = Field(
        default=False, description="Whether containers get IPv6 addresses; bridge only, and needs an IPv6 subnet."
    )
    ipam: Ipam = Field(default=Ipam(), description="The network's addresses.")
    internal: bool = Field(default=False, description="Whether containers on it have no way to the outside.")
    attachable: bool = Field(
        default=False, description="Passed on to the engine; it matters to the networks of a swarm alone."
    )
    labels: TextMap = Field(default_factory=dict, description="Labels of the network.")
    driver_opts: TextMap = Field(default_factory=dict, description="Options of the driver.")
    mtu: int | None = Field(
        default=None, ge=576, le=9216, description="MTU inside the network; the driver's own without it."
    )

    @property
    def spans_hosts(self) -> bool:
        """Whether it is an overlay of ours: made once, in the store."""
        return self.driver == "overlay" and not self.external


class Attachment(FrozenModel):
    """How a container sits on a network."""

    ipv4_address: IpAddress | None = Field(
        default=None,
        description="Fixed address in the network's subnet, outside its dynamic range.",
        examples=["192.168.2.11"],
    )
    ipv6_address: Ipv6 | None = Field(
        default=None,
        description="Fixed address in the network's IPv6 subnet, outside its dynamic range.",
        examples=["fd00:1::11"],
    )
    aliases: Annotated[tuple[Alias, ...], BeforeValidator(read_list, json_schema_input_type=list[Alias])] = Field(
        default=(),
        description="Further names of the container on this network.",
    )
    mac_address: MacAddress | None = Field(
        default=None,
        description="MAC address of its interface; on the network that comes first by priority.",
        examples=["02:42:c0:a8:02:0b"],
    )
    priority: int = Field(
        default=0,
        description="In which order the networks are joined: the highest first, equal ones as they stand in the file.",
    )
