"""Rules for published ports: each can be taken once on a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.problem import Mistake
from controller.topology.rules.store import store_ip_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.forms import Port
    from controller.topology.draft import Draft

Key = tuple[str, str, int]
"""Host, protocol and port."""

_ANY = ""
_VXLAN = 4789
_GOSSIP = 7946
_SSH = 22


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield the published ports that something else on the host has."""
    own = _own_ports(draft)
    taken: dict[Key, dict[str, tuple[str, int]]] = {}
    for name, container in draft.topology.containers.items():
        if not container.ports or container.host not in draft.topology.hosts:
            continue
        for position, port in enumerate(container.ports):
            if port.published is None:
                continue
            key = (container.host, port.protocol, port.published)
            if key in own:
                what, hint = own[key]
                path = draft.port_entry(name, position)
                fact = f"{_shown(port)} of host {container.host} is {what}"
                sure = not what.startswith("probably")
                yield Mistake(path, fact, hint, "error" if sure else "warning")
                if sure:
                    continue
            holders = taken.setdefault(key, {})
            address = _ANY if port.host_ip == "0.0.0.0" else port.host_ip  # noqa: S104 - what Compose's host_ip means
            holder = _holder(holders, address)
            if holder is not None:
                path = draft.port_entry(name, position)
                where = draft.at(*draft.port_entry(*holder))
                fact = f"{_shown(port)} of host {container.host} is already taken by container {holder[0]} ({where})"
                yield Mistake(path, fact, "publish another port, or run it on another host")
            else:
                holders[address] = (name, position)


def _holder(holders: dict[str, tuple[str, int]], address: str) -> tuple[str, int] | None:
    """Return who holds a port at *address*: all addresses of a host clash with each of them."""
    if not holders:
        return None
    if address == _ANY:
        return next(iter(holders.values()))
    return holders.get(address) or holders.get(_ANY)


def _shown(port: Port) -> str:
    return f"port {port.published}/{port.protocol}"


def _own_ports(draft: Draft) -> dict[Key, tuple[str, str]]:
    """Return the ports that are taken before any container starts: who has them, and what to do."""
    own: dict[Key, tuple[str, str]] = {}
    topology = draft.topology
    members = topology.members if not draft.doubtful("store") else {}
    for name, host in topology.hosts.items():
        if host.connection == "ssh" and not draft.doubtful("hosts", name, "ssh"):
            sure = host.ssh.port is not None
            what = "sshd's" if sure else "probably sshd's"
            own[name, "tcp", host.ssh.port or _SSH] = (what, "publish another one: ovctl would lose the host")
        if name in members and not draft.doubtful("hosts", name, "member"):
            own[name, "udp", _VXLAN] = ("the overlay networks' own (VXLAN)", "publish another one")
            own[name, "tcp", _GOSSIP] = own[name, "udp", _GOSSIP] = ("the engine's own (gossip)", "publish another one")
    store = topology.store
    if store is not None and not draft.doubtful("store"):
        address, port = store_ip_address(store), store.endpoint[1]
        for name, host in topology.hosts.items():
            placed = store.place is not None and store.place.host == name
            if placed or (host.address == address and not draft.doubtful("hosts", name, "address")):
                own[name, "tcp", port] = (f"the store's ({draft.at('store', 'url')})", "publish another one")
    return own
