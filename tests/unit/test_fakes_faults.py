"""What goes wrong on purpose in the simulated cluster, and what is noted of each effect."""

from __future__ import annotations

import pytest

from controller.errors import EngineError, LockedError, NotFoundError, UnreachableError
from controller.ports import Holder
from tests.fakes import Cluster, FakeFleet, Killed, Touched

NETWORK = {"Driver": "overlay", "IPAM": {"Config": [{"Subnet": "10.60.0.0/24"}]}, "Labels": {"ours": "yes"}}
CONTAINER = {
    "Image": "busybox:1",
    "Cmd": ["sleep", "9"],
    "HostConfig": {"NetworkMode": "ov1"},
    "Labels": {"ours": "yes"},
}
BROKEN = EngineError("it broke", status=500)


@pytest.fixture
def cluster() -> Cluster:
    """Two hosts that use the store, with ov1."""
    found = Cluster(hosts=2, joined=True)
    FakeFleet(found, by_hand=True).engine("h1").create_network("ov1", NETWORK)
    return found


@pytest.fixture
def fleet(cluster: Cluster) -> FakeFleet:
    """Its fleet."""
    return FakeFleet(cluster, "lab")


def test_the_effect_that_is_meant_fails_and_no_other(cluster: Cluster, fleet: FakeFleet) -> None:
    engine = fleet.engine("h1")
    cluster.faults.fail(BROKEN, nth=2, times=2, method="create_container")
    engine.create_container("c1", CONTAINER)
    for name in ("c2", "c3"):
        with pytest.raises(EngineError, match="it broke") as caught:
            engine.create_container(name, CONTAINER)
        assert caught.value is not BROKEN
        assert caught.value.status == 500
    engine.create_container("c4", CONTAINER)
    assert {item["Names"][0] for item in engine.containers()} == {"/c1", "/c4"}


def test_a_fault_can_wait_for_a_host_and_a_name(cluster: Cluster, fleet: FakeFleet) -> None:
    cluster.faults.fail(BROKEN, host="h2")
    cluster.faults.fail(BROKEN, name="c2")
    fleet.engine("h1").create_container("c1", CONTAINER)
    with pytest.raises(EngineError, match="it broke"):
        fleet.engine("h2").create_container("c1", CONTAINER)
    with pytest.raises(EngineError, match="it broke"):
        fleet.engine("h1").create_container("c2", CONTAINER)


def test_an_effect_whose_answer_is_lost_took_place(cluster: Cluster, fleet: FakeFleet) -> None:
    cluster.faults.fail(UnreachableError("host/h1: the connection broke"), method="create_container", after=True)
    with pytest.raises(UnreachableError):
        fleet.engine("h1").create_container("c1", CONTAINER)
    assert fleet.engine("h1").inspect_container("c1")["State"]["Status"] == "created"


def test_a_failed_start_leaks_its_endpoint_until_another_host_clears_it(cluster: Cluster, fleet: FakeFleet) -> None:
    h1, h2 = fleet.engine("h1"), fleet.engine("h2")
    cluster.faults.fail_start(leak=True)
    h1.create_container("c1", CONTAINER)
    with pytest.raises(EngineError, match="network is unreachable"):
        h1.start_container("c1")
    with pytest.raises(EngineError, match="endpoint with name c1 already exists"):
        h1.start_container("c1")
    (key,) = h1.inspect_network("ov1")["Containers"]
    assert key.startswith("ep-")
    h2.disconnect("ov1", "c1", force=True)
    h1.start_container("c1")


def test_a_start_that_fails_at_random_can_be_tried_again(cluster: Cluster, fleet: FakeFleet) -> None:
    cluster.faults.fail_start()
    fleet.engine("h1").create_container("c1", CONTAINER)
    with pytest.raises(EngineError, match="network is unreachable"):
        fleet.engine("h1").start_container("c1")
    fleet.engine("h1").start_container("c1")


def test_a_killed_process_does_nothing_more_and_frees_its_lock(cluster: Cluster, fleet: FakeFleet) -> None:
    fleet.fence().acquire(timeout_s=0)
    cluster.faults.stop_after(2)
    engine = fleet.engine("h1")
    engine.create_container("c1", CONTAINER)
    with pytest.raises(Killed):
        engine.create_container("c2", CONTAINER)
    for ask in (engine.containers, lambda: engine.start_container("c1"), lambda: fleet.shell("h1").facts("lab")):
        with pytest.raises(Killed):
            ask()
    cluster.faults.resume()
    again = FakeFleet(cluster, "lab")
    again.fence().acquire(timeout_s=0)
    assert len(again.engine("h1").containers()) == 2


def test_hosts_and_engines_that_do_not_answer(cluster: Cluster, fleet: FakeFleet) -> None:
    cluster.faults.unreachable.add("h1")
    cluster.faults.hung_engines.add("h2")
    for ask in (lambda: fleet.shell("h1").facts("lab"), fleet.engine("h1").version, fleet.engine("h2").version):
        with pytest.raises(UnreachableError):
            ask()
    assert fleet.shell("h2").facts("lab").engine_unit == "active"


def test_every_effect_is_noted_with_the_labels_of_what_it_touches(cluster: Cluster, fleet: FakeFleet) -> None:
    FakeFleet(cluster, by_hand=True).engine("h1").create_container("theirs", {"Image": "busybox:1"})
    assert cluster.effects == []
    engine = fleet.engine("h1")
    engine.create_container("c1", CONTAINER)
    engine.remove_container("theirs")
    engine.disconnect("ov1", "c1")
    with pytest.raises(NotFoundError):
        engine.start_container("nobody")
    ours = (("ours", "yes"),)
    assert [(effect.host, effect.method, effect.touched) for effect in cluster.effects] == [
        ("h1", "create_container", (Touched("container", "c1", ours),)),
        ("h1", "remove_container", (Touched("container", "theirs"),)),
        ("h1", "disconnect", (Touched("network", "ov1", ours), Touched("container", "c1", ours))),
        ("h1", "start_container", ()),
    ]


def test_a_knife_is_noted_with_the_container_that_it_hits_elsewhere(cluster: Cluster, fleet: FakeFleet) -> None:
    fleet.engine("h1").create_container("c1", CONTAINER)
    fleet.engine("h1").start_container("c1")
    fleet.engine("h2").disconnect("ov1", "c1", force=True)
    assert Touched("container", "c1", (("ours", "yes"),)) in cluster.effects[-1].touched


def test_reads_are_counted_and_are_no_effects(cluster: Cluster, fleet: FakeFleet) -> None:
    fleet.engine("h1").containers()
    fleet.shell("h2").facts("lab")
    assert dict(cluster.reads) == {("h1", "containers"): 1, ("h2", "facts"): 1}
    assert cluster.effects == []


def test_a_lock_tells_who_holds_it(cluster: Cluster, fleet: FakeFleet) -> None:
    other = FakeFleet(cluster, "lab", holder=Holder("desk", "eve", 7, "2026-01-02T00:00:00Z"))
    other.fence().acquire(timeout_s=0)
    before_s = fleet.clock.monotonic()
    with pytest.raises(LockedError, match="eve@desk, process 7, since 2026-01-02T00:00:00Z"):
        fleet.fence().acquire(timeout_s=30)
    assert fleet.clock.monotonic() - before_s == 30
    FakeFleet(cluster, "another").fence().acquire(timeout_s=0)
