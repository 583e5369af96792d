"""What is not adopted: what is somebody else's, or not there, or may be another one by now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller.diff import diff
from controller.errors import RefusedError
from controller.model.identity import LABEL_TOPOLOGY, without_ours
from controller.model.observed import EngineState, HostState, Unknown
from controller.observe import observe
from controller.render.adoption import adoption_text
from tests.fakes import FakeFleet
from tests.unit.reconcile.adoptions import (
    NamedWorld,
    adopt,
    adopted,
    disowned,
    hand,
    joined,
    made_by_hand,
    records,
    shown,
)
from tests.unit.reconcile.worlds import NAME, Silent, World, container, declared, topology

if TYPE_CHECKING:
    from controller.model.observed import NetworkState
    from controller.model.plan import Blocked


def whose(blocked: Blocked) -> str:
    """Return the address that a plan does nothing about."""
    return str(blocked.item.address)


def unmarked(networks: tuple[NetworkState, ...]) -> tuple[NetworkState, ...]:
    """Return *networks* as their engine shows them."""
    return tuple(replace(network, labels=without_ours(network.labels)) for network in networks)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("container/c2", "container/c2: there is none on h2"),
        ("container/c3", "container/c3: on h3 it is topology/another's"),
        ("network/db", "network/db: it is external: used as it is, and never ours"),
        ("container/c9", "container/c9: no container or network of that address is declared"),
        ("host/h1", "host/h1: no container or network of that address is declared"),
        ("c1", "c1: no container or network of that address is declared"),
    ],
)
def test_what_cannot_be_adopted_is_refused_and_nothing_else_is_adopted_either(address: str, why: str) -> None:
    containers = {"c1": container(), "c2": container("h2", number=12), "c3": container("h3", number=13)}
    world = World(topology(containers, {**declared(("web",)), "db": {"external": True}}))
    empty = topology({}, {**declared(("web",)), "db": {"external": True}})
    World(empty, world.cluster).converge()
    made_by_hand(world, "c1")
    made_by_hand(world, "c3", Labels={LABEL_TOPOLOGY: "another"})
    done = len(world.cluster.effects)
    with pytest.raises(RefusedError) as caught:
        adopt(world, "container/c1", address)
    assert caught.value.message == why
    assert len(world.cluster.effects) == done
    assert "topology/another's" in " ".join(blocked.why for blocked in world.plan().blocked)


def test_a_container_that_is_gone_once_it_ends_is_not_adopted() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1", HostConfig={"AutoRemove": True})
    with pytest.raises(RefusedError, match="started with --rm"):
        adopt(world, "container/c1")


@pytest.mark.parametrize("address", ["container/c1", "network/web"])
def test_what_another_topology_adopted_is_theirs(address: str) -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    disowned(world)
    other = NamedWorld(world.topology.model_copy(update={"name": "other"}), world.cluster)
    adopted(other, address)
    assert [blocked.why.partition(" that is ")[2] for blocked in world.plan().blocked if whose(blocked) == address] == [
        "topology/other's"
    ]
    assert address not in {whose(blocked) for blocked in other.plan().blocked}
    with pytest.raises(RefusedError, match="it is topology/other's"):
        adopt(world, address)


@pytest.mark.parametrize("where", ["host", "store"])
def test_nothing_is_adopted_where_another_topologys_record_cannot_be_read(where: str) -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")
    disowned(world)
    if where == "host":
        world.cluster.hosts["h1"].records["other"] = "no record"
    else:
        assert world.cluster.store is not None
        world.cluster.store.keys["ovctl/other/adopted"] = b"no record"
    report = adopt(world)
    assert report is not None
    failed = {one.step.action.address.kind for one in report.outcomes if one.result == "failed"}
    assert failed == {"container" if where == "host" else "network"}


def test_adopting_all_leaves_what_is_somebody_elses_and_says_so() -> None:
    world = joined({"c1": container(), "c2": container("h2", number=12)})
    made_by_hand(world, "c1")
    made_by_hand(world, "c2", Labels={LABEL_TOPOLOGY: "another"})
    world.cluster.faults.unreachable.add("h3")
    plan = shown(world)
    text = adoption_text(plan, colours=False)
    assert "! container/c2: not adopted: on h2 it is topology/another's" in text
    assert "? host/h3 is unknown" in text
    assert text.endswith("adopt: 1 object to write down as ours; none is changed; 1 not adopted")
    adopted(world)
    assert "another" in hand(world, "h2").inspect_container("c2")["Config"]["Labels"][LABEL_TOPOLOGY]


def test_a_container_that_is_another_one_by_now_is_not_adopted() -> None:
    world = joined({"c1": container()})
    made_by_hand(world, "c1")

    def meanwhile(_: object) -> bool:
        hand(world).remove_container("c1", force=True)
        made_by_hand(world, "c1")
        return True

    report = world.cycle().adopt((), meanwhile, Silent(), lambda: False)
    assert report is not None
    assert [one.result for one in report.outcomes] == ["done", "failed"]
    assert "is gone, or another one by now" in report.outcomes[1].detail
    assert records(world).get("h1", "").count("adopted") == 0


def test_whose_an_overlay_is_cannot_be_told_without_the_store() -> None:
    world = joined({"c1": container()})
    disowned(world)
    adopted(world, "network/web")
    observed = replace(observe(world.topology, FakeFleet(world.cluster, NAME)), store=Unknown("no answer"))
    hosts = {
        name: replace(state, engine=replace(state.engine, networks=unmarked(state.engine.networks)))
        for name, state in observed.hosts.items()
        if isinstance(state, HostState) and isinstance(state.engine, EngineState)
    }
    items = diff(world.topology, replace(observed, hosts=hosts)).items
    assert [item.reason for item in items if item.address.kind == "network"] == [
        "host/h1 shows a network named web; whether it is ours cannot be told without the store"
    ]
