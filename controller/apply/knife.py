"""
Forced disconnect, and the rule under which it may be used.

By name it takes a RUNNING container of another host off its network, silently, and its address is then given away twice
(tried on 20.10.5). So: only after every host was read just now, and none has a running container of that name on
the network, or one that owns that endpoint. Any host that cannot be read: nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import NotFoundError, OvctlError, RefusedError
from controller.observe.store import read_members

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.ports import Json


def clear_endpoint(network: str, name: str, hands: Hands, note: Callable[[str], None]) -> None:
    """
    Clear the endpoint *name* of *network* that no container stands behind.

    The engine does that only from a host without a container of that name: on the container's own host it would strip
    the container's network settings instead.

    Raises:
        RefusedError: A host could not be read, a container stands behind the endpoint, or no host can do it.
    """
    subject = f"endpoint {name} of network/{network}"
    free: list[str] = []
    for host in _everybody(subject, hands):
        try:
            summaries = hands.engine(host).containers()
            entries = _entries(network, host, hands)
        except OvctlError as error:
            raise RefusedError(
                f"{subject} is not cleared: {error.message}",
                hint="every host has to be read before; try again when it is back",
            ) from None
        owned = {entry["EndpointID"] for entry in entries or () if entry["Name"] == name}
        for summary in summaries:
            if _stands_behind(summary, network, name, owned):
                raise RefusedError(f"{subject} belongs to the container {_names(summary)[0]} on {host}")
        if entries is not None and not any(name in _names(summary) for summary in summaries):
            free.append(host)
    if not free:
        raise RefusedError(
            f"{subject} leaked, and every host that sees the network has a container of that name",
            hint=f"remove the container {name} where it is not wanted, then apply again",
        )
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


def _entries(network: str, host: str, hands: Hands) -> list[Json] | None:
    """Return the network's endpoints as *host* sees them, None when it does not see the network."""
    try:
        return list((hands.engine(host).inspect_network(network).get("Containers") or {}).values())
    except NotFoundError:
        return None


def _names(summary: Json) -> list[str]:
    return [name.lstrip("/") for name in summary.get("Names") or ()] or [summary["Id"][:12]]


def _stands_behind(summary: Json, network: str, name: str, owned: set[str]) -> bool:
    """Whether a container runs that bears the endpoint's name on the network, or owns it by id (it was renamed)."""
    if summary["State"] not in ("running", "paused", "restarting"):
        return False
    endpoint = (summary.get("NetworkSettings", {}).get("Networks") or {}).get(network) or {}
    endpoint_id = endpoint.get("EndpointID")
    return bool(endpoint_id) and (name in _names(summary) or endpoint_id in owned)


def holder_of(network: str, address: str, host: str, hands: Hands) -> str | None:
    """Return the name of the endpoint that holds an IP address on *network*, as *host* sees it, or None."""
    for endpoint in (hands.engine(host).inspect_network(network).get("Containers") or {}).values():
        if (endpoint.get("IPv4Address") or "").partition("/")[0] == address:
            return str(endpoint["Name"])
    return None
