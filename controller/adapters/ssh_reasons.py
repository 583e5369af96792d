"""
What ssh says on stderr, told as a fact for people and what to do about it.

Pure: text in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why ssh could not do it: the fact, and what to do about it."""

    fact: str
    hint: str | None = None


# sign in ssh's stderr -> fact, hint; the first that is found counts. {address} is the host's.
_REASONS: tuple[tuple[str, str, str | None], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the host key has changed",
        "it was reinstalled, or somebody sits in between: compare fingerprints, then `ssh-keygen -R {address}`",
    ),
    (
        "host key is known for",
        "the host key is not known",
        "compare its fingerprint once: `ssh {address}`, and answer yes",
    ),
    (
        "Host key verification failed",
        "host key verification failed",
        "connect once by hand, `ssh {address}`, and compare the fingerprint",
    ),
    ("Permission denied", "permission denied", "try `ssh -v {address}`: is the user right, is the key in your agent?"),
    (
        "Too many authentication failures",
        "too many keys were tried",
        "set ssh.identity and ssh.options.IdentitiesOnly: yes",
    ),
    ("Connection refused", "connection refused", "is sshd running there, and on this port?"),
    ("No route to host", "no route to host", "is the host switched on?"),
    ("Could not resolve hostname", "a host name cannot be resolved", "look at your ssh configuration"),
    ("sudo: a password is required", "sudo wants a password", "allow it without one: NOPASSWD in sudoers"),
)
_NOISE = re.compile(r"(?:ssh|mux_client\w*|kex_exchange_identification|banner exchange|client_loop): ", re.IGNORECASE)


def explain(said: str, address: str) -> Reason:
    """Return what ssh's stderr means for a person: a known fact, else its last useful line."""
    for sign, fact, hint in _REASONS:
        if sign in said:
            return Reason(fact, None if hint is None else hint.format(address=address))
    lines = [line.strip() for line in said.splitlines() if line.strip(" .@\r")]
    if not lines:
        return Reason("the connection was closed")
    line = _NOISE.sub("", lines[-1]).rstrip(".")
    line = line.removeprefix(f"connect to host {address} ")
    line = re.sub(r"^port \d+: ", "", line)
    return Reason(line[:1].lower() + line[1:])
