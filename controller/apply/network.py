"""
Networks: an overlay is created once and awaited on every host, a bridge on its own; removed, clearing what leaked.

What leaks in the store concerns overlays alone: for a bridge neither the store nor any other host is asked.
"""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network, ip_network
from itertools import cycle
from typing import TYPE_CHECKING

from controller.apply.adoption import labels_of
from controller.apply.engine_config import network_config
from controller.apply.knife import clear_endpoint
from controller.apply.leaks import correct_count, release_pools
from controller.errors import ConflictError, EngineError, NotFoundError, OvctlError
from controller.model.identity import LABEL_FIELDS, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from controller.apply.hands import Hands
    from controller.model.action import CreateNetwork, RemoveNetwork
    from controller.model.network import IpNet
    from controller.ports import Json

VISIBLE_WITHIN_S = 30.0
ENDPOINTS_AT_MOST = 64
"""Rounds of clearing leaked endpoints off one network; more than that is no leak, and somebody should look."""

SCOPES = {"overlay": "global", "bridge": "local"}
"""What engines say of a network's scope, by its driver."""

COUNTS_AWAITED = 4
"""Times that "active endpoints" is believed to go away by itself when there is none to be seen: two seconds."""


def create(action: CreateNetwork, hands: Hands, note: Callable[[str], None]) -> None:
    """Create the network unless it is there as declared, and wait until the other hosts see it."""
    name = action.address.name
    # an engine whose dials to the store fail goes on failing for a while (moby/moby#39036): the next try is another's
    hosts = cycle((action.host, *(host for host in action.visible_on if host != action.host)))

    def attempt() -> None:
        host = next(hosts)
        engine = hands.engine(host)
        try:
            found = engine.inspect_network(name)
        except NotFoundError:
            engine.create_network(name, network_config(action.network, action.labels))
            return
        of_its_kind = found["Scope"] == SCOPES[action.network.driver]
        labels = labels_of(host, found, hands)
        if not of_its_kind or owner_of(labels) != hands.desired.name:
            raise ConflictError(f"a network named {name} is there that is not ours")
        if labels.get(LABEL_FIELDS) != action.labels[LABEL_FIELDS]:
            raise ConflictError(f"network/{name} is there by now, and not as declared", hint="plan again")

    try:
        hands.retrying(attempt, action.remedies, note)
    except EngineError as error:
        overlaps = "pool overlaps" in error.message.lower()
        if "release-leaked-pool" not in action.remedies or not overlaps or not action.network.spans_hosts:
            raise
        if not release_pools(name, _ipv4(config.subnet for config in action.network.ipam.config), hands, note):
            raise
        hands.retrying(attempt, action.remedies, note)
    if action.network.spans_hosts:
        await_visible(name, action.visible_on, hands, note)


def await_visible(name: str, hosts: tuple[str, ...], hands: Hands, note: Callable[[str], None]) -> None:
    """
    Wait until each of *hosts* shows the network.

    A host whose daemon is not joined, or does not answer, is told about and not waited for: its own drift is mended by
    its own step, and its containers wait for that.
    """
    for host in hosts:
        engine = hands.engine(host)
        if hands.await_(partial(engine.inspect_network, name), timeout_s=0):
            continue
        try:
            joined = bool(engine.info().get("ClusterStore"))
        except OvctlError as error:
            note(f"not awaited on {host}: {error.message}")
            continue
        if not joined:
            note(f"not awaited on {host}: its daemon has not joined the store")
        elif not hands.await_(partial(engine.inspect_network, name), timeout_s=VISIBLE_WITHIN_S):
            raise EngineError(
                f"host/{host}: network {name} is not visible after {VISIBLE_WITHIN_S:.0f} s",
                hint=f"its daemon may have lost the store: see `docker info` and `journalctl -u docker` on {host}",
            )


def remove(action: RemoveNetwork, hands: Hands, note: Callable[[str], None]) -> None:
    """Remove the network if it is ours; endpoints without a container are cleared first, any other stops it."""
    engine = hands.engine(action.host)
    subnets: set[IPv4Network] = set()
    shared = False
    unexplained = 0
    for _ in range(ENDPOINTS_AT_MOST):
        try:
            found = engine.inspect_network(action.network_id)
            _refuse_foreign(found, action, hands)
            shared = found["Scope"] == SCOPES["overlay"]
            if shared:
                subnets |= set(_ipv4(ip_network(config["Subnet"]) for config in found["IPAM"]["Config"] or ()))
            hands.retrying(lambda: engine.remove_network(action.network_id), action.remedies, note)
        except NotFoundError:
            break
        except EngineError as error:
            if "active endpoints" not in error.message:
                raise
            # on a bridge they are of containers that are there, whoever put them on it meanwhile
            unexplained += not (shared and _clear_endpoints(action, hands, note))
            # none to be seen: the engine's count lags behind the endpoints for a moment, or has leaked
            counts = shared and "correct-leaked-count" in action.remedies
            if unexplained == COUNTS_AWAITED and not (
                counts and correct_count(action.address.name, action.network_id, hands, note)
            ):
                raise
            hands.clock.sleep(0.5)
        else:
            break
    if not subnets:
        return
    try:
        release_pools(action.address.name, subnets, hands, note)
    except OvctlError as error:
        note(f"not asked whether its address pool leaked: {error.message}")  # the next network that wants it will ask


def _clear_endpoints(action: RemoveNetwork, hands: Hands, note: Callable[[str], None]) -> bool:
    """Clear the network's endpoints that no container stands behind; return whether there were any to be seen."""
    endpoints = hands.engine(action.host).inspect_network(action.network_id).get("Containers") or {}
    for endpoint in endpoints.values():
        clear_endpoint(action.address.name, endpoint["Name"], hands, note)
    return bool(endpoints)


def _ipv4(subnets: Iterable[IpNet]) -> Iterator[IPv4Network]:
    """Yield those of which the store holds pools that can be told from leaked ones."""
    return (subnet for subnet in subnets if isinstance(subnet, IPv4Network))


def _refuse_foreign(found: Json, action: RemoveNetwork, hands: Hands) -> None:
    if owner_of(labels_of(action.host, found, hands)) != hands.desired.name:
        raise ConflictError(f"network/{action.address.name} is not ours")
