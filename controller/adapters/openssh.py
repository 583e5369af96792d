"""
A host reached by the OpenSSH client: one master connection, kept a minute beyond the run, for the next run to find.

Whatever a person has in their ssh configuration, agent and known_hosts works: it is their own client that connects.
Commands are argument lists; the engine's socket is forwarded by the master. Nothing here knows what is run or asked.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
from typing import TYPE_CHECKING

from controller.adapters import process
from controller.adapters.runtime import name_of, private_directory
from controller.adapters.ssh_options import connect_timeout_s, options, remote_command
from controller.adapters.ssh_reasons import Reason, explain
from controller.adapters.stdio_socket import StdioSocket
from controller.errors import RefusedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from controller.adapters.process import Done
    from controller.model.topology import Host

PERSIST_S = 60
_SSH_FAILED = 255
# A master that another run left may lead to a host that lost its power meanwhile: how long it has to show life.
_PROBE_S = 1.2
_PATIENT_PROBE_S = 4.0
_MUX_S = 3.0
_LOCK_POLL_S = 0.02
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.@+-]+")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class OpenSshHost:
    """
    One host over OpenSSH; safe in several threads.

    Args:
        name: The host's name in the topology.
        host: Its declaration.
        directory: Private directory for sockets; the usual one when None.
    """

    def __init__(self, name: str, host: Host, *, directory: Path | None = None) -> None:
        self.place = f"host/{name}"
        self._address = str(host.address)
        self._port = host.ssh.port
        self._sudo = host.sudo
        self._remote_socket = host.docker_socket
        if not _PLAIN_PATH.fullmatch(host.docker_socket):
            raise RefusedError(f"{self.place}: docker_socket: {host.docker_socket!r} is not a plain path")
        self._options = options(self.place, host.ssh)
        self._connect_s = connect_timeout_s(host.ssh)
        folder = private_directory() if directory is None else directory
        self._folder = folder
        self._key = name_of(self._address, self._remote_socket, str(self._sudo), *self._options)
        self._control = folder / f"{self._key}.ctl"
        self._forwarded = folder / f"{self._key}.sock"
        self._lock = threading.Lock()
        self._trusted = False
        self._failure: UnreachableError | None = None
        self._failed_at = 0.0
        self._stdio: StdioSocket | None = None

    # What the other adapters need of a host.

    def run(self, argv: Sequence[str], *, data: bytes = b"", timeout_s: float, again: bool = False) -> Done:
        """
        Run *argv* on the host, as root where the topology says ``sudo``.

        Args:
            again: Whether it may be run a second time when the connection broke under it.

        Raises:
            UnreachableError: The host did not answer, or not in time.
        """
        command = remote_command(["sudo", "-n", "--", *argv] if self._sudo else argv)
        self._ready()
        done = self._ssh(command, data=data, timeout_s=timeout_s)
        if again and done.code == _SSH_FAILED and not _listening(self._control):
            self._ready()
            done = self._ssh(command, data=data, timeout_s=timeout_s)
        if done.code is None:
            raise self._unreachable(Reason(f"timed out after {timeout_s:g} s"))
        if done.code == _SSH_FAILED:
            raise self._unreachable(self._explain(done.text))
        return done

    def engine_socket(self) -> str:
        """
        Return the path of a local unix socket that leads to the host's engine, after making sure that it is there.

        Raises:
            UnreachableError: The host cannot be reached.
        """
        self._ready()
        if not self._sudo:
            return str(self._forwarded)
        with self._lock:
            if self._stdio is None:
                path = self._folder / f"{self._key}.{os.getpid()}.{id(self) & 0xFFFFFF:x}"
                self._stdio = StdioSocket(path, self._dial_stdio)
            return str(self._stdio.path)

    def dial_engine(self, timeout_s: float) -> socket.socket:
        """
        Return a new connection to the host's engine.

        Raises:
            UnreachableError: The host cannot be reached.
        """
        return _connect(self.engine_socket(), timeout_s)

    def dial_tcp(self, address: str, port: int, timeout_s: float) -> socket.socket:
        """
        Return a new connection to a TCP server as the host sees it, forwarded by the master.

        Raises:
            UnreachableError: The host cannot be reached, or lets nothing be forwarded.
        """
        return _connect(self.forward_tcp(address, port), timeout_s)

    def forward_tcp(self, address: str, port: int) -> str:
        """
        Return the path of a local unix socket that leads from the host to a TCP server.

        Raises:
            UnreachableError: The host cannot be reached, or lets nothing be forwarded.
        """
        if not _PLAIN_HOST.fullmatch(address):
            raise RefusedError(f"{self.place}: {address!r} is not a plain host name")
        self._ready()
        path = self._folder / f"{self._key}.{name_of(address, str(port))[:6]}"
        if _listening(path):
            return str(path)
        with self._lock, self._flock():
            if not _listening(path):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                done = self._mux("forward", "-L", f"{path}:{address}:{port}")
                if done.code != 0 or not _listening(path):
                    raise self._unreachable(self._explain(done.text))
        return str(path)

    def last_words(self) -> str:
        """Return what the way to the engine said last before it ended; empty when there is nothing to say."""
        return self._stdio.last_words() if self._stdio is not None else ""

    def close(self) -> None:
        """End what is of this process alone; the master stays for the next run, and ends by itself when idle."""
        with self._lock:
            if self._stdio is not None:
                self._stdio.close()
                self._stdio = None

    def disconnect(self) -> None:
        """End the master connection at once."""
        with self._lock, self._flock():
            self._end_master()

    # The master connection.

    def _ready(self) -> None:
        """Make sure that a master is there and its host alive."""
        if self._trusted and _listening(self._control):
            return
        asked = time.monotonic()
        with self._lock:
            if self._trusted and _listening(self._control):
                return
            if self._failure is not None and self._failed_at > asked:
                # Another thread tried while this one waited for it: the answer would be the same, as late again.
                raise UnreachableError(self._failure.message, hint=self._failure.hint)
            try:
                with self._flock():
                    if not (_listening(self._control) and self._alive()):
                        self._start_master()
            except UnreachableError as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise
            self._trusted, self._failure = True, None

    def _alive(self) -> bool:
        """
        Say whether a master that we found still leads to a living host; if it does not, end it.

        Raises:
            UnreachableError: Nor does the host answer by a new connection; the old one is left to its own timeout.
        """
        if self._sudo:
            done = self._ssh("true", timeout_s=_PROBE_S)
            answered = done.code is not None and _listening(self._control)
        else:
            answered = self._forwarded_answers()
        if answered:
            return True
        if _listening(self._control):
            self._try_anew()
            # The host lives. A busy one gets more time before the master, which other runs may be using, is ended.
            done = self._ssh("true", timeout_s=_PATIENT_PROBE_S)
            if done.code is not None and _listening(self._control):
                return True
        self._end_master()
        return False

    def _forwarded_answers(self) -> bool:
        """
        Ask the engine for a sign of life through the forwarded socket, which costs no process.

        An end of file is one too while the master lives: the host's sshd said that nobody listens.
        """
        try:
            with _connect(str(self._forwarded), _PROBE_S) as probe:
                probe.sendall(b"GET /_ping HTTP/1.0\r\nHost: ovctl\r\n\r\n")
                return bool(probe.recv(1)) or _listening(self._control)
        except OSError:
            return False

    def _try_anew(self) -> None:
        """Connect without the master, to tell a dead host from a dead connection."""
        bound = self._connect_s + 0.5
        done = self._finish(["-o", "ControlPath=none", "-o", "ClearAllForwardings=yes"], "true", b"", bound)
        if done.code is None:
            raise self._unreachable(Reason(f"timed out after {self._connect_s} s"))
        if done.code == _SSH_FAILED:
            raise self._unreachable(self._explain(done.text))

    def _start_master(self) -> None:
        for left in (self._control, self._forwarded):
            with contextlib.suppress(FileNotFoundError):
                left.unlink()
        argv = [
            "ssh",
            *self._options,
            *self._master_options(),
            "-S",
            str(self._control),
            "-N",
            "-f",
            "--",
            self._address,
        ]
        # Stderr is a file: the master, or a proxy command, may keep it open long after it went to the background.
        with tempfile.TemporaryFile() as words:
            try:
                starter = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=words,
                    env=process.environment(),
                    cwd="/",
                    umask=0o077,
                    process_group=0,
                )
            except FileNotFoundError:
                raise self._no_ssh() from None
            # ConnectTimeout covers the TCP connection and the banner; keys and logging in come on top.
            bound = self._connect_s + 1.5
            try:
                code = starter.wait(bound)
            except subprocess.TimeoutExpired:
                process.end_group(starter)
                starter.wait()
                raise self._unreachable(Reason(f"timed out after {bound:g} s")) from None
            except BaseException:
                process.end_group(starter)
                starter.wait()
                raise
            words.seek(0)
            said = words.read().decode(errors="replace")
        if code != 0:
            raise self._unreachable(self._explain(said))
        if not _listening(self._control):
            raise self._unreachable(
                Reason("the connection was shared by nobody", "look at ControlMaster in your ssh configuration")
            )
        if not self._sudo and not _listening(self._forwarded):
            raise self._unreachable(self._explain(said))

    def _master_options(self) -> list[str]:
        words = ["-o", "ControlMaster=yes", "-o", f"ControlPersist={PERSIST_S}"]
        words += ["-o", "StreamLocalBindUnlink=yes", "-o", "StreamLocalBindMask=0177", "-o", "ExitOnForwardFailure=no"]
        if not self._sudo:
            words += ["-L", f"{self._forwarded}:{self._remote_socket}"]
        return words

    def _end_master(self) -> None:
        self._trusted = False
        with contextlib.suppress(UnreachableError):
            self._mux("exit")
        for left in (self._control, self._forwarded):
            with contextlib.suppress(FileNotFoundError):
                left.unlink()

    def _mux(self, command: str, *arguments: str) -> Done:
        """Give the master a command; nothing goes to the host."""
        return self._finish(["-S", str(self._control), "-O", command, *arguments], None, b"", _MUX_S)

    def _ssh(self, command: str, *, data: bytes = b"", timeout_s: float) -> Done:
        """Run *command* over the master; without one OpenSSH would connect anew, which is as good."""
        words = ["-S", str(self._control), "-o", "ControlMaster=no", "-o", "ClearAllForwardings=yes"]
        return self._finish(words, command, data, timeout_s)

    def _finish(self, words: Sequence[str], command: str | None, data: bytes, timeout_s: float) -> Done:
        argv = ["ssh", *self._options, *words, "--", self._address, *([] if command is None else [command])]
        try:
            return process.run(argv, data=data, timeout_s=timeout_s, cwd="/")
        except FileNotFoundError:
            raise self._no_ssh() from None

    def _dial_stdio(self) -> list[str]:
        remote = ["sudo", "-n", "--", "docker", "--host", f"unix://{self._remote_socket}", "system", "dial-stdio"]
        words = ["-S", str(self._control), "-o", "ControlMaster=no", "-o", "ClearAllForwardings=yes"]
        return ["ssh", *self._options, *words, "--", self._address, remote_command(remote)]

    @contextlib.contextmanager
    def _flock(self) -> Iterator[None]:
        """Keep other processes from starting or ending the same master meanwhile."""
        bound = self._connect_s + 4.0
        deadline = time.monotonic() + bound
        handle = os.open(
            self._folder / f"{self._key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise self._unreachable(
                            Reason(f"another ovctl was still connecting after {bound:g} s")
                        ) from None
                    time.sleep(_LOCK_POLL_S)
            yield
        finally:
            os.close(handle)

    def _no_ssh(self) -> UnreachableError:
        return UnreachableError(f"{self.place}: there is no ssh on this machine", hint="apt-get install openssh-client")

    def _explain(self, said: str) -> Reason:
        if "timed out" in said:
            return Reason(
                f"timed out after {self._connect_s} s", "is the host switched on, and does a firewall let you in?"
            )
        return explain(said, self._address)

    def _unreachable(self, reason: Reason) -> UnreachableError:
        return UnreachableError(
            f"{self.place}: ssh {self._address}:{self._port or 22}: {reason.fact}", hint=reason.hint
        )


def _connect(path: str, timeout_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def _listening(path: Path) -> bool:
    """Say whether somebody listens on the unix socket at *path*."""
    try:
        _connect(str(path), 1.0).close()
    except OSError:
        return False
    return True
