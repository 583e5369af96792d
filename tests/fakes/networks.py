"""
Networks of simulated engines: who sees which, endpoints.

Follows libnetwork of engine 20.10: an overlay and its endpoints live in the store, everything else on its host.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from controller.errors import ConflictError, EngineError, NotFoundError
from tests.fakes import pools
from tests.fakes.state import GATEWAY_BRIDGE, PREDEFINED, SHORT_ID, Attachment, Endpoint, Network

if TYPE_CHECKING:
    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Container, Host, Json

REMADE = (*PREDEFINED, GATEWAY_BRIDGE)
"""Networks that a daemon makes again when its own data base is gone."""

_NO_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
    "and try again."
)
_DRIVERS = ("bridge", "overlay", "macvlan", "ipvlan")
_GATEWAY_OPTIONS = {
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.name": GATEWAY_BRIDGE,
}
_BRIDGE_OPTIONS = {
    "com.docker.network.bridge.default_bridge": "true",
    "com.docker.network.bridge.enable_icc": "true",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",  # noqa: S104 - the engine's own text
    "com.docker.network.bridge.name": "docker0",
    "com.docker.network.driver.mtu": "1500",
}


def make_predefined(cluster: Cluster, host: Host) -> None:
    """Make the three networks that every engine has."""
    _make(cluster, host, "none", {"Driver": "null"}, [])
    _make(cluster, host, "host", {"Driver": "host"}, [])
    pool = [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]
    _make(cluster, host, "bridge", {"Driver": "bridge", "Options": dict(_BRIDGE_OPTIONS)}, pool)


def visible(cluster: Cluster, host: Host) -> list[Network]:
    """Return what ``GET /networks`` would list: without the store, the overlays are hidden."""
    shared = list(cluster.store.networks.values()) if cluster.store is not None and cluster.sees_store(host) else []
    return [*shared, *host.engine.networks.values()]


def find(cluster: Cluster, host: Host, ref: str) -> Network:
    """Return a network by id or name; NotFoundError if there is none: the start of an id is no reference."""
    seen = visible(cluster, host)
    for network in seen:
        if network.id == ref:
            return network
    named = [network for network in seen if network.name == ref]
    if len(named) == 1:
        return named[0]
    if len(named) > 1:
        raise EngineError(f"{len(named)} matches found based on name: network {ref} is ambiguous", status=400)
    raise NotFoundError(f"network {ref} not found", status=404)


def create(cluster: Cluster, host: Host, name: str, config: Json) -> str:
    """Create a network from the body of ``POST /networks/create`` and return its id."""
    driver = config.get("Driver") or "bridge"
    if name in PREDEFINED:
        raise EngineError(f"operation is not permitted on predefined {name} network ", status=403)
    taken = any(network.name == name for network in visible(cluster, host))
    if taken and config.get("CheckDuplicate"):
        raise ConflictError(f"network with name {name} already exists", status=409)
    if driver not in _DRIVERS:
        raise NotFoundError(f'plugin "{driver}" not found', status=404)
    if driver == "overlay":
        if not host.engine.cluster_store:
            raise EngineError(_NO_SWARM, status=500)
        if not cluster.sees_store(host):
            message = "error getting pools config from store: could not get pools config from store: connection refused"
            raise EngineError(message, status=500)
    ipam = [dict(item) for item in (config.get("IPAM") or {}).get("Config") or []]
    return _make(cluster, host, name, {**config, "Driver": driver}, ipam).id


def remove(cluster: Cluster, host: Host, ref: str) -> None:
    """Remove a network that nobody is on."""
    network = find(cluster, host, ref)
    if network.name in PREDEFINED and network.scope == "local":
        raise EngineError(f"{network.name} is a pre-defined network and cannot be removed", status=403)
    if network.endpoints or network.miscounted:
        message = f"error while removing network: network {network.name} id {network.id} has active endpoints"
        raise EngineError(message, status=403)
    del _home(cluster, host, network)[network.id]


def gateway_bridge(cluster: Cluster, host: Host) -> Network:
    """Return the host's docker_gwbridge, made when it is first needed."""
    for network in host.engine.networks.values():
        if network.name == GATEWAY_BRIDGE:
            return network
    made = _make(cluster, host, GATEWAY_BRIDGE, {"Driver": "bridge", "Options": dict(_GATEWAY_OPTIONS)}, [])
    host.interfaces[GATEWAY_BRIDGE] = str(IPv4Address(made.pools[0].gateway))
    return made


def attach(cluster: Cluster, host: Host, container: Container, network: Network, attachment: Attachment) -> Endpoint:
    """Make an endpoint for a container and write into its configuration what came of it."""
    endpoint = make_endpoint(cluster, host, network, container, attachment)
    attachment.network_id, attachment.endpoint_id = network.id, endpoint.id
    attachment.ip, attachment.mac, attachment.prefix_length = endpoint.ip, endpoint.mac, endpoint.prefix_length
    attachment.gateway = endpoint.gateway
    attachment.ip6, attachment.prefix6_length, attachment.gateway6 = (
        endpoint.ip6,
        endpoint.prefix6_length,
        endpoint.gateway6,
    )
    return endpoint


def make_endpoint(
    cluster: Cluster, host: Host, network: Network, container: Container, wanted: Attachment | None = None
) -> Endpoint:
    """Return a new endpoint of *network*, at the addresses *wanted* if any; EngineError as libnetwork says it."""
    wanted = wanted or Attachment()
    check_subnet(network, wanted)
    name = f"gateway_{container.sandbox[:SHORT_ID]}" if network.name == GATEWAY_BRIDGE else container.name
    if any(endpoint.name == name for endpoint in network.endpoints.values()):
        raise EngineError(f"endpoint with name {name} already exists in network {network.name}", status=403)
    ip, prefix_length, gateway = pools.address(network, wanted.fixed_ip)
    ip6, prefix6_length, gateway6 = pools.address(network, wanted.fixed_ip6, pools.IPV6)
    mac = "02:42:" + ":".join(f"{byte:02x}" for byte in IPv4Address(ip).packed) if ip else ""
    if network.name == container.mode:
        mac = (container.config.get("MacAddress") or mac).lower()
    shown = network.driver == "bridge"
    endpoint = Endpoint(
        id=cluster.new_id("endpoint"),
        name=name,
        ip=ip,
        prefix_length=prefix_length,
        mac=mac,
        gateway=gateway if shown else "",
        host=host.name,
        container=container.id,
        ip6=ip6,
        prefix6_length=prefix6_length,
        gateway6=gateway6 if shown else "",
    )
    network.endpoints[endpoint.id] = endpoint
    return endpoint


def check_subnet(network: Network, wanted: Attachment) -> None:
    """Refuse a fixed address where the engine chose the subnet."""
    for version, address in ((pools.IPV4, wanted.fixed_ip), (pools.IPV6, wanted.fixed_ip6)):
        if address and version not in network.user_subnets:
            message = (
                "user specified IP address is supported only when connecting to networks with user configured subnets"
            )
            raise EngineError(message, status=400)


def release(cluster: Cluster, host: Host, endpoint_id: str, network_id: str) -> None:
    """Give an endpoint back; without the store, one of an overlay stays there as a ghost."""
    network = host.engine.networks.get(network_id)
    if network is None and cluster.store is not None and cluster.sees_store(host):
        network = cluster.store.networks.get(network_id)
    if network is not None:
        network.endpoints.pop(endpoint_id, None)


def force_delete(cluster: Cluster, host: Host, ref: str, name: str) -> None:
    """Delete an endpoint by its name, whoever uses it: ``disconnect -f`` where no container of that name is."""
    network = find(cluster, host, ref)
    for endpoint in network.endpoints.values():
        if endpoint.name == name:
            del network.endpoints[endpoint.id]
            return
    raise NotFoundError(f"endpoint {name} not found", status=404)


def by_id(cluster: Cluster, host: Host, network_id: str) -> Network | None:
    """Return a network of that id, as the host sees it."""
    return next((network for network in visible(cluster, host) if network.id == network_id), None)


def user_defined(network: Network) -> bool:
    """Whether aliases and fixed addresses may be had on it."""
    return network.name not in PREDEFINED


def _home(cluster: Cluster, host: Host, network: Network) -> dict[str, Network]:
    return cluster.store.networks if cluster.store is not None and network.scope == "global" else host.engine.networks


def _make(cluster: Cluster, host: Host, name: str, config: Json, ipam: list[Json]) -> Network:
    driver = config["Driver"]
    scope = "global" if driver == "overlay" else "local"
    management = config.get("IPAM") or {}
    options = management.get("Options")
    network = Network(
        id=cluster.new_id("network"),
        name=name,
        driver=driver,
        scope=scope,
        created=cluster.timestamp(),
        ipam=ipam,
        pools=[],
        # what of its pools was asked for; those that a daemon makes by itself take no fixed addresses
        user_subnets=() if name in REMADE else tuple(pools.pool_of(item).version for item in ipam),
        internal=bool(config.get("Internal")),
        options=dict(config.get("Options") or {}),
        labels=dict(config.get("Labels") or {}),
        enable_ipv6=bool(config.get("EnableIPv6")),
        attachable=bool(config.get("Attachable")),
        ipam_driver=management.get("Driver") or "default",
        ipam_options=None if options is None else dict(options),
    )
    if network.ipam_driver != "default":
        raise NotFoundError(f'plugin "{network.ipam_driver}" not found', status=404)
    home = _home(cluster, host, network)
    pools.allocate(cluster, network, home.values())
    home[network.id] = network
    return network


def needs_gateway(cluster: Cluster, host: Host, container: Container) -> bool:
    """Whether it has no way out through a network of its own: then docker_gwbridge is that way."""
    needs = False
    for attachment in container.attachments.values():
        network = by_id(cluster, host, attachment.network_id)
        if network is None or not attachment.endpoint_id or network.internal or network.driver in ("null", "host"):
            continue
        if attachment.gateway:
            return False
        needs = True
    return needs


def join_gateway(cluster: Cluster, host: Host, container: Container) -> None:
    """Put it on docker_gwbridge, if that is its way out and it is not there."""
    if container.gateway_endpoint or not needs_gateway(cluster, host, container):
        return
    bridge = gateway_bridge(cluster, host)
    container.gateway_endpoint = make_endpoint(cluster, host, bridge, container).id


def leave_gateway(host: Host, container: Container) -> None:
    """Take it off docker_gwbridge."""
    if container.gateway_endpoint:
        for network in host.engine.networks.values():
            network.endpoints.pop(container.gateway_endpoint, None)
        container.gateway_endpoint = ""
