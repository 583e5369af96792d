"""
Forced disconnect, and the rule under which it may be used.

By name it takes a RUNNING container of another host off its network, silently, and its address is then given away twice
(tried on 20.10.5). So: only after every host was read just now, and none has a running container of that name on
the network, or one that owns that endpoint. Any host that cannot be read, or a daemon in the store that is of none of
the hosts: nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.errors import NotFoundError, OvctlError, RefusedError
from controller.model.allocation import endpoint_place, endpoints_prefix
from controller.model.desired import registration
from controller.observe.container import names_of
from controller.observe.store import read_members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.apply.hands import Hands
    from controller.ports import Json


@dataclass(frozen=True, slots=True)
class Seen:
    """
    One host, read for the rule.

    Args:
        registered_as: What its daemon is registered as in the store, IP:PORT.
        summaries: Its containers, all of them.
        network_id: Of the network in question; empty when the host does not see it.
        endpoints: The network's endpoints as the host sees them: by container id where it knows the container, by
            ``ep-`` and their own id otherwise; None when it does not see the network.
    """

    name: str
    registered_as: str
    summaries: tuple[Json, ...]
    network_id: str
    endpoints: Mapping[str, Json] | None


def clear_endpoint(
    network: str,
    name: str,
    hands: Hands,
    note: Callable[[str], None],
    joining: tuple[str, str] | None = None,
) -> None:
    """
    Clear the endpoint *name* of *network* that no container stands behind.

    The engine does that only from a host without a container of that name: on the container's own host it would strip
    the container's network settings instead.

    Args:
        joining: Host and id or name of the container that it is cleared for: that one stands behind nothing yet.

    Raises:
        RefusedError: A host could not be read, a daemon is not in the file, a container stands behind the endpoint, or
            no host can do it.
    """
    subject = f"endpoint {name} of network/{network}"
    seen = everybody(subject, network, hands)
    for host in seen:
        for summary in host.summaries:
            if _is(summary, host.name, joining) and summary["State"] == "created":
                continue
            if _stands_behind(summary, network, name, host.endpoints or {}):
                raise RefusedError(f"{subject} belongs to the container {names_of(summary)[0]} on {host.name}")
    # the engine takes a name that no container has for the start of an id, and disconnects that one
    free = [
        host.name
        for host in seen
        if host.endpoints is not None
        and not any(name in names_of(summary) or summary["Id"].startswith(name) for summary in host.summaries)
    ]
    if not free:
        raise RefusedError(
            f"{subject} leaked, and every host that sees the network has a container of that name",
            hint=f"remove the container {name} where it is not wanted, then apply again",
        )
    refuse_strangers(subject, seen, hands)
    # its own daemon first: that one still holds what belongs to it, and gives it back
    owners = _owners(name, seen, hands)
    free.sort(key=lambda host: host not in owners)
    hands.retrying(lambda: _cut(network, name, free[0], hands), ("retry",), note, joins=True)
    note(f"cleared the leaked endpoint {name} of network/{network} from {free[0]}")


def _owners(name: str, seen: tuple[Seen, ...], hands: Hands) -> frozenset[str]:
    """Return the hosts whose daemon made the endpoint, as the store says; none when it does not say."""
    prefix = endpoints_prefix(next(host.network_id for host in seen if host.network_id))
    try:
        places = {endpoint_place(value) for value in hands.store().values(prefix).values() if value}
    except (OvctlError, ValueError):
        return frozenset()
    makers = {place for found, place in places if found == name}
    return frozenset(host.name for host in seen if host.registered_as.rpartition(":")[0] in makers)


def _cut(network: str, name: str, host: str, hands: Hands) -> None:
    try:
        hands.engine(host).disconnect(network, name, force=True)
    except NotFoundError as error:
        if f"endpoint {name} not found" not in error.message:
            raise


def everybody(subject: str, network: str, hands: Hands) -> tuple[Seen, ...]:
    """
    Read every host of the topology, absent ones too.

    Raises:
        RefusedError: One could not be read, or the record knows one that the file does not.
    """
    try:
        recorded = read_members(hands.desired.name, hands.store())
    except OvctlError as error:
        raise RefusedError(f"{subject} is not cleared: {error.message}") from None
    vanished = sorted(set(recorded or ()) - set(hands.desired.hosts))
    if vanished:
        raise RefusedError(
            f"{subject} is not cleared: {vanished[0]} is recorded as a member and no longer in the file",
            hint="declare it with state: absent, so that it can be read",
        )
    try:
        return tuple(_read(host, network, hands) for host in hands.desired.hosts)
    except OvctlError as error:
        raise RefusedError(
            f"{subject} is not cleared: {error.message}",
            hint="every host has to be read before; try again when it is back",
        ) from None


def _read(host: str, network: str, hands: Hands) -> Seen:
    engine = hands.engine(host)
    registered_as, summaries = _registration(host, hands), tuple(engine.containers())
    try:
        found = engine.inspect_network(network)
    except NotFoundError:
        found = {}
    if found.get("Scope") != "global":
        # there is none, or a local one that only bears its name
        return Seen(host, registered_as, summaries, "", None)
    return Seen(host, registered_as, summaries, found["Id"], found.get("Containers") or {})


def _registration(host: str, hands: Hands) -> str:
    """Return what the host's daemon is registered as in the store, IP:PORT; for one that left, what it was told."""
    advertise = hands.engine(host).info().get("ClusterAdvertise") or hands.desired.hosts[host].effective_advertise
    if advertise.rpartition(":")[0].replace(".", "").isdecimal():
        return str(advertise)
    return registration(advertise, hands.shell(host).facts(hands.desired.name).interfaces)


def refuse_strangers(subject: str, seen: tuple[Seen, ...], hands: Hands) -> None:
    """Refuse when a daemon is registered that nobody asked: its running containers may be in use of the subject."""
    try:
        registered = {node.address for node in hands.store().nodes()}
    except OvctlError as error:
        raise RefusedError(f"{subject} is not cleared: {error.message}") from None
    strangers = sorted(registered - {host.registered_as for host in seen})
    if strangers:
        raise RefusedError(
            f"{subject} is not cleared: {strangers[0]} is registered in the store and not in the file",
            hint="declare that host; if its daemon has left, try again when its registration has run out (a minute)",
        )


def _is(summary: Json, host: str, joining: tuple[str, str] | None) -> bool:
    return joining is not None and joining[0] == host and joining[1] in (summary["Id"], *names_of(summary))


def _stands_behind(summary: Json, network: str, name: str, endpoints: Mapping[str, Json]) -> bool:
    """
    Whether a container runs that bears the endpoint's name on the network, or owns it (it may have been renamed).

    One that is ``created`` may be in the middle of its start: it has an endpoint before anybody is told its id. One
    that runs and whose listing shows no endpoint may have it all the same: the engine failed to read back what it had
    just written (20.10.5). It has none only if its own engine knows the endpoint, and as nobody's.
    """
    if summary["State"] not in ("running", "paused", "restarting", "created"):
        return False
    if endpoints.get(summary["Id"], {}).get("Name") == name:
        return True
    endpoint = (summary.get("NetworkSettings", {}).get("Networks") or {}).get(network)
    if endpoint is None:
        return False
    of_that_name = {entry["EndpointID"]: key for key, entry in endpoints.items() if entry["Name"] == name}
    endpoint_id = endpoint.get("EndpointID")
    if name not in names_of(summary):
        return bool(endpoint_id) and endpoint_id in of_that_name
    nobodys = any(key.startswith("ep-") for key in of_that_name.values())
    return bool(endpoint_id) or summary["State"] == "created" or not nobodys


def holder_of(network: str, address: str, host: str, hands: Hands) -> str | None:
    """Return the name of the endpoint that holds an IP address on *network*, as *host* sees it, or None."""
    for endpoint in (hands.engine(host).inspect_network(network).get("Containers") or {}).values():
        if (endpoint.get("IPv4Address") or "").partition("/")[0] == address:
            return str(endpoint["Name"])
    return None
