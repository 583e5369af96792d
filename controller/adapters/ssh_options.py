"""
From a host of the topology to arguments of the OpenSSH client.

Pure, but for reading the mode of a configuration file. What a topology may say is judged when it is validated, and once
more here, right before it reaches a command line; ``controller.model.ssh_options`` says what, and why.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import RefusedError
from controller.model.ssh_options import PLAIN_PATH, refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.model.topology import Ssh

CONNECT_TIMEOUT_S = 4
"""How long a new connection may take, unless the topology says ``ConnectTimeout``."""

# What ovctl decides, whatever any configuration says: on the command line the first value counts.
_FIXED = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ConnectionAttempts=1",
    "ServerAliveInterval=2",
    "ServerAliveCountMax=2",
    "EscapeChar=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "Tunnel=no",
    "LogLevel=ERROR",
)


def options(place: str, ssh: Ssh) -> list[str]:
    """
    Return the arguments that say how a host is reached, without its address.

    Args:
        place: What messages start with, such as ``host/h1``.

    Raises:
        RefusedError: An option that a topology may not set, or a configuration file that others can write.
    """
    refused = next(refusals(ssh.options), None)
    if refused is not None:
        raise RefusedError(f"{place}: ssh option {refused.option!r}: {refused.fact}", hint=refused.hint)
    arguments = [word for fixed in _FIXED for word in ("-o", fixed)]
    if "connecttimeout" not in {key.lower() for key in ssh.options}:
        arguments += ["-o", f"ConnectTimeout={CONNECT_TIMEOUT_S}"]
    for key, value in ssh.options.items():
        arguments += ["-o", f"{key}={value}"]
    if ssh.config is not None:
        arguments += ["-F", _config(place, ssh.config)]
    if ssh.user is not None:
        arguments += ["-l", ssh.user]
    if ssh.port is not None:
        arguments += ["-p", str(ssh.port)]
    if ssh.identity is not None:
        arguments += ["-i", _path(place, "identity", ssh.identity)]
    return arguments


def remote_command(argv: Sequence[str]) -> str:
    """Return *argv* as the one string that OpenSSH hands to the remote user's shell, each argument quoted."""
    return shlex.join(argv)


def connect_timeout_s(ssh: Ssh) -> int:
    """Return how long a new connection may take."""
    for key, value in ssh.options.items():
        if key.lower() == "connecttimeout" and value.isdigit():
            return int(value)
    return CONNECT_TIMEOUT_S


def _path(place: str, field: str, text: str) -> str:
    """Return *text* as an absolute path; a relative one would depend on where ovctl is started."""
    if not re.fullmatch(PLAIN_PATH, text):
        raise RefusedError(f"{place}: ssh.{field}: {text!r} is not an absolute path", hint="write /… or ~/…")
    return str(Path(text).expanduser())


def _config(place: str, text: str) -> str:
    """Return the path of an ssh configuration, which may start programs: so it must be the operator's own or root's."""
    path = _path(place, "config", text)
    try:
        found = os.stat(path)  # noqa: PTH116 - text in, text out
    except OSError as error:
        raise RefusedError(f"{place}: ssh.config: {path}: {(error.strerror or 'unreadable').lower()}") from None
    if found.st_uid not in {0, os.geteuid()} or stat.S_IMODE(found.st_mode) & 0o022:
        raise RefusedError(
            f"{place}: ssh.config: {path} can be changed by others",
            hint=f"an ssh configuration can start programs: chmod go-w {path}, and own it",
        )
    return path
