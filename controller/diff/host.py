"""Hosts: our keys of daemon.json, what the daemon runs with, and whether it is registered in the store."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from controller.model.desired import engine_settings, registration
from controller.model.drift import Change, DriftItem
from controller.model.identity import Address
from controller.model.observed import EngineState, HostState, StoreState, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.observed import Observed
    from controller.model.topology import Topology

FIRST_WITHOUT_STORE = (22, 6)
"""Engines from 22.06 on have no cluster store: moby/moby#43308; they refuse to start with the setting."""


def host_items(desired: Topology, observed: Observed) -> Iterator[DriftItem]:
    """Yield the drift of each host that could be read."""
    for name in sorted(desired.hosts):
        state = observed.hosts.get(name)
        if isinstance(state, HostState):
            yield from _host(desired, observed, name, state)


def _host(desired: Topology, observed: Observed, name: str, state: HostState) -> Iterator[DriftItem]:
    address = Address("host", name)
    settings = engine_settings(desired, name)
    if not settings:
        if state.configured:
            yield DriftItem(address, name, "unexpected", (), "the engine's settings of ours are no longer wanted")
        elif state.record is not None and desired.hosts[name].state == "absent":
            yield DriftItem(address, name, "unexpected", (), "our record of what was adopted there is no longer wanted")
        return
    obstacle = _namesake(observed, name, state) or _obstacle(state, settings)
    if obstacle:
        yield DriftItem(address, name, "conflict", (), obstacle)
        return
    changes = (
        *_file_changes(state, settings),
        *_running_changes(state, settings),
        *_registered(observed, state, settings),
    )
    if changes:
        reason = "differs from what is declared" if state.configured else "not a member of the cluster yet"
        yield DriftItem(address, name, "changed", changes, reason)


def _namesake(observed: Observed, name: str, state: HostState) -> str | None:
    """Return why two daemons would be taken for one (moby/moby#19301), or None."""
    for other, found in observed.hosts.items():
        if other != name and isinstance(found, HostState) and found.hostname == state.hostname:
            return f"its host name {state.hostname} is also that of host/{other}: daemons tell each other apart by it"
    return None


def _obstacle(state: HostState, settings: Mapping[str, Any]) -> str | None:
    """Return why this host cannot join a cluster store, or None."""
    engine = state.engine
    if isinstance(engine, EngineState):
        if _version(engine.version) >= FIRST_WITHOUT_STORE:
            return f"engine {engine.version} has no cluster store; overlays with a store need an engine up to 20.10"
        if engine.swarm:
            return "the engine is part of a swarm; one daemon cannot do both"
        if engine.live_restore:
            return "live-restore is on: with it, containers lose their overlay traffic at every restart of the daemon"
    if state.daemon.problem is not None:
        return f"/etc/docker/daemon.json: {state.daemon.problem}; mend it by hand, nothing is written over it"
    flags = state.daemon.flags
    for key, wanted in settings.items():
        given = flags.get(key)
        if given is not None and key in (state.daemon.settings or {}):
            return f"{key} is given both as a flag and in daemon.json, with which dockerd does not start: remove one"
        if given is not None and registration(given, state.interfaces) != registration(wanted, state.interfaces):
            return f"the daemon is started with --{key}={given}; remove the flag from its unit, or declare {given}"
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _file_changes(state: HostState, settings: Mapping[str, Any]) -> Iterator[Change]:
    flags = state.daemon.flags
    found = state.daemon.settings or {}
    for key, wanted in settings.items():
        if key in flags and key not in found:
            continue
        if found.get(key) != wanted:
            yield Change(f"daemon.json {key}", wanted, _text(found.get(key)))


def _running_changes(state: HostState, settings: Mapping[str, Any]) -> Iterator[Change]:
    engine = state.engine
    if isinstance(engine, Unknown):
        if state.daemon.unit != "active":
            yield Change("docker.service", "active", state.daemon.unit)
        return
    if engine.cluster_store != settings["cluster-store"]:
        yield Change("running cluster-store", settings["cluster-store"], engine.cluster_store or None)
    wanted = registration(settings["cluster-advertise"], state.interfaces)
    if registration(engine.cluster_advertise, state.interfaces) != wanted:
        yield Change("running cluster-advertise", wanted, engine.cluster_advertise or None)


def _registered(observed: Observed, state: HostState, settings: Mapping[str, Any]) -> Iterator[Change]:
    wanted = registration(settings["cluster-advertise"], state.interfaces)
    if isinstance(observed.store, StoreState) and wanted not in observed.store.nodes:
        yield Change("registered in the store", wanted, None)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
