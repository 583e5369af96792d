"""The helper's verbs, run on this machine below a root directory of the test's, with programs of its own in PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from controller.adapters import host_shell
from controller.adapters.host_shell import HelperShell, redact
from controller.adapters.local import LocalHost
from controller.errors import HostError
from controller.model.topology import Host
from controller.ports import Ping

HELPER = Path(host_shell.__file__).with_name("host_helper.sh")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("OVCTL_ROOT", str(root))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return root


@pytest.fixture
def shell(root: Path) -> HelperShell:
    assert root.exists()
    host = Host(address=IPv4Address("127.0.0.1"), connection="local")
    return HelperShell(LocalHost("h1", host, directory=root))


def program(root: Path, name: str, script: str) -> None:
    path = root.parent / "bin" / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >>{root}/calls\n{script}\n')
    path.chmod(0o755)


def daemon_json(root: Path) -> Path:
    return root / "etc/docker/daemon.json"


@pytest.mark.parametrize(
    "check", [("shellcheck", "-s", "sh"), ("dash", "-n"), ("bash", "--posix", "-n"), ("busybox", "sh", "-n")]
)
def test_helper_is_clean_posix_shell(check: tuple[str, ...]) -> None:
    if shutil.which(check[0]) is None:
        pytest.skip(f"no {check[0]} here")
    done = subprocess.run((*check, str(HELPER)), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_sent_script_is_the_helper_without_comments() -> None:
    script = host_shell._script()
    assert not any(line.startswith(("#", " ")) for line in script.splitlines())
    assert subprocess.run(("dash", "-n", "-c", script), check=False).returncode == 0


def test_first_daemon_json_is_made_with_its_directory(shell: HelperShell, root: Path) -> None:
    shell.write_daemon_json('{"ä": 1}\n', expected=None)
    assert daemon_json(root).read_text() == '{"ä": 1}\n'
    assert daemon_json(root).stat().st_mode & 0o777 == 0o644
    assert daemon_json(root).parent.stat().st_mode & 0o777 == 0o755


def test_mode_of_daemon_json_is_kept_and_nothing_is_left_beside_it(shell: HelperShell, root: Path) -> None:
    shell.write_daemon_json("{}", expected=None)
    daemon_json(root).chmod(0o640)
    shell.write_daemon_json('{"a": 1}', expected="{}")
    assert daemon_json(root).stat().st_mode & 0o777 == 0o640
    assert [path.name for path in daemon_json(root).parent.iterdir()] == ["daemon.json"]


def test_link_to_daemon_json_stays_a_link(shell: HelperShell, root: Path) -> None:
    daemon_json(root).parent.mkdir(parents=True)
    elsewhere = root / "elsewhere.json"
    elsewhere.write_text("{}")
    daemon_json(root).symlink_to(elsewhere)
    shell.write_daemon_json('{"a": 1}', expected="{}")
    assert daemon_json(root).is_symlink()
    assert elsewhere.read_text() == '{"a": 1}'


@pytest.mark.parametrize("text", ['{"new": 1}', None])
@pytest.mark.parametrize("expected", [None, '{"other": 1}'])
def test_daemon_json_that_somebody_changed_is_left_alone(
    shell: HelperShell, root: Path, text: str | None, expected: str | None
) -> None:
    shell.write_daemon_json('{"theirs": 1}', expected=None)
    with pytest.raises(HostError, match="changed by somebody else") as caught:
        shell.write_daemon_json(text, expected=expected)
    assert caught.value.hint == "plan again"
    assert daemon_json(root).read_text() == '{"theirs": 1}'
    assert [path.name for path in daemon_json(root).parent.iterdir()] == ["daemon.json"]


def test_daemon_json_is_removed(shell: HelperShell, root: Path) -> None:
    shell.write_daemon_json("{}", expected=None)
    shell.write_daemon_json(None, expected="{}")
    assert not daemon_json(root).exists()
    shell.write_daemon_json(None, expected=None)


def test_text_that_arrives_cut_off_is_not_written(root: Path) -> None:
    argv = ("sh", str(HELPER), "write-daemon-json", "0" * 64, "absent")
    done = subprocess.run(argv, input=b"{half", capture_output=True, check=False)
    assert done.returncode == 3
    assert b"did not arrive whole" in done.stderr
    assert list(daemon_json(root).parent.iterdir()) == []


def test_record_is_private_and_its_directory_goes_with_the_last_one(shell: HelperShell, root: Path) -> None:
    records = root / "var/lib/ovctl"
    shell.write_record("web", "one")
    shell.write_record("web", "two")
    shell.write_record("db-1", "x" * 300_000)
    assert (records / "web.json").read_text() == "two"
    assert (records / "web.json").stat().st_mode & 0o777 == 0o600
    assert records.stat().st_mode & 0o777 == 0o700
    shell.write_record("web", None)
    assert records.exists()
    shell.write_record("db-1", None)
    assert not records.exists()
    shell.write_record("db-1", None)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "-x", "a b", "a\n"])
def test_record_of_a_strange_name_is_refused(shell: HelperShell, name: str) -> None:
    with pytest.raises(ValueError, match="topology"):
        shell.write_record(name, "x")


def test_facts_tell_files_and_the_unit(shell: HelperShell, root: Path) -> None:
    program(root, "systemctl", "printf 'MainPID=1\\nActiveState=failed\\n'")
    program(
        root,
        "ip",
        "printf '1: lo    inet 127.0.0.1/8 x\\n2: eth0    inet 10.0.0.1/24 x\\n2: eth0    inet 10.0.0.2/24 x\\n'",
    )
    daemon_json(root).parent.mkdir(parents=True)
    daemon_json(root).write_bytes(b'{"a": "\xff\xc3\xa4"}\n')
    shell.write_record("web", "mine\n")
    shell.write_record("web-2", "theirs\n")
    facts = shell.facts("web")
    assert facts.engine_unit == "failed"
    assert facts.interfaces == {"lo": "127.0.0.1", "eth0": "10.0.0.1"}
    assert facts.daemon_json is not None
    assert facts.daemon_json.encode("utf-8", "surrogateescape") == b'{"a": "\xff\xc3\xa4"}\n'
    assert (facts.record, facts.others) == ("mine\n", {"web-2": "theirs\n"})
    assert facts.engine_arguments == tuple(Path("/proc/1/cmdline").read_bytes().decode().removesuffix("\0").split("\0"))
    assert facts.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    shell.write_daemon_json("{}", expected=facts.daemon_json)


def test_facts_of_an_empty_host(shell: HelperShell, root: Path) -> None:
    program(root, "systemctl", "exit 1")
    program(root, "ip", "exit 1")
    facts = shell.facts("web")
    assert (facts.daemon_json, facts.record, facts.engine_arguments, facts.engine_unit) == (None, None, (), "unknown")
    assert facts.others == {}


def test_facts_with_an_empty_file_are_not_those_of_a_missing_one(shell: HelperShell, root: Path) -> None:
    shell.write_daemon_json("", expected=None)
    assert shell.facts("web").daemon_json == ""
    assert daemon_json(root).exists()


def test_restart_forgets_earlier_failures_first(shell: HelperShell, root: Path) -> None:
    program(root, "systemctl", "[ $1 != is-active ] || echo active")
    shell.restart_engine()
    shell.restart_engine(kill=True)
    calls = [line.split()[1] for line in (root / "calls").read_text().splitlines()]
    assert calls == [
        "reset-failed",
        "restart",
        "is-active",
        "reset-failed",
        "kill",
        "reset-failed",
        "restart",
        "is-active",
    ]


def test_failed_restart_shows_the_log_without_secrets(shell: HelperShell, root: Path) -> None:
    program(root, "systemctl", "[ $1 != is-active ] || echo failed; [ $1 != restart ]")
    program(
        root,
        "journalctl",
        "echo 'level=info msg=starting error=<nil>'; echo 'level=error msg=x token=hunter2'; echo 'Failed to start consul://u:hunter2@x'",
    )
    with pytest.raises(HostError) as caught:
        shell.restart_engine()
    assert "docker.service does not come up (it is failed)" in caught.value.message
    assert "level=error msg=x token=" in caught.value.message
    assert "Failed to start" in caught.value.message
    assert "hunter2" not in caught.value.message
    assert "starting" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "token=hunter2",
        "kv.token: hunter2",
        '{"kv.token":"hunter2"}',
        'msg="bad option \\"password\\": \\"hunter2\\""',
        "CONSUL_HTTP_TOKEN=hunter2",
        "Authorization: Bearer hunter2",
        "api_key: 'hunter2'",
        "https://user:hunter2@registry/x",
    ],
)
def test_secrets_are_left_out(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_pings_are_answered_in_their_order(shell: HelperShell, root: Path) -> None:
    program(root, "nsenter", 'shift 3; [ "$1" != ping ] || exec "$@"; echo "unshare: $*" >&2; exit 1')
    program(
        root,
        "ping",
        'case $* in *10.0.0.1*) sleep 0.2; echo "64 bytes: time=0.5 ms"; exit 0;; esac\n'
        'printf "PING x\\n\\n--- x ---\\n1 packets, 0 received, 100%%\\n"; exit 1',
    )
    questions = [Ping(1, None, "10.0.0.1"), Ping(2, None, "10.0.0.2"), Ping(3, "/var/lib/x/resolv.conf", "name")] * 7
    pongs = shell.ping(questions)
    assert [pong.reached for pong in pongs] == [True, False, False] * 7
    assert pongs[0].rtt_ms == 0.5
    assert pongs[1].detail == "no answer"
    assert "/var/lib/x/resolv.conf name" in pongs[2].detail
    assert shell.ping([]) == []


@pytest.mark.parametrize(
    "question",
    [
        Ping(0, None, "a"),
        Ping(1, None, "-f"),
        Ping(1, None, "a b"),
        Ping(1, None, "$(x)"),
        Ping(1, "x", "a"),
        Ping(1, "/a b", "a"),
    ],
)
def test_strange_questions_are_refused(shell: HelperShell, question: Ping) -> None:
    with pytest.raises(HostError, match=r"h1: .*not a"):
        shell.ping([question])


def test_names_are_asked_of_dns_from_inside_the_container(shell: HelperShell, root: Path) -> None:
    program(root, "nsenter", 'shift 3; exec "$@"')
    program(root, "unshare", 'shift; exec "$@"')
    program(root, "mount", "exit 0")
    program(
        root,
        "getent",
        "shift 3\n"
        "for name; do\n"
        "    case $name in nobody) continue ;; alias) name=real ;; esac\n"
        '    printf "10.0.0.9       STREAM %s\\n10.0.0.9       DGRAM\\n10.0.0.8       STREAM\\n" "$name"\n'
        "done",
    )
    names = ("c2", "nobody", "alias", *(f"n{number}" for number in range(20)))
    found = shell.resolve(7, "/var/lib/x/resolv.conf", names)
    assert found == {name: ("10.0.0.9", "10.0.0.8") for name in names if name != "nobody"}
    calls = (root / "calls").read_text()
    asked = [line.split(" ahostsv4 ")[1] for line in calls.splitlines() if line.startswith("getent ")]
    assert sorted(asked) == sorted([" ".join(names), "nobody", "alias"])
    assert "nsenter -t 7 -n unshare -m sh -c" in calls
    assert "mount --bind -- /var/lib/x/resolv.conf /etc/resolv.conf" in calls
    assert "getent -s hosts:dns ahostsv4 c2" in calls
    assert shell.resolve(7, "/x", ()) == {}


def test_a_container_that_is_gone_cannot_be_asked_for_names(shell: HelperShell, root: Path) -> None:
    program(root, "nsenter", "exit 1")
    with pytest.raises(HostError, match="names cannot be asked for from inside process 7"):
        shell.resolve(7, "/var/lib/x/resolv.conf", ("c2",))


@pytest.mark.parametrize(("pid", "conf", "name"), [(0, "/a", "a"), (1, "a", "a"), (1, "/a", "-f"), (1, "/a", "$(x)")])
def test_strange_names_are_refused(shell: HelperShell, pid: int, conf: str, name: str) -> None:
    with pytest.raises(HostError, match=r"h1: .*not a"):
        shell.resolve(pid, conf, (name,))


@pytest.mark.parametrize(
    ("code", "said", "asked"),
    [
        (1, "1 packets transmitted, 0 received", True),
        (2, "ping: a: Name or service not known", True),
        (2, "ping: connect: Network is unreachable", True),
        (124, "", True),
        (137, "", True),
        (124, "something else", False),
        (126, "", False),
        (127, "timeout: failed to run command", False),
        (2, "ping: socket: Operation not permitted", False),
        (1, "nsenter: cannot open /proc/7/ns/net: No such file or directory", False),
    ],
)
def test_a_ping_that_never_was_is_told_from_one_that_nobody_answered(
    shell: HelperShell, root: Path, code: int, said: str, *, asked: bool
) -> None:
    program(root, "ping", "exit 1")
    program(root, "nsenter", f"echo '{said}'; exit {code}")
    (pong,) = shell.ping([Ping(1, None, "10.0.0.1")])
    assert (pong.reached, pong.asked) == (False, asked)


def test_a_process_that_cannot_be_is_refused(shell: HelperShell) -> None:
    with pytest.raises(HostError, match="h1: not a process: 0"):
        shell.interfaces([0])


def test_interfaces_are_told_from_inside(shell: HelperShell, root: Path) -> None:
    program(
        root,
        "nsenter",
        "[ $2 != 666 ] || exit 1; echo \"5: eth0    inet 10.0.0.$2/24 x\"; echo '6: eth1    inet 172.18.0.2/16 x'",
    )
    found = shell.interfaces([7, 666, 8])
    assert found == {
        7: {"10.0.0.7": "eth0", "172.18.0.2": "eth1"},
        8: {"10.0.0.8": "eth0", "172.18.0.2": "eth1"},
    }
    assert shell.interfaces([]) == {}


def test_chatter_of_a_login_shell_does_no_harm(root: Path) -> None:
    program(root, "systemctl", "exit 1")

    class Chatty(LocalHost):
        def run(self, argv, **options):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003, ANN202 - as its parent
            done = super().run(argv, **options)
            return type(done)(done.code, b"Welcome!\novctl\n" + done.out + b"Bye\n", b"motd\n" + done.err)

    host = Host(address=IPv4Address("127.0.0.1"), connection="local")
    assert HelperShell(Chatty("h1", host)).facts("web").engine_unit == "unknown"


def test_answer_that_was_cut_off_is_refused(root: Path) -> None:
    class Cut(LocalHost):
        def run(self, argv, **options):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003, ANN202 - as its parent
            done = super().run(argv, **options)
            return type(done)(done.code, done.out[:-4], done.err)

    assert root.exists()
    host = Host(address=IPv4Address("127.0.0.1"), connection="local")
    with pytest.raises(HostError, match="not whole"):
        HelperShell(Cut("h1", host)).facts("web")
