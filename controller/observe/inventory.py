"""All that runs on a host, whoever made it: what an import of running hosts reads. Nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.errors import NotFoundError
from controller.observe.container import names_of
from controller.observe.host import RUNNING
from controller.observe.image import image_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.model.observed import ImageState
    from controller.ports import Engine, Fleet, HostFacts, Json


@dataclass(frozen=True)
class Inventory:
    """
    What one host has.

    Args:
        info: ``GET /info``.
        containers: ``GET /containers/{id}/json`` of those that run or are paused, by name.
        stopped: Names of the others.
        networks: ``GET /networks``, by name.
        images: Id, or reference as a container names it -> image; None for one that is not there any more.
        image_volumes: Id of an image -> paths that it makes volumes of; of images whose containers have such.
    """

    host: str
    facts: HostFacts
    info: Json
    containers: tuple[Json, ...]
    stopped: tuple[str, ...]
    networks: tuple[Json, ...]
    images: Mapping[str, ImageState | None]
    image_volumes: Mapping[str, frozenset[str]]


def take_inventory(fleet: Fleet, hosts: Iterable[str], topology: str) -> tuple[Inventory, ...]:
    """
    Return what each of *hosts* has, in their order; they are asked side by side.

    Args:
        topology: Name under which a record on a host would be ours.

    Raises:
        UnreachableError: A host does not answer.
    """
    names = tuple(hosts)
    with ThreadPoolExecutor(max(len(names), 1)) as pool:
        return tuple(pool.map(lambda host: _inventory(fleet, host, topology), names))


def _inventory(fleet: Fleet, host: str, topology: str) -> Inventory:
    facts, engine = fleet.shell(host).facts(topology), fleet.engine(host)
    info, summaries, networks = engine.info(), engine.containers(), engine.networks()
    running = [summary for summary in summaries if summary["State"] in RUNNING]
    containers = []
    for summary in running:
        with suppress(NotFoundError):  # it ended since it was listed
            containers.append(engine.inspect_container(summary["Id"]))
    return Inventory(
        host=host,
        facts=facts,
        info=info,
        containers=tuple(sorted(containers, key=lambda found: str(found["Name"]))),
        stopped=tuple(sorted(names_of(summary)[0] for summary in summaries if summary["State"] not in RUNNING)),
        networks=tuple(sorted(networks, key=lambda found: (found["Name"], found["Id"]))),
        images=_images(engine, containers),
        image_volumes=_image_volumes(engine, containers),
    )


def _images(engine: Engine, containers: Iterable[Json]) -> dict[str, ImageState | None]:
    references = {str(word) for found in containers for word in (found["Image"], found["Config"]["Image"])}
    return {reference: image_state(engine, reference) for reference in sorted(references)}


def _image_volumes(engine: Engine, containers: Iterable[Json]) -> dict[str, frozenset[str]]:
    found = {}
    for image_id in sorted({str(one["Image"]) for one in containers if one["Config"].get("Volumes")}):
        with suppress(NotFoundError):
            config = engine.inspect_image(image_id).get("Config") or {}
            found[image_id] = frozenset(config.get("Volumes") or {})
    return found
