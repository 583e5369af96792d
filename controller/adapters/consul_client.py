"""
py-consul over our own HTTP client.

py-consul's usual transport is ``requests``, which opens no unix socket, so cannot use a connection forwarded by ssh,
and lets proxy variables of the environment reroute it. Its extension point ``consul.base.HTTPClient`` takes another
one. This module imports py-consul, which takes 0.1 s: import it when something is to be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.adapters.http import Client

_TIMEOUT_S = 10.0


class _Transport(base.HTTPClient):  # type: ignore[misc] # py-consul has no type information
    """py-consul's transport on our client; ``callback`` judges status and body."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        # Paths only: where they lead is the client's.
        self.base_uri = ""
        self._client = client

    def get(self, callback: Callable[[Any], Any], path: str, params: Any = None, headers: Any = None, **_: Any) -> Any:
        return self._send("GET", callback, path, params, None, headers)

    def put(
        self,
        callback: Callable[[Any], Any],
        path: str,
        params: Any = None,
        data: str | bytes = "",
        headers: Any = None,
        **_: Any,
    ) -> Any:
        return self._send("PUT", callback, path, params, data, headers)

    def delete(
        self,
        callback: Callable[[Any], Any],
        path: str,
        params: Any = None,
        data: str | bytes = "",
        headers: Any = None,
        **_: Any,
    ) -> Any:
        return self._send("DELETE", callback, path, params, data, headers)

    def post(
        self,
        callback: Callable[[Any], Any],
        path: str,
        params: Any = None,
        data: str | bytes = "",
        headers: Any = None,
        **_: Any,
    ) -> Any:
        return self._send("POST", callback, path, params, data, headers)

    def close(self) -> None:
        """Leave the client open: it is not ours."""

    def _send(  # noqa: PLR0913, PLR0917 - py-consul's own arguments
        self,
        method: str,
        callback: Callable[[Any], Any],
        path: str,
        params: Any,
        data: str | bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Any:
        body = data.encode() if isinstance(data, str) else data
        answer = self._client.request(method, self.uri(path, params), body=body, headers=headers, timeout_s=_TIMEOUT_S)
        named = {name.title(): value for name, value in answer.headers.items()}
        return callback(base.Response(answer.status, named, answer.body.decode(errors="replace")))


class Consul(base.Consul):  # type: ignore[misc] # py-consul has no type information
    """py-consul's client on *client*."""

    def __init__(self, client: Client) -> None:
        self._client = client
        super().__init__(host="store", port=0, scheme="http")

    def http_connect(self, *_: Any, **__: Any) -> _Transport:
        """Return the transport; py-consul asks for it once."""
        return _Transport(self._client)
