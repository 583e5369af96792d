"""Record the corpus: bring the lab ``matrix`` up, make each case on each engine, and write down what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from controller.observe.image import image_of
from tests import corpus
from tests.corpus.normal import Normal
from tests.lab.matrix import HOSTS, NAME, everything, made_container, made_network
from tests.unit.reconcile.host_cases import OWN, host_containers, host_networks
from tests.unit.reconcile.object_cases import (
    CASE,
    CONTAINER_CASES,
    NETWORKS,
    OTHER,
    RICH,
    is_able,
    wanted_container,
    wanted_network,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.ports import Json
    from tests.lab.matrix import Matrix


def lines(matrix: Matrix, engine: str) -> Iterator[Json]:
    """Yield the lines of an engine's file."""
    host, normal = HOSTS[engine], Normal()
    client, state = matrix.fleet.engine(host), matrix.engine_state(host)
    images = {}
    for reference in ("busybox:1", OTHER, OWN, RICH):
        found = normal(client.inspect_image(reference))
        images[reference] = {key: found[key] for key in ("Id", "Config")}
        assert image_of(found).id == found["Id"]
    yield {"engine": {"version": state.version, "lacks": sorted(state.lacks), "images": images}}
    containers = [client.inspect_container(name) for name in sorted(host_containers(host))]
    declared = host_networks()
    networks = sorted((one for one in client.networks() if one["Name"] in declared), key=lambda one: str(one["Name"]))
    yield {"host": {"containers": [*map(normal, containers)], "networks": [*map(normal, networks)]}}
    for name, case in CONTAINER_CASES.items():
        for which, value in (("first", case.first), ("second", case.second)) if is_able(case, state) else ():
            wanted = wanted_container(case, value, topology=NAME).containers[CASE]
            yield {"container": name, "which": which, "found": normal(made_container(client, wanted, wanted))}
    for name, pair in NETWORKS.items():
        first, second = (wanted_network(one, topology=NAME).networks[CASE] for one in (pair.first, pair.second))
        found = normal(made_network(client, first, first, {}))
        yield {"network": name, "which": "first", "found": found}
        # what nobody can declare is made under the labels of what is declared
        found = normal(made_network(client, first if pair.by_hand else second, second, pair.by_hand))
        yield {"network": name, "which": "second", "found": found}


def main() -> None:
    """Write the files of all engines."""
    with everything() as matrix:
        recorded = matrix.everywhere(lambda engine: list(lines(matrix, engine)))
    for engine, found in recorded.items():
        click.echo(f"{engine}: {len(found)} lines, {corpus.write(engine, found)} bytes")


if __name__ == "__main__":
    main()
