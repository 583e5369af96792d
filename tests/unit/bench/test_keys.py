"""Store against engines against declaration: each kind of disagreement is told."""

from __future__ import annotations

from typing import Any

import pytest

from bench.fleet import Place
from bench.keys import ENDPOINTS, endpoint_ids, misfits

PLACES = (Place("a", "h1", {"net": "10.0.0.2"}), Place("b", "h2", {"net": "10.0.0.3"}))
IDS = {"net": "nid"}


def summary(name: str, endpoint: str, address: str, *, state: str = "running") -> dict[str, Any]:
    networks = {
        "net": {"EndpointID": endpoint, "IPAddress": address},
        "docker_gwbridge": {"EndpointID": f"gw-{endpoint}", "IPAddress": "172.18.0.2"},
    }
    return {"Names": [f"/{name}"], "State": state, "NetworkSettings": {"Networks": networks}}


WELL = [summary("a", "e1", "10.0.0.2"), summary("b", "e2", "10.0.0.3")]


def test_agreement_is_told_by_nothing() -> None:
    assert misfits(PLACES, WELL, frozenset({"e1", "e2"}), IDS) == []


@pytest.mark.parametrize(
    ("summaries", "keys", "told"),
    [
        (WELL, {"e1", "e2", "ghost"}, "endpoint ghost is in the store and no container has it"),
        (WELL, {"e1"}, "endpoint e2 of a container is not in the store"),
        ([*WELL, summary("a.ovctl-aside", "", "", state="exited")], {"e1", "e2"}, "a.ovctl-aside was left aside"),
        (WELL[:1], {"e1"}, "b has None, not {'net': '10.0.0.3'}"),
        ([WELL[0], summary("b", "e2", "10.0.0.9")], {"e1", "e2"}, "b has {'net': '10.0.0.9'}, not {'net': '10.0.0.3'}"),
        ([WELL[0], summary("b", "", "", state="exited")], {"e1"}, "b is exited"),
    ],
)
def test_disagreement_is_told(summaries: list[dict[str, Any]], keys: set[str], told: str) -> None:
    assert told in misfits(PLACES, summaries, frozenset(keys), IDS)


def test_directories_are_no_endpoints() -> None:
    names = [f"{ENDPOINTS}/nid/", f"{ENDPOINTS}/nid/e1/", f"{ENDPOINTS}/other/"]
    assert endpoint_ids(names) == {"e1"}
