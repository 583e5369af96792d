"""
Forced disconnect, and the rule under which it may be used.

By name it takes a RUNNING container of another host off its network, silently, and its address is then given away twice
(tried on 20.10.5). So: only after every host was read just now, and none has a running container of that name on
the network, or one that owns that endpoint. Any host that cannot be read, or a daemon in the store that is of none of
the hosts: nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import NotFoundError, OvctlError, RefusedError
from controller.model.desired import registration
from controller.observe.store import read_members

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.ports import Json


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
    free: list[str] = []
    asked: set[str] = set()
    for host in _everybody(subject, hands):
        try:
            asked.add(_registration(host, hands))
            summaries = hands.engine(host).containers()
            entries = _entries(network, host, hands)
        except OvctlError as error:
            raise RefusedError(
                f"{subject} is not cleared: {error.message}",
                hint="every host has to be read before; try again when it is back",
            ) from None
        owned = {entry["EndpointID"] for entry in entries or () if entry["Name"] == name}
        for summary in summaries:
            if _is(summary, host, joining) and summary["State"] == "created":
                continue
            if _stands_behind(summary, network, name, owned):
                raise RefusedError(f"{subject} belongs to the container {_names(summary)[0]} on {host}")
        if entries is not None and not any(name in _names(summary) for summary in summaries):
            free.append(host)
    if not free:
        raise RefusedError(
            f"{subject} leaked, and every host that sees the network has a container of that name",
            hint=f"remove the container {name} where it is not wanted, then apply again",
        )
    _refuse_strangers(subject, asked, hands)
    hands.engine(free[0]).disconnect(network, name, force=True)
    note(f"cleared the leaked endpoint {name} of network/{network} from {free[0]}")


def _everybody(subject: str, hands: Hands) -> tuple[str, ...]:
    """Return every host of the topology, absent ones too; refuse when the record knows one that the file does not."""
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
    return tuple(hands.desired.hosts)


def _registration(host: str, hands: Hands) -> str:
    """Return what the host's daemon is registered as in the store, IP:PORT; for one that left, what it was told."""
    advertise = hands.engine(host).info().get("ClusterAdvertise") or hands.desired.hosts[host].effective_advertise
    if advertise.rpartition(":")[0].replace(".", "").isdecimal():
        return str(advertise)
    return registration(advertise, hands.shell(host).facts(hands.desired.name).interfaces)


def _refuse_strangers(subject: str, asked: set[str], hands: Hands) -> None:
    """Refuse when a daemon is registered that nobody asked: its running containers may stand behind the endpoint."""
    try:
        strangers = sorted({node.address for node in hands.store().nodes()} - asked)
    except OvctlError as error:
        raise RefusedError(f"{subject} is not cleared: {error.message}") from None
    if strangers:
        raise RefusedError(
            f"{subject} is not cleared: {strangers[0]} is registered in the store and not in the file",
            hint="declare that host; if its daemon has left, try again when its registration has run out (a minute)",
        )


def _entries(network: str, host: str, hands: Hands) -> list[Json] | None:
    """Return the network's endpoints as *host* sees them, None when it does not see the network."""
    try:
        return list((hands.engine(host).inspect_network(network).get("Containers") or {}).values())
    except NotFoundError:
        return None


def _names(summary: Json) -> list[str]:
    return [name.lstrip("/") for name in summary.get("Names") or ()] or [summary["Id"][:12]]


def _is(summary: Json, host: str, joining: tuple[str, str] | None) -> bool:
    return joining is not None and joining[0] == host and joining[1] in (summary["Id"], *_names(summary))


def _stands_behind(summary: Json, network: str, name: str, owned: set[str]) -> bool:
    """
    Whether a container runs that bears the endpoint's name on the network, or owns it by id (it was renamed).

    One that is ``created`` may be in the middle of its start: it has an endpoint before anybody is told its id.
    """
    endpoint = (summary.get("NetworkSettings", {}).get("Networks") or {}).get(network)
    if endpoint is None or summary["State"] not in ("running", "paused", "restarting", "created"):
        return False
    endpoint_id = endpoint.get("EndpointID")
    bears = name in _names(summary) and bool(endpoint_id or summary["State"] == "created")
    return bears or (bool(endpoint_id) and endpoint_id in owned)


def holder_of(network: str, address: str, host: str, hands: Hands) -> str | None:
    """Return the name of the endpoint that holds an IP address on *network*, as *host* sees it, or None."""
    for endpoint in (hands.engine(host).inspect_network(network).get("Containers") or {}).values():
        if (endpoint.get("IPv4Address") or "").partition("/")[0] == address:
            return str(endpoint["Name"])
    return None
