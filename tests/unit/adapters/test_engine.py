"""The engine adapter against a server that answers like an engine."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from controller.adapters.engine import DockerEngine
from controller.adapters.engine_words import negotiate, split_image
from controller.errors import ConflictError, EngineError, NotFoundError, UnreachableError
from tests.fakes import archives
from tests.unit.adapters.answers import Peer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = b'{"Version":"20.10.5","ApiVersion":"1.41","MinAPIVersion":"1.12"}'


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as peer:
        peer.answers["GET", "/version"] = (200, VERSION)
        yield peer


@pytest.fixture
def engine(peer: Peer) -> Iterator[DockerEngine]:
    engine = DockerEngine(peer)
    yield engine
    engine.close()


@pytest.mark.parametrize(("newest", "used"), [("1.26", "1.26"), ("1.41", "1.41"), ("1.45", "1.45"), ("1.52", "1.45")])
def test_version_in_use_is_what_both_know(newest: str, used: str) -> None:
    assert negotiate("host/h1", {"ApiVersion": newest, "MinAPIVersion": "1.12"}) == used


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ({"ApiVersion": "1.25", "Version": "1.13"}, "needs at least 1.26"),
        ({"ApiVersion": "1.60", "MinAPIVersion": "1.46", "Version": "40"}, "wants at least API 1.46"),
        ({}, "does not say its API version"),
        ({"ApiVersion": "x"}, "does not say its API version"),
    ],
)
def test_engine_that_shares_no_version_is_refused(version: dict[str, str], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        negotiate("host/h1", version)


def test_reads_speak_the_negotiated_version(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["GET", "/v1.41/containers/json?all=1"] = (200, b"null")
    peer.answers["GET", "/v1.41/networks"] = (200, b'[{"Name":"a"}]')
    assert engine.version()["ApiVersion"] == "1.41"
    assert engine.containers() == []
    assert engine.networks() == [{"Name": "a"}]
    assert [path for _, path, _ in peer.asked].count("/version") == 1


@pytest.mark.parametrize("reason", ["executable file not found in $PATH: unknown", "stat hunter2: no such file"])
def test_the_word_that_could_not_be_run_is_not_shown(peer: Peer, engine: DockerEngine, reason: str) -> None:
    said = f'OCI runtime create failed: starting container process caused: exec: "hunter2": {reason}'
    peer.answers["POST", "/v1.41/containers/app/start"] = (400, json.dumps({"message": said}).encode())
    with pytest.raises(EngineError) as caught:
        engine.start_container("app")
    assert caught.value.message.endswith(f'exec: "…": {reason.replace("hunter2", "…")}')
    assert "hunter2" not in caught.value.message


def test_names_are_escaped(peer: Peer, engine: DockerEngine) -> None:
    with pytest.raises(NotFoundError, match="host/h1: nothing here"):
        engine.inspect_network("a/b?c d")
    with pytest.raises(NotFoundError):
        engine.inspect_image("registry:5000/a/b:1")
    assert [path for _, path, _ in peer.asked[1:]] == [
        "/v1.41/networks/a%2Fb%3Fc%20d",
        "/v1.41/images/registry:5000/a/b:1/json",
    ]


@pytest.mark.parametrize("answer", [b"[]", b"3", b'"x"', b"{", b"<html>"])
def test_answer_that_is_no_object_is_an_engine_error(peer: Peer, engine: DockerEngine, answer: bytes) -> None:
    peer.answers["GET", "/v1.41/info"] = (200, answer)
    with pytest.raises(EngineError, match="host/h1: engine: "):
        engine.info()


def test_refusals_carry_the_engines_words_and_status(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["POST", "/v1.41/networks/create"] = (409, b'{"message":"network web\\n exists"}')
    peer.answers["DELETE", "/v1.41/networks/web"] = (403, b'{"message":"has active endpoints"}')
    peer.answers["POST", "/v1.41/containers/app/start"] = (500, b"no json")
    with pytest.raises(ConflictError, match="host/h1: network web exists") as conflict:
        engine.create_network("web", {"Driver": "overlay"})
    assert conflict.value.status == 409
    with pytest.raises(EngineError, match="has active endpoints") as busy:
        engine.remove_network("web")
    assert busy.value.status == 403
    with pytest.raises(EngineError) as failed:
        engine.start_container("app")
    assert failed.value.status == 500


def test_bodies_are_passed_on_whole(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["POST", "/v1.41/networks/create"] = (201, b'{"Id":"n1"}')
    peer.answers["POST", "/v1.41/containers/create?name=a"] = (201, b'{"Id":"c1"}')
    peer.answers["POST", "/v1.41/networks/net-1/connect"] = (200, b"")
    peer.answers["POST", "/v1.41/containers/app-1/update"] = (200, b"{}")
    body = {"Driver": "overlay", "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]}, "Labels": {"a": "b"}, "Anything": [1]}
    endpoint = {"IPAMConfig": {"IPv4Address": "10.0.0.5"}, "Aliases": ["x"]}
    assert engine.create_network("web", body) == "n1"
    assert engine.create_container("a", {"Image": "busybox:1", "HostConfig": {"Init": True}}) == "c1"
    engine.connect("net-1", "app-1", endpoint)
    engine.update_container("app-1", {"RestartPolicy": {"Name": "no"}})
    sent = [json.loads(body) for method, _, body in peer.asked if method == "POST"]
    assert sent == [
        {**body, "Name": "web"},
        {"Image": "busybox:1", "HostConfig": {"Init": True}},
        {"Container": "app-1", "EndpointConfig": endpoint},
        {"RestartPolicy": {"Name": "no"}},
    ]


def test_starting_and_stopping_what_is_so_already_is_fine(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["POST", "/v1.41/containers/app/start"] = (304, b"")
    peer.answers["POST", "/v1.41/containers/app/stop?t=3"] = (304, b"")
    engine.start_container("app")
    engine.stop_container("app", timeout_s=3)


def test_removal_takes_anonymous_volumes_along(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["DELETE", "/v1.41/containers/app?v=true&force=true"] = (204, b"")
    engine.remove_container("app", force=True)


def test_error_within_a_pull_is_an_error(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["POST", "/v1.41/images/create?tag=1&fromImage=a%2Fb"] = (200, b'{"error":"no such manifest"}')
    with pytest.raises(EngineError, match="a/b:1: no such manifest"):
        engine.pull_image("a/b:1", list[str]().append)


def test_a_pull_tells_how_far_all_its_layers_are(peer: Peer, engine: DockerEngine) -> None:
    steps = [
        {"status": "Pulling from a/b", "id": "1"},
        {"status": "Downloading", "id": "x", "progressDetail": {"current": 2_000_000, "total": 10_000_000}},
        {"status": "Downloading", "id": "y", "progressDetail": {"current": 1_000_000, "total": 20_000_000}},
        {"status": "Extracting", "id": "x", "progressDetail": {"current": 1, "total": 10_000_000}},
        {"status": "Downloading", "id": "x", "progressDetail": {"current": 10_000_000, "total": 10_000_000}},
    ]
    answer = "\r\n".join(map(json.dumps, steps)).encode()
    peer.answers["POST", "/v1.41/images/create?tag=1&fromImage=a%2Fb"] = (200, answer)
    engine.version()
    peer.is_chunked = True
    told: list[str] = []
    engine.pull_image("a/b:1", told.append)
    assert told == ["2 of 10 MB", "3 of 30 MB", "11 of 30 MB"]


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("r.example:5000/a:1", "log in on this machine: docker login r.example:5000"),
        ("a/b:1", "log in on this machine: docker login"),
    ],
)
def test_a_pull_without_access_says_where_to_log_in(peer: Peer, engine: DockerEngine, ref: str, hint: str) -> None:
    name = quote(ref.removesuffix(":1"), safe="")
    path = f"/v1.41/images/create?tag=1&fromImage={name}"
    for answer in ((200, b'{"error":"unauthorized: authentication required"}'), (500, b'{"message":"access denied"}')):
        peer.answers["POST", path] = answer
        with pytest.raises(EngineError) as caught:
            engine.pull_image(ref, list[str]().append)
        assert caught.value.hint == hint


def test_a_pull_sends_the_persons_credentials_for_that_registry_alone(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = base64.b64encode(b"ops:geheim").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"r.example:5000": {"auth": secret}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("r.example:5000/a", "other.example/a"):
        peer.answers["POST", f"/v1.41/images/create?tag=1&fromImage={quote(name, safe='')}"] = (200, b"{}")
    engine = DockerEngine(peer)
    engine.pull_image("r.example:5000/a:1", list[str]().append)
    engine.pull_image("other.example/a:1", list[str]().append)
    engine.close()
    sent, other = (headers.get("X-Registry-Auth") for headers in peer.headers[-2:])
    found = json.loads(base64.urlsafe_b64decode(sent or ""))
    assert (found["username"], found["password"]) == ("ops", "geheim")
    assert other is None


def test_effect_that_breaks_is_sent_once_and_unreachable(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["POST", "/v1.41/containers/app/start"] = (0, b"")
    with pytest.raises(UnreachableError, match="host/h1: engine: the connection was closed"):
        engine.start_container("app")
    assert [path for method, path, _ in peer.asked if method == "POST"] == ["/v1.41/containers/app/start"]


def test_nobody_listening_is_unreachable_with_the_reason_of_the_way(peer: Peer) -> None:
    peer.path.unlink()
    peer.words = "sudo: a password is required"
    with pytest.raises(UnreachableError, match="host/h1: engine: sudo: a password is required") as caught:
        DockerEngine(peer).containers()
    assert caught.value.hint is not None
    assert "NOPASSWD" in caught.value.hint


@pytest.mark.parametrize("ref", ["", ".", ".."])
def test_empty_names_never_become_a_path(engine: DockerEngine, ref: str) -> None:
    for call in (engine.inspect_container, engine.remove_container, engine.start_container, engine.remove_network):
        with pytest.raises(ValueError, match="not an id or a name"):
            call(ref)


@pytest.mark.parametrize(
    ("ref", "parts"),
    [
        ("busybox", ("busybox", "latest")),
        ("busybox:1", ("busybox", "1")),
        ("r:5000/a/b", ("r:5000/a/b", "latest")),
        ("r:5000/a/b:2", ("r:5000/a/b", "2")),
        ("a@sha256:0f", ("a", "sha256:0f")),
    ],
)
def test_images_are_split_at_their_tag(ref: str, parts: tuple[str, str]) -> None:
    assert split_image(ref) == parts


def test_what_only_begins_with_a_name_is_not_what_bears_it(peer: Peer, engine: DockerEngine) -> None:
    """Engines take the start of an id where nobody has the name: seen to remove another container."""
    other = b'{"Id":"66470b","Name":"/overlay_1"}'
    peer.answers["GET", "/v1.41/containers/66/json"] = (200, other)
    peer.answers["GET", "/v1.41/networks/86"] = (200, b'{"Id":"865b0c","Name":"web"}')
    for call in (engine.inspect_container, engine.stop_container, engine.start_container, engine.remove_container):
        with pytest.raises(NotFoundError, match="No such container: 66"):
            call("66")
    for call in (engine.inspect_network, engine.remove_network):
        with pytest.raises(NotFoundError, match="network 86 not found"):
            call("86")
    with pytest.raises(NotFoundError):
        engine.connect("86", "overlay_1", {})
    with pytest.raises(ConflictError, match="the engine takes 66 for the container overlay_1"):
        engine.disconnect("net-1", "66", force=True)
    assert {method for method, _, _ in peer.asked} == {"GET"}


def test_what_bears_a_name_of_hex_digits_is_found_and_changed(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["GET", "/v1.41/containers/db/json"] = (200, b'{"Id":"0123","Name":"/db"}')
    peer.answers["POST", "/v1.41/containers/db/start"] = (204, b"")
    engine.start_container("db")
    assert [path for method, path, _ in peer.asked if method == "POST"] == ["/v1.41/containers/db/start"]


LOAD = ("POST", "/v1.41/images/load?quiet=1")


def test_an_archive_is_sent_as_it_is(peer: Peer, engine: DockerEngine, tmp_path: Path) -> None:
    path, told = archives.write(tmp_path / "a.tar", "app:1"), list[str]()
    peer.answers[LOAD] = (200, b'{"stream":"Loaded image: app:1\\n"}\r\n')
    engine.load_image("app:1", str(path), told.append)
    assert peer.asked[-1] == (*LOAD, path.read_bytes())
    assert peer.headers[-1]["Content-Type"] == "application/x-tar"
    assert told == ["0 of 0 MB"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, b'{"errorDetail":{},"error":"no space left on device"}'), "host/h1: app:1: no space left on device"),
        ((200, b"what?"), "host/h1: app:1: an answer that cannot be read"),
        ((500, b'{"message":"broken archive"}'), "host/h1: broken archive"),
    ],
)
def test_an_archive_that_the_engine_cannot_load_is_an_error(
    answer: tuple[int, bytes], said: str, peer: Peer, engine: DockerEngine, tmp_path: Path
) -> None:
    peer.answers[LOAD] = answer
    with pytest.raises(EngineError, match=said):
        engine.load_image("app:1", str(archives.write(tmp_path / "a.tar", "app:1")), list[str]().append)


def test_an_archive_without_the_image_is_not_sent(peer: Peer, engine: DockerEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="app:2: its image_archive has no image of that name"):
        engine.load_image("app:2", str(archives.write(tmp_path / "a.tar", "app:1")), list[str]().append)
    assert LOAD not in [asked[:2] for asked in peer.asked]


def test_volumes_are_a_list_also_where_the_engine_says_null(peer: Peer, engine: DockerEngine) -> None:
    peer.answers["GET", "/v1.41/volumes"] = (200, b'{"Volumes":null,"Warnings":null}')
    assert engine.volumes() == []
    peer.answers["GET", "/v1.41/volumes"] = (200, b'{"Volumes":["odd"]}')
    with pytest.raises(EngineError, match="cannot be read"):
        engine.volumes()
