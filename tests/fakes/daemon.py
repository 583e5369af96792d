"""
The daemon of a simulated host: what it makes of daemon.json, and what a stop, a kill and a start do to containers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from controller.errors import EngineError
from tests.fakes import containers, networks

if TYPE_CHECKING:
    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Host, Json

ARGUMENTS = ("/usr/sbin/dockerd", "-H", "fd://", "--containerd=/run/containerd/containerd.sock")
REGISTRATION_TTL_S = 60.0

_TEXTS = ("cluster-store", "cluster-advertise", "log-driver", "data-root", "bip", "storage-driver", "log-level")
_LISTS = ("insecure-registries", "registry-mirrors", "dns", "labels", "hosts", "default-address-pools", "dns-search")
_FLAGS = ("live-restore", "debug", "ip-forward", "iptables", "ipv6", "userland-proxy", "icc", "experimental")
_MAPS = ("log-opts", "cluster-store-opts", "default-ulimits", "runtimes", "features")
_NUMBERS = ("mtu", "max-concurrent-downloads", "max-concurrent-uploads", "shutdown-timeout")
_KINDS: dict[str, tuple[type, str, str]] = {
    **dict.fromkeys(_TEXTS, (str, "string", "string")),
    **dict.fromkeys(_LISTS, (list, "array", "[]string")),
    **dict.fromkeys(_FLAGS, (bool, "bool", "bool")),
    **dict.fromkeys(_MAPS, (dict, "object", "map[string]string")),
    **dict.fromkeys(_NUMBERS, (int, "number", "int")),
}
_STORES = ("consul://", "etcd://", "zk://")


class DaemonError(Exception):
    """What dockerd says when it does not come up."""


def restart(cluster: Cluster, host: Host, *, kill: bool = False) -> None:
    """Restart a daemon; DaemonError, and a daemon that is down, when its settings are wrong."""
    if kill:
        die(cluster, host, exit_code=137)
    else:
        stop(cluster, host)
    start(cluster, host)
    if host.engine.problem:
        raise DaemonError(host.engine.problem)


def stop(cluster: Cluster, host: Host) -> None:
    """Stop a daemon in good order: its containers with it."""
    engine = host.engine
    if not engine.running:
        return
    # what is in the host's own network may be the store, which the others need to give back what they hold
    for container in sorted(engine.containers.values(), key=lambda found: found.mode == "host"):
        if container.running or container.status == "restarting":
            containers.end(cluster, host, container, 137, by_hand=True)
            container.manually_stopped = False
    _unregister(cluster, host)
    engine.running = False


def die(cluster: Cluster, host: Host, *, exit_code: int, is_power_cut: bool = False) -> None:
    """Let a daemon die without a word: endpoints stay where they are until it is back."""
    engine = host.engine
    for container in engine.containers.values():
        if container.running or container.status == "restarting":
            overlays = any(
                attachment.endpoint_id for attachment in container.attachments.values() if not attachment.gateway
            )
            engine.has_stale_sandboxes |= is_power_cut and overlays
            container.status, container.exit_code, container.pid = "exited", exit_code, 0
            container.published = {}
            # the daemon takes it for stopped on purpose: only ``always`` comes back
            container.manually_stopped = True
    _unregister(cluster, host)
    engine.running = False


def start(cluster: Cluster, host: Host) -> None:
    """Start a daemon with what daemon.json says now; it stays down, with a problem noted, when that is wrong."""
    engine = host.engine
    try:
        settings = _settings(host)
    except DaemonError as error:
        engine.problem = str(error)
        return
    engine.problem, engine.running = "", True
    engine.cluster_store = settings.get("cluster-store") or ""
    engine.cluster_advertise = _advertised(host, settings.get("cluster-advertise") or "")
    engine.live_restore = bool(settings.get("live-restore"))
    engine.log_driver = settings.get("log-driver") or "json-file"
    engine.log_options = dict(settings.get("log-opts") or {})
    engine.default_ulimits = list((settings.get("default-ulimits") or {}).values())
    if cluster.store is not None and engine.cluster_store == cluster.store.url and engine.cluster_advertise:
        cluster.store.registrations[engine.cluster_advertise] = None
    _clean(cluster, host)
    for container in sorted(engine.containers.values(), key=lambda found: found.mode != "host"):
        if _comes_back(container.restart, container.status, container.exit_code, by_hand=container.manually_stopped):
            try:
                containers.start(cluster, host, container)
            except EngineError as error:
                container.error = error.message


def _comes_back(policy: str, status: str, exit_code: int, *, by_hand: bool) -> bool:
    if status not in ("exited", "restarting"):
        return False
    match policy:
        case "always":
            return True
        case "unless-stopped":
            return not by_hand
        case "on-failure":
            return exit_code != 0
        case _:
            return False


def _clean(cluster: Cluster, host: Host) -> None:
    """Give back what containers of this host held when the daemon died."""
    for container in host.engine.containers.values():
        if container.running:
            continue
        for attachment in container.attachments.values():
            if attachment.endpoint_id:
                networks.release(cluster, host, attachment.endpoint_id, attachment.network_id)
            attachment.clear()
        for network in host.engine.networks.values():
            network.endpoints.pop(container.gateway_endpoint, None)
        container.gateway_endpoint = ""


def _unregister(cluster: Cluster, host: Host) -> None:
    """Let the daemon's registration run out."""
    at = host.engine.cluster_advertise
    if host.engine.running and cluster.store is not None and at in cluster.store.registrations:
        cluster.store.registrations[at] = cluster.time_s + REGISTRATION_TTL_S


def _settings(host: Host) -> Json:
    """Return what flags and daemon.json say together; DaemonError in dockerd's words."""
    flags = {key.removeprefix("--"): value for key, _, value in (flag.partition("=") for flag in host.arguments)}
    if host.daemon_json is None:
        return dict(flags)
    place = "unable to configure the Docker daemon with file /etc/docker/daemon.json"
    try:
        settings = json.loads(host.daemon_json)
    except ValueError as error:
        said = "unexpected EOF" if host.daemon_json.strip() else "EOF"
        raise DaemonError(f"{place}: {said if 'Expecting' in str(error) else error}") from None
    if not isinstance(settings, dict):
        raise DaemonError(f"{place}: json: cannot unmarshal array into Go value of type map[string]interface {{}}")
    unknown = [key for key in settings if key not in _KINDS]
    if unknown:
        message = f"{place}: the following directives don't match any configuration option: {', '.join(unknown)}"
        raise DaemonError(message)
    for key, value in settings.items():
        kind, _, wanted = _KINDS[key]
        if not isinstance(value, kind):
            raise DaemonError(f"{place}: json: cannot unmarshal into Go struct field Config.{key} of type {wanted}")
    _refuse_twice(settings, flags, place)
    _check_start(host, {**settings, **flags})
    return {**settings, **flags}


def _refuse_twice(settings: Json, flags: Json, place: str) -> None:
    twice = [key for key in settings if key in flags]
    if twice or "hosts" in settings:
        said = ", ".join(twice) or "hosts"
        message = (
            f"{place}: the following directives are specified both as a flag and in the configuration file: {said}"
        )
        raise DaemonError(message)


def _check_start(host: Host, settings: Json) -> None:
    """Raise what dockerd says about settings that it can read and cannot start with."""
    store, advertise = settings.get("cluster-store") or "", settings.get("cluster-advertise") or ""
    if advertise and not store:
        message = (
            "invalid cluster configuration. --cluster-advertise must be accompanied by --cluster-store configuration"
        )
        raise DaemonError(f"failed to start daemon: {message}")
    if store and not store.startswith(_STORES):
        raise DaemonError("failed to start daemon: discovery initialization failed (discovery service not supported)")
    at = advertise.rpartition(":")[0]
    if at and at not in host.interfaces and not at.replace(".", "").isdecimal():
        message = (
            f"discovery advertise parsing failed: invalid cluster advertise IP address or interface name ({advertise})"
        )
        raise DaemonError(f"failed to start daemon: {message}")


def _advertised(host: Host, advertise: str) -> str:
    place, _, port = advertise.rpartition(":")
    return f"{host.interfaces.get(place, place)}:{port}" if place else ""
