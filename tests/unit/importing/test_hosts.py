"""What runs on hosts becomes a topology that declares it as it is: adopted, nothing is left to do."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.cli import root
from controller.cli.import_ import write_private
from controller.errors import UsageError
from controller.model.identity import LABEL_TOPOLOGY
from controller.observe.inventory import take_inventory
from controller.topology.importing.running import FromHosts, import_hosts
from controller.topology.importing.untold import untold
from controller.topology.load import loads
from tests.fakes import Cluster, FakeFleet
from tests.unit.reconcile.adoptions import NamedWorld, adopt, adopted, disowned, hand, made_by_hand
from tests.unit.reconcile.field_cases import CASES, Case
from tests.unit.reconcile.worlds import World, container, topologies, topology

if TYPE_CHECKING:
    from controller.model.topology import Topology
    from controller.topology.importing.file import Imported

FILE = Path("topology.yaml")
PROJECT = "shop"
RUN: dict[str, Any] = {"Image": "busybox:1", "Cmd": ["sleep", "9"]}


def imported(cluster: Cluster) -> Imported:
    """Import all hosts of the cluster."""
    wanted = FromHosts(project=PROJECT, hosts={name: {"address": host.address} for name, host in cluster.hosts.items()})
    return import_hosts(take_inventory(FakeFleet(cluster, PROJECT), cluster.hosts, PROJECT), wanted, FILE)


def read(made: Imported) -> Topology:
    """Return the topology that was written; no variable is in it."""
    return loads(made.text.encode(), FILE, {}).topology


def facts(made: Imported) -> list[str]:
    """Return what is said about the import."""
    return [problem.fact for problem in made.warnings]


def run(cluster: Cluster, name: str, host: str = "h1", **more: Any) -> str:
    """Let somebody run a container."""
    engine = FakeFleet(cluster, by_hand=True).engine(host)
    made = engine.create_container(name, {**RUN, **more})
    engine.start_container(made)
    return made


def nothing_is_left_to_do(cluster: Cluster) -> None:
    """Import and adopt everything, and see that the plan is empty."""
    world = NamedWorld(read(imported(cluster)), cluster)
    report = adopt(world)
    assert report is None or report.ok
    plan = world.plan()
    kinds = {item.address.kind for item in (*plan.items, *(blocked.item for blocked in plan.blocked))}
    # with nothing to adopt nothing is recorded
    assert kinds <= ({"store"} if report is None else set()), (plan.items, plan.blocked)


@pytest.mark.parametrize("value", ["first", "second"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.named)
def test_every_plain_field_is_imported_as_it_was_asked_for_by_hand(case: Case, value: str) -> None:
    world = World(topology({"c1": case.declared(getattr(case, value))}, ("web",)))
    World(topology({}, ("web",)), world.cluster).converge()
    disowned(world)
    made_by_hand(world, "c1")
    made = imported(world.cluster)
    assert not [fact for fact in facts(made) if case.field in fact]
    nothing_is_left_to_do(world.cluster)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(CASES), unique_by=lambda case: case.field, max_size=12))
def test_any_mixture_of_plain_fields_is_imported_adopted_and_left_alone(cases: list[Case]) -> None:
    declared: dict[str, Any] = {}
    for case in cases:
        declared |= {**dict(case.also), case.field: case.first}
    if "memswap_limit" in declared:
        declared["mem_limit"] = "64m"
    world = World(topology({"c1": container(**declared)}, ("web",)))
    World(topology({}, ("web",)), world.cluster).converge()
    disowned(world)
    made_by_hand(world, "c1")
    nothing_is_left_to_do(world.cluster)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topologies())
def test_whatever_others_made_is_imported_adopted_and_left_alone(desired: Topology) -> None:
    # copies of configs are ovctl's own files: no topology mounts them as others do
    plain = {name: one.model_copy(update={"configs": ()}) for name, one in desired.containers.items()}
    world = World(desired.model_copy(update={"containers": plain}))
    world.converge()
    disowned(world)
    done = len(world.cluster.effects)
    nothing_is_left_to_do(world.cluster)
    assert {effect.method for effect in world.cluster.effects[done:]} <= {"write_record", "put"}


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z]{1,5}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    )
)
def test_any_environment_is_imported_as_it_is(environment: dict[str, str]) -> None:
    cluster = Cluster(1, store=False)
    run(cluster, "web", Env=[f"{name}={value}" for name, value in environment.items()])
    assert read(imported(cluster)).containers["web"].environment == environment
    nothing_is_left_to_do(cluster)


def test_a_dollar_is_no_variable_in_what_is_imported() -> None:
    cluster = Cluster(1, store=False)
    run(cluster, "web", Cmd=["echo", "$HOME ${A} $$"], Labels={"a": "$b"}, Env=["A=$B"])
    found = read(imported(cluster)).containers["web"]
    assert found.command == ("echo", "$HOME ${A} $$")
    assert (found.labels, found.environment) == ({"a": "$b"}, {"A": "$B"})


def test_no_value_of_a_variable_is_said_and_the_file_says_that_they_are_in_it() -> None:
    cluster = Cluster(1, store=False)
    run(cluster, "web", Env=["PASSWORD=hunter2"], HostConfig={"OomScoreAdj": 5})
    made = imported(cluster)
    said = "\n".join(line for problem in made.warnings for line in problem.lines())
    assert "hunter2" not in said
    assert "hunter2" in made.text
    assert "host/h1: values of environment variables stand in this file" in said
    assert "host/h1: containers.web: HostConfig.OomScoreAdj is left out: a topology has no such field" in said
    assert "  # HostConfig.OomScoreAdj is left out" in made.text


def test_what_an_image_brings_along_is_not_declared() -> None:
    cluster = Cluster(1, store=False)
    image = {"Env": ["A=1", "B=2"], "Labels": {"x": "y"}, "Cmd": ["serve"], "Entrypoint": None, "User": "app"}
    cluster.add_image("h1", "app:1", image)
    run(cluster, "web", Image="app:1", Cmd=None, Env=["B=3"])
    found = read(imported(cluster)).containers["web"]
    assert (found.environment, found.labels, found.command, found.user) == ({"B": "3"}, {}, None, None)
    nothing_is_left_to_do(cluster)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"Labels": {LABEL_TOPOLOGY: "another"}}, "it is topology/another's"),
        ({"Labels": {"com.docker.swarm.task.id": "x"}}, "it is a task of a swarm"),
        ({"HostConfig": {"NetworkMode": "host"}}, "its network mode is host, which a topology cannot say"),
        ({"HostConfig": {"NetworkMode": "none"}}, "its network mode is none, which a topology cannot say"),
        (
            {"HostConfig": {"AutoRemove": True}},
            "it was started with --rm, and nothing of it is left once it ends: that cannot be adopted",
        ),
    ],
)
def test_what_cannot_come_along_is_left_out_with_its_reason(more: dict[str, Any], why: str) -> None:
    cluster = Cluster(1, store=False)
    run(cluster, "web", **more)
    made = imported(cluster)
    assert facts(made) == [f"container web on h1 is left out: {why}"]
    assert f"# container web on h1 is left out: {why}" in made.text
    assert read(made).containers == {}


def test_of_two_containers_of_one_name_the_second_is_left_out_and_what_does_not_run_is_told() -> None:
    cluster = Cluster(2, store=False)
    run(cluster, "web")
    run(cluster, "web", "h2")
    run(cluster, "done", "h2", Cmd=["true"])
    made = imported(cluster)
    assert facts(made) == [
        "container web on h2 is left out: one of that name runs on h1, and names are unique",
        "not running on h2, and left out: done",
    ]
    assert read(made).containers["web"].host == "h1"


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"HostConfig": {"CpuQuota": 20_000}}, "cpus is left out: a topology cannot say what it has there"),
        ({"HostConfig": {"PublishAllPorts": True}}, "all exposed ports are published (-P): declare those that matter"),
        ({"HostConfig": {"Binds": ["/a:/b:ro,z"]}}, "volumes: the option z of /b is left out: it is not taken"),
        (
            {"HostConfig": {"Mounts": [{"Type": "tmpfs", "Target": "/t"}]}},
            "the mount at /t is left out: a topology has no mounts of type tmpfs",
        ),
        (
            {"HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "::1", "HostPort": "80"}]}}},
            "ports: 80 on an IPv6 address of the host is left out",
        ),
    ],
)
def test_what_a_topology_cannot_say_of_a_container_is_told(more: dict[str, Any], fact: str) -> None:
    cluster = Cluster(1, store=False)
    run(cluster, "web", **more)
    made = imported(cluster)
    assert any(said.startswith(fact) for said in facts(made))
    assert "web" in read(made).containers


def test_a_volume_without_a_name_is_told_unless_its_image_makes_it() -> None:
    found: dict[str, Any] = {"Config": {"Volumes": {"/data": {}, "/cache": {}}}, "HostConfig": {}}
    assert [fact for fact, _ in untold(found, frozenset(["/cache"]))] == [
        "the volume at /data has no name: a replacement gets an empty one"
    ]


def test_a_network_that_differs_between_hosts_is_that_of_the_first_and_told() -> None:
    cluster = Cluster(2, store=False)
    for host, subnet in (("h1", "10.80.0.0/24"), ("h2", "10.81.0.0/24")):
        engine = FakeFleet(cluster, by_hand=True).engine(host)
        engine.create_network("lan", {"IPAM": {"Config": [{"Subnet": subnet}]}})
        engine.create_network("idle", {"IPAM": {"Config": [{"Subnet": f"10.9{host[1]}.0.0/24"}]}})
        run(cluster, f"web-{host}", host, HostConfig={"NetworkMode": "lan"})
    made = imported(cluster)
    assert "network lan on h2 differs from that of h1" in facts(made)
    assert "network idle on h1 is left out: no container that comes along is on it" in facts(made)
    assert str(read(made).networks["lan"].ipam.config[0].subnet) == "10.80.0.0/24"


def test_networks_that_a_topology_does_not_make_are_external() -> None:
    cluster = Cluster(1, store=False)
    engine = FakeFleet(cluster, by_hand=True).engine("h1")
    engine.create_network("phys", {"Driver": "macvlan", "IPAM": {"Config": [{"Subnet": "10.80.0.0/24"}]}})
    engine.create_network("theirs", {"Labels": {LABEL_TOPOLOGY: "another"}})
    for network in ("phys", "theirs"):
        run(cluster, f"on-{network}", HostConfig={"NetworkMode": network})
    made = imported(cluster)
    assert {name: network.external for name, network in read(made).networks.items()} == {"phys": True, "theirs": True}
    assert "it is used as it is, as an external network: it is topology/another's" in facts(made)
    nothing_is_left_to_do(cluster)


def test_an_overlay_comes_with_its_store_and_hosts_without_it_are_no_members() -> None:
    world = World(topology({"c1": container()}, ("web",), hosts={"h1": {"address": "192.168.112.11"}}))
    world.converge()
    disowned(world)
    found = read(imported(world.cluster))
    assert found.store is not None
    assert found.store.url == "consul://192.168.112.10:8500"
    assert {name: host.member for name, host in found.hosts.items()} == {"h1": True, "h2": False, "h3": False}
    assert found.networks["web"].driver == "overlay"
    nothing_is_left_to_do(world.cluster)


def test_what_was_imported_is_destroyed_once_it_is_adopted() -> None:
    cluster = Cluster(1, store=False)
    run(cluster, "web")
    world = adopted(NamedWorld(read(imported(cluster)), cluster))
    destroyed = world.destroy()
    assert destroyed is not None
    assert destroyed.ok
    assert hand(world).containers() == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["import"], "say what is to be imported"),
        (["import", "--compose", "c.yaml", "--from-host", "h1=10.1.0.1"], "say what is to be imported"),
        (["import", "--compose", "c.yaml"], "--compose needs a host to run on"),
        (["import", "--compose", "c.yaml", "--host", "h=10.1.0.1", "--sudo"], "--sudo has no meaning with --compose"),
        (["import", "--from-host", "h1=10.1.0.1"], "goes into a file of yours alone"),
        (
            ["import", "--from-host", "h1=10.1.0.1", "--store", "x", "-o", "t"],
            "--store has no meaning with --from-host",
        ),
        (["import", "--from-host", "h1=nowhere", "-o", "t.yaml"], "--from-host h1=nowhere: not a host name"),
        (["import", "--from-host", "h1=10.1.0.1", "--project", "-", "-o", "t.yaml"], "--project -: it is not a name"),
    ],
)
def test_options_that_do_not_fit_are_refused(said: list[str], message: str) -> None:
    result = CliRunner().invoke(root, said)
    assert isinstance(result.exception, UsageError)
    assert message in result.exception.message


def test_what_is_written_is_for_its_owner_alone_and_replaces_no_file(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    write_private(file, "a")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="such a file already"):
        write_private(file, "b")
    assert file.read_text() == "a"


def test_an_address_in_the_dynamic_range_is_left_out_and_told_before_it_changes() -> None:
    cluster = Cluster(1, store=False)
    engine = FakeFleet(cluster, by_hand=True).engine("h1")
    engine.create_network("lan", {"IPAM": {"Config": [{"Subnet": "10.80.0.0/24"}]}})
    endpoints = {"lan": {"IPAMConfig": {"IPv4Address": "10.80.0.200"}}}
    more: dict[str, Any] = {"HostConfig": {"NetworkMode": "lan"}, "NetworkingConfig": {"EndpointsConfig": endpoints}}
    run(cluster, "web", **more)
    made = imported(cluster)
    assert [fact for fact in facts(made) if fact.startswith("networks.lan.ipv4_address is left out")]
    world = adopted(NamedWorld(read(made), cluster))
    changes = [change.field for item in world.plan().items for change in item.changes]
    assert changes == ["networks.lan.ipv4_address"]


def test_what_another_topology_adopted_is_left_out_like_what_it_made() -> None:
    cluster = Cluster(1, store=False)
    engine = FakeFleet(cluster, by_hand=True).engine("h1")
    engine.create_network("lan", {"IPAM": {"Config": [{"Subnet": "10.80.0.0/24"}]}})
    run(cluster, "web", HostConfig={"NetworkMode": "lan"})
    first = read(imported(cluster)).model_copy(update={"name": "other"})
    adopted(NamedWorld(first, cluster))
    run(cluster, "second", HostConfig={"NetworkMode": "lan"})
    made = imported(cluster)
    assert "container web on h1 is left out: it is topology/other's" in facts(made)
    found = read(made)
    assert (set(found.containers), found.networks["lan"].external) == ({"second"}, True)
