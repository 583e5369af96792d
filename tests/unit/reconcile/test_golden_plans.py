"""
Plans as plain files: tests/golden/plan/<case>/.

topology.yaml is what is desired; before.yaml, if there, was applied first; by_hand.json, if there, lists what somebody
did then: [host, engine method, arguments…] or ["unreachable", host]. plan.txt and plan.json are what is planned.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.model.desired import retired
from controller.plan import Policy
from controller.render.plan import plan_json, plan_text
from controller.topology.load import load
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.worlds import World

CASES = Path(__file__).parents[2] / "golden" / "plan"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_the_plan_is_the_one_on_file(case: str, request: pytest.FixtureRequest) -> None:
    folder = CASES / case
    desired = load(folder / "topology.yaml", {}).topology
    place = desired.store.place if desired.store else None
    cluster = Cluster(store=desired.store is not None, placed_on=place.host if place else "")
    world = World(desired, cluster, Policy())
    if (folder / "before.yaml").exists():
        World(load(folder / "before.yaml", {}).topology, world.cluster).converge()
    if (folder / "by_hand.json").exists():
        for host, method, *arguments in json.loads((folder / "by_hand.json").read_text()):
            if host == "unreachable":
                world.cluster.faults.unreachable.add(method)
            elif host == "daemon_json":
                world.cluster.hosts[method].daemon_json = arguments[0]
            else:
                getattr(FakeFleet(world.cluster, by_hand=True).engine(host), method)(*arguments)
    topology = retired(desired) if case.startswith("destroy") else desired
    plan = world.cycle(topology).look()[1]
    got = {"plan.txt": plan_text(plan, colours=False) + "\n", "plan.json": json.dumps(plan_json(plan), indent=2) + "\n"}
    for name, text in got.items():
        if request.config.getoption("--update-golden"):
            (folder / name).write_text(text)
        assert text == (folder / name).read_text()
