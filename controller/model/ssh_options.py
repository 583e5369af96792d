"""
Which options of ssh_config a topology may set, what their values look like, and why others are refused.

A topology must never run a program on the machine that ovctl runs on, nor weaken the check of host keys: it is text
that many can write. A person's own ssh configuration is theirs, and may use everything (jump hosts, proxy commands,
agents). The topology is judged by this when it is validated, and the OpenSSH adapter refuses by it once more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLAIN_PATH = r"^(/|~/)[^%$\x00-\x1f\x7f]*$"
"""A path that means one file wherever ovctl is started, and that ssh takes as it is: no tokens, no variables."""

_TEXT = r"[A-Za-z0-9_.:,@*+/ ^-]+"
_SWITCH = r"yes|no"
_HOP = r"([A-Za-z0-9_][A-Za-z0-9_.-]*@)?([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?"


class Form(NamedTuple):
    """What the value of an option must match as a whole, and what to write, for people."""

    pattern: str
    write: str


_YES_OR_NO = Form(_SWITCH, "write yes or no")
_NAMES = Form(_TEXT, "write names with commas between them")

ALLOWED: Mapping[str, Form] = {
    "AddressFamily": Form(r"any|inet6?", "write any, inet or inet6"),
    "BindAddress": Form(r"[0-9A-Fa-f.:]+", "write an IP address of the machine ovctl runs on"),
    "CertificateFile": Form(r"[A-Za-z0-9_.~/@+-]+", "write a path"),
    "Ciphers": _NAMES,
    "Compression": _YES_OR_NO,
    "ConnectTimeout": Form(r"[1-9][0-9]?", "write seconds, from 1 to 99"),
    "GSSAPIAuthentication": _YES_OR_NO,
    "HostKeyAlgorithms": _NAMES,
    "HostKeyAlias": Form(r"[A-Za-z0-9_.:-]+", "write the name that the host has in known_hosts"),
    "IdentitiesOnly": _YES_OR_NO,
    "IPQoS": Form(r"[a-z0-9 ]+", "write a class, such as af21, or two"),
    "KexAlgorithms": _NAMES,
    "MACs": _NAMES,
    "PreferredAuthentications": Form(r"[a-z0-9,-]+", "write methods with commas between them, such as publickey"),
    "ProxyJump": Form(rf"none|{_HOP}(,{_HOP})*", "write [USER@]HOST[:PORT], several with commas between them"),
    "PubkeyAcceptedAlgorithms": _NAMES,
    "PubkeyAcceptedKeyTypes": _NAMES,
    "PubkeyAuthentication": _YES_OR_NO,
    "RekeyLimit": Form(r"[A-Za-z0-9 ]+", "write an amount, such as 1G"),
    "TCPKeepAlive": _YES_OR_NO,
}
"""Option, as ssh_config(5) spells it -> the form of its value."""

_OWN = "put it into your own ssh configuration, which ovctl uses"

_REFUSED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "starts a program on the machine that ovctl runs on, or loads one",
        _OWN,
        (
            "ProxyCommand LocalCommand PermitLocalCommand KnownHostsCommand Match",
            "PKCS11Provider SecurityKeyProvider XAuthLocation",
        ),
    ),
    ("reads more configuration", _OWN, ("Include",)),
    (
        "chooses which host keys are believed",
        _OWN,
        (
            "StrictHostKeyChecking UserKnownHostsFile GlobalKnownHostsFile RevokedHostKeys VerifyHostKeyDNS",
            "CheckHostIP NoHostAuthenticationForLocalhost UpdateHostKeys CASignatureAlgorithms",
        ),
    ),
    (
        "gives the host something of the machine that ovctl runs on",
        _OWN,
        (
            "ForwardAgent ForwardX11 ForwardX11Trusted SendEnv SetEnv IdentityAgent AddKeysToAgent",
            "GSSAPIDelegateCredentials LocalForward RemoteForward DynamicForward Tunnel TunnelDevice",
        ),
    ),
    (
        "is ovctl's to set",
        "remove it",
        (
            "BatchMode ConnectionAttempts ControlMaster ControlPath ControlPersist EnableEscapeCommandline EscapeChar",
            "ForkAfterAuthentication LogLevel NumberOfPasswordPrompts RemoteCommand RequestTTY ServerAliveCountMax",
            "ServerAliveInterval SessionType StdinNull",
        ),
    ),
    ("is the host's address", "write it as hosts.NAME.address", ("HostName",)),
    ("has a key of its own", "write it as ssh.user", ("User",)),
    ("has a key of its own", "write it as ssh.port", ("Port",)),
    ("has a key of its own", "write it as ssh.identity", ("IdentityFile",)),
)
"""
Why an option is refused, what to do instead, and the options. One that is in neither table is refused too: what a later
OpenSSH brings is not known to be harmless. Source: ssh_config(5), OpenSSH 9.2.
"""

_WHY = {name.lower(): (why, hint) for why, hint, rows in _REFUSED for row in rows for name in row.split()}
_FORMS = {name.lower(): form for name, form in ALLOWED.items()}


class Refusal(NamedTuple):
    """Why *option* is not taken: *kind* ``value`` blames what it is set to, the others the option itself."""

    option: str
    kind: Literal["unknown", "forbidden", "twice", "value"]
    fact: str
    hint: str


def refusals(options: Mapping[str, str]) -> Iterator[Refusal]:
    """Yield what a topology may not say; a fact shows a value by ``repr``, so that it can be masked."""
    first: dict[str, str] = {}
    for option, value in options.items():
        key = option.lower()
        form = _FORMS.get(key)
        if key in _WHY:
            why, hint = _WHY[key]
            yield Refusal(option, "forbidden", f"a topology may not set this option: it {why}", hint)
        elif form is None:
            yield Refusal(option, "unknown", "is no option that a topology may set", _OWN)
        elif first.setdefault(key, option) != option:
            yield Refusal(option, "twice", f"the option stands twice, first as {first[key]}", "remove one")
        elif not re.fullmatch(form.pattern, value):
            yield Refusal(option, "value", f"{value!r} is no plain value for this option", form.write)
