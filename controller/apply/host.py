"""Hosts: set our keys of daemon.json and give them back; a daemon that does not come up gets its earlier file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from controller.apply.adoption import living
from controller.errors import HostError, OvctlError, RefusedError, UnreachableError
from controller.model.desired import registration
from controller.model.observed import HostRecord
from controller.observe.host import RUNNING, daemon_state, parse_record, record_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from controller.apply.hands import Hands
    from controller.model.action import ConfigureHost, RestoreHost
    from controller.ports import HostFacts

_MISSING = object()
ENGINE_ANSWERS_WITHIN_S = 90.0
REGISTERED_WITHIN_S = 60.0
GOSSIPS_WITHIN_S = 40.0
"""A daemon on the store's own host was seen to begin 16 s after it had registered."""
_BY_ITSELF = ("always", "unless-stopped")
"""Restart policies with which the daemon itself starts a container again."""


def configure(action: ConfigureHost, hands: Hands, note: Callable[[str], None]) -> None:
    """Write our keys, the record of what they were before first; restart when the running daemon differs; wait."""
    facts = hands.shell(action.host).facts(hands.desired.name)
    settings = _settings(facts, action.host)
    flags = daemon_state(facts).flags
    # a key that is given as a flag must not stand in the file, too: dockerd would not start (moby/moby#25471)
    ours = {key: value for key, value in action.settings.items() if key not in flags}
    earlier = _to_go_back_to(action, facts, settings, hands)
    if any(settings.get(key) != value for key, value in ours.items()):
        _write(action, hands, facts, {**settings, **ours})
    advertised = {action.registered_as, action.settings["cluster-advertise"]}
    # read again, since a plan may be old
    if action.restart and not _runs_with(action.host, action.settings["cluster-store"], advertised, hands):
        _restart(action.host, hands, earlier, note)
    if not hands.await_(lambda: _registered(action, hands), timeout_s=REGISTERED_WITHIN_S):
        raise HostError(
            f"host/{action.host}: the daemon answers, but did not register as {action.registered_as}"
            f" in the store within {REGISTERED_WITHIN_S:.0f} s",
            hint=f"can {action.host} reach {action.settings['cluster-store']}? see `journalctl -u docker` there",
        )
    # a container that starts before its daemon gossips is never made known to the other hosts (20.10.5)
    if not hands.await_(lambda: _gossips(action.host, hands), timeout_s=GOSSIPS_WITHIN_S, every_s=0.5):
        note(
            f"its daemon does not listen on port 7946 after {GOSSIPS_WITHIN_S:.0f} s: see `journalctl -u docker` there"
        )


def _gossips(host: str, hands: Hands) -> bool:
    return hands.shell(host).facts(hands.desired.name).gossips


def restore(action: RestoreHost, hands: Hands, note: Callable[[str], None]) -> None:
    """Give our keys their earlier values, but for those that somebody set since: these stay, and are told about."""
    shell = hands.shell(action.host)
    facts = shell.facts(hands.desired.name)
    record = parse_record(facts.record, action.host)
    if record is None:
        return
    if record.written is not None:
        text, left = _before_us(record, facts, action.host)
        for key in left:
            note(f"left {key} in daemon.json as it is: somebody set it since")
        if text != facts.daemon_json:
            shell.write_daemon_json(text, expected=facts.daemon_json)
    if action.restart:
        _restart(action.host, hands, facts.daemon_json, note)
    # adopted objects that are still there are still ours: a record of none is a file less
    adopted = living(record, action.host, hands) if record.adopted else {}
    shell.write_record(hands.desired.name, record_text(HostRecord({}, None, None, adopted)) if adopted else None)


def _before_us(record: HostRecord, facts: HostFacts, host: str) -> tuple[str | None, tuple[str, ...]]:
    """
    Return daemon.json with the earlier values of our keys, and the keys that are neither ours nor the earlier any more.

    A file that then says what it said before us gets its very text back.
    """
    settings = _settings(facts, host)
    written = json.loads(record.written or "{}")
    left = []
    for key, (was_there, earlier) in record.keys.items():
        present = settings.get(key, _MISSING)
        if present == (earlier if was_there else _MISSING):
            continue
        if present != written.get(key, _MISSING):
            left.append(key)
        elif was_there:
            settings[key] = earlier
        else:
            del settings[key]
    original = json.loads(record.original or "") if (record.original or "").strip() else {}
    return (record.original if settings == original else _text(settings, facts.daemon_json)), tuple(left)


def _to_go_back_to(
    action: ConfigureHost,
    facts: HostFacts,
    settings: Mapping[str, Any],
    hands: Hands,
) -> str | None:
    """
    Return the daemon.json to go back to when the daemon does not come up: the text as found.

    Unless that is what we wrote and no daemon runs with: a run was killed before its restart; then what was before us.
    """
    record = parse_record(facts.record, action.host)
    if record is None or record.written is None or facts.daemon_json != record.written:
        return facts.daemon_json
    advertise = settings.get("cluster-advertise") or ""
    if _runs_with(
        action.host, settings.get("cluster-store"), {advertise, registration(advertise, facts.interfaces)}, hands
    ):
        return facts.daemon_json
    return _before_us(record, facts, action.host)[0]


def _settings(facts: HostFacts, host: str) -> dict[str, Any]:
    state = daemon_state(facts)
    if state.settings is None:
        raise RefusedError(f"host/{host}: /etc/docker/daemon.json {state.problem}", hint="mend it by hand first")
    return dict(state.settings)


def _write(action: ConfigureHost, hands: Hands, facts: HostFacts, settings: dict[str, Any]) -> None:
    """Record first, then write: a crash in between leaves a record that is true."""
    found = _settings(facts, action.host)
    shell = hands.shell(action.host)
    record = parse_record(facts.record, action.host)
    before = record if record and record.written is not None else None
    keys = dict(before.keys) if before else {}
    for key in action.settings:
        if found.get(key) != settings.get(key):
            keys.setdefault(key, (key in found, found.get(key)))
    text = _text(settings, facts.daemon_json)
    original = before.original if before else facts.daemon_json
    record = HostRecord(keys, original, text, record.adopted if record else {})
    shell.write_record(hands.desired.name, record_text(record))
    shell.write_daemon_json(text, expected=facts.daemon_json)


def _text(settings: Mapping[str, Any], like: str | None) -> str:
    """Return *settings* as JSON, indented as the text it replaces."""
    found = re.search(r"\{\s*\n([ \t]+)", like or "")
    return json.dumps(settings, indent=found[1] if found else 2, ensure_ascii=False) + "\n"


def _runs_with(host: str, store: str | None, advertised: AbstractSet[str], hands: Hands) -> bool:
    """Whether the daemon runs with that store, and advertises one of those."""
    try:
        info = hands.engine(host).info()
    except OvctlError:
        return False  # a daemon that does not answer does not run with them
    return info.get("ClusterStore") == store and info.get("ClusterAdvertise") in advertised


def _restart(host: str, hands: Hands, earlier: str | None, note: Callable[[str], None]) -> None:
    """Restart the daemon; if it does not come up, give it *earlier* back, start it with that, and fail."""
    shell = hands.shell(host)
    ran = _running(host, hands)
    try:
        shell.restart_engine()
        if hands.await_(lambda: bool(hands.engine(host).version()), timeout_s=ENGINE_ANSWERS_WITHIN_S):
            _start_again(host, ran, hands, note)
            return
        trouble = f"host/{host}: the engine did not answer within {ENGINE_ANSWERS_WITHIN_S:.0f} s"
    except (HostError, UnreachableError) as error:
        trouble = error.message
    try:
        facts = shell.facts(hands.desired.name)
        if facts.daemon_json != earlier:
            shell.write_daemon_json(earlier, expected=facts.daemon_json)
            shell.restart_engine(kill=True)
            _start_again(host, ran, hands, note)
            note("its earlier daemon.json is back and the daemon runs with it")
            trouble += "; rolled back"
    except (HostError, UnreachableError) as error:
        trouble += f"; not rolled back: {error.message}"
    raise HostError(trouble, hint=f"see `journalctl -u docker` on {host}")


def _running(host: str, hands: Hands) -> frozenset[str]:
    """Return the ids of all containers that run or are paused; none when the daemon is down already."""
    try:
        return frozenset(summary["Id"] for summary in hands.engine(host).containers() if summary["State"] in RUNNING)
    except OvctlError:
        return frozenset()


def _start_again(host: str, ran: frozenset[str], hands: Hands, note: Callable[[str], None]) -> None:
    """
    Start what our restart of the daemon stopped: containers without a restart policy, ours or not, do not return alone.

    One that cannot be started is told about; ours are drift in the next cycle anyway.
    """
    engine = hands.engine(host)
    try:
        stopped = [summary for summary in engine.containers() if summary["Id"] in ran and summary["State"] == "exited"]
    except OvctlError as error:
        note(f"what ran before could not be looked at: {error.message}")
        return
    for summary in stopped:
        name = summary["Names"][0].lstrip("/")
        try:
            if engine.inspect_container(summary["Id"])["HostConfig"]["RestartPolicy"]["Name"] in _BY_ITSELF:
                continue
            engine.start_container(summary["Id"])
            note(f"started {name} again, which the restart of the daemon had stopped")
        except OvctlError as error:
            note(f"{name} ran before and did not start again: {error.message}")


def _registered(action: ConfigureHost, hands: Hands) -> bool:
    return any(node.address == action.registered_as for node in hands.store().nodes())
