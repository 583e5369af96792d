"""
What the store holds of our overlays, and whether it agrees with the containers.
"""

from __future__ import annotations

import base64
import http.client
import json
from typing import TYPE_CHECKING, Any

from controller.model.identity import ASIDE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.fleet import Place

ENDPOINTS = "docker/network/v1.0/endpoint"
_POOLS = "docker/network/v1.0/ipam/default/config/GlobalDefault/"
_NOT_FOUND = 404
_SHOWN = 160
_TIMEOUT_S = 10.0


class Keys:
    """Names of keys, read from a Consul server at *address* without any client in between."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all keys that begin with *prefix*."""
        said = self._get(f"{prefix}?keys")
        return () if said is None else tuple(json.loads(said))

    def values(self, prefix: str) -> list[tuple[str, str]]:
        """Return all keys that begin with *prefix*, and the beginning of each value."""
        said = self._get(f"{prefix}?recurse")
        entries = [] if said is None else json.loads(said)
        return [
            (entry["Key"], base64.b64decode(entry["Value"] or "").decode(errors="replace")[:_SHOWN])
            for entry in entries
        ]

    def endpoints(self, network_ids: Iterable[str]) -> frozenset[str]:
        """Return the ids of the endpoints that the store has of these networks."""
        return frozenset(
            endpoint for network in network_ids for endpoint in endpoint_ids(self.names(f"{ENDPOINTS}/{network}/"))
        )

    def pools(self) -> tuple[str, ...]:
        """Return the subnets that the engines' address management holds, whether a network has them or not."""
        said = self._get(f"{_POOLS}?raw")
        subnets = json.loads(said)["Subnets"] or {} if said else {}
        return tuple(sorted(subnets))

    def _get(self, path: str) -> bytes | None:
        """Return the answer's body, None when there is no such key."""
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", f"/v1/kv/{path}")
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        return None if answer.status == _NOT_FOUND else said


def endpoint_ids(names: Iterable[str]) -> frozenset[str]:
    """Return the ids in names of endpoint keys; directories of networks, which libnetwork leaves behind, have none."""
    parts = (name.removeprefix(f"{ENDPOINTS}/").strip("/").split("/") for name in names)
    return frozenset(part[1] for part in parts if len(part) > 1)


def misfits(
    places: Sequence[Place],
    summaries: Iterable[Mapping[str, Any]],
    endpoint_keys: frozenset[str],
    network_ids: Mapping[str, str],
) -> list[str]:
    """
    Return in words where store, engines and declaration disagree; nothing when all is well.

    Args:
        summaries: ``GET /containers/json?all=1`` of all hosts together.
        endpoint_keys: Ids of the endpoints that the store has of our overlays.
        network_ids: Overlay -> id, as the engines show it.
    """
    wrong: list[str] = []
    attached: set[str] = set()
    addresses: dict[str, dict[str, str]] = {}
    for summary in summaries:
        name = str(summary["Names"][0]).lstrip("/")
        if name.endswith(ASIDE_SUFFIX):
            wrong.append(f"{name} was left aside")
        if summary["State"] != "running":
            wrong.append(f"{name} is {summary['State']}")
            continue
        endpoints = {
            network: endpoint
            for network, endpoint in summary["NetworkSettings"]["Networks"].items()
            if network in network_ids
        }
        attached.update(endpoint["EndpointID"] for endpoint in endpoints.values())
        addresses[name] = {network: endpoint["IPAddress"] for network, endpoint in endpoints.items()}
    for place in places:
        has = addresses.get(place.name)
        if has != dict(place.addresses):
            wrong.append(f"{place.name} has {has}, not {dict(place.addresses)}")
    wrong += [f"endpoint {key} is in the store and no container has it" for key in sorted(endpoint_keys - attached)]
    wrong += [f"endpoint {key} of a container is not in the store" for key in sorted(attached - endpoint_keys)]
    return wrong
