"""
What engines were seen to say: the inspections of the lab's matrix, one file for each engine, replayed by unit tests.

``ENGINE.jsonl.gz`` has a line for the engine, one for each declaration of each case, and one for a host on which
everything runs. ``make corpus`` records them anew. Nothing here needs an engine but ``record``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from controller.model.observed import EngineState
from controller.observe.container import container_state
from controller.observe.image import image_of
from controller.observe.network import network_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.ports import Json

FOLDER = Path(__file__).parent
TOPOLOGY = "matrix"
"""Name of the topology that everything in the corpus belongs to."""


@dataclass(frozen=True)
class Corpus:
    """
    What was recorded of one engine.

    Args:
        state: The engine, with nothing on it.
        containers: Name of a case and "first" or "second" -> inspection of the container that was made of it.
        networks: The same of networks, as a list of networks shows them.
        host: The engine with everything on it.
    """

    state: EngineState
    host: EngineState
    containers: dict[tuple[str, str], Json]
    networks: dict[tuple[str, str], Json]


def read(engine: str) -> Corpus:
    """Return what is on file of *engine*."""
    lines = [json.loads(line) for line in gzip.decompress(_file(engine).read_bytes()).splitlines()]
    said, whole = (next(line[kind] for line in lines if kind in line) for kind in ("engine", "host"))
    parts: dict[str, dict[tuple[str, str], Json]] = {
        kind: {(line[kind], line["which"]): line["found"] for line in lines if kind in line}
        for kind in ("container", "network")
    }
    images = {reference: image_of(found) for reference, found in said["images"].items()}
    state = EngineState(
        version=said["version"],
        cluster_store="",
        cluster_advertise="",
        swarm=False,
        live_restore=False,
        containers=(),
        networks=(),
        images=images,
        lacks=frozenset(said["lacks"]),
    )
    containers = tuple(container_state(found) for found in whole["containers"])
    networks = tuple(network_state(found) for found in whole["networks"])
    host = replace(state, containers=containers, networks=networks)
    return Corpus(state, host, parts["container"], parts["network"])


def write(engine: str, lines: Iterable[Json]) -> int:
    """Put *lines* on file, the same bytes for the same lines; return how many bytes that are."""
    text = "".join(json.dumps(line, separators=(",", ":"), sort_keys=True) + "\n" for line in lines)
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    _file(engine).write_bytes(packed)
    return len(packed)


def size_bytes(engine: str) -> int:
    """Return how large the file of *engine* is."""
    return _file(engine).stat().st_size


def _file(engine: str) -> Path:
    return FOLDER / f"{engine}.jsonl.gz"
