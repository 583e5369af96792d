"""
The simulated data path: who reaches whom from inside a container.

It follows endpoints that live, not daemons: containers go on talking while the store or a daemon is away.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from controller.errors import HostError
from controller.ports import Pong
from tests.fakes.pools import IPV4
from tests.fakes.state import GATEWAY_BRIDGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from controller.ports import Ping
    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Container, Endpoint, Host, Network

_REACHED = Pong(reached=True, rtt_ms=0.1, detail="")
_SILENT = Pong(reached=False, rtt_ms=None, detail="no answer")


def answer(cluster: Cluster, host: Host, question: Ping) -> Pong:
    """Answer a ping that is asked on *host*."""
    asking = _of_pid(host, question.pid)
    if asking is None:
        gone = "nsenter: cannot open the process: No such file or directory"
        return Pong(reached=False, rtt_ms=None, detail=gone, asked=False)
    target = question.target
    if not _is_ip(target):
        resolved = _resolve(cluster, host, asking, target) if question.resolv_conf else None
        if resolved is None:
            return Pong(reached=False, rtt_ms=None, detail=f"ping: {target}: Name or service not known")
        target = resolved
    return _REACHED if _reaches(cluster, host, asking, target) else _SILENT


def resolve(cluster: Cluster, host: Host, pid: int, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return those of *names* that the container with that pid knows, with their IP addresses; HostError without it."""
    asking = _of_pid(host, pid)
    if asking is None:
        raise HostError(f"host/{host.name}: names cannot be asked for from inside process {pid}")
    found = {name: _resolve(cluster, host, asking, name) for name in names}
    return {name: (ip,) for name, ip in found.items() if ip is not None}


def _of_pid(host: Host, pid: int) -> Container | None:
    running = (found for found in host.engine.containers.values() if found.running)
    return next((found for found in running if found.pid == pid), None)


def _reaches(cluster: Cluster, host: Host, asking: Container, target: str) -> bool:
    own = dict(_endpoints(cluster, host, asking))
    if target in own or target == "127.0.0.1":
        return True
    for network, mine in own.values():
        if target in [str(IPv4Address(pool.gateway)) for pool in network.pools if pool.version == IPV4]:
            return True
        for endpoint in network.endpoints.values():
            if target in (endpoint.ip, endpoint.ip6):
                if network.options.get("com.docker.network.bridge.enable_icc") == "false":
                    return False
                if target == endpoint.ip6 and network.scope == "global" and endpoint.host != host.name:
                    return False  # engines tell each other where IPv4 addresses are, and flood nothing
                return _lives(cluster, host, mine, endpoint)
    other = next((found for found in cluster.hosts.values() if found.address == target), None)
    return (
        other is not None
        and any(network.driver == "bridge" for network, _ in own.values())
        and (other is host or (other.powered and other.plugged and host.plugged))
    )


def _lives(cluster: Cluster, host: Host, mine: Endpoint, endpoint: Endpoint) -> bool:
    """Whether a running container stands behind the endpoint, and the two hosts reach each other."""
    other = cluster.hosts[endpoint.host]
    if not other.powered or frozenset((mine.name, endpoint.name)) in cluster.unreachable_pairs:
        return False
    if other is not host and not (other.plugged and host.plugged):
        return False
    found = other.engine.containers.get(endpoint.container)
    return found is not None and found.running


def _resolve(cluster: Cluster, host: Host, asking: Container, name: str) -> str | None:
    """Return the IP address of a name on the networks that both are on; the default bridge knows no names."""
    for network, _ in dict(_endpoints(cluster, host, asking)).values():
        if network.name in ("bridge", GATEWAY_BRIDGE):
            continue
        for endpoint in network.endpoints.values():
            if endpoint.name == name or name in _aliases(cluster, endpoint, network):
                return endpoint.ip
    return None


def _aliases(cluster: Cluster, endpoint: Endpoint, network: Network) -> list[str]:
    container = cluster.hosts[endpoint.host].engine.containers.get(endpoint.container)
    attachment = container.attachments.get(network.name) if container is not None else None
    return (attachment.aliases or []) if attachment is not None else []


def _endpoints(cluster: Cluster, host: Host, container: Container) -> Iterator[tuple[str, tuple[Network, Endpoint]]]:
    """Yield IP address -> network and endpoint, for those endpoints that the networks still know."""
    held = {attachment.endpoint_id for attachment in container.attachments.values()} | {container.gateway_endpoint}
    shared = list(cluster.store.networks.values()) if cluster.store is not None else []
    for network in (*shared, *host.engine.networks.values()):
        for endpoint_id in held & network.endpoints.keys():
            endpoint = network.endpoints[endpoint_id]
            yield endpoint.ip, (network, endpoint)


def _is_ip(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdecimal()
