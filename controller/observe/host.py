"""A host: its facts, its daemon's configuration, our record on it, and its engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from controller.errors import HostError, NotFoundError
from controller.model.adoption import marked
from controller.model.container_fields import lacking
from controller.model.desired import images_on
from controller.model.identity import ASIDE_SUFFIX, STORE_CONTAINER, owner_of
from controller.model.observed import DaemonState, EngineState, HostRecord, HostState, Unknown
from controller.observe.adoption import adopted_json, adopted_of
from controller.observe.container import bears, container_state
from controller.observe.image import bears_labels_of_its_image, image_state
from controller.observe.network import gateway_addresses, network_state
from controller.observe.volume import volume_state, volumes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from controller.model.adoption import Adopted, Adoptions
    from controller.model.observed import ContainerState, ImageState
    from controller.model.topology import Topology
    from controller.ports import Engine, Fleet, HostFacts, Json

GATEWAY_BRIDGE = "docker_gwbridge"
RUNNING = ("running", "paused")
"""States of containers whose processes a restart of the daemon ends."""


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
        files={found.path: found for found in facts.files},
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
        adopted = adopted_of(data.get("adopted", {}))
        if "daemon_json" not in data and adopted:
            return HostRecord({}, None, None, adopted)
        keys = {str(key): (bool(there), value) for key, (there, value) in data["daemon_json"]["keys"].items()}
        return HostRecord(keys, data["daemon_json"]["original"], data["daemon_json"]["written"], adopted)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HostError(
            f"host/{host}: our record under /var/lib/ovctl cannot be read",
            hint="restore it from a backup, or remove it: earlier settings and adoptions there are then forgotten",
        ) from None


def record_text(record: HostRecord) -> str:
    """Return *record* as it stands on the host."""
    daemon_json = {
        "keys": {key: list(value) for key, value in record.keys.items()},
        "original": record.original,
        "written": record.written,
    }
    said: Json = {"version": 1}
    if record.written is not None:
        said["daemon_json"] = daemon_json
    if record.adopted:
        said["adopted"] = adopted_json(record.adopted)
    return json.dumps(said, indent=2) + "\n"


def recorded_adoptions(facts: HostFacts, topology: str, host: str, *, strict: bool = False) -> Adoptions:
    """
    Return topology -> id -> what our records on the host say of each adopted object, those of *topology* first.

    Args:
        strict: Whether all has to be read; else a record that cannot be is left out. Where it is that of *topology*,
            the host is unknown, and nothing of it is used.

    Raises:
        HostError: A record cannot be read.
    """
    found: dict[str, Mapping[str, Adopted]] = {}
    for name, text in ((topology, facts.record), *sorted(facts.others.items())):
        try:
            record = parse_record(text, host)
        except HostError:
            if strict:
                raise
            continue
        found[name] = record.adopted if record else {}
    return found


def observe_engine(
    desired: Topology, fleet: Fleet, host: str, *, gateways: bool, adopted: Callable[[], Adoptions] = dict
) -> EngineState:
    """
    Return what one engine holds: every network, and in full the containers that are ours or bear a wanted name.

    Args:
        adopted: Returns what our records on the host say, when these were read.
    """
    engine = fleet.engine(host)
    info = engine.info()
    summaries = engine.containers()
    networks = engine.networks()
    wanted = {name for name, container in desired.containers.items() if container.host == host} | {STORE_CONTAINER}
    ours = _ours(engine, summaries, desired.name, wanted)
    asked = [summary for summary in summaries if summary["Id"] in ours or bears(summary, wanted)]
    found = list(_inspected(engine, asked))
    recorded = adopted()
    here = [
        one
        for one in summaries
        if one["Id"] in recorded.get(desired.name, {}) and owner_of(one.get("Labels") or {}) is None
    ]
    ours |= {summary["Id"] for summary in here}
    found += _inspected(engine, (summary for summary in here if not bears(summary, wanted)))
    containers = marked(sorted(found, key=lambda one: one.name), recorded)
    has_gateway = gateways and any(network["Name"] == GATEWAY_BRIDGE for network in networks)
    return EngineState(
        version=info["ServerVersion"],
        cluster_store=info.get("ClusterStore") or "",
        cluster_advertise=info.get("ClusterAdvertise") or "",
        swarm=(info.get("Swarm") or {}).get("LocalNodeState", "inactive") != "inactive",
        live_restore=bool(info.get("LiveRestoreEnabled")),
        containers=containers,
        networks=marked(sorted(map(network_state, networks), key=lambda one: (one.name, one.id)), recorded),
        images=_images(desired, engine, host, containers),
        running=tuple(sorted(_name(summary) for summary in summaries if summary["State"] in RUNNING)),
        foreign_endpoints=_endpoints((one for one in summaries if one["Id"] not in ours), networks),
        gateway_addresses=gateway_addresses(engine.inspect_network(GATEWAY_BRIDGE)) if has_gateway else {},
        volumes=tuple(sorted(map(volume_state, engine.volumes()), key=lambda volume: volume.name)),
        foreign_volumes=_volumes(one for one in summaries if one["Id"] not in ours),
        lacks=lacking(info),
    )


def _ours(engine: Engine, summaries: list[Json], topology: str, wanted: AbstractSet[str]) -> frozenset[str]:
    """Return the ids of our containers: by label, unless an image brought it to one whose name we would not give."""
    names = {*wanted, *(f"{name}{ASIDE_SUFFIX}" for name in wanted)}
    return frozenset(
        summary["Id"]
        for summary in summaries
        if owner_of(summary.get("Labels") or {}) == topology
        and (bears(summary, names) or not bears_labels_of_its_image(engine, summary))
    )


def _endpoints(summaries: Iterable[Json], networks: list[Json]) -> dict[str, tuple[str, ...]]:
    """
    Return network id -> names of the containers on it, sorted.

    One that was never started knows its network only by the word that was said at its creation: a name, an id, or the
    start of one (20.10.5).
    """
    found: dict[str, set[str]] = {}
    for summary in summaries:
        for word, endpoint in ((summary.get("NetworkSettings") or {}).get("Networks") or {}).items():
            known = (endpoint or {}).get("NetworkID")
            meant = [network["Id"] for network in networks if word == network["Name"] or network["Id"].startswith(word)]
            for network in [known] if known else meant:
                found.setdefault(network, set()).add(_name(summary))
    return {network: tuple(sorted(names)) for network, names in sorted(found.items())}


def _volumes(summaries: Iterable[Json]) -> dict[str, tuple[str, ...]]:
    """Return volume -> names of the containers that have it, sorted."""
    found: dict[str, set[str]] = {}
    for summary in summaries:
        for volume in volumes_of(summary):
            found.setdefault(volume, set()).add(_name(summary))
    return {volume: tuple(sorted(names)) for volume, names in sorted(found.items())}


def _inspected(engine: Engine, summaries: Iterable[Json]) -> Iterator[ContainerState]:
    for summary in summaries:
        try:
            yield container_state(engine.inspect_container(summary["Id"]))
        except NotFoundError:
            continue  # removed since it was listed: it is not there


def _name(summary: Json) -> str:
    """Return a container's name; one that is being removed may have none."""
    return str((summary.get("Names") or [summary["Id"]])[0]).lstrip("/")


def _images(
    desired: Topology, engine: Engine, host: str, containers: tuple[ContainerState, ...]
) -> dict[str, ImageState | None]:
    """Return the images by reference; where that is gone, what a container was made from is looked up by its id."""
    images = {reference: image_state(engine, reference) for reference in images_on(desired, host)}
    gone = {
        found.image_id
        for found in containers
        if (declared := desired.containers.get(found.name)) is not None
        and owner_of(found.labels) == desired.name
        and declared.host == host
        and images[declared.image] is None
    }
    return images | {image_id: image_state(engine, image_id) for image_id in sorted(gone) if image_id}
