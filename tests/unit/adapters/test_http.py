"""The lean HTTP client against a server that answers with whatever bytes a test wants."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from controller.adapters.http import Answer, BadAnswerError, Client, ClosedError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLOSE = object()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Listens on a TCP port; each connection gets the next script: bytes to send after each request, or CLOSE."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.scripts: list[Sequence[object]] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def dial(self, timeout_s: float) -> socket.socket:
        return socket.create_connection(self.listener.getsockname(), timeout_s)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self.talk(connection, self.scripts.pop(0))

    def talk(self, connection: socket.socket, script: Sequence[object]) -> None:
        for step in script:
            if step is CLOSE:
                return
            request = connection.recv(65536)
            if not request:
                return
            self.requests.append(request)
            parts = step if isinstance(step, list) else [step]
            for part in parts:
                if isinstance(part, float):
                    time.sleep(part)
                elif isinstance(part, bytes):
                    try:
                        connection.sendall(part)
                    except OSError:
                        return
        connection.settimeout(5.0)
        try:
            connection.recv(1)
        except OSError:
            return


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    server.thread.join(6.0)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = Client(server.dial, limit=1000)
    yield client
    client.close()


def get(client: Client, path: str = "/x", timeout_s: float = 2.0) -> Answer:
    return client.request("GET", path, timeout_s=timeout_s)


def test_connection_is_kept_for_the_next_request(server: Server, client: Client) -> None:
    server.scripts = [[OK, OK]]
    assert get(client).json() == {}
    assert get(client).ok
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /x HTTP/1.1\r\nHost: localhost\r\n")


def test_chunked_answer_is_put_together(server: Server, client: Client) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\n[1,2\r\n1\r\n]\r\n0\r\nTrailer: t\r\n\r\n"
    server.scripts = [[[bytes([byte]) for byte in chunked], OK]]
    assert get(client).json() == [1, 2]
    assert get(client).ok
    assert server.connections == 1


def test_interim_answers_and_empty_ones_are_understood(server: Server, client: Client) -> None:
    server.scripts = [[b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", OK]]
    assert client.request("POST", "/x", body=b"{}", timeout_s=2.0).body == b""
    assert b"Content-Length: 2" in server.requests[0]
    assert get(client).ok


def test_answer_without_length_ends_with_the_connection(server: Server, client: Client) -> None:
    server.scripts = [[b"HTTP/1.0 200 OK\r\n\r\n[]", CLOSE]]
    assert get(client).json() == []


def test_get_is_sent_again_when_a_kept_connection_was_closed(server: Server, client: Client) -> None:
    server.scripts = [[OK, CLOSE], [OK]]
    get(client)
    time.sleep(0.05)
    assert get(client).ok
    assert server.connections == 2


def test_get_is_sent_again_when_a_kept_connection_closes_on_it(server: Server, client: Client) -> None:
    server.scripts = [[OK, b"", CLOSE], [OK]]
    get(client)
    assert get(client).ok
    assert len(server.requests) == 3


def test_effect_is_never_sent_again(server: Server, client: Client) -> None:
    server.scripts = [[OK, b"", CLOSE], [OK]]
    get(client)
    with pytest.raises(ClosedError):
        client.request("PUT", "/x", body=b"1", timeout_s=2.0)
    assert len(server.requests) == 2


def test_get_on_a_new_connection_is_never_sent_again(server: Server, client: Client) -> None:
    server.scripts = [[b"", CLOSE], [OK]]
    with pytest.raises(ClosedError):
        get(client)
    assert server.connections == 1


def test_get_is_not_sent_again_after_half_an_answer(server: Server, client: Client) -> None:
    server.scripts = [[OK, b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], [OK]]
    get(client)
    with pytest.raises(ClosedError) as caught:
        get(client)
    assert caught.value.answered


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300,
        b"H" * 200_000,
    ],
)
def test_garbage_is_refused(server: Server, client: Client, garbage: bytes) -> None:
    server.scripts = [[garbage]]
    with pytest.raises(BadAnswerError):
        get(client)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_broken_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswerError):
        Answer(200, {}, body).json()


def test_dripping_answer_ends_at_the_deadline(server: Server, client: Client) -> None:
    server.scripts = [[[part for _ in range(20) for part in (b"H", 0.1)]]]
    started = time.monotonic()
    with pytest.raises(TimedOutError):
        get(client, timeout_s=0.3)
    assert time.monotonic() - started < 1.0


def test_nobody_there_is_told_as_such() -> None:
    def dial(_: float) -> socket.socket:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(ClosedError, match="connection refused"):
        get(Client(dial))


@pytest.mark.parametrize("path", ["x", "/a b", "/ä", "/x\r\nEvil: 1"])
def test_request_cannot_be_broken_open(client: Client, path: str) -> None:
    with pytest.raises(ValueError, match=r"path|control"):
        get(client, path)


def test_header_cannot_be_broken_open(client: Client) -> None:
    with pytest.raises(ValueError, match="control"):
        client.request("GET", "/x", headers={"A": "b\r\nEvil: 1"}, timeout_s=1.0)
