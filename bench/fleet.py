"""
The fleets that are measured: their shape, where each container stands, and their topology.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IMAGE = "busybox:1"
_FIRST_ADDRESS = 11
# Ends at once on SIGTERM: a shell hears a signal while it waits, not while a child runs in the foreground.
_COMMAND = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done")


@dataclass(frozen=True, slots=True)
class Shape:
    """
    How big a fleet is.

    Args:
        name: Of its lab and of its topology.
        lab_prefix: First three octets of the lab's /24.
        overlay_prefix: First two octets of its overlays, a /24 each.
        doubled: Every so manieth container is on a second overlay too; 0 for none.
        first_subnet: Third octet of the first overlay, from which it is named too; the others follow.
    """

    name: str
    lab_prefix: str
    overlay_prefix: str
    hosts: int
    networks: int
    containers: int
    doubled: int = 0
    first_subnet: int = 0

    @property
    def subnet(self) -> str:
        """The lab's network."""
        return f"{self.lab_prefix}.0/24"

    @property
    def store(self) -> tuple[str, int]:
        """IP address and port of the store."""
        return f"{self.lab_prefix}.10", 8500

    @property
    def host_names(self) -> tuple[str, ...]:
        """The hosts that run engines."""
        return tuple(f"h{number}" for number in range(1, self.hosts + 1))

    def overlay(self, number: int) -> str:
        """First three octets of an overlay, counted from 0."""
        return f"{self.overlay_prefix}.{self.first_subnet + number}"

    @property
    def network_names(self) -> tuple[str, ...]:
        """The overlays."""
        return tuple(f"{self.name}-net{self.first_subnet + number}" for number in range(1, self.networks + 1))


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a container stands.

    Args:
        addresses: Overlay -> fixed IP address.
    """

    name: str
    host: str
    addresses: Mapping[str, str]


def places(shape: Shape) -> tuple[Place, ...]:
    """Return the containers of *shape*: each overlay has some on every host, as evenly as it goes."""
    found: list[Place] = []
    for index in range(shape.containers):
        host = shape.host_names[index % shape.hosts]
        first = index // shape.hosts % shape.networks
        numbers = [first]
        if shape.doubled and index % shape.doubled == 0:
            numbers.append((first + 1) % shape.networks)
        addresses = {
            shape.network_names[number]: f"{shape.overlay(number)}.{_FIRST_ADDRESS + index}" for number in numbers
        }
        found.append(Place(f"{shape.name}-c{index + 1:02}", host, addresses))
    return tuple(found)


def topology_text(
    shape: Shape, ssh_config: Path, *, filled: bool = True, marks: Mapping[str, str] | None = None
) -> str:
    """
    Return the topology file of *shape*; JSON is YAML too.

    Args:
        ssh_config: The lab's.
        filled: Whether the overlays and containers are declared, or the hosts alone.
        marks: Container -> value of its environment variable MARK, by which it is replaced when it changes.
    """
    address, port = shape.store
    topology: dict[str, Any] = {
        "version": 1,
        "name": shape.name,
        "store": f"consul://{address}:{port}",
        "hosts": {
            name: {"address": f"{shape.lab_prefix}.{10 + number}", "ssh": {"config": str(ssh_config)}}
            for number, name in enumerate(shape.host_names, start=1)
        },
    }
    if filled:
        topology["networks"] = {
            name: {"ipam": {"config": [{"subnet": f"{shape.overlay(number)}.0/24"}]}}
            for number, name in enumerate(shape.network_names)
        }
        topology["containers"] = {
            place.name: _container(place, (marks or {}).get(place.name)) for place in places(shape)
        }
    return json.dumps(topology, indent=2) + "\n"


def _container(place: Place, mark: str | None) -> dict[str, Any]:
    declared: dict[str, Any] = {
        "host": place.host,
        "image": IMAGE,
        "command": list(_COMMAND),
        "restart": "always",
        "networks": {network: {"ipv4_address": address} for network, address in place.addresses.items()},
    }
    if mark is not None:
        declared["environment"] = {"MARK": mark}
    return declared
