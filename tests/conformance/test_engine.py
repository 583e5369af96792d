"""Claims about one host's engine: ``ports.Engine`` without anything that is shared between hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import ConflictError, EngineError, NotFoundError, UnreachableError
from tests.conformance.world import ABSENT, ALONE, container, eventually, overlay, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.ports import Engine, Json
    from tests.conformance.world import World


@pytest.fixture
def engine(world: World) -> Engine:
    """The engine that uses no store."""
    return world.fleet.engine(ALONE)


def test_version_says_which_api_is_in_use(engine: Engine) -> None:
    version = engine.version()
    assert (version["ApiVersion"], version["Version"][:7]) == ("1.41", "20.10.5")


def test_an_engine_without_a_store_reports_none(engine: Engine) -> None:
    info = engine.info()
    assert "ClusterStore" not in info
    assert "ClusterAdvertise" not in info
    assert info["Swarm"]["LocalNodeState"] == "inactive"


def test_an_engine_with_a_store_reports_store_and_advertised_address(world: World) -> None:
    info = world.fleet.engine("h1").info()
    assert (info["ClusterStore"], info["ClusterAdvertise"]) == (world.store_url, f"{world.address('h1')}:2376")


def test_every_engine_has_the_three_predefined_networks(engine: Engine) -> None:
    found = {network["Name"]: (network["Driver"], network["Scope"]) for network in engine.networks()}
    assert (
        found.items() >= {"bridge": ("bridge", "local"), "host": ("host", "local"), "none": ("null", "local")}.items()
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.inspect_container("nobody"),
        lambda engine: engine.inspect_network("nowhere"),
        lambda engine: engine.inspect_image("nothing:1"),
        lambda engine: engine.start_container("nobody"),
        lambda engine: engine.stop_container("nobody"),
        lambda engine: engine.unpause_container("nobody"),
        lambda engine: engine.rename_container("nobody", "somebody"),
        lambda engine: engine.update_container("nobody", {}),
        lambda engine: engine.remove_container("nobody"),
        lambda engine: engine.remove_container("nobody", force=True),
        lambda engine: engine.remove_network("nowhere"),
        lambda engine: engine.connect("bridge", "nobody", {}),
        lambda engine: engine.disconnect("bridge", "nobody"),
        lambda engine: engine.disconnect("bridge", "nobody", force=True),
        lambda engine: engine.disconnect("nowhere", "nobody", force=True),
        lambda engine: engine.create_container("c1", {"Image": "nothing:1"}),
    ],
)
def test_what_is_not_there_is_not_found(engine: Engine, ask: Callable[[Engine], object]) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask(engine)
    assert caught.value.status == 404
    assert caught.value.message.startswith(f"host/{ALONE}: ")


def test_a_host_that_does_not_answer_is_unreachable(world: World) -> None:
    with pytest.raises(UnreachableError):
        world.fleet.engine(ABSENT).containers()


def test_an_overlay_needs_a_store(engine: Engine) -> None:
    with pytest.raises(EngineError, match="This node is not a swarm manager") as caught:
        engine.create_network("ov1", overlay())
    assert caught.value.status == 500


def test_a_container_is_found_by_id_and_name_and_not_by_the_start_of_its_id(engine: Engine) -> None:
    """An engine would take it: a name that nothing bears must never lead to another object."""
    container_id = run(engine, "c1")
    for ref in (container_id, "c1"):
        assert engine.inspect_container(ref)["Id"] == container_id
    start = container_id[:4]
    effects = (engine.inspect_container, engine.stop_container, engine.start_container, engine.remove_container)
    for effect in effects:
        with pytest.raises(NotFoundError):
            effect(start)
    with pytest.raises(NotFoundError):
        engine.update_container(start, {"RestartPolicy": {"Name": "always"}})
    with pytest.raises(NotFoundError):
        engine.disconnect("bridge", start)
    with pytest.raises(ConflictError, match=f"the engine takes {start} for the container c1"):
        engine.disconnect("bridge", start, force=True)
    found = engine.inspect_container("c1")
    assert found["State"]["Running"]
    assert found["NetworkSettings"]["Networks"]["bridge"]["EndpointID"]
    other_id = engine.create_container(start, container())
    assert engine.inspect_container(start)["Id"] == other_id
    engine.remove_container(start)
    engine.remove_container("c1", force=True)


def test_a_name_that_is_taken_is_a_conflict(engine: Engine) -> None:
    engine.create_container("c1", container())
    engine.create_container("c2", container())
    with pytest.raises(ConflictError) as created:
        engine.create_container("c1", container())
    with pytest.raises(ConflictError) as renamed:
        engine.rename_container("c2", "c1")
    assert (created.value.status, renamed.value.status) == (409, 409)


def test_a_name_with_a_space_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError) as caught:
        engine.create_container("a b", container())
    assert caught.value.status == 400


def test_start_and_stop_leave_alone_what_is_so_already(engine: Engine) -> None:
    container_id = run(engine, "c1")
    pid = engine.inspect_container("c1")["State"]["Pid"]
    engine.start_container("c1")
    assert engine.inspect_container("c1")["State"]["Pid"] == pid > 0
    engine.stop_container("c1", timeout_s=0)
    engine.stop_container("c1", timeout_s=0)
    state = engine.inspect_container(container_id)["State"]
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 137, 0)


def test_a_running_container_is_removed_by_force_only(engine: Engine) -> None:
    run(engine, "c1")
    with pytest.raises(ConflictError):
        engine.remove_container("c1")
    engine.remove_container("c1", force=True)
    with pytest.raises(NotFoundError):
        engine.remove_container("c1", force=True)


def test_only_a_paused_container_can_be_unpaused(engine: Engine) -> None:
    run(engine, "c1")
    with pytest.raises(EngineError, match="is not paused") as caught:
        engine.unpause_container("c1")
    assert caught.value.status == 500


def test_a_container_bears_its_new_name(engine: Engine) -> None:
    container_id = engine.create_container("c1", container())
    engine.rename_container("c1", "c2")
    assert engine.inspect_container("c2")["Id"] == container_id
    assert [summary["Names"] for summary in engine.containers()] == [["/c2"]]
    with pytest.raises(EngineError) as caught:
        engine.rename_container("c2", "c2")
    assert caught.value.status == 400


def test_the_restart_policy_can_be_changed_and_labels_cannot(engine: Engine) -> None:
    engine.create_container("c1", container(Labels={"a": "1"}))
    assert engine.inspect_container("c1")["HostConfig"]["RestartPolicy"] == {"Name": "", "MaximumRetryCount": 0}
    policy = {"Name": "on-failure", "MaximumRetryCount": 3}
    engine.update_container("c1", {"RestartPolicy": policy, "Labels": {"b": "2"}})
    found = engine.inspect_container("c1")
    assert (found["HostConfig"]["RestartPolicy"], found["Config"]["Labels"]) == (policy, {"a": "1"})


@pytest.mark.parametrize("policy", [{"Name": "sometimes"}, {"Name": "always", "MaximumRetryCount": 3}])
def test_a_wrong_restart_policy_is_refused(engine: Engine, policy: dict[str, object]) -> None:
    engine.create_container("c1", container())
    with pytest.raises(EngineError) as created:
        engine.create_container("c2", container(HostConfig={"RestartPolicy": policy}))
    with pytest.raises(EngineError) as updated:
        engine.update_container("c1", {"RestartPolicy": policy})
    assert (created.value.status, updated.value.status) == (400, 400)


def test_what_the_image_says_is_merged(engine: Engine) -> None:
    image = engine.inspect_image("busybox:1")
    engine.create_container("c1", {"Image": "busybox:1", "Env": ["A=1"]})
    engine.create_container("c2", {"Image": "busybox:1", "Entrypoint": ["sleep", "9"], "Env": ["PATH=/x"]})
    first, second = (engine.inspect_container(name)["Config"] for name in ("c1", "c2"))
    assert (first["Cmd"], first["Entrypoint"]) == (image["Config"]["Cmd"], image["Config"]["Entrypoint"])
    assert (second["Cmd"], second["Entrypoint"]) == (None, ["sleep", "9"])
    assert first["Env"] == ["A=1", *image["Config"]["Env"]]
    assert second["Env"] == ["PATH=/x"]


def test_the_host_name_is_the_short_id_unless_declared(engine: Engine) -> None:
    container_id = engine.create_container("c1", container())
    engine.create_container("c2", container(Hostname="web"))
    assert engine.inspect_container("c1")["Config"]["Hostname"] == container_id[:12]
    assert engine.inspect_container("c2")["Config"]["Hostname"] == "web"


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("host", "sharing network namespace with another container or host cannot be connected to any other network"),
        ("none", "cannot be connected to multiple networks with one of the networks in private .none. mode"),
    ],
)
def test_a_container_without_a_network_of_its_own_joins_none(engine: Engine, mode: str, why: str) -> None:
    engine.create_network("lan", {"Driver": "bridge"})
    engine.create_container("c1", container(HostConfig={"NetworkMode": mode}))
    for _ in ("created", "running"):
        with pytest.raises(EngineError, match=why) as caught:
            engine.connect("lan", "c1", {})
        assert caught.value.status in (400, 403)
        engine.start_container("c1")
    found = engine.inspect_container("c1")
    assert (found["HostConfig"]["NetworkMode"], list(found["NetworkSettings"]["Networks"])) == (mode, [mode])


def test_a_running_container_leaves_no_network_but_not_that_of_its_host(engine: Engine) -> None:
    engine.create_network("lan", {"Driver": "bridge"})
    run(engine, "c1", HostConfig={"NetworkMode": "host"})
    run(engine, "c2", HostConfig={"NetworkMode": "none"})
    with pytest.raises(EngineError, match="cannot be disconnected from host network"):
        engine.disconnect("host", "c1")
    engine.disconnect("none", "c2")
    engine.connect("lan", "c2", {})
    found = engine.inspect_container("c2")
    assert (found["HostConfig"]["NetworkMode"], list(found["NetworkSettings"]["Networks"])) == ("none", ["lan"])


def test_ports_are_shown_only_while_published_and_only_if_exposed(engine: Engine) -> None:
    ports = {"80/tcp": [{"HostIp": "", "HostPort": "18080"}]}
    run(engine, "c1", ExposedPorts={"80/tcp": {}}, HostConfig={"PortBindings": ports})
    run(engine, "c2", HostConfig={"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "18081"}]}})
    published = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}]}  # noqa: S104 - the text of the engine
    assert engine.inspect_container("c1")["NetworkSettings"]["Ports"] == published
    assert engine.inspect_container("c2")["NetworkSettings"]["Ports"] == {}
    engine.stop_container("c1", timeout_s=0)
    stopped = engine.inspect_container("c1")
    assert (stopped["NetworkSettings"]["Ports"], stopped["HostConfig"]["PortBindings"]) == ({}, ports)


def test_a_port_that_is_taken_fails_the_start(engine: Engine) -> None:
    ports: Json = {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18080"}]}}}
    run(engine, "c1", **ports)
    engine.create_container("c2", container(**ports))
    with pytest.raises(EngineError, match="port is already allocated") as caught:
        engine.start_container("c2")
    state = engine.inspect_container("c2")["State"]
    assert (caught.value.status, state["Status"], state["ExitCode"]) == (500, "created", 128)


def test_a_program_that_ends_is_exited_or_restarting(world: World, engine: Engine) -> None:
    run(engine, "c1", Cmd=["true"])
    run(engine, "c2", Cmd=["false"], HostConfig={"RestartPolicy": {"Name": "always"}})
    assert eventually(world, lambda: engine.inspect_container("c1")["State"]["Status"] == "exited")
    ended = engine.inspect_container("c1")["State"]
    assert (ended["ExitCode"], ended["Running"]) == (0, False)
    waiting = {"Status": "restarting", "ExitCode": 1, "Running": True, "Restarting": True}
    assert eventually(world, lambda: engine.inspect_container("c2")["State"].items() >= waiting.items())


def test_a_program_that_is_not_there_fails_the_start(engine: Engine) -> None:
    engine.create_container("c1", container(Cmd=["nocmd"]))
    with pytest.raises(EngineError) as caught:
        engine.start_container("c1")
    state = engine.inspect_container("c1")["State"]
    assert (caught.value.status, state["Status"], state["ExitCode"]) == (400, "created", 127)
    assert 'exec: "…": executable file not found in $PATH' in caught.value.message
    assert "nocmd" not in caught.value.message


def test_a_local_network_is_on_one_host_only(world: World, engine: Engine) -> None:
    network_id = engine.create_network("lan", {"Driver": "bridge", "IPAM": {"Config": [{"Subnet": "10.70.0.0/24"}]}})
    assert engine.inspect_network("lan")["Id"] == network_id
    with pytest.raises(NotFoundError):
        world.fleet.engine("h1").inspect_network("lan")
    engine.remove_network("lan")
    with pytest.raises(NotFoundError):
        engine.remove_network("lan")


def test_predefined_networks_stay(engine: Engine) -> None:
    with pytest.raises(EngineError) as removed:
        engine.remove_network("bridge")
    with pytest.raises(EngineError) as created:
        engine.create_network("host", {"Driver": "bridge"})
    assert (removed.value.status, created.value.status) == (403, 403)


def test_the_default_bridge_takes_neither_addresses_nor_aliases(engine: Engine) -> None:
    engine.create_container("c1", container())
    for endpoint in ({"IPAMConfig": {"IPv4Address": "172.17.0.9"}}, {"Aliases": ["web"]}):
        with pytest.raises(EngineError) as caught:
            engine.connect("bridge", "c1", endpoint)
        assert caught.value.status == 400


def test_an_image_that_no_registry_has_cannot_be_pulled(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.pull_image("nothing:1", list[str]().append)
