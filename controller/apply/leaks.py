"""
What an engine left taken in the store for nobody, and gives back never: addresses, endpoint counts, address pools.

A dial to the store that fails in the middle of an endpoint's or a network's life (moby/moby#39036) leaks one of them.
Engines trust these numbers and do not compare them with the endpoints and networks that are there; no request of
theirs mends them. So the number itself is set right, by check-and-set, under the rule of the knife: every host was
read, no daemon is a stranger, nobody uses it, and all that was seen twice with a pause in between, since an engine
takes an address before it writes down for whom.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import TYPE_CHECKING

from controller.apply.knife import everybody, refuse_strangers
from controller.errors import RefusedError
from controller.model.allocation import (
    COUNTS,
    NETWORKS,
    POOLS,
    AddressMap,
    endpoint_address,
    endpoint_count,
    endpoint_count_value,
    endpoints_prefix,
    map_key,
    network_subnets,
    ordinal,
    pool_subnets,
    without_pool,
)
from controller.observe.container import names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from controller.apply.hands import Hands
    from controller.apply.knife import Seen
    from controller.ports import Store, Versioned

    Note = Callable[[str], None]

UNDER_WAY_S = 2.0
"""How long something may be taken and not written down yet: an engine does both within one request."""

TRIES = 5
"""Check-and-sets of one number; on a busy network others write it, too."""


def release_address(network: str, address: str, hands: Hands, note: Note) -> bool:
    """
    Free a fixed IP address of *network* that the store holds for no endpoint.

    Returns:
        Whether it was leaked, and is free now.

    Raises:
        RefusedError: A host could not be read, or a container uses the address.
    """
    subject = f"IP address {address} of network/{network}"
    wanted = IPv4Address(address)
    pools = hands.desired.networks[network].ipam.config
    subnet = next((config.subnet for config in pools if wanted in config.subnet), None)
    if not isinstance(subnet, IPv4Network):
        return False
    key, place = map_key(subnet), ordinal(wanted, subnet)

    def leaked() -> Versioned | None:
        found = hands.store().versioned(key)
        if found is None or not AddressMap.parse(found.value).has(place):
            return None
        seen = everybody(subject, network, hands)
        if address in _endpoint_addresses(_network_id(network, seen), hands.store()):
            return None
        _refuse_users(subject, network, address, seen)
        refuse_strangers(subject, seen, hands)
        return found

    def freed(value: bytes) -> bytes:
        return AddressMap.parse(value).with_bit(place, taken=False).value()

    if not _set_right(key, leaked, freed, hands):
        return False
    note(f"freed the {subject}, which the store held for no endpoint")
    return True


def correct_count(network: str, network_id: str, hands: Hands, note: Note) -> bool:
    """
    Set the endpoint count of *network* right when it is higher than the endpoints there are.

    Returns:
        Whether it was wrong, and is right now.

    Raises:
        RefusedError: A host could not be read.
    """
    subject = f"endpoint count of network/{network}"
    key = f"{COUNTS}{network_id}/"

    def leaked() -> Versioned | None:
        found = hands.store().versioned(key)
        if found is None or endpoint_count(found.value) <= _endpoints(network_id, hands.store()):
            return None
        refuse_strangers(subject, everybody(subject, network, hands), hands)
        return found

    def corrected(_: bytes) -> bytes:
        return endpoint_count_value(_endpoints(network_id, hands.store()))

    if not _set_right(key, leaked, corrected, hands):
        return False
    note(f"corrected the {subject}, which counted endpoints that are gone")
    return True


def release_pools(network: str, subnets: Iterable[IPv4Network], hands: Hands, note: Note) -> bool:
    """
    Give back the address pools that overlap with the *subnets* that *network* is to have, or had, and have no network.

    Returns:
        Whether there was one.

    Raises:
        RefusedError: A host could not be read, or a network uses such a pool.
    """
    pools = _overlapping(tuple(subnets), hands.store())
    released = [_release_pool(network, pool, hands, note) for pool in pools]
    return any(released)


def _release_pool(network: str, pool: IPv4Network, hands: Hands, note: Note) -> bool:
    subject = f"address pool {pool}, which overlaps with network/{network},"

    def leaked() -> Versioned | None:
        found = hands.store().versioned(POOLS)
        if found is None or pool not in pool_subnets(found.value):
            return None
        seen = everybody(subject, network, hands)
        _refuse_owners(subject, pool, seen, hands)
        refuse_strangers(subject, seen, hands)
        return found

    def removed(value: bytes) -> bytes:
        # what the pool's map says is taken would be taken still in the next pool of that name
        found = hands.store().versioned(map_key(pool))
        if found is not None:
            hands.store().replace(map_key(pool), AddressMap.empty(pool).value(), version=found.version)
        return without_pool(value, pool)

    if not _set_right(POOLS, leaked, removed, hands):
        return False
    note(f"gave back the address pool {pool}, which the store held for no network")
    return True


def _set_right(
    key: str,
    leaked: Callable[[], Versioned | None],
    corrected: Callable[[bytes], bytes],
    hands: Hands,
) -> bool:
    """Replace the value of *key* if it is leaked now and still after a pause; look again when it was written."""
    try:
        if leaked() is None:
            return False
        hands.clock.sleep(UNDER_WAY_S)
        for _ in range(TRIES):
            found = leaked()
            if found is None:
                return False
            if hands.store().replace(key, corrected(found.value), version=found.version):
                return True
    except ValueError as error:
        raise RefusedError(f"store key {key}: {error}", hint="nothing was changed there") from None
    return False


def _network_id(network: str, seen: tuple[Seen, ...]) -> str:
    return next((host.network_id for host in seen if host.network_id), "") or network


def _endpoints(network_id: str, store: Store) -> int:
    """Return how many endpoints the network has; the directory they are in is a key, too."""
    return sum(1 for value in store.values(endpoints_prefix(network_id)).values() if value)


def _endpoint_addresses(network_id: str, store: Store) -> set[str]:
    return {endpoint_address(value) for value in store.values(endpoints_prefix(network_id)).values() if value}


def _refuse_users(subject: str, network: str, address: str, seen: tuple[Seen, ...]) -> None:
    """Refuse when a container that runs uses the address, whatever the store says."""
    for host in seen:
        for summary in host.summaries:
            endpoint = (summary.get("NetworkSettings", {}).get("Networks") or {}).get(network) or {}
            if endpoint.get("IPAddress") == address:
                raise RefusedError(f"{subject} is in use by the container {names_of(summary)[0]} on {host.name}")


def _overlapping(wanted: tuple[IPv4Network, ...], store: Store) -> Iterator[IPv4Network]:
    found = store.versioned(POOLS)
    try:
        pools = pool_subnets(found.value) if found else ()
    except ValueError as error:
        raise RefusedError(f"store key {POOLS}: {error}", hint="nothing was changed there") from None
    return (pool for pool in pools if any(pool.overlaps(subnet) for subnet in wanted))


def _refuse_owners(subject: str, pool: IPv4Network, seen: tuple[Seen, ...], hands: Hands) -> None:
    """Refuse when a network has the pool: one in the store, or one that an engine still shows."""
    for key, value in hands.store().values(NETWORKS).items():
        if value and any(pool.overlaps(subnet) for subnet in network_subnets(value)):
            owner = key.removeprefix(NETWORKS).rstrip("/")[:12]
            raise RefusedError(f"{subject} belongs to the network with the id {owner}")
    for host in seen:
        for found in hands.engine(host.name).networks():
            for config in (found.get("IPAM") or {}).get("Config") or ():
                if found["Scope"] == "global" and pool.overlaps(ip_network(config["Subnet"])):
                    raise RefusedError(f"{subject} belongs to the network {found['Name']}, as {host.name} sees it")
