"""Networks: there on every host, and as declared."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from controller.model.desired import driver_options, network_fields
from controller.model.drift import Change, DriftItem
from controller.model.identity import Address, declared_fields, digest, owner_of, without_ours
from controller.model.observed import StoreState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.observed import NetworkState, Observed, Pool
    from controller.model.topology import IpamConfig, Network, Topology


_CHOICES: tuple[tuple[str, ...], ...] = ((), ("gateway",), ("ip_range",), ("gateway", "ip_range"))
"""What a pool may have declared beyond its subnet and need not have."""
_MOST_CANDIDATES = 4096


def network_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """
    Yield the drift of each network; without any readable engine that has joined, a declared one counts as missing.

    A member whose daemon does not run with the store sees no overlay: that is the host's drift, not the network's.
    """
    engines = {host: engine for host, engine in observed.engines.items() if host in desired.members}
    joined = {
        host: engine for host, engine in engines.items() if desired.store and engine.cluster_store == desired.store.url
    }
    for name, network in sorted(desired.networks.items()):
        address = Address("network", name)
        sightings = {host: found for host, engine in engines.items() if (found := engine.network(name)) is not None}
        obstacle = _obstacle(desired.name, name, sightings)
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
                yield DriftItem(address, None, "changed", changes, "differs from what is declared", found.id)
    yield from _unexpected(desired, observed)


def _obstacle(topology: str, name: str, sightings: Mapping[str, NetworkState]) -> str | None:
    for host, found in sightings.items():
        if found.scope != "global":
            return f"host/{host} has a local {found.driver} network named {name}"
        if owner_of(found.labels) != topology:
            return f"host/{host} shows a network named {name} that is not ours"
    ids = {found.id for found in sightings.values()}
    if len(ids) > 1:
        return f"the hosts show {len(ids)} different networks named {name}"
    return None


def _unexpected(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    seen: set[str] = set()
    for engine in observed.engines.values():
        for found in engine.networks:
            if owner_of(found.labels) == desired.name and found.name not in desired.networks and found.id not in seen:
                seen.add(found.id)
                yield DriftItem(Address("network", found.name), None, "unexpected", (), "no longer declared", found.id)


def _fields(network: Network, found: NetworkState) -> Iterator[Change]:
    if found.driver != network.driver:
        yield Change("driver", network.driver, found.driver)
    if found.internal != network.internal:
        yield Change("internal", str(network.internal).lower(), str(found.internal).lower())
    pools = {pool.subnet: pool for pool in found.pools}
    wanted = {str(config.subnet): config for config in network.ipam.config}
    if wanted and set(pools) != set(wanted):
        yield Change("ipam.config.subnet", ", ".join(wanted), ", ".join(pools))
    else:
        changes = [change for subnet, config in wanted.items() for change in _pool(config, pools[subnet])]
        yield from changes
        if wanted and not changes and _dropped(network, found):
            yield Change("ipam.config", "as declared now", "as declared at its creation")
    yield from _options(network, found)
    labels = without_ours(found.labels)
    for label in sorted({*labels, *network.labels}):
        declared, there = network.labels.get(label), labels.get(label)
        if declared != there:
            # a label's value may be a secret: it is never shown
            yield Change(f"labels.{label}", declared and "(declared value)", there and "(another value)")
    # what was declared once and no longer is goes back to its default; labels were compared in full above
    for field in sorted(set(declared_fields(found.labels)) - set(network_fields(network)) - {"labels", "internal"}):
        yield Change(field, "the default", "declared at its creation")


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
