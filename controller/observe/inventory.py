"""All that runs on a host, whoever made it: what an import of running hosts reads. Nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.errors import NotFoundError
from controller.observe.container import names_of
from controller.observe.host import RUNNING
from controller.observe.image import image_of

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
        image_volumes: Id of an image -> paths that it makes volumes of.
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
    images = _images(engine, containers)
    return Inventory(
        host=host,
        facts=facts,
        info=info,
        containers=tuple(sorted(containers, key=lambda found: str(found["Name"]))),
        stopped=tuple(sorted(names_of(summary)[0] for summary in summaries if summary["State"] not in RUNNING)),
        networks=tuple(sorted(networks, key=lambda found: (found["Name"], found["Id"]))),
        images={reference: image_of(found) if found else None for reference, found in images.items()},
        image_volumes={
            found["Id"]: frozenset((found.get("Config") or {}).get("Volumes") or {})
            for found in images.values()
            if found
        },
    )


def _images(engine: Engine, containers: Iterable[Json]) -> dict[str, Json | None]:
    """Return id, or reference as a container names it -> ``GET /images/{name}/json``, None for one that is gone."""
    found: dict[str, Json | None] = {}
    for reference in sorted({str(word) for one in containers for word in (one["Image"], one["Config"]["Image"])}):
        try:
            found[reference] = engine.inspect_image(reference)
        except NotFoundError:
            found[reference] = None
    return found
