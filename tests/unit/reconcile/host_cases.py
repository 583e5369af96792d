"""A host on which everything runs at once: each network of the cases, and containers in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.topology import Topology
from tests.unit.reconcile.object_cases import LANS, NETWORKS, RICH, numbered

if TYPE_CHECKING:
    from controller.ports import Json

OWN = "own:1"
"""Another name of busybox:1."""
MANY = {f"net{number}": (case, number) for number, case in enumerate(NETWORKS.values(), start=1)}
"""Each case's network on addresses of its own, and the number of these: all are on a host at once."""
FIXED: Json = {
    "lan": {"ipv4_address": "10.70.0.11", "ipv6_address": "fd00:70::11", "aliases": ["www", "web"], "priority": 1},
    "lan2": {"aliases": ["second"]},
}

_RUNS: Json = {"image": "busybox:1", "command": ["sleep", "infinity"], "stop_grace_period": "1s", "restart": "always"}
_CONTAINERS: Json = {
    "a": {**_RUNS, "networks": FIXED},
    "b": {**_RUNS, "networks": ["lan"]},
    "mac": {**_RUNS, "networks": {"lan": {"mac_address": "02:42:c0:a8:02:0b", "ipv4_address": "10.70.0.13"}}},
    "many": {**_RUNS, "networks": list(MANY)},
    "own": {**_RUNS, "image": OWN},
    "form": {
        "image": RICH,
        "stop_grace_period": "1s",
        "restart": "unless-stopped",
        "environment": ["A=1", "C="],
        "labels": {"a": "1"},
        "hostname": "form",
        "user": "0",
        "volumes": ["data:/data", "/srv:/srv:ro", {"type": "volume", "source": "more", "target": "/more"}],
        "ports": ["8080:80", "127.0.0.1:5300:53/udp", "8000-8001:8000-8001", 81, {"target": 82, "published": "8082"}],
        "networks": {"lan2": {"ipv4_address": "10.71.0.13"}},
    },
    "none": {**_RUNS, "network_mode": "none"},
    "host": {**_RUNS, "network_mode": "host", "entrypoint": ["sleep"], "command": "infinity"},
}


def host_networks() -> Json:
    """Return what is declared of the networks."""
    return LANS | {name: numbered(case.first, number) for name, (case, number) in MANY.items()}


def host_containers(host: str) -> Json:
    """Return what is declared of the containers of one host."""
    return {f"{kind}-{host}": {**fields, "host": host} for kind, fields in _CONTAINERS.items()}


def host_topology(name: str, host: str, kind: str, changes: Json) -> Topology:
    """
    Return a topology of that host alone.

    Args:
        kind: Of a container of which *changes* are declared otherwise; empty for none.
    """
    containers = host_containers(host)
    if kind:
        containers[f"{kind}-{host}"] |= changes
    hosts = {host: {"address": "10.1.0.1"}}
    declared = {"version": 1, "name": name, "hosts": hosts, "networks": host_networks(), "containers": containers}
    return Topology.model_validate(declared)
