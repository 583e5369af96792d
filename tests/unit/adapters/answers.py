"""A small HTTP server on a unix socket that answers from a table, for the adapters of engine and store."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Answers = dict[tuple[str, str], "tuple[int, bytes] | Callable[[bytes], tuple[int, bytes]]"]


class Peer:
    """What the server answers, and what it was asked."""

    place = "host/h1"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: Answers = {}
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[Mapping[str, str]] = []
        self.words = ""
        self.is_consul = True
        self.is_chunked = False

    def engine_socket(self) -> str:
        return str(self.path)

    def dial_engine(self, timeout_s: float) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout_s)
            sock.connect(str(self.path))
        except OSError:
            sock.close()
            raise
        return sock

    def last_words(self) -> str:
        return self.words


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    peer: Peer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_any(self) -> None:
        body = self.body()
        peer = self.server.peer
        peer.asked.append((self.command, self.path, body))
        peer.headers.append(dict(self.headers))
        answer = peer.answers.get((self.command, self.path), (404, b'{"message":"nothing here"}'))
        if callable(answer):
            answer = answer(body)
        status, text = answer
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        if peer.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
            text = f"{len(text):x}\r\n".encode() + text + b"\r\n0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(text)))
        if peer.is_consul:
            self.send_header("X-Consul-Index", "7")
        self.end_headers()
        self.wfile.write(text)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the library's names

    def address_string(self) -> str:
        return "peer"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving() -> Iterator[Peer]:
    with tempfile.TemporaryDirectory(prefix="ovctl-") as folder:
        peer = Peer(Path(folder) / "s")
        with _Server(str(peer.path), _Handler) as server:
            server.peer = peer
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            try:
                yield peer
            finally:
                server.shutdown()
                thread.join(5.0)
