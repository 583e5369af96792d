"""What a topology may say about ssh, and how it reaches ssh's command line."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from controller.adapters.ssh_options import connect_timeout_s, options, remote_command
from controller.errors import RefusedError
from controller.model.ssh_options import ALLOWED, refusals
from controller.model.topology import Ssh

if TYPE_CHECKING:
    from pathlib import Path


def arguments(**fields: Any) -> list[str]:
    """Return what the adapter makes of *fields*, also of those that a validated topology cannot have."""
    return options("host/h1", Ssh.model_construct(**fields))


def test_host_keys_are_always_checked_first_of_all() -> None:
    words = arguments(options={"Compression": "yes"})
    assert words[:4] == ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    assert words[-2:] == ["-o", "Compression=yes"]


def test_declared_fields_become_arguments(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("")
    config.chmod(0o600)
    words = arguments(user="op", port=2222, identity="/k/id", config=str(config))
    assert words[-8:] == ["-F", str(config), "-l", "op", "-p", "2222", "-i", "/k/id"]


@pytest.mark.parametrize(
    "option",
    [
        "ProxyCommand",
        "LocalCommand",
        "PermitLocalCommand",
        "KnownHostsCommand",
        "Match",
        "Include",
        "ControlPath",
        "StrictHostKeyChecking",
        "stricthostkeychecking",
        "UserKnownHostsFile",
        "GlobalKnownHostsFile",
        "PKCS11Provider",
        "SecurityKeyProvider",
        "SendEnv",
        "SetEnv",
        "ForwardAgent",
        "IdentityAgent",
        "RemoteCommand",
        "LocalForward",
        "XAuthLocation",
        "Compression yes\nProxyCommand",
        "",
    ],
)
def test_dangerous_options_are_refused(option: str) -> None:
    with pytest.raises(RefusedError, match="host/h1: ssh option"):
        arguments(options={option: "yes"})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("Compression", "yes\nProxyCommand=touch /tmp/x"),
        ("ProxyJump", "-oProxyCommand=x"),
        ("ProxyJump", "a;touch x"),
        ("ProxyJump", "$(touch x)"),
        ("ProxyJump", "jump -F x"),
        ("HostKeyAlias", "a b"),
        ("CertificateFile", "%d/x"),
        ("Ciphers", '"x"'),
        ("ConnectTimeout", "0"),
    ],
)
def test_values_that_are_not_plain_are_refused(option: str, value: str) -> None:
    with pytest.raises(RefusedError, match="plain value"):
        arguments(options={option: value})


@pytest.mark.parametrize("option", sorted(ALLOWED))
def test_what_a_topology_may_set_is_known_to_openssh(option: str) -> None:
    # -G prints the configuration and connects nowhere; an option that ssh does not know would end it with 255
    sample = {"ConnectTimeout": "5", "ProxyJump": "jump", "IPQoS": "af21", "RekeyLimit": "1G", "AddressFamily": "inet"}
    value = sample.get(option) or next(
        word for word in ("yes", "127.0.0.1") if re.fullmatch(ALLOWED[option].pattern, word)
    )
    assert list(refusals({option: value})) == []
    if option in {"Ciphers", "KexAlgorithms", "MACs", "HostKeyAlgorithms"} or option.startswith("PubkeyAccepted"):
        value = (
            "^"
            + subprocess.run(("ssh", "-Q", option), check=True, capture_output=True, text=True).stdout.splitlines()[0]
        )
    done = subprocess.run(
        ("ssh", "-F", "none", "-G", "-o", f"{option}={value}", "host"), check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_jump_hosts_are_allowed() -> None:
    assert "ProxyJump=me@jump:2222,[fd00::1]:22" in arguments(options={"ProxyJump": "me@jump:2222,[fd00::1]:22"})


def test_option_in_two_spellings_is_refused() -> None:
    with pytest.raises(RefusedError, match="twice"):
        arguments(options={"Compression": "yes", "compression": "no"})


def test_connect_timeout_of_the_topology_replaces_ours() -> None:
    ssh = Ssh(options={"connecttimeout": "9"})
    assert connect_timeout_s(ssh) == 9
    assert [word for word in options("host/h1", ssh) if "onnect" in word and "imeout" in word] == ["connecttimeout=9"]


def test_configuration_that_others_can_write_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("")
    config.chmod(0o666)
    with pytest.raises(RefusedError, match="can be changed by others"):
        arguments(config=str(config))


@pytest.mark.parametrize("path", ["relative", "-oProxyCommand=x", "/x%d", "/x$HOME", "/x\n"])
def test_paths_must_be_absolute_and_plain(path: str) -> None:
    for field in ("config", "identity"):
        with pytest.raises(RefusedError, match="absolute path"):
            arguments(**{field: path})


def test_missing_configuration_is_named() -> None:
    with pytest.raises(RefusedError, match="no such file"):
        arguments(config="/nonexistent/config")


@pytest.mark.parametrize("word", ["", "a b", "'", '"', "$(touch x)", "`x`", "a;b", "\n", "*", "-n", "ä", "!!", "\\"])
def test_nasty_arguments_survive_the_remote_shell(word: str) -> None:
    command = remote_command(["printf", "%s", word])
    assert subprocess.run(("sh", "-c", command), check=True, capture_output=True).stdout.decode() == word
