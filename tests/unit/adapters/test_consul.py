"""The store adapter against a server that answers like Consul; locks against a real one are in tests/lab."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from controller.adapters.consul import ConsulApi, ConsulStore
from controller.adapters.consul_fence import ConsulFence
from controller.errors import FenceLostError, LockedError, StoreError, UnreachableError
from controller.model.observed import StoreNode
from tests.unit.adapters.answers import Peer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "consul://10.0.0.9:8500"
LOCK = "/v1/kv/ovctl/web/lock"


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as peer:
        yield peer


@pytest.fixture
def api(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConsulApi]:
    monkeypatch.delenv("CONSUL_HTTP_TOKEN", raising=False)
    api = ConsulApi(URL, peer.dial_engine)
    yield api
    api.close()


@pytest.fixture
def store(api: ConsulApi) -> ConsulStore:
    return ConsulStore(api)


def entry(value: str, session: str, lock_index: int = 1) -> bytes:
    found = {"Key": "k", "Value": base64.b64encode(value.encode()).decode(), "Session": session}
    return json.dumps([{**found, "LockIndex": lock_index, "ModifyIndex": 7}]).encode()


def test_nodes_are_what_the_daemons_advertise(peer: Peer, store: ConsulStore) -> None:
    keys = ["docker/nodes/", "docker/nodes/10.0.0.2:2376", "docker/nodes/10.0.0.1:2376"]
    peer.answers["GET", "/v1/kv/docker/nodes/?keys"] = (200, json.dumps(keys).encode())
    assert store.nodes() == (StoreNode("10.0.0.1:2376"), StoreNode("10.0.0.2:2376"))


def test_no_node_is_registered_in_an_empty_store(peer: Peer, store: ConsulStore) -> None:
    assert store.nodes() == ()
    assert peer.asked[0][1] == "/v1/kv/docker/nodes/?keys"


def test_values_are_bytes_and_names_are_escaped(peer: Peer, store: ConsulStore) -> None:
    peer.answers["GET", "/v1/kv/ovctl/web/a%20b%3Fc"] = (200, entry("text", ""))
    peer.answers["PUT", "/v1/kv/ovctl/web/a%20b%3Fc"] = (200, b"true")
    assert store.get("ovctl/web/a b?c") == b"text"
    assert store.get("ovctl/web/none") is None
    store.put("ovctl/web/a b?c", b"\x00\xff")
    assert peer.asked[-1][2] == b"\x00\xff"


@pytest.mark.parametrize(
    "prefix", ["", "docker/", "ovctl", "ovctl/", "ovctl//", "ovctl/web", "ovctl/../docker/", "/ovctl/web/"]
)
def test_only_our_keys_below_a_topology_can_be_deleted(peer: Peer, store: ConsulStore, prefix: str) -> None:
    with pytest.raises(ValueError, match="ours"):
        store.delete_prefix(prefix)
    assert peer.asked == []


@pytest.mark.parametrize("key", ["docker/nodes/x", "ovctl/web", "x"])
def test_only_our_keys_below_a_topology_can_be_written(peer: Peer, store: ConsulStore, key: str) -> None:
    with pytest.raises(ValueError, match="ours"):
        store.put(key, b"")
    assert peer.asked == []


def test_store_without_leader_is_unreachable(peer: Peer, store: ConsulStore) -> None:
    peer.answers["GET", "/v1/kv/docker/nodes/?keys"] = (500, b"No cluster leader")
    peer.answers["PUT", "/v1/kv/ovctl/web/a"] = (500, b"No cluster leader")
    for call in (store.nodes, lambda: store.put("ovctl/web/a", b"1")):
        with pytest.raises(UnreachableError, match=f"store {URL}: no cluster leader"):
            call()


def test_store_that_refuses_is_a_store_error_without_the_token(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "hunter2")
    api = ConsulApi(URL, peer.dial_engine)
    store = ConsulStore(api)
    peer.answers["GET", "/v1/kv/docker/nodes/?keys"] = (403, b"Permission denied")
    peer.answers["PUT", "/v1/kv/ovctl/web/a"] = (403, b"Permission denied")
    for call in (store.nodes, lambda: store.put("ovctl/web/a", b"1")):
        with pytest.raises(StoreError, match="permission denied") as caught:
            call()
        assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    api.close()


@pytest.mark.parametrize("answer", [b"{", b"{}", b"[1]", b'"x"'])
def test_answer_that_is_no_list_of_keys_is_a_store_error(peer: Peer, store: ConsulStore, answer: bytes) -> None:
    peer.answers["GET", "/v1/kv/a?keys"] = (200, answer)
    peer.answers["GET", "/v1/kv/a"] = (200, answer)
    with pytest.raises(StoreError):
        store.keys("a")
    with pytest.raises(StoreError):
        store.get("a")


def test_nobody_listening_is_unreachable(peer: Peer, store: ConsulStore) -> None:
    peer.path.unlink()
    with pytest.raises(UnreachableError, match=f"store {URL}: no such file"):
        store.nodes()
    with pytest.raises(UnreachableError, match=f"store {URL}: no such file"):
        store.put("ovctl/web/a", b"")


def lock_answers(peer: Peer, *, acquired: bytes) -> None:
    peer.answers["PUT", "/v1/session/create"] = (200, b'{"ID":"mine"}')
    peer.answers["PUT", "/v1/session/destroy/mine"] = (200, b"true")
    peer.answers["PUT", f"{LOCK}?acquire=mine"] = (200, acquired)


def test_lock_is_taken_checked_and_given_back(peer: Peer, api: ConsulApi) -> None:
    lock_answers(peer, acquired=b"true")
    peer.answers["GET", LOCK] = (200, entry("{}", "mine", 3))
    fence = ConsulFence(api, "web")
    fence.acquire(timeout_s=0)
    fence.check()
    fence.release()
    fence.release()
    assert [path for method, path, _ in peer.asked if method != "GET"] == [
        "/v1/session/create",
        f"{LOCK}?acquire=mine",
        f"{LOCK}?cas=7",
        "/v1/session/destroy/mine",
    ]
    session = json.loads(peer.asked[0][2])
    assert session == {"name": "ovctl web", "checks": [], "lockdelay": "0s", "ttl": "15s"}
    with pytest.raises(FenceLostError):
        fence.check()


@pytest.mark.parametrize("changed", [entry("{}", "theirs", 3), entry("{}", "mine", 4), entry("{}", "", 3), None])
def test_lock_that_changed_hands_is_lost(peer: Peer, api: ConsulApi, changed: bytes | None) -> None:
    lock_answers(peer, acquired=b"true")
    peer.answers["GET", LOCK] = (200, entry("{}", "mine", 3))
    fence = ConsulFence(api, "web")
    fence.acquire(timeout_s=0)
    peer.answers["GET", LOCK] = (404, b"") if changed is None else (200, changed)
    with pytest.raises(FenceLostError, match="topology/web"):
        fence.check()
    fence.release()
    if changed is not None and b'"mine"' not in changed:
        assert not any("cas=" in path for _, path, _ in peer.asked)


def test_store_that_is_silent_for_a_moment_takes_no_lock_away(peer: Peer, api: ConsulApi) -> None:
    lock_answers(peer, acquired=b"true")
    peer.answers["GET", LOCK] = (200, entry("{}", "mine", 3))
    fence = ConsulFence(api, "web")
    fence.acquire(timeout_s=0)
    peer.answers["GET", LOCK] = (500, b"No cluster leader")
    fence.check()
    fence.release()


def test_taken_lock_names_its_holder(peer: Peer, api: ConsulApi) -> None:
    holder = {"host": "ops", "user": "ann", "pid": 42, "since": "2024-01-01T00:00:00Z", "boot_id": "x", "started": "1"}
    lock_answers(peer, acquired=b"false")
    peer.answers["GET", LOCK] = (200, entry(json.dumps(holder), "theirs"))
    with pytest.raises(LockedError, match="topology/web: locked by ann@ops, process 42, since 2024-01-01T00:00:00Z"):
        ConsulFence(api, "web").acquire(timeout_s=0)
    assert ("PUT", "/v1/session/destroy/mine", b"") in peer.asked


def test_holder_who_left_garbage_is_told_as_such(peer: Peer, api: ConsulApi) -> None:
    lock_answers(peer, acquired=b"false")
    peer.answers["GET", LOCK] = (200, entry("garbage", "theirs"))
    with pytest.raises(LockedError, match="by somebody who left no name"):
        ConsulFence(api, "web").acquire(timeout_s=0)


@pytest.mark.parametrize("status", [200, 404])
def test_a_proxy_that_answers_in_the_stores_place_is_not_taken_for_an_empty_store(
    peer: Peer,
    store: ConsulStore,
    status: int,
) -> None:
    peer.is_consul = False
    peer.answers["GET", "/v1/kv/docker/nodes/?keys"] = (status, b"[]")
    with pytest.raises(StoreError, match="no consul server"):
        store.nodes()
