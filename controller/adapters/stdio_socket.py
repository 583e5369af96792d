"""
A local unix socket whose every connection becomes the stdin and stdout of a program.

This is how an engine is reached whose socket the connecting user may not open: ``sudo docker system dial-stdio``.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from controller.adapters.process import end_group, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_BACKLOG = 64
_REAP_S = 0.5
_LAST_WORDS_S = 0.3
_POLL_S = 0.01


class StdioSocket:
    """
    A listening socket at *path* (0600), served by a thread until close().

    Args:
        command: Returns the program for the next connection.
    """

    def __init__(self, path: Path, command: Callable[[], Sequence[str]]) -> None:
        self.path = path
        self._command = command
        self._children: list[subprocess.Popen[bytes]] = []
        self._said = b""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(_BACKLOG)
        self._wake_in, self._wake_out = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="stdio-socket", daemon=True)
        self._thread.start()

    def last_words(self) -> str:
        """Return the last line that a program said on stderr before it ended, once; empty when there is none."""
        # The end of the connection is seen a moment before that of its program.
        deadline = time.monotonic() + _LAST_WORDS_S
        while not self._said and self._children and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            self._reap()
        said, self._said = self._said, b""
        lines = said.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """Stop listening, end the programs and remove the socket."""
        with contextlib.suppress(OSError):
            os.write(self._wake_out, b"x")
        self._thread.join(timeout=2.0)
        self._listener.close()
        for child in self._children:
            end_group(child)
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=1.0)
            if child.stderr is not None:
                child.stderr.close()
        self._children.clear()
        os.close(self._wake_in)
        os.close(self._wake_out)
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._wake_in, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(_REAP_S * 1000)}
            if self._wake_in in ready:
                return
            self._reap()
            if ready:
                with contextlib.suppress(OSError):
                    self._hand_over(self._listener.accept()[0])

    def _hand_over(self, connection: socket.socket) -> None:
        with connection:
            child = subprocess.Popen(
                self._command(),
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=subprocess.PIPE,
                env=environment(),
                process_group=0,
            )
            self._children.append(child)

    def _reap(self) -> None:
        """Collect programs that ended, so that none stays a zombie, and what they said."""
        for child in [child for child in self._children if child.poll() is not None]:
            with contextlib.suppress(ValueError):
                self._children.remove(child)
                if child.stderr is not None:
                    with child.stderr:
                        os.set_blocking(child.stderr.fileno(), False)
                        self._said = child.stderr.read() or self._said
