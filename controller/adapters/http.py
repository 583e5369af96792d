"""
A lean HTTP/1.1 client: JSON over a stream socket that somebody else opens.

It knows no domain, no host and no retry policy. It exists because importing the standard library's client, and the
e-mail parser below it, takes 25 ms, a third of what everything else takes that a plan needs.
"""

from __future__ import annotations

import json
import select
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Dial: TypeAlias = Callable[[float], socket.socket]  # opens a connected stream socket within so many seconds

MAX_ANSWER = 256 * 1024 * 1024
_MAX_LINE = 64 * 1024
_MAX_HEADERS = 200
_CHUNK = 256 * 1024
_MAX_IDLE = 4
_NO_BODY = frozenset({204, 304})
_OK = range(200, 300)


class HttpError(Exception):
    """No usable answer came; the text says why, in lower case."""


class ClosedError(HttpError):
    """
    The peer closed the connection.

    Args:
        answered: Whether at least one byte of the answer had arrived.
    """

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


class TimedOutError(HttpError):
    """The answer was not complete in time."""


class BadAnswerError(HttpError):
    """What came is no HTTP answer, no JSON, or too big."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in _OK

    def json(self) -> Any:
        """
        Return the body's JSON.

        Raises:
            BadAnswerError: It is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadAnswerError("the answer is not JSON") from None


class _Stream:
    """A connection and what was read from it but not yet used; every wait ends at a deadline of the monotonic clock."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()
        self.answered = False

    def reusable(self) -> bool:
        """Whether the connection is quiet: one that can be read from has been closed, or is out of step."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not self._buffer and not poll.poll(0)

    def send(self, data: bytes, deadline: float) -> None:
        self.answered = False
        self.sock.settimeout(_left(deadline))
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise TimedOutError("timed out") from None
        except OSError as error:
            raise ClosedError(_reason(error), answered=False) from None

    def line(self, deadline: float) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > _MAX_LINE:
                raise BadAnswerError("a header line of the answer is too long")
            self._fill(deadline)
        found = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return found.rstrip(b"\r")

    def exactly(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            self._fill(deadline)
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    def to_the_end(self, limit: int, deadline: float) -> bytes:
        while len(self._buffer) <= limit:
            try:
                self._fill(deadline)
            except ClosedError:
                found = bytes(self._buffer)
                self._buffer.clear()
                return found
        raise BadAnswerError(f"the answer is longer than {limit} bytes")

    def close(self) -> None:
        self.sock.close()

    def _fill(self, deadline: float) -> None:
        self.sock.settimeout(_left(deadline))
        try:
            data = self.sock.recv(_CHUNK)
        except TimeoutError:
            raise TimedOutError("timed out") from None
        except OSError as error:
            raise ClosedError(_reason(error), answered=self.answered) from None
        if not data:
            raise ClosedError("the connection was closed", answered=self.answered)
        self.answered = True
        self._buffer += data


class Client:
    """
    An HTTP client for one server; safe in several threads, each request has a connection to itself.

    Args:
        dial: Opens a connection; whatever it raises besides OSError passes through.
        host: Text of the Host header.
        headers: Sent with every request.
        limit: Longest answer that is accepted, in bytes.
    """

    def __init__(
        self,
        dial: Dial,
        *,
        host: str = "localhost",
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_ANSWER,
    ) -> None:
        self._dial = dial
        self._headers = {"Host": host, "Accept": "application/json", "User-Agent": "ovctl", **(headers or {})}
        self._limit = limit
        self._idle: list[_Stream] = []
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> Answer:
        """
        Send one request and return its answer, whatever its status.

        A GET whose kept connection was closed before the first byte of an answer is sent once more, on a new one.

        Args:
            path: With its query, already escaped.
            timeout_s: For everything together, connecting included.

        Raises:
            HttpError: No usable answer.
            ValueError: *path* or a header would break the request's form.
        """
        deadline = time.monotonic() + timeout_s
        data = self._message(method, path, body, headers)
        stream = self._take()
        if stream is not None:
            try:
                return self._exchange(stream, data, deadline)
            except ClosedError as error:
                if method != "GET" or error.answered:
                    raise
        try:
            stream = _Stream(self._dial(_left(deadline)))
        except TimeoutError:
            raise TimedOutError("timed out") from None
        except OSError as error:
            raise ClosedError(_reason(error), answered=False) from None
        return self._exchange(stream, data, deadline)

    def close(self) -> None:
        """Close the connections that are idle; the client can still be used."""
        with self._lock:
            idle, self._idle = self._idle, []
        for stream in idle:
            stream.close()

    def _take(self) -> _Stream | None:
        """Return an idle connection that is still good, the one used last first."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                stream = self._idle.pop()
            if stream.reusable():
                return stream
            stream.close()

    def _exchange(self, stream: _Stream, data: bytes, deadline: float) -> Answer:
        keep = False
        try:
            stream.send(data, deadline)
            answer, keep = _read(stream, self._limit, deadline)
        finally:
            with self._lock:
                keep = keep and len(self._idle) < _MAX_IDLE
                if keep:
                    self._idle.append(stream)
            if not keep:
                stream.close()
        return answer

    def _message(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None) -> bytes:
        lines = [f"{method} {path} HTTP/1.1"]
        if not path.startswith("/") or not path.isascii() or " " in path:
            raise ValueError(f"not a path: {path!r}")
        merged = {**self._headers, **(headers or {})}
        if body is not None or method != "GET":
            merged["Content-Length"] = str(len(body or b""))
        lines.extend(f"{name}: {value}" for name, value in merged.items())
        if any(not line.isprintable() for line in lines):
            raise ValueError("a request line or header has control characters")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def _left(deadline: float) -> float:
    """Return the seconds until *deadline*."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOutError("timed out")
    return left


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def _read(stream: _Stream, limit: int, deadline: float) -> tuple[Answer, bool]:
    """Return the next answer and whether the connection can be used again."""
    status, keep = _status(stream.line(deadline))
    headers = _headers(stream, deadline)
    while status in range(100, 200):
        if status == 101:  # noqa: PLR2004 - Switching Protocols: not HTTP from here on, and never asked for
            raise BadAnswerError("the server wants to switch protocols")
        status, keep = _status(stream.line(deadline))
        headers = _headers(stream, deadline)
    options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
    keep = (keep or "keep-alive" in options) and "close" not in options
    if status in _NO_BODY:
        return Answer(status, headers, b""), keep
    coding = headers.get("transfer-encoding", "").lower()
    if coding:
        if coding != "chunked":
            raise BadAnswerError(f"the answer has transfer coding {coding!r}")
        return Answer(status, headers, _chunks(stream, limit, deadline)), keep and "content-length" not in headers
    length = headers.get("content-length")
    if length is None:
        return Answer(status, headers, stream.to_the_end(limit, deadline)), False
    size = _number(length, 10)
    if size > limit:
        raise BadAnswerError(f"the answer is longer than {limit} bytes")
    return Answer(status, headers, stream.exactly(size, deadline)), keep


def _status(line: bytes) -> tuple[int, bool]:
    """Return the status code and whether the protocol keeps connections by default."""
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if version not in {b"HTTP/1.1", b"HTTP/1.0"} or len(code) != 3 or not code.isdigit():  # noqa: PLR2004 - RFC 9112
        raise BadAnswerError("the answer is not HTTP")
    return int(code), version == b"HTTP/1.1"


def _headers(stream: _Stream, deadline: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = stream.line(deadline)
        if not line:
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            raise BadAnswerError("the answer has a broken header")
        if name == "content-length" and headers.get(name, value) != value:
            raise BadAnswerError("the answer has two lengths")
        headers[name] = value
    raise BadAnswerError("the answer has too many headers")


def _chunks(stream: _Stream, limit: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := _number(stream.line(deadline).partition(b";")[0].decode("latin-1").strip(), 16):
        total += size
        if total > limit:
            raise BadAnswerError(f"the answer is longer than {limit} bytes")
        parts.append(stream.exactly(size, deadline))
        if stream.line(deadline):
            raise BadAnswerError("the answer's chunks are broken")
    for _ in range(_MAX_HEADERS):
        if not stream.line(deadline):
            return b"".join(parts)
    raise BadAnswerError("the answer has too many trailers")


def _number(text: str, base: int) -> int:
    digits = "0123456789abcdefABCDEF" if base > 10 else "0123456789"  # noqa: PLR2004 - decimal
    if not 0 < len(text) <= 16 or any(char not in digits for char in text):  # noqa: PLR2004 - int() takes more than RFC 9112
        raise BadAnswerError("a length in the answer is not a number")
    return int(text, base)
