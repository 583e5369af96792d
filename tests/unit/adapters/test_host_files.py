"""The helper's verbs for configs and secrets, run on this machine below a root directory of the test's."""

from __future__ import annotations

import os
import subprocess
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.adapters import host_shell
from controller.adapters.host_shell import HelperShell
from controller.adapters.local import LocalHost
from controller.errors import HostError
from controller.model.files import Delivery, content_digest
from controller.model.topology import Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.adapters.process import Done

HELPER = Path(host_shell.__file__).with_name("host_helper.sh")
ME = {"uid": str(os.getuid()), "gid": str(os.getgid())}
CANARY = b"c4n4ry-0f-the-m1ne"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("OVCTL_ROOT", str(root))
    return root


@pytest.fixture
def shell(root: Path) -> HelperShell:
    host = Host(address=IPv4Address("127.0.0.1"), connection="local")
    return HelperShell(LocalHost("h1", host, directory=root))


def delivery(content: bytes = CANARY, container: str = "web-1", mode: str = "0400") -> Delivery:
    return Delivery("shop", container, "secrets", "db", content, mode=mode, **ME)


def there(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_a_file_is_for_its_owner_alone_and_its_directories_are_root_s(shell: HelperShell, root: Path) -> None:
    path = root / shell.deliver(delivery(b"\x00\xff\n", mode="0440")).lstrip("/")
    assert path.read_bytes() == b"\x00\xff\n"
    assert path.stat().st_mode & 0o7777 == 0o440
    assert str(path.parent.relative_to(root)) == "var/lib/ovctl/files/shop/web-1/secrets/db"
    above = [parent for parent in path.parents if parent.is_relative_to(root / "var/lib/ovctl")]
    assert [parent.stat().st_mode & 0o7777 for parent in above] == [0o700] * 6


def test_the_same_file_is_used_again_and_any_other_is_another_one(shell: HelperShell, root: Path) -> None:
    first = shell.deliver(delivery())
    assert shell.deliver(delivery()) == first
    others = {
        shell.deliver(delivery(b"")),
        shell.deliver(delivery(mode="0444")),
        shell.deliver(delivery(container="c2")),
    }
    assert len({first, *others}) == 4
    assert len(there(root)) == 4
    (root / first.lstrip("/")).write_bytes(b"by hand")
    assert shell.deliver(delivery()) not in {first, *others}


def test_facts_tell_mode_owner_and_digest_of_what_is_there(shell: HelperShell, root: Path) -> None:
    assert shell.facts("shop").files == ()
    path = shell.deliver(delivery())
    (found,) = shell.facts("shop").files
    assert (found.path, found.digest, found.mode) == (path, content_digest(CANARY), "0400")
    assert delivery().is_like(found)
    assert shell.facts("another").files == ()
    copy = root / path.lstrip("/")
    copy.unlink()
    copy.symlink_to("/etc/passwd")
    assert shell.facts("shop").files == ()


def test_a_sweep_leaves_what_is_kept_and_what_is_another_container_s(shell: HelperShell, root: Path) -> None:
    keep, gone, other = (shell.deliver(delivery(*what)) for what in ((), (b"2",), (b"3", "web-10")))
    (root / gone.lstrip("/")).with_name(".ovctl.half").write_bytes(CANARY)
    shell.sweep("shop", "web-1", (keep,))
    assert there(root) == [keep.lstrip("/"), other.lstrip("/")]
    shell.sweep("shop", "web-1", ())
    shell.sweep("shop", "web-1", ())
    assert there(root) == [other.lstrip("/")]
    shell.sweep("shop", "web-10", ())
    assert not (root / "var/lib/ovctl").exists()


def test_the_record_s_directory_stays_while_there_are_files(shell: HelperShell, root: Path) -> None:
    shell.write_record("shop", "{}")
    shell.deliver(delivery())
    shell.write_record("shop", None)
    assert len(there(root)) == 1


def test_a_content_that_arrives_cut_off_is_not_kept(root: Path) -> None:
    argv = ("sh", str(HELPER), "deliver", "shop", "web-1", "secrets", "db", "0400", *ME.values())
    sent = content_digest(CANARY).encode() + b"\n" + CANARY[:-1]
    done = subprocess.run(argv, input=sent, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"did not arrive whole" in done.stderr
    assert CANARY[:-1] not in done.stderr
    assert there(root) == []


def test_neither_content_nor_digest_is_an_argument(root: Path) -> None:
    calls: list[tuple[tuple[str, ...], bytes]] = []

    class Listening(LocalHost):
        def run(self, argv: Sequence[str], *, data: bytes = b"", timeout_s: float, again: bool = False) -> Done:
            calls.append((tuple(argv), data))
            return super().run(argv, data=data, timeout_s=timeout_s, again=again)

    host = Host(address=IPv4Address("127.0.0.1"), connection="local")
    HelperShell(Listening("h1", host, directory=root)).deliver(delivery())
    ((argv, data),) = calls
    assert data.endswith(CANARY)
    assert not [word for word in argv if CANARY.decode() in word or content_digest(CANARY) in word]


@pytest.mark.parametrize(
    "words",
    [
        ("..", "web", "secrets", "db", "0400", "0", "0"),
        ("shop", "a/b", "secrets", "db", "0400", "0", "0"),
        ("shop", "web", "other", "db", "0400", "0", "0"),
        ("shop", "web", "secrets", "", "0400", "0", "0"),
        ("shop", "web", "secrets", "db", "4755", "0", "0"),
        ("shop", "web", "secrets", "db", "0400", "root", "0"),
        ("shop", "web", "secrets", "db", "0400", "0", ""),
    ],
)
def test_the_helper_refuses_what_is_no_part_of_a_path_no_mode_and_no_number(root: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(("sh", str(HELPER), "deliver", *words), input=b"x\n", capture_output=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(b"ovctl error: not ")
    assert list(root.iterdir()) == []


def test_a_disk_that_takes_nothing_is_told(shell: HelperShell, root: Path) -> None:
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/ovctl").write_text("a file", encoding="utf-8")
    with pytest.raises(HostError, match="cannot be made"):
        shell.deliver(delivery())
