"""
The machine that ovctl runs on, as one of the topology's hosts: its engine's socket directly, programs by subprocess.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

from controller.adapters import process
from controller.adapters.runtime import name_of, private_directory
from controller.adapters.stdio_socket import StdioSocket
from controller.errors import HostError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from controller.adapters.process import Done
    from controller.model.topology import Host


class LocalHost:
    """
    The local machine; safe in several threads.

    Args:
        name: The host's name in the topology.
        host: Its declaration.
        directory: Private directory for sockets; the usual one when None.
    """

    def __init__(self, name: str, host: Host, *, directory: Path | None = None) -> None:
        self.place = f"host/{name}"
        self._socket = host.docker_socket
        self._sudo = host.sudo and os.geteuid() != 0
        self._directory = directory
        self._lock = threading.Lock()
        self._stdio: StdioSocket | None = None

    def run(self, argv: Sequence[str], *, data: bytes = b"", timeout_s: float, again: bool = False) -> Done:  # noqa: ARG002 - nothing breaks here
        """
        Run *argv*, as root where the topology says ``sudo``.

        Raises:
            HostError: It cannot be started.
            UnreachableError: It did not end in time.
        """
        words = ["sudo", "-n", "--", *argv] if self._sudo else list(argv)
        try:
            done = process.run(words, data=data, timeout_s=timeout_s, cwd="/")
        except OSError as error:
            raise HostError(f"{self.place}: {words[0]}: {(error.strerror or 'cannot be started').lower()}") from None
        if done.code is None:
            raise UnreachableError(f"{self.place}: timed out after {timeout_s:g} s")
        return done

    def engine_socket(self) -> str:
        """Return the path of a unix socket that leads to the engine."""
        if not self._sudo:
            return self._socket
        with self._lock:
            if self._stdio is None:
                folder = private_directory() if self._directory is None else self._directory
                path = folder / f"{name_of(self.place, self._socket)}.{os.getpid()}.{id(self) & 0xFFFFFF:x}"
                self._stdio = StdioSocket(path, self._dial_stdio)
            return str(self._stdio.path)

    def dial_engine(self, timeout_s: float) -> socket.socket:
        """Return a new connection to the engine; OSError when nobody listens."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout_s)
            sock.connect(self.engine_socket())
        except OSError:
            sock.close()
            raise
        return sock

    def dial_tcp(self, address: str, port: int, timeout_s: float) -> socket.socket:
        """Return a new connection to a TCP server; OSError when nobody listens."""
        return socket.create_connection((address, port), timeout_s)

    def last_words(self) -> str:
        """Return what the way to the engine said last before it ended; empty when there is nothing to say."""
        return self._stdio.last_words() if self._stdio is not None else ""

    def close(self) -> None:
        """End what this process opened."""
        with self._lock:
            if self._stdio is not None:
                self._stdio.close()
                self._stdio = None

    def _dial_stdio(self) -> list[str]:
        return ["sudo", "-n", "--", "docker", "--host", f"unix://{self._socket}", "system", "dial-stdio"]
