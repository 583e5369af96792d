"""The OpenSSH adapter's messages and command lines, with a program in ssh's place."""

from __future__ import annotations

import threading
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from controller.adapters.openssh import OpenSshHost
from controller.adapters.ssh_reasons import explain
from controller.errors import RefusedError, UnreachableError
from controller.model.topology import Host, Ssh

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory first in PATH; a test writes ``ssh`` into it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs


def ssh_does(programs: Path, script: str) -> None:
    program = programs / "ssh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{programs}/calls\n{script}\n')
    program.chmod(0o755)


def reach(folder: Path, **fields: Any) -> OpenSshHost:
    ssh = Ssh(options={"ConnectTimeout": "1"})
    return OpenSshHost("h1", Host(address=IPv4Address("192.168.112.11"), ssh=ssh, **fields), directory=folder)


def test_refused_connection_is_told_with_place_and_address(folder: Path, fake_ssh: Path) -> None:
    ssh_does(fake_ssh, "echo 'ssh: connect to host 192.168.112.11 port 22: Connection refused' >&2; exit 255")
    with pytest.raises(UnreachableError) as caught:
        reach(folder).run(["true"], timeout_s=2)
    assert caught.value.message == "host/h1: ssh 192.168.112.11:22: connection refused"


def test_hanging_connection_ends_in_time(folder: Path, fake_ssh: Path) -> None:
    ssh_does(fake_ssh, "exec sleep 60")
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"host/h1: ssh 192\.168\.112\.11:22: timed out after 2\.5 s"):
        reach(folder).engine_socket()
    assert time.monotonic() - started < 4


def test_waiting_threads_share_one_failure(folder: Path, fake_ssh: Path) -> None:
    ssh_does(fake_ssh, "sleep 0.5; echo 'No route to host' >&2; exit 255")
    host = reach(folder)
    messages: list[str] = []

    def ask() -> None:
        with pytest.raises(UnreachableError) as caught:
            host.engine_socket()
        messages.append(caught.value.message)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages == ["host/h1: ssh 192.168.112.11:22: no route to host"] * 4
    assert len((fake_ssh / "calls").read_text().splitlines()) == 1


def test_address_stands_behind_the_options_and_sockets_are_short(folder: Path, fake_ssh: Path) -> None:
    ssh_does(fake_ssh, "exit 255")
    with pytest.raises(UnreachableError):
        reach(folder).run(["true"], timeout_s=2)
    call = (fake_ssh / "calls").read_text()
    assert call.rstrip().endswith("-N -f -- 192.168.112.11")
    assert "StrictHostKeyChecking=yes" in call
    socket_name = call.split("-S ")[1].split()[0].rpartition("/")[2]
    assert len(socket_name) <= 20


def test_missing_ssh_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UnreachableError, match="there is no ssh"):
        reach(folder).run(["true"], timeout_s=2)


@pytest.mark.parametrize("path", ["/run/a:b", "/run/$HOME", "/run/%h", "/run/a b"])
def test_engine_socket_must_be_a_plain_path(folder: Path, path: str) -> None:
    with pytest.raises(RefusedError, match="plain path"):
        reach(folder, docker_socket=path)


def test_store_address_must_be_plain(folder: Path) -> None:
    with pytest.raises(RefusedError, match="plain host name"):
        reach(folder).forward_tcp("-oProxyCommand=x", 1)


@pytest.mark.parametrize(
    ("said", "fact", "hinted"),
    [
        (
            "@@\nREMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.",
            "the host key has changed",
            True,
        ),
        ("No ED25519 host key is known for 1.2.3.4 and you have requested", "the host key is not known", True),
        ("op@1.2.3.4: Permission denied (publickey).", "permission denied", True),
        ("kex_exchange_identification: Connection closed by remote host", "connection closed by remote host", False),
        ("ssh: connect to host 1.2.3.4 port 22: Network is unreachable", "network is unreachable", False),
        ("", "the connection was closed", False),
    ],
)
def test_reasons_are_facts_for_people(said: str, fact: str, hinted: bool) -> None:  # noqa: FBT001 - a table
    reason = explain(said, "1.2.3.4")
    assert reason.fact == fact
    assert (reason.hint is not None) is hinted
