"""Networks: there on every host that is to have them, and as declared."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from controller.diff.owner import whose
from controller.model.desired import driver_options, hosts_on, network_fields
from controller.model.drift import Change, DriftItem
from controller.model.identity import Address, declared_fields, digest, owner_of, without_ours
from controller.model.observed import StoreState, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.network import IpamConfig, Network
    from controller.model.observed import NetworkState, Observed, Pool
    from controller.model.topology import Topology


_CHOICES: tuple[tuple[str, ...], ...] = ((), ("gateway",), ("ip_range",), ("gateway", "ip_range"))
"""What a pool may have declared beyond its subnet and need not have."""
_MOST_CANDIDATES = 4096
_COMPARED_IN_FULL = frozenset(("driver", "external", "enable_ipv6", "internal", "attachable", "labels"))
DIFFERS = "differs from what is declared"


def network_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """
    Yield the drift of each network: one item a cluster for an overlay, one a host for a bridge and an external one.

    Without any readable engine that has joined, a declared overlay counts as missing.
    """
    for name, network in sorted(desired.networks.items()):
        if network.external:
            yield from _external(desired, observed, name)
        elif network.driver == "bridge":
            yield from _bridge(desired, observed, name, network)
        else:
            yield from _overlay(desired, observed, name, network)
    yield from _unexpected(desired, observed)


def _overlay(desired: Topology, observed: Observed, name: str, network: Network) -> Iterator[DriftItem]:
    """Compare an overlay; a daemon that does not run with the store sees none: that is its host's drift."""
    engines = {host: engine for host, engine in observed.engines.items() if host in desired.members}
    joined = {
        host: engine for host, engine in engines.items() if desired.store and engine.cluster_store == desired.store.url
    }
    address = Address("network", name)
    sightings = {host: found for host, engine in engines.items() if (found := engine.network(name)) is not None}
    obstacle = _obstacle(desired.name, name, sightings, is_store_known=isinstance(observed.store, StoreState))
    if obstacle:
        yield DriftItem(address, None, "conflict", (), obstacle)
    elif not sightings:
        if engines or isinstance(observed.store, StoreState):
            yield DriftItem(address, None, "missing", (), "no host has it")
    else:
        found = next(iter(sightings.values()))
        changes = (
            *_fields(network, found),
            *(Change(f"visible on {host}", "yes", "no") for host in joined if host not in sightings),
        )
        if changes:
            yield DriftItem(address, None, "changed", changes, DIFFERS, found.id)


def _obstacle(topology: str, name: str, sightings: Mapping[str, NetworkState], *, is_store_known: bool) -> str | None:
    """
    Return why there cannot be an overlay of ours of that name, or None.

    Args:
        is_store_known: Whether the store was read, which knows what was adopted.
    """
    for host, found in sightings.items():
        if found.scope != "global":
            return f"host/{host} has a local {found.driver} network named {name}"
        if owner_of(found.labels) is None and not is_store_known:
            return f"host/{host} shows a network named {name}; whether it is ours cannot be told without the store"
        if owner_of(found.labels) != topology:
            return f"host/{host} shows a network named {name} {whose(found.labels, Address('network', name))}"
    ids = {found.id for found in sightings.values()}
    if len(ids) > 1:
        return f"the hosts show {len(ids)} different networks named {name}"
    return None


def _bridge(desired: Topology, observed: Observed, name: str, network: Network) -> Iterator[DriftItem]:
    """Compare the bridge of each host that uses it; one that could not be read has none to compare."""
    address = Address("network", name)
    for host in hosts_on(desired, name):
        engine = observed.engine(host)
        if isinstance(engine, Unknown):
            continue
        found = engine.networks_named(name)
        obstacle = _obstacle_on(desired.name, host, name, found)
        if obstacle:
            yield DriftItem(address, host, "conflict", (), obstacle)
        elif not found:
            yield DriftItem(address, host, "missing", (), f"there is none on {host}")
        else:
            changes = tuple(_fields(network, found[0]))
            if changes:
                yield DriftItem(address, host, "changed", changes, DIFFERS, found[0].id)


def _obstacle_on(topology: str, host: str, name: str, found: tuple[NetworkState, ...]) -> str | None:
    """Return why the host cannot have a bridge of that name of its own, or None."""
    for network in found:
        if owner_of(network.labels) != topology:
            return f"host/{host} has a network named {name} {whose(network.labels, Address('network', name))}"
        if network.scope != "local":
            return f"an {network.driver} network of ours has that name: give the bridge another one"
    if len(found) > 1:
        return f"host/{host} has {len(found)} networks named {name}"
    return None


def _external(desired: Topology, observed: Observed, name: str) -> Iterator[DriftItem]:
    """Yield a conflict for each host whose containers are to join what is not there: only others can make it."""
    for host in hosts_on(desired, name):
        engine = observed.engine(host)
        found = () if isinstance(engine, Unknown) else engine.networks_named(name)
        if isinstance(engine, Unknown) or len(found) == 1:
            continue
        reason = f"host/{host} has {len(found)} networks of that name: which one is meant cannot be told"
        if not found:
            reason = f"it is external, and host/{host} has none of that name: create it there, or correct the name"
        yield DriftItem(Address("network", name), host, "conflict", (), reason)


def _unexpected(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """Yield our networks that are not declared, an overlay once; and our bridges on hosts that do not use them."""
    seen: set[str] = set()
    for host, engine in observed.engines.items():
        for found in engine.networks:
            if owner_of(found.labels) != desired.name:
                continue
            address, declared = Address("network", found.name), desired.networks.get(found.name)
            if found.scope != "local":
                if declared is None and found.id not in seen:
                    seen.add(found.id)
                    yield DriftItem(address, None, "unexpected", (), "no longer declared", found.id)
            elif declared is None:
                yield DriftItem(address, host, "unexpected", (), "no longer declared", found.id)
            elif declared.driver == "bridge" and not declared.external and host not in hosts_on(desired, found.name):
                reason = f"no container on {host} uses it any more"
                yield DriftItem(address, host, "unexpected", (), reason, found.id)


def _fields(network: Network, found: NetworkState) -> Iterator[Change]:
    if found.driver != network.driver:
        yield Change("driver", network.driver, found.driver)
    for field in ("enable_ipv6", "internal", "attachable"):
        declared, there = getattr(network, field), getattr(found, field)
        if declared != there:
            yield Change(field, str(declared).lower(), str(there).lower())
    yield from _ipam(network, found)
    yield from _options(network, found)
    labels = without_ours(found.labels)
    for label in sorted({*labels, *network.labels}):
        value, has = network.labels.get(label), labels.get(label)
        if value != has:
            # a label's value may be a secret: it is never shown
            yield Change(f"labels.{label}", value and "(declared value)", has and "(another value)")
    # what was declared once and no longer is goes back to its default, where that is not compared in full above
    for field in sorted(set(declared_fields(found.labels)) - set(network_fields(network)) - _COMPARED_IN_FULL):
        yield Change(field, "the default", "declared at its creation")


def _ipam(network: Network, found: NetworkState) -> Iterator[Change]:
    ipam = network.ipam
    if found.ipam_driver != ipam.driver:
        yield Change("ipam.driver", ipam.driver, found.ipam_driver)
    for option in sorted({*ipam.options, *found.ipam_options}):
        declared, there = ipam.options.get(option), found.ipam_options.get(option)
        if declared != there:
            yield Change(f"ipam.options.{option}", declared, there)
    wanted = {str(config.subnet): config for config in ipam.config}
    # of a family that is not declared, the engine takes a pool of its own choice
    families = {config.subnet.version for config in ipam.config}
    pools = {pool.subnet: pool for pool in found.pools if _version(pool.subnet) in families}
    if set(pools) != set(wanted):
        yield Change("ipam.config.subnet", ", ".join(wanted), ", ".join(pools))
        return
    changes = [change for subnet, config in wanted.items() for change in _pool(config, pools[subnet])]
    yield from changes
    unsure = _declared_otherwise(network, found) and len(pools) < len(found.pools)
    if wanted and not changes and (unsure or _dropped(network, found)):
        yield Change("ipam.config", "as declared now", "as declared at its creation")


def _declared_otherwise(network: Network, found: NetworkState) -> bool:
    """Whether the pools were declared in another way at the network's creation: one may not be the engine's choice."""
    recorded = declared_fields(found.labels).get("ipam")
    return bool(network.ipam.config) and recorded not in (None, digest(network_fields(network)["ipam"]))


def _version(subnet: str) -> int:
    return 6 if ":" in subnet else 4


def _options(network: Network, found: NetworkState) -> Iterator[Change]:
    """Compare what is declared; more than that counts only if it was declared once: engines add their own."""
    wanted = driver_options(network)
    for option, value in sorted(wanted.items()):
        if found.options.get(option) != value:
            yield Change(f"driver_opts.{option}", value, found.options.get(option))
    recorded = declared_fields(found.labels).get("driver_opts")
    if recorded and network.driver_opts and recorded != digest(network_fields(network)["driver_opts"]):
        for option in sorted(set(found.options) - set(wanted)):
            yield Change(f"driver_opts.{option}", None, found.options[option])


def _dropped(network: Network, found: NetworkState) -> bool:
    """
    Whether a gateway or a range was declared at the network's creation and no longer is.

    Its values are those that it has; the digest tells which of them were declared: the candidates are few.
    """
    recorded, ipam = declared_fields(found.labels).get("ipam"), network_fields(network)["ipam"]
    if recorded in (None, digest(ipam)):
        return False
    pools = {pool.subnet: {"gateway": pool.gateway, "ip_range": pool.ip_range} for pool in found.pools}
    candidates = []
    for config in ipam["config"]:
        has = pools[config["subnet"]]
        rest = {field: value for field, value in config.items() if field not in has}
        candidates.append([rest | {field: has[field] for field in declared} for declared in _CHOICES])
    for earlier in islice(product(*candidates), _MOST_CANDIDATES):
        if digest({**ipam, "config": earlier}) == recorded:
            return any(before.keys() - now.keys() for before, now in zip(earlier, ipam["config"], strict=True))
    return False


def _pool(config: IpamConfig, found: Pool) -> Iterator[Change]:
    """Compare what is declared of a pool: what an existing network has beyond that wins over what would be derived."""
    if config.gateway is not None and found.gateway != str(config.gateway):
        yield Change("ipam.config.gateway", str(config.gateway), found.gateway or None)
    if config.ip_range is not None and found.ip_range != str(config.ip_range):
        yield Change("ipam.config.ip_range", str(config.ip_range), found.ip_range or None)
    aux = {name: str(address) for name, address in config.aux_addresses.items()}
    if aux != dict(found.aux_addresses):
        yield Change("ipam.config.aux_addresses", str(aux), str(dict(found.aux_addresses)))
