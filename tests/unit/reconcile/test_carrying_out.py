"""Carrying out: what a review found could go wrong on the way, each as the claim that it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from controller.adapters.engine import DockerEngine
from controller.apply import run
from controller.apply.hands import UNREACHABLE_FOR_S, Hands
from controller.apply.perform import perform
from controller.checks.probe import probe
from controller.checks.verify import ask, judge
from controller.errors import EngineError, HostError, NotFoundError, OvctlError, UnreachableError
from controller.model.action import PlaceStore
from controller.model.identity import ASIDE_SUFFIX, LABEL_TOPOLOGY, Address
from controller.model.topology import StorePlace
from tests.fakes import Cluster, FakeFleet
from tests.fakes.fleet import FakeEngine
from tests.unit.adapters.answers import serving
from tests.unit.reconcile.test_hard_cases import address_of, applied, ghost
from tests.unit.reconcile.worlds import NAME, Silent, World, container, topology

if TYPE_CHECKING:
    from controller.model.action import Action
    from controller.model.plan import Outcome
    from controller.ports import Engine, Json

REFUSED = "no such file"


def by_hand(world: World, host: str = "h1") -> Engine:
    return FakeFleet(world.cluster, by_hand=True).engine(host)


def hands_on(world: World, fleet: FakeFleet | None = None) -> Hands:
    fleet = fleet or FakeFleet(world.cluster, NAME)
    return Hands(fleet, world.topology, fleet.clock)


def failed(world: World) -> list[Outcome]:
    report = world.apply()
    assert report is not None
    return [outcome for outcome in report.outcomes if outcome.result == "failed"]


def cuts(world: World) -> list[str]:
    """Return whose endpoints were taken away."""
    return [str(effect.arguments[1]) for effect in world.cluster.effects if effect.method == "disconnect"]


def foreign(address: str) -> Json:
    return {
        "Image": "busybox:1",
        "Cmd": ["sleep", "9"],
        "HostConfig": {"NetworkMode": "web"},
        "NetworkingConfig": {"EndpointsConfig": {"web": {"IPAMConfig": {"IPv4Address": address}}}},
    }


# The knife.


def haunted(hosts: int) -> World:
    """Return a world in which c1 is wanted on h1 and a ghost bears its name."""
    others = {"c2": container("h2", number=12)}
    world = World(topology(others), Cluster(hosts))
    world.converge()
    ghost(world, "c1", 11)
    return World(topology({"c1": container(), **others}), world.cluster)


def test_nothing_is_cleared_while_a_daemon_that_is_not_in_the_file_is_registered() -> None:
    world = haunted(4)
    world.cluster.join("h4")
    outcomes = failed(world)
    assert any("192.168.112.14:2376 is registered in the store and not in" in outcome.detail for outcome in outcomes)
    assert not cuts(world)
    world.cluster.crash("h4")
    assert any("registered in the store" in outcome.detail for outcome in failed(world))
    world.cluster.pass_time(61)
    world.converge()
    assert address_of(world, "c1") == "10.0.0.11"


def test_a_created_container_of_that_name_may_be_in_the_middle_of_its_start() -> None:
    world = haunted(3)
    by_hand(world, "h3").create_container("c1", foreign("10.0.0.11"))
    assert any("belongs to the container c1 on h3" in outcome.detail for outcome in failed(world))
    assert not cuts(world)


@pytest.mark.parametrize("said", ["listen tcp 0.0.0.0:80: bind: address already in use", "port is already allocated"])
def test_a_port_that_clashes_clears_no_endpoint(said: str) -> None:
    world = haunted(3)
    world.cluster.faults.fail(EngineError(said, status=500), method="start_container", host="h1", times=9)
    assert [outcome.detail for outcome in failed(world)] == [said]
    assert not cuts(world)


# Replacing.


def replacing() -> tuple[World, str]:
    """Return a world in which c1 is to be replaced, and the id of the c1 that runs."""
    world = applied(topology({"c1": container()}))
    before = by_hand(world).inspect_container("c1")["Id"]
    return World(topology({"c1": container(command=["httpd", "-f"])}), world.cluster), before


def test_what_an_interrupted_replacement_left_aside_does_not_stop_the_next() -> None:
    world, before = replacing()
    labels = {LABEL_TOPOLOGY: NAME}
    by_hand(world).create_container(f"c1{ASIDE_SUFFIX}", {**foreign("10.0.0.11"), "Labels": labels})
    world.converge()
    (found,) = by_hand(world).containers()
    assert (found["Names"], found["State"], found["Id"] != before) == (["/c1"], "running", True)


def test_a_container_aside_that_is_not_ours_stops_it_before_anything_is_done() -> None:
    world, before = replacing()
    by_hand(world).create_container(f"c1{ASIDE_SUFFIX}", foreign("10.0.0.11"))
    assert "is not ours" in failed(world)[0].detail
    assert by_hand(world).inspect_container("c1")["State"]["Running"]
    assert by_hand(world).inspect_container("c1")["Id"] == before


@pytest.mark.parametrize("ran", [True, False])
@pytest.mark.parametrize("step", ["update", "stop", "rename", "create", "start"])
def test_a_replacement_that_fails_anywhere_is_rolled_back(step: str, *, ran: bool) -> None:
    world, before = replacing()
    if not ran:
        by_hand(world).stop_container("c1")
    world.cluster.faults.fail(EngineError(REFUSED, status=400), method=f"{step}_container", host="h1")
    (outcome,) = failed(world)
    assert outcome.detail == f"{REFUSED}; rolled back: the old container {'runs' if ran else 'is back'}"
    assert "rolled back: the old container is back in its place" in outcome.notes
    (found,) = by_hand(world).containers()
    policy = by_hand(world).inspect_container("c1")["HostConfig"]["RestartPolicy"]["Name"]
    assert (found["Id"], found["State"], policy) == (before, "running" if ran else "exited", "always")


def test_the_old_container_is_started_again_with_retries() -> None:
    world, before = replacing()
    world.cluster.faults.fail(EngineError(REFUSED, status=400), method="start_container")
    world.cluster.faults.fail_start(times=2)
    assert "rolled back: the old container runs" in failed(world)[0].detail
    assert by_hand(world).inspect_container("c1")["Id"] == before


def test_a_rollback_that_fails_hides_nothing_and_claims_nothing() -> None:
    world, _ = replacing()
    world.cluster.faults.fail(EngineError(REFUSED, status=400), method="start_container")
    world.cluster.faults.fail(EngineError("disk full", status=500), method="start_container", times=9)
    (outcome,) = failed(world)
    assert outcome.detail == f"{REFUSED}; not rolled back: disk full"
    assert not [note for note in outcome.notes if "rolled back" in note]


@pytest.mark.parametrize("method", ["create_container", "rename_container", "stop_container", "remove_container"])
def test_a_replacement_survives_a_lost_answer(method: str) -> None:
    world, before = replacing()
    world.cluster.faults.fail(UnreachableError("host/h1: the connection was closed"), method=method, after=True)
    world.converge()
    assert by_hand(world).inspect_container("c1")["Id"] != before


# Hosts.


def configuring(world: World, host: str = "h2") -> Action:
    return next(step.action for step in world.plan().steps if step.id.startswith(f"configure host/{host}"))


@pytest.mark.parametrize("error", [HostError("does not come up"), UnreachableError("host/h2: ssh: timed out")])
def test_a_daemon_gets_back_what_was_before_us_when_an_earlier_run_was_killed(error: OvctlError) -> None:
    world = World(topology({}))
    found = world.cluster.hosts["h2"]
    found.daemon_json = '{"debug": true}'
    perform_until_written(world)
    world.cluster.faults.fail(error, method="restart_engine", host="h2")
    with pytest.raises(HostError, match=f"{error.message}; rolled back"):
        perform(configuring(world), hands_on(world), list[str]().append)
    assert found.daemon_json == '{"debug": true}'


def perform_until_written(world: World) -> None:
    """Configure h2 until our daemon.json is there; then the process is killed before it restarts the daemon."""
    world.cluster.faults.fail(KilledError("killed"), method="restart_engine", host="h2", times=9)
    fault = world.cluster.faults.planned[-1]
    before = world.cluster.hosts["h2"].daemon_json
    with pytest.raises(KilledError):
        perform(configuring(world), hands_on(world), list[str]().append)
    fault.times = 0
    assert world.cluster.hosts["h2"].daemon_json != before


class KilledError(OvctlError):
    """Stands for a kill: nobody handles it."""


def test_a_daemon_that_ran_with_what_we_wrote_gets_that_back() -> None:
    world = applied(topology({}))
    before = world.cluster.hosts["h2"].daemon_json
    hosts = world.topology.model_dump(mode="json")["hosts"]
    hosts["h2"]["advertise"] = "192.168.112.12:2377"
    world = World(topology({}, hosts=hosts), world.cluster)
    world.cluster.faults.fail(HostError("does not come up"), method="restart_engine", host="h2")
    assert [outcome.detail for outcome in failed(world)] == ["does not come up; rolled back"]
    assert world.cluster.hosts["h2"].daemon_json == before


def test_a_host_that_cannot_be_reached_for_its_rollback_is_told_about() -> None:
    world = World(topology({}))
    lost = UnreachableError("host/h2: ssh: timed out")
    world.cluster.faults.fail(lost, method="restart_engine", host="h2")
    world.cluster.faults.fail(lost, method="write_daemon_json", host="h2", nth=2)
    detail = "host/h2: ssh: timed out; not rolled back: host/h2: ssh: timed out"
    assert [outcome.detail for outcome in failed(world)] == [detail]


def test_a_key_that_somebody_set_since_is_left_to_them() -> None:
    world = applied(topology({}))
    found = world.cluster.hosts["h2"]
    found.daemon_json = json.dumps({**json.loads(found.daemon_json or ""), "cluster-store": "consul://10.9.9.9:8500"})
    report = world.destroy()
    assert report is not None
    assert json.loads(found.daemon_json) == {"cluster-store": "consul://10.9.9.9:8500"}
    notes = [note for outcome in report.outcomes for note in outcome.notes]
    assert "left cluster-store in daemon.json as it is: somebody set it since" in notes
    assert world.cluster.hosts["h1"].daemon_json is None


# Checks.


def test_an_isolation_that_could_not_be_asked_is_not_green() -> None:
    world = applied(topology({"c1": container(), "c2": container("h2", "db")}))
    questions = ask(world.topology, world.cycle().look()[0])
    fleet = FakeFleet(world.cluster, NAME)
    assert [finding.ok for finding in judge(questions, probe(questions, fleet))] == [True, True]
    world.cluster.faults.unreachable.add("h1")
    findings = judge(questions, probe(questions, fleet))
    assert [finding.ok for finding in findings] == [False, True]
    assert "not asked whether it reaches 10.0.1.11 on db: host/h1: ssh" in findings[0].message


# Trying again, and odd answers.


@pytest.mark.parametrize("method", ["create_container", "start_container", "create_network", "put"])
def test_a_request_whose_answer_is_lost_is_made_again(method: str) -> None:
    world = World(topology({"c1": container()}))
    world.cluster.faults.fail(UnreachableError("the connection was closed"), method=method, after=True)
    report = world.apply()
    assert report is not None
    assert report.ok
    assert any("tried again" in note for outcome in report.outcomes for note in outcome.notes)
    assert world.plan().empty


def tries(error: OvctlError, *, joins: bool = False, seconds: float = 0.0) -> int:
    """Return how often a request that always ends with *error* is made."""
    hands = hands_on(World(topology({})))
    made: list[None] = []

    def attempt() -> None:
        made.append(None)
        hands.clock.sleep(seconds)
        raise error

    with pytest.raises(type(error)):
        hands.retrying(attempt, ("retry",), list[str]().append, joins=joins)
    return len(made)


def test_what_is_not_found_is_tried_again_only_where_a_container_joins() -> None:
    assert tries(NotFoundError("network web not found", status=404)) == 1
    assert tries(NotFoundError("network web not found", status=404), joins=True) == 5
    assert tries(NotFoundError("No such container: c1", status=404), joins=True) == 1


def test_a_host_that_stays_silent_is_given_up_in_time() -> None:
    assert tries(UnreachableError("host/h1: timed out")) == 5
    assert tries(UnreachableError("host/h1: timed out"), seconds=UNREACHABLE_FOR_S + 1) == 1


class Odd(FakeEngine):
    """An engine whose networks have no fields."""

    def inspect_network(self, ref: str) -> Json:
        super().inspect_network(ref)
        return {}


class OddFleet(FakeFleet):
    """A fleet of such engines."""

    def engine(self, host: str) -> Engine:
        return Odd(self.cluster, host)


def test_an_answer_that_cannot_be_read_fails_its_step_and_not_the_run() -> None:
    world = applied(topology({}, networks=()))
    world = World(topology({"c1": container()}, networks=("web",)), world.cluster)
    plan = world.plan()
    by_hand(world).create_network("web", {"Driver": "overlay"})
    fleet = OddFleet(world.cluster, NAME)
    fleet.fence().acquire(timeout_s=1)
    report = run(plan, hands_on(world, fleet), fleet.fence(), Silent(), lambda: False)
    details = [outcome.detail for outcome in report.outcomes if outcome.result == "failed"]
    assert details == ["an answer that cannot be read: KeyError: 'Scope'"]


# The store, and the adapter's answers.


def test_the_stores_port_leads_to_consuls_own() -> None:
    cluster = Cluster(placed_on="h1")
    world = World(topology({}), cluster)
    place = StorePlace(host="h1", image="consul:1.8")
    address = Address("store", "consul")
    perform(
        PlaceStore(address=address, host="h1", reason="", place=place, port=18500, labels={LABEL_TOPOLOGY: NAME}),
        hands_on(world),
        list[str]().append,
    )
    found: dict[str, Any] = by_hand(world).inspect_container("ovctl-store")
    assert found["HostConfig"]["PortBindings"] == {"8500/tcp": [{"HostPort": "18500"}]}
    assert list(found["Config"]["ExposedPorts"]) == ["8500/tcp"]


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"{", b"null", b'{"Id":1}'])
def test_a_creation_whose_answer_has_no_id_is_an_engine_error(answer: bytes) -> None:
    with serving() as peer:
        peer.answers["GET", "/version"] = (200, b'{"Version":"20.10.5","ApiVersion":"1.41","MinAPIVersion":"1.12"}')
        peer.answers["POST", "/v1.41/networks/create"] = (201, answer)
        peer.answers["POST", "/v1.41/containers/create?name=a"] = (201, answer)
        engine = DockerEngine(peer)
        with pytest.raises(EngineError, match="host/h1: engine: an answer that cannot be read"):
            engine.create_network("web", {})
        with pytest.raises(EngineError, match="host/h1: engine: an answer that cannot be read"):
            engine.create_container("a", {})
        engine.close()
