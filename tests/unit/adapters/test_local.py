"""What runs on this machine: locks, identities, programs, and sockets that lead to a program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from controller.adapters import process
from controller.adapters.holder import from_json, is_gone, this_process
from controller.adapters.local import LocalHost
from controller.adapters.local_fence import LocalFence
from controller.adapters.stdio_socket import StdioSocket
from controller.errors import FenceLostError, HostError, LockedError, UnreachableError
from controller.model.topology import Host

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from controller.adapters.local_fence import LocalFence
fence = LocalFence("web", directory=Path(sys.argv[1]))
fence.acquire(timeout_s=0)
print("held", flush=True)
time.sleep(60)
"""


def local() -> LocalHost:
    return LocalHost("h1", Host(address=IPv4Address("127.0.0.1"), connection="local"))


def test_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    first, second = LocalFence("web", directory=tmp_path), LocalFence("web", directory=tmp_path)
    first.acquire(timeout_s=0)
    first.check()
    with pytest.raises(LockedError, match=f"topology/web: locked by .*, process {os.getpid()}, since 2"):
        second.acquire(timeout_s=0)
    LocalFence("other", directory=tmp_path).acquire(timeout_s=0)
    first.release()
    first.release()
    second.acquire(timeout_s=0)
    second.release()
    with pytest.raises(FenceLostError):
        second.check()


def test_waiting_run_gets_the_lock_when_it_is_given_back(tmp_path: Path) -> None:
    first, second = LocalFence("web", directory=tmp_path), LocalFence("web", directory=tmp_path)
    first.acquire(timeout_s=0)
    timer = threading.Timer(0.3, first.release)
    timer.start()
    second.acquire(timeout_s=5)
    second.release()
    timer.join()


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", HOLD, str(tmp_path))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        fence = LocalFence("web", directory=tmp_path)
        with pytest.raises(LockedError, match=f"process {holder.pid}"):
            fence.acquire(timeout_s=0)
        holder.kill()
    fence.acquire(timeout_s=1)
    fence.release()


def test_removed_lock_file_means_a_lost_lock(tmp_path: Path) -> None:
    fence = LocalFence("web", directory=tmp_path)
    fence.acquire(timeout_s=0)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(FenceLostError):
        fence.check()
    fence.release()


def test_identity_survives_its_way_through_the_store() -> None:
    identity = this_process()
    assert from_json(identity.to_json()) == identity
    assert not is_gone(identity)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"host":1}', b"[" * 100_000])
def test_garbage_is_nobody(data: bytes) -> None:
    assert from_json(data) is None


def test_process_that_ended_is_gone_on_its_own_machine_only() -> None:
    with subprocess.Popen(("true",)) as child:
        pass
    found = json.loads(this_process().to_json())
    ended = from_json(json.dumps({**found, "pid": child.pid}))
    elsewhere = from_json(json.dumps({**found, "pid": child.pid, "boot_id": "another"}))
    reused = from_json(json.dumps({**found, "started": "1"}))
    unknown = from_json(json.dumps({**found, "started": ""}))
    assert ended is not None
    assert elsewhere is not None
    assert reused is not None
    assert unknown is not None
    assert [is_gone(who) for who in (ended, elsewhere, reused, unknown)] == [True, False, True, False]


def test_program_that_hangs_is_ended_with_its_children() -> None:
    started = time.monotonic()
    done = process.run(("sh", "-c", "sleep 60 & sleep 60"), timeout_s=0.3)
    assert done.code is None
    assert time.monotonic() - started < 2


def test_program_gets_its_data_and_says_how_it_ended() -> None:
    done = process.run(("sh", "-c", "cat; echo no >&2; exit 3"), data=b"x" * 200_000, timeout_s=5)
    assert (done.code, len(done.out), done.text) == (3, 200_000, "no\n")


def test_local_host_runs_programs_here() -> None:
    assert local().run(["printf", "%s", "a b"], timeout_s=5).out == b"a b"
    with pytest.raises(HostError, match="host/h1: nonexistent: no such file"):
        local().run(["nonexistent"], timeout_s=5)
    with pytest.raises(UnreachableError, match=r"host/h1: timed out after 0\.2 s"):
        local().run(["sleep", "9"], timeout_s=0.2)


def test_connections_become_a_programs_input_and_output(tmp_path: Path) -> None:
    opened = StdioSocket(tmp_path / "s", lambda: ("cat",))
    assert opened.path.stat().st_mode & 0o777 == 0o600
    pairs = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for number, sock in enumerate(pairs):
        sock.connect(str(opened.path))
        sock.sendall(b"%d" % number)
    assert [sock.recv(9) for sock in pairs] == [b"0", b"1", b"2"]
    pairs[0].shutdown(socket.SHUT_WR)
    assert pairs[0].recv(9) == b""
    opened.close()
    assert pairs[1].recv(9) == b""
    assert not opened.path.exists()
    for sock in pairs:
        sock.close()


def test_last_words_of_a_program_are_kept(tmp_path: Path) -> None:
    opened = StdioSocket(tmp_path / "s", lambda: ("sh", "-c", "echo one >&2; echo sudo: no >&2"))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(opened.path))
        assert sock.recv(9) == b""
    assert opened.last_words() == "sudo: no"
    assert opened.last_words() == ""
    opened.close()
