"""Which address do I use: each container with its addresses, interfaces, ports, state and drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.model.desired import HOST_MODE
from controller.model.observed import EngineState, StoreState, Unknown
from controller.render.text import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.observed import ContainerState, Observed
    from controller.model.plan import Plan
    from controller.model.topology import Topology

STATUS_FORMAT = "ovctl.status/1"
GATEWAY = "docker_gwbridge"

Interfaces = "Mapping[str, Mapping[str, str]]"
"""Container -> IP address -> interface name."""


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    host: str
    state: str
    health: str | None
    addresses: tuple[tuple[str, str, str], ...]
    published: tuple[str, ...]
    drift: str


def _rows(desired: Topology, observed: Observed, plan: Plan, interfaces: Mapping[str, Mapping[str, str]]) -> list[_Row]:
    drift: dict[str, str] = {item.address.name: item.cls for item in plan.items if item.address.kind == "container"}
    drift |= {
        blocked.item.address.name: f"{blocked.item.cls} ({blocked.why})"
        for blocked in plan.blocked
        if blocked.item.address.kind == "container"
    }
    rows = []
    for name, container in sorted(desired.containers.items()):
        engine = observed.engine(container.host)
        found = engine.container(name) if isinstance(engine, EngineState) else None
        state = "unknown" if isinstance(engine, Unknown) else found.status if found else "missing"
        of_host = str(desired.hosts[container.host].address)
        addresses = (
            _addresses(found, engine, interfaces.get(name, {}), of_host)
            if found and isinstance(engine, EngineState)
            else ()
        )
        told = "unknown" if isinstance(engine, Unknown) else drift.get(name, "in sync")
        health = found.health if found else None
        rows.append(_Row(name, container.host, state, health, addresses, found.published if found else (), told))
    return rows


def _addresses(
    found: ContainerState, engine: EngineState, interfaces: Mapping[str, str], of_host: str
) -> tuple[tuple[str, str, str], ...]:
    """
    Return (network, IP address, interface), overlays first and the bridge to the outside last.

    Args:
        of_host: The host's IP address, which is that of a container in the host's network.
    """
    current = {
        network: of_host if network == HOST_MODE else endpoint.current for network, endpoint in found.endpoints.items()
    }
    rows = [
        (network, current[network] or endpoint.ipv4_address or "-", interfaces.get(current[network], "-"))
        for network, endpoint in sorted(found.endpoints.items())
    ]
    for network, endpoint in sorted(found.endpoints.items()):
        address = endpoint.current_ipv6 or endpoint.ipv6_address
        if address:
            # one interface bears both families
            rows.append((network, address, interfaces.get(endpoint.current, "-")))
    rows.sort(key=lambda row: row[0])
    gateway = engine.gateway_addresses.get(found.id)
    if gateway and found.running:
        rows.append((GATEWAY, gateway, interfaces.get(gateway, "-")))
    return tuple(rows)


def status_text(desired: Topology, observed: Observed, plan: Plan, interfaces: Mapping[str, Mapping[str, str]]) -> str:
    """Return the hosts and the containers as two tables, and what a reader makes of the two kinds of address."""
    hosts = table(
        ("HOST", "IP ADDRESS", "ENGINE", "STORE", "STATE"),
        [_host_row(desired, observed, name) for name in desired.hosts],
    )
    head = ("CONTAINER", "HOST", "STATE", "NETWORK", "IP ADDRESS", "INTERFACE", "PUBLISHED", "DRIFT")
    cells: list[tuple[str, ...]] = []
    for row in _rows(desired, observed, plan, interfaces):
        for position, (network, address, interface) in enumerate(row.addresses or (("-", "-", "-"),)):
            first = position == 0
            state = f"{row.state} ({row.health})" if row.health else row.state
            lead = (row.name, row.host, state) if first else ("", "", "")
            tail = (", ".join(row.published) or "-", row.drift) if first else ("", "")
            cells.append((*lead, network, address, interface, *tail))
    lines = [*hosts, "", *table(head, cells)]
    if any(row.addresses and row.addresses[-1][0] == GATEWAY for row in _rows(desired, observed, plan, interfaces)):
        lines += [
            "",
            f"between containers use the overlay's IP address; {GATEWAY} is only the way out and to published ports",
        ]
    return "\n".join(lines)


def _host_row(desired: Topology, observed: Observed, name: str) -> tuple[str, ...]:
    state = observed.hosts.get(name, Unknown("not asked"))
    address = str(desired.hosts[name].address)
    if isinstance(state, Unknown):
        return (name, address, "-", "-", f"unknown: {state.reason}")
    if not isinstance(state.engine, EngineState):
        return (name, address, "-", "-", f"unknown: {state.engine.reason}")
    return (name, address, state.engine.version, state.engine.cluster_store or "-", "ready")


def status_json(
    desired: Topology, observed: Observed, plan: Plan, interfaces: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "format": STATUS_FORMAT,
        "topology": desired.name,
        "generation": plan.generation,
        "store": "unknown"
        if isinstance(observed.store, Unknown)
        else "ready"
        if isinstance(observed.store, StoreState)
        else None,
        "hosts": {
            name: {"state": "unknown", "reason": engine.reason}
            if isinstance(engine := observed.engine(name), Unknown)
            else {"state": "ready", "reason": None}
            for name in observed.hosts
        },
        "containers": [
            {
                "name": row.name,
                "host": row.host,
                "state": row.state,
                "health": row.health,
                "addresses": [
                    {"network": network, "ip_address": address, "interface": interface}
                    for network, address, interface in row.addresses
                ],
                "published": list(row.published),
                "drift": row.drift,
            }
            for row in _rows(desired, observed, plan, interfaces)
        ],
    }
