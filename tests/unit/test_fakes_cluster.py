"""The simulated cluster where no real one can be asked: what happens to it from outside, and how it is copied."""

from __future__ import annotations

import time

import pytest

from controller.errors import EngineError, NotFoundError, UnreachableError
from controller.model.identity import STORE_CONTAINER
from controller.ports import Ping
from tests.fakes import CONSUL, Cluster, FakeFleet

OVERLAY = {
    "Driver": "overlay",
    "CheckDuplicate": True,
    "IPAM": {"Config": [{"Subnet": "10.60.0.0/24", "Gateway": "10.60.0.1", "IPRange": "10.60.0.128/25"}]},
}


def run(fleet: FakeFleet, host: str, name: str, ip: str = "", restart: str = "") -> None:
    """Create and start a container on ov1."""
    endpoint = {"IPAMConfig": {"IPv4Address": ip} if ip else None}
    config = {
        "Image": "busybox:1",
        "Cmd": ["sleep", "1000"],
        "HostConfig": {"NetworkMode": "ov1", "RestartPolicy": {"Name": restart}},
        "NetworkingConfig": {"EndpointsConfig": {"ov1": endpoint}},
    }
    fleet.engine(host).create_container(name, config)
    fleet.engine(host).start_container(name)


@pytest.fixture
def cluster() -> Cluster:
    """Three hosts that use the store."""
    return Cluster(joined=True)


@pytest.fixture
def fleet(cluster: Cluster) -> FakeFleet:
    """Its fleet, with c1 on h1 and c2 on h2, both on ov1."""
    found = FakeFleet(cluster, "lab")
    found.engine("h1").create_network("ov1", OVERLAY)
    run(found, "h1", "c1", "10.60.0.11", "always")
    run(found, "h2", "c2", "10.60.0.12", "always")
    return found


def reached(fleet: FakeFleet, host: str, name: str, target: str) -> bool:
    """Whether *target* answers a container."""
    pid = fleet.engine(host).inspect_container(name)["State"]["Pid"]
    return fleet.shell(host).ping([Ping(pid, "/etc/resolv.conf", target)])[0].reached


def names(fleet: FakeFleet, host: str) -> set[str]:
    """Return the names of the endpoints on ov1 as a host sees them."""
    return {endpoint["Name"] for endpoint in fleet.engine(host).inspect_network("ov1")["Containers"].values()}


def test_a_copy_is_equal_and_independent(cluster: Cluster, fleet: FakeFleet) -> None:
    copied = cluster.copy()
    assert copied.snapshot(ids=True) == cluster.snapshot(ids=True)
    FakeFleet(copied).engine("h1").remove_container("c1", force=True)
    assert copied.snapshot() != cluster.snapshot()
    assert fleet.engine("h1").inspect_container("c1")["State"]["Running"]


def test_two_ways_to_the_same_state_are_equal_but_for_the_ids(cluster: Cluster, fleet: FakeFleet) -> None:
    before = cluster.copy()
    fleet.engine("h1").remove_container("c1", force=True)
    assert cluster.snapshot() != before.snapshot()
    run(fleet, "h1", "c1", "10.60.0.11", "always")
    assert cluster.snapshot() == before.snapshot()
    assert cluster.snapshot(ids=True) != before.snapshot(ids=True)


def test_answers_may_be_changed_by_who_gets_them(cluster: Cluster, fleet: FakeFleet) -> None:
    before = cluster.snapshot(ids=True)
    found = fleet.engine("h1").inspect_container("c1")
    found["Config"]["Labels"]["x"] = "1"
    found["HostConfig"]["RestartPolicy"]["Name"] = "no"
    found["NetworkSettings"]["Networks"]["ov1"]["IPAMConfig"].clear()
    fleet.engine("h1").inspect_network("ov1")["IPAM"]["Config"].clear()
    assert cluster.snapshot(ids=True) == before


def test_a_power_cut_leaves_ghosts_that_go_with_the_next_boot(cluster: Cluster, fleet: FakeFleet) -> None:
    cluster.crash("h2")
    with pytest.raises(UnreachableError):
        fleet.engine("h2").version()
    assert names(fleet, "h1") == {"c1", "c2"}
    assert not reached(fleet, "h1", "c1", "10.60.0.12")
    with pytest.raises(EngineError, match="endpoint with name c2 already exists"):
        run(fleet, "h1", "c2")
    cluster.boot("h2")
    assert names(fleet, "h1") == {"c1"}
    state = fleet.engine("h2").inspect_container("c2")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 255)
    with pytest.raises(EngineError, match="failed get network namespace"):
        fleet.engine("h2").start_container("c2")
    cluster.repair_engine("h2")
    assert reached(fleet, "h1", "c1", "c2")


def test_without_the_store_overlays_are_hidden_and_traffic_goes_on(cluster: Cluster, fleet: FakeFleet) -> None:
    assert cluster.store is not None
    cluster.store.up = False
    assert "ov1" not in [network["Name"] for network in fleet.engine("h1").networks()]
    with pytest.raises(NotFoundError):
        fleet.engine("h1").inspect_network("ov1")
    store = fleet.store()
    assert store is not None
    with pytest.raises(UnreachableError):
        store.nodes()
    assert reached(fleet, "h1", "c1", "c2")
    fleet.engine("h1").stop_container("c1")
    with pytest.raises(NotFoundError):
        fleet.engine("h1").start_container("c1")
    cluster.store.up = True
    assert names(fleet, "h2") == {"c1", "c2"}
    with pytest.raises(EngineError, match="endpoint with name c1 already exists"):
        fleet.engine("h1").start_container("c1")


def test_a_pulled_cable_cuts_the_data_path(cluster: Cluster, fleet: FakeFleet) -> None:
    assert reached(fleet, "h1", "c1", "c2")
    cluster.unplug("h2")
    with pytest.raises(UnreachableError):
        fleet.shell("h2").facts("lab")
    assert not reached(fleet, "h1", "c1", "10.60.0.12")
    cluster.plug("h2")
    assert reached(fleet, "h1", "c1", "c2")


def test_a_poisoned_pair_does_not_reach_each_other(cluster: Cluster, fleet: FakeFleet) -> None:
    cluster.unreachable_pairs.add(frozenset(("c1", "c2")))
    assert not reached(fleet, "h1", "c1", "10.60.0.12")


def test_a_killed_daemon_is_back_with_what_always_restarts(cluster: Cluster, fleet: FakeFleet) -> None:
    run(fleet, "h1", "c3", restart="unless-stopped")
    cluster.kill_engine("h1")
    found = {item["Names"][0]: item["State"] for item in fleet.engine("h1").containers()}
    assert found == {"/c1": "running", "/c3": "exited"}
    assert names(fleet, "h2") == {"c1", "c2"}


def test_a_registration_outlives_its_daemon_for_a_while(cluster: Cluster, fleet: FakeFleet) -> None:
    store = fleet.store()
    assert store is not None
    cluster.crash("h3")
    assert len(store.nodes()) == 3
    fleet.clock.sleep(120)
    assert len(store.nodes()) == 2


def test_a_process_that_ends_obeys_its_restart_policy(cluster: Cluster, fleet: FakeFleet) -> None:
    run(fleet, "h1", "c3")
    cluster.exit_container("h1", "c1", 1)
    cluster.exit_container("h1", "c3", 1)
    states = {item["Names"][0]: item["State"] for item in fleet.engine("h1").containers()}
    assert states == {"/c1": "restarting", "/c3": "exited"}
    assert names(fleet, "h2") == {"c2"}


def test_a_placed_store_answers_while_its_container_runs() -> None:
    cluster = Cluster(placed_on="h1")
    fleet = FakeFleet(cluster)
    store = fleet.store()
    assert store is not None
    with pytest.raises(UnreachableError):
        store.nodes()
    host_config = {"NetworkMode": "host", "RestartPolicy": {"Name": "always"}}
    fleet.engine("h1").create_container(STORE_CONTAINER, {"Image": "consul:1.8", "HostConfig": host_config})
    fleet.engine("h1").start_container(STORE_CONTAINER)
    for host in cluster.hosts:
        cluster.join(host)
    assert len(store.nodes()) == 3
    fleet.engine("h2").create_network("ov1", OVERLAY)
    run(fleet, "h1", "c1", "10.60.0.11", "always")
    fleet.shell("h1").restart_engine()
    assert fleet.engine("h1").inspect_container("c1")["State"]["Running"]
    fleet.engine("h1").stop_container(STORE_CONTAINER)
    with pytest.raises(NotFoundError):
        fleet.engine("h3").inspect_network("ov1")


def test_an_image_is_pulled_from_the_clusters_registry(cluster: Cluster) -> None:
    engine = FakeFleet(cluster).engine("h1")
    cluster.registry["web:2"] = CONSUL
    engine.pull_image("web:2", list[str]().append)
    assert engine.inspect_image("web:2")["Config"]["Entrypoint"] == ["consul"]
    with pytest.raises(EngineError):
        engine.pull_image("web:3", list[str]().append)


def test_twenty_containers_take_a_few_milliseconds(cluster: Cluster) -> None:
    fleet = FakeFleet(cluster)
    fleet.engine("h1").create_network("ov1", OVERLAY)
    began = time.process_time()
    for number in range(20):
        run(fleet, f"h{number % 3 + 1}", f"c{number}", f"10.60.0.{number + 10}")
    assert time.process_time() - began < 0.2
