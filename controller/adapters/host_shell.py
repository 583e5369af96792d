"""
``ports.HostShell``: the fixed verbs of one POSIX-sh helper, run on a host through whatever leads there.

Nothing is installed on a host, and a host needs no Python. What can be changed there is what ``host_helper.sh`` knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from controller.errors import HostError
from controller.model.files import FILES_ROOT, DeliveredFile, content_digest, files_of
from controller.ports import HostFacts, Pong

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from controller.adapters.process import Done
    from controller.model.files import Delivery
    from controller.ports import Ping

_FACTS_S = 10.0
_WRITE_S = 20.0
_RESTART_S = 150
_AT_ONCE = 16
_ASK_S = 4.5
_LOG_LINES = 5
_ABSENT = "absent"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
_TARGET = re.compile(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]{0,252}")
_RESOLV_CONF = re.compile(r"/[A-Za-z0-9/_.@+-]+")
_OWNER = re.compile(r"file ([0-7]+ [0-9]+ [0-9]+) \./(.+)")
_SUM = re.compile(r"digest ([0-9a-f]{64})  \./(.+)")
_ROUND_TRIP = re.compile(r"\btime=([0-9.]+) ?ms")
_NOTHING_CAME = re.compile(r"received, |^---|^PING |^$")
_NO_PING = re.compile(r"^(?:nsenter|unshare|mount|timeout|sh): |\bsocket: |are you root")
"""What is said when no echo was sent at all. "Network is unreachable" is no such thing: that is an answer."""
_SHELLS_OWN = 124
"""Exit codes from here on are not ping's: timed out (124), not to be run (126), not found (127), killed (128 + n)."""
_NO_PROGRAM = (125, 126, 127)
# "key=value", "key: value", "key":"value" of anything that sounds like a secret, and user:password in a URL.
_SECRET = re.compile(
    r"""((?:token|passw(?:or)?d|passphrase|secret|credential|authorization|api[_-]?key|private[_-]?key)[a-z_-]*\\?["']?\s*[=:]\s*)"""
    r"""(?:(?:bearer|basic)\s+)?(?:\\?"[^"]*"|'[^']*'|[^\s,;}]+)""",
    re.IGNORECASE,
)
_URL_SECRET = re.compile(r"(//[^/\s:@]*:)[^@\s/]+@")
_LOUD = re.compile(r"^(?!.*level=(?:info|debug)).*(?:failed|unable|cannot|error|fatal|panic|refus)", re.IGNORECASE)


class Way(Protocol):
    """What leads to a host: OpenSSH, or this machine itself."""

    place: str

    def run(self, argv: Sequence[str], *, data: bytes = b"", timeout_s: float, again: bool = False) -> Done:
        """Run *argv* on the host as root; UnreachableError when the host does not answer."""
        ...


class HelperShell:
    """``ports.HostShell`` on a host that *way* leads to."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def facts(self, topology: str) -> HostFacts:
        """Read everything that is compared, in one round trip."""
        lines = self._answer(("facts", _named(topology)), timeout_s=_FACTS_S)
        return _facts(self._way.place, topology, lines)

    def write_daemon_json(self, text: str | None, *, expected: str | None) -> None:
        """Replace /etc/docker/daemon.json atomically; HostError when it does not say *expected* any more."""
        self._call(("write-daemon-json", _digest(text), _digest(expected)), data=_bytes(text), timeout_s=_WRITE_S)

    def write_record(self, topology: str, text: str | None) -> None:
        """Replace our record of *topology* on the host atomically; None removes it."""
        self._call(("write-record", _named(topology), _digest(text)), data=_bytes(text), timeout_s=_WRITE_S)

    def deliver(self, delivery: Delivery) -> str:
        """Put a file where a container can read it, atomically, and return its path; one of its kind is used again."""
        where = (_named(delivery.topology), _named(delivery.container), delivery.kind, _named(delivery.name))
        data = f"{content_digest(delivery.content)}\n".encode() + delivery.content
        verb = ("deliver", *where, delivery.mode, delivery.uid, delivery.gid)
        lines = self._answer(verb, data=data, timeout_s=_WRITE_S)
        path = lines[0].removeprefix("delivered ") if len(lines) == 1 else ""
        if not path.startswith(files_of(delivery.topology, delivery.container)):
            raise HostError(f"{self._way.place}: deliver: an answer that cannot be read")
        return path

    def sweep(self, topology: str, container: str, keep: Collection[str]) -> None:
        """Remove what was delivered for a container, but for the paths in *keep*, and empty directories."""
        data = "".join(f"{path}\n" for path in sorted(keep)).encode()
        self._call(("sweep", _named(topology), _named(container)), data=data, timeout_s=_WRITE_S)

    def restart_engine(self, *, kill: bool = False) -> None:
        """Restart docker.service; HostError with the unit's last log lines when it does not come up."""
        how = "kill" if kill else "gentle"
        self._call(("restart-engine", how, str(_RESTART_S)), timeout_s=_RESTART_S + 20)

    def interfaces(self, pids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
        """Return pid -> IP address -> interface name, from inside each container's network namespace."""
        if not pids:
            return {}
        asked = "".join(f"{self._process(pid)}\n" for pid in pids)
        rounds = -(-len(pids) // _AT_ONCE)
        lines = self._answer(("interfaces",), data=asked.encode(), timeout_s=10.0 + rounds * _ASK_S)
        found: dict[int, dict[str, str]] = {}
        for line in lines:
            word, pid, *pairs = line.split(" ")
            if word != "inside" or not pid.isdecimal() or not all("=" in pair for pair in pairs):
                raise HostError(f"{self._way.place}: interfaces: an answer that cannot be read")
            found[int(pid)] = {ip: name for name, _, ip in (pair.rpartition("=") for pair in pairs)}
        return found

    def ping(self, questions: Sequence[Ping], *, within_s: int = 3) -> list[Pong]:
        """Answer all questions, in their order; they run side by side, each at most *within_s* (1 to 9)."""
        if not questions:
            return []
        asked = "".join(self._question(question) for question in questions)
        rounds = -(-len(questions) // _AT_ONCE)
        lines = self._answer(("ping", str(within_s)), data=asked.encode(), timeout_s=10.0 + rounds * (within_s + 1.5))
        pongs: dict[int, Pong] = {}
        for line in lines:
            word, _, rest = line.partition(" ")
            fields = rest.split(" ")
            if word != "pong" or len(fields) != 3 or not (fields[0].isdigit() and fields[1].isdigit()):  # noqa: PLR2004 - NUMBER CODE TEXT
                raise HostError(f"{self._way.place}: ping: an answer that cannot be read")
            pongs[int(fields[0])] = _pong(int(fields[1]), _decode(self._way.place, fields[2]))
        if sorted(pongs) != list(range(len(questions))):
            raise HostError(f"{self._way.place}: ping: {len(pongs)} answers to {len(questions)} questions")
        return [pongs[number] for number in range(len(questions))]

    def resolve(self, pid: int, resolv_conf: str, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return name -> IP addresses for those of *names* that a container's resolver knows within 0.6 s."""
        if not names:
            return {}
        asked = [self._target(name) for name in names]
        rounds = -(-len(names) // _AT_ONCE)
        words = ("resolve", str(self._process(pid)), self._conf(resolv_conf), *asked)
        lines = self._answer(words, timeout_s=10.0 + rounds * 1.5)
        found = [line.split(" ") for line in lines if line.startswith("resolved ")]
        if "asked" not in lines or any(len(fields) < 3 for fields in found):  # noqa: PLR2004 - "resolved NAME IP"
            raise HostError(f"{self._way.place}: resolve: an answer that cannot be read")
        # a name that leads to another is told by that one's name, and is then asked for by itself as well
        return {name: tuple(addresses) for _, name, *addresses in found if name in names}

    def _question(self, question: Ping) -> str:
        conf = "-" if question.resolv_conf is None else self._conf(question.resolv_conf)
        return f"{self._process(question.pid)} {conf} {self._target(question.target)}\n"

    def _target(self, target: str) -> str:
        if not _TARGET.fullmatch(target):
            raise HostError(f"{self._way.place}: not an IP address or name: {target!r}")
        return target

    def _conf(self, resolv_conf: str) -> str:
        if not _RESOLV_CONF.fullmatch(resolv_conf):
            raise HostError(f"{self._way.place}: not a path: {resolv_conf!r}")
        return resolv_conf

    def _process(self, pid: int) -> int:
        if pid <= 0:
            raise HostError(f"{self._way.place}: not a process: {pid}")
        return pid

    def _answer(self, arguments: Sequence[str], *, data: bytes = b"", timeout_s: float) -> list[str]:
        """Return the lines between the marks of a reading verb's answer."""
        done = self._call(arguments, data=data, timeout_s=timeout_s, again=True)
        lines = done.out.decode(errors="replace").splitlines()
        try:
            first = lines.index("ovctl begin")
            return lines[first + 1 : lines.index("ovctl end", first)]
        except ValueError:
            raise HostError(f"{self._way.place}: {arguments[0]}: the answer is not whole") from None

    def _call(self, arguments: Sequence[str], *, data: bytes = b"", timeout_s: float, again: bool = False) -> Done:
        argv = ("sh", "-c", _script(), "ovctl-helper", *arguments)
        done = self._way.run(argv, data=data, timeout_s=timeout_s, again=again)
        if done.code != 0:
            raise _failure(self._way.place, done)
        return done


@cache
def _script() -> str:
    """Return the helper without its comments and indentation: it travels with each call."""
    text = Path(__file__).with_name("host_helper.sh").read_text(encoding="ascii")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def redact(text: str) -> str:
    """Return *text* with the values of everything that sounds like a secret replaced by dots."""
    return _URL_SECRET.sub(r"\1…@", _SECRET.sub(r"\1…", text))


def _failure(place: str, done: Done) -> HostError:
    """Return what the helper said on stderr as an error."""
    facts: list[str] = []
    logs: list[str] = []
    others: list[str] = []
    hint = None
    for line in done.text.splitlines():
        if line.startswith("ovctl error: "):
            facts.append(line.removeprefix("ovctl error: "))
        elif line.startswith("ovctl hint: "):
            hint = line.removeprefix("ovctl hint: ")
        elif line.startswith("ovctl log: "):
            logs.append(redact(line.removeprefix("ovctl log: ")))
        elif line.strip():
            others.append(line.strip())
    fact = facts[-1] if facts else redact(others[-1]) if others else f"the helper ended with {done.code}"
    if "a password is required" in fact or "is not in the sudoers file" in fact:
        hint = "let this user run sudo without a password: NOPASSWD in sudoers"
    if logs:
        relevant = [line for line in logs if _LOUD.search(line)] or logs
        fact = "\n  ".join([f"{fact}; its log says", *relevant[-_LOG_LINES:]])
        hint = hint or "journalctl -u docker, on the host, shows all of it"
    return HostError(f"{place}: {fact}", hint=hint)


def _facts(place: str, topology: str, lines: Sequence[str]) -> HostFacts:
    found: dict[str, str] = {}
    interfaces: dict[str, str] = {}
    others: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        if key == "other":
            name, _, text = value.rpartition(" ")
            others[name] = _decode(place, text)
        elif key == "interface":
            name, _, ip_address = value.partition(" ")
            interfaces.setdefault(name, ip_address)
        else:
            found[key] = value
    if not {"hostname", "boot_id", "engine_unit"} <= found.keys():
        raise HostError(f"{place}: facts: the answer is not whole")
    arguments = _decode(place, found.get("engine_arguments", ""))
    return HostFacts(
        hostname=found["hostname"],
        boot_id=found["boot_id"],
        interfaces=interfaces,
        daemon_json=_decode(place, found["daemon_json"]) if "daemon_json" in found else None,
        record=_decode(place, found["record"]) if "record" in found else None,
        engine_arguments=tuple(arguments.removesuffix("\0").split("\0")) if arguments else (),
        engine_unit=found["engine_unit"],
        gossips=found.get("gossip") == "listening",
        files=tuple(_files(topology, lines)),
        others=others,
    )


def _files(topology: str, lines: Iterable[str]) -> Iterator[DeliveredFile]:
    """Yield the delivered files of an answer; one whose name breaks the line is none of them."""
    owners: dict[str, str] = {}
    digests: dict[str, str] = {}
    for line in lines:
        if match := _OWNER.fullmatch(line):
            owners[match[2]] = match[1]
        elif match := _SUM.fullmatch(line):
            digests[match[2]] = match[1]
    for path in sorted(owners.keys() & digests.keys()):
        mode, uid, gid = owners[path].split(" ")
        yield DeliveredFile(f"{FILES_ROOT}/{topology}/{path}", digests[path], mode.zfill(4), uid, gid)


def _pong(code: int, said: str) -> Pong:
    match = _ROUND_TRIP.search(said)
    if code == 0 and match:
        return Pong(reached=True, rtt_ms=float(match[1]), detail="")
    lines = [line.strip() for line in said.splitlines()]
    telling = [line for line in lines if not _NOTHING_CAME.search(line)]
    if not telling:
        asked = code not in _NO_PROGRAM
        return Pong(reached=False, rtt_ms=None, detail="no answer" if asked else f"ping ended with {code}", asked=asked)
    asked = code < _SHELLS_OWN and not any(_NO_PING.search(line) for line in telling)
    return Pong(reached=False, rtt_ms=None, detail=telling[-1], asked=asked)


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a topology, a container or a file: {name!r}")
    return name


def _bytes(text: str | None) -> bytes:
    return b"" if text is None else text.encode("utf-8", "surrogateescape")


def _digest(text: str | None) -> str:
    return _ABSENT if text is None else hashlib.sha256(_bytes(text)).hexdigest()


def _decode(place: str, text: str) -> str:
    """Return the text behind base64; bytes that are no UTF-8 survive the way back."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
    except binascii.Error:
        raise HostError(f"{place}: an answer of the helper cannot be read") from None
