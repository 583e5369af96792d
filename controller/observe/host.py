"""A host: its facts, its daemon's configuration, our record on it, and its engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from controller.errors import HostError, NotFoundError
from controller.model.desired import images_on
from controller.model.identity import STORE_CONTAINER
from controller.model.observed import DaemonState, EngineState, HostRecord, HostState, Unknown
from controller.observe.container import container_state, wanted_name
from controller.observe.image import image_state
from controller.observe.network import gateway_addresses, network_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.observed import ContainerState, ImageState
    from controller.model.topology import Topology
    from controller.ports import Engine, Fleet, HostFacts, Json

GATEWAY_BRIDGE = "docker_gwbridge"


def host_facts(desired: Topology, fleet: Fleet, name: str) -> HostFacts:
    """Return what a host says of itself."""
    return fleet.shell(name).facts(desired.name)


def host_state(name: str, facts: HostFacts | Unknown, engine: EngineState | Unknown) -> HostState | Unknown:
    """Return one host from its two halves; an engine that does not answer is Unknown inside it."""
    if isinstance(facts, Unknown):
        return facts
    try:
        record = parse_record(facts.record, name)
    except HostError as error:
        return Unknown(error.message)
    return HostState(
        hostname=facts.hostname,
        boot_id=facts.boot_id,
        interfaces=facts.interfaces,
        daemon=daemon_state(facts),
        record=record,
        engine=engine,
    )


def daemon_state(facts: HostFacts) -> DaemonState:
    """Return what daemon.json says, or why it says nothing."""
    settings, problem = None, None
    try:
        settings = json.loads(facts.daemon_json or "") if (facts.daemon_json or "").strip() else {}
        if not isinstance(settings, dict):
            settings, problem = None, "is not a JSON object"
    except ValueError as error:
        problem = f"is not JSON ({error})"
    return DaemonState(facts.daemon_json, settings, problem, facts.engine_arguments, facts.engine_unit)


def parse_record(text: str | None, host: str) -> HostRecord | None:
    """Return our record, None when there is none; HostError when it is not ours to read."""
    if text is None:
        return None
    try:
        data = json.loads(text)
        keys = {str(key): (bool(there), value) for key, (there, value) in data["daemon_json"]["keys"].items()}
        return HostRecord(keys, data["daemon_json"]["original"], data["daemon_json"]["written"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HostError(
            f"host/{host}: our record under /var/lib/ovctl cannot be read",
            hint="restore it from a backup, or remove it: earlier settings of this host are then forgotten",
        ) from None


def record_text(record: HostRecord) -> str:
    """Return *record* as it stands on the host."""
    daemon_json = {
        "keys": {key: list(value) for key, value in record.keys.items()},
        "original": record.original,
        "written": record.written,
    }
    return json.dumps({"version": 1, "daemon_json": daemon_json}, indent=2) + "\n"


def observe_engine(desired: Topology, fleet: Fleet, host: str, *, gateways: bool) -> EngineState:
    """Return what one engine holds: every network, and in full the containers that are ours or bear a wanted name."""
    engine = fleet.engine(host)
    info = engine.info()
    summaries = engine.containers()
    networks = engine.networks()
    wanted = {name for name, container in desired.containers.items() if container.host == host} | {STORE_CONTAINER}
    ours = [summary for summary in summaries if wanted_name(summary, desired.name, wanted)]
    containers = tuple(_inspected(engine, sorted(ours, key=_name)))
    foreign: dict[str, list[str]] = {}
    for summary in summaries:
        if summary not in ours:
            for endpoint in (summary.get("NetworkSettings", {}).get("Networks") or {}).values():
                foreign.setdefault(endpoint.get("NetworkID", ""), []).append(_name(summary))
    has_gateway = gateways and any(network["Name"] == GATEWAY_BRIDGE for network in networks)
    return EngineState(
        version=info["ServerVersion"],
        cluster_store=info.get("ClusterStore") or "",
        cluster_advertise=info.get("ClusterAdvertise") or "",
        swarm=(info.get("Swarm") or {}).get("LocalNodeState", "inactive") != "inactive",
        live_restore=bool(info.get("LiveRestoreEnabled")),
        containers=containers,
        networks=tuple(sorted(map(network_state, networks), key=lambda network: (network.name, network.id))),
        images=_images(desired, engine, host),
        running=tuple(sorted(_name(summary) for summary in summaries if summary["State"] == "running")),
        foreign_endpoints={network: tuple(sorted(names)) for network, names in sorted(foreign.items())},
        gateway_addresses=gateway_addresses(engine.inspect_network(GATEWAY_BRIDGE)) if has_gateway else {},
    )


def _inspected(engine: Engine, summaries: list[Json]) -> Iterator[ContainerState]:
    for summary in summaries:
        try:
            yield container_state(engine.inspect_container(summary["Id"]))
        except NotFoundError:
            continue  # removed since it was listed: it is not there


def _name(summary: Json) -> str:
    """Return a container's name; one that is being removed may have none."""
    return str((summary.get("Names") or [summary["Id"]])[0]).lstrip("/")


def _images(desired: Topology, engine: Engine, host: str) -> dict[str, ImageState | None]:
    return {reference: image_state(engine, reference) for reference in images_on(desired, host)}
