"""Plain fields and what is around them: the image, the kernel, the engine's version, hands, and the time to end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller.diff.container_fields import field_changes, why_unable
from controller.model.container_fields import BY_NAME, read_fields, told_update
from controller.model.topology import Container
from controller.observe.container import container_state
from controller.observe.host import observe_engine
from tests.fakes import FakeFleet
from tests.fakes.cluster import BUSYBOX
from tests.unit.reconcile.field_cases import LIMITS, applied, changed, fields, hand, host, inside, lines, verbs
from tests.unit.reconcile.worlds import World, container, topology

if TYPE_CHECKING:
    from controller.ports import Json

IMAGE: Json = {
    **BUSYBOX,
    "User": "nobody",
    "WorkingDir": "/srv",
    "StopSignal": "SIGQUIT",
    "ExposedPorts": {"80/tcp": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000, "Retries": 5},
}


def with_image(declared: dict[str, Any]) -> World:
    """Return a world whose hosts have an image that says something about fields, with one container as declared."""
    world = World(topology({"c1": {**declared, "image": "rich:1"}}))
    world.cluster.add_image("h1", "rich:1", IMAGE)
    world.converge()
    return world


@pytest.mark.parametrize(
    ("declared", "field", "expected"),
    [
        ({}, "user", "nobody"),
        ({"user": "0"}, "user", "0"),
        ({}, "working_dir", "/srv"),
        ({"working_dir": "/"}, "working_dir", "/"),
        ({}, "stop_signal", "SIGQUIT"),
        ({"stop_signal": "TERM"}, "stop_signal", "SIGTERM"),
        ({"expose": [90]}, "expose", ("80/tcp", "90/tcp")),
        ({"ports": ["8080:70"], "expose": [90]}, "expose", ("70/tcp", "80/tcp", "90/tcp")),
        ({"healthcheck": {"disable": True}}, "healthcheck", {"test": '["NONE"]'}),
        ({"healthcheck": {"test": ["NONE"]}}, "healthcheck", {"test": '["NONE"]'}),
        (
            {"healthcheck": {"interval": "5s", "start_period": "0s"}},
            "healthcheck",
            {"test": '["CMD", "true"]', "interval": "5s", "retries": "5"},
        ),
    ],
)
def test_what_the_image_says_is_merged_with_what_is_declared(
    declared: dict[str, Any], field: str, expected: object
) -> None:
    assert fields(with_image(container(**declared)))[field] == expected


@pytest.mark.parametrize(
    ("declared", "runs"),
    [
        ({}, (["run"], ["fast"])),
        ({"command": []}, (["run"], ["fast"])),
        ({"command": ["slow"]}, (["run"], ["slow"])),
        ({"entrypoint": ["walk"]}, (["walk"], None)),
        ({"entrypoint": ["walk"], "command": []}, (["walk"], None)),
        ({"entrypoint": []}, (None, ["fast"])),
        ({"entrypoint": [], "command": []}, (None, ["fast"])),
        ({"entrypoint": [], "command": ["slow"]}, (None, ["slow"])),
    ],
)
def test_an_empty_command_is_the_images_unless_an_entrypoint_of_its_own_drops_that(
    declared: dict[str, Any], runs: tuple[list[str] | None, list[str] | None]
) -> None:
    usual = {key: value for key, value in container().items() if key != "command"}
    world = World(topology({"c1": {**usual, **declared, "image": "rich:1"}}))
    world.cluster.add_image("h1", "rich:1", {**IMAGE, "Entrypoint": ["run"], "Cmd": ["fast"]})
    world.converge()
    assert (inside(world).config["Entrypoint"], inside(world).config["Cmd"]) == runs


@pytest.mark.parametrize("field", ["user", "working_dir", "stop_signal", "expose", "healthcheck"])
def test_what_is_no_longer_declared_is_the_images_again(field: str) -> None:
    declared: dict[str, Any] = {
        "user": "0",
        "working_dir": "/",
        "stop_signal": "TERM",
        "expose": [90],
        "healthcheck": {"disable": True},
    }
    world = with_image(container(**{field: declared[field]}))
    world = changed(world, {**container(), "image": "rich:1"})
    assert {line.partition(".")[0] for line in lines(world.plan())} == {field}
    world.converge()
    assert fields(world)[field] == read_fields(IMAGE, {})[field]


def test_a_container_whose_image_is_gone_is_compared_with_what_it_has() -> None:
    declared = container(user="0", healthcheck={"interval": "5s"}, expose=[90])
    world = with_image(declared)
    host(world).engine.images.clear()
    assert not lines(world.plan())


@pytest.mark.parametrize(
    ("lacking", "declared"),
    [
        ("MemoryLimit", {"mem_limit": "64m"}),
        ("MemoryLimit", {"mem_reservation": "64m"}),
        ("SwapLimit", {"mem_limit": "64m", "memswap_limit": "96m"}),
        ("CpuCfsQuota", {"cpus": 1}),
        ("CPUShares", {"cpu_shares": 9}),
        ("CPUSet", {"cpuset": "0"}),
        ("PidsLimit", {"pids_limit": 9}),
    ],
)
def test_a_limit_that_the_kernel_cannot_keep_is_a_conflict(lacking: str, declared: dict[str, Any]) -> None:
    world = World(topology({"c1": container(**declared)}))
    host(world).lacks.add(lacking)
    plan = world.plan()
    assert [blocked.why for blocked in plan.blocked if lacking in blocked.why]
    assert "create" not in [step.action.verb for step in plan.steps if step.action.address.name == "c1"]


@pytest.mark.parametrize(
    ("lacking", "declared"),
    [("PidsLimit", {"pids_limit": -1}), ("SwapLimit", {"mem_limit": "64m", "memswap_limit": -1})],
)
def test_no_limit_needs_no_kernel_that_keeps_one(lacking: str, declared: dict[str, Any]) -> None:
    world = World(topology({"c1": container(**declared)}))
    host(world).lacks.add(lacking)
    world.converge()


def test_swap_that_the_kernel_does_not_count_is_no_drift() -> None:
    world = World(topology({"c1": container(mem_limit="64m")}))
    host(world).lacks.add("SwapLimit")
    world.converge()
    assert inside(world).host_config["MemorySwap"] == -1


def test_annotations_that_the_engine_would_drop_are_a_conflict() -> None:
    world = World(topology({"c1": container(annotations={"a": "b"})}))
    (why,) = (blocked.why for blocked in world.plan().blocked)
    assert why == "annotations needs engine 24.0; engine 20.10.5+dfsg1 would ignore it"
    assert hand(world).containers() == []


def test_a_foreign_container_is_told_of_before_what_its_engine_cannot_do() -> None:
    world = World(topology({"c1": container(annotations={"a": "b"})}))
    hand(world).create_container("c1", {"Image": "busybox:1"})
    assert [blocked.why for blocked in world.plan().blocked] == [
        "host/h1 has a container of that name that is not ours; to keep it as it is: `ovctl adopt container/c1`"
    ]


@pytest.mark.parametrize(
    ("release", "declared", "why"),
    [
        ((17, 3), {"healthcheck": {"start_period": "3s"}}, "healthcheck.start_period needs engine 17.05"),
        ((17, 3), {"healthcheck": {"interval": "3s"}}, None),
        ((23, 0), {"annotations": {"a": "b"}}, "annotations needs engine 24.0"),
        ((26, 1), {"annotations": {"a": "b"}}, None),
    ],
)
def test_a_field_is_refused_where_an_engine_would_ignore_it(
    release: tuple[int, int], declared: dict[str, Any], why: str | None
) -> None:
    world = World(topology({}))
    engine = observe_engine(world.topology, FakeFleet(world.cluster), "h1", gateways=False)
    engine = replace(engine, version=f"{release[0]}.{release[1]}.0")
    found = why_unable(Container.model_validate({"host": "h1", "image": "i", **declared}), engine)
    assert found is why is None or (found is not None and why is not None and found.startswith(why))


def test_an_engine_whose_update_ignores_a_limit_replaces_the_container() -> None:
    row = BY_NAME["pids_limit"]
    assert [row.can_update(5, 6, release) for release in ((18, 9), (19, 3))] == [False, True]


def test_an_update_of_what_cannot_be_updated_is_refused() -> None:
    with pytest.raises(ValueError, match="ulimits"):
        told_update(Container.model_validate({"host": "h1", "image": "i"}), ["ulimits"])


def test_a_limit_that_somebody_set_and_nobody_declared_is_taken_back() -> None:
    world = applied(container())
    hand(world).update_container("c1", {"CpuShares": 9})
    plan = world.plan()
    assert (lines(plan), verbs(plan)) == (["cpu_shares"], ["replace"])
    world.converge()


def test_limits_of_a_container_without_a_record_are_compared_only_if_declared() -> None:
    """One that was taken over was not made by a topology: what nobody declares about it is nobody's business."""
    world = applied(container(**LIMITS))
    found = hand(world).inspect_container("c1")
    found["Config"]["Labels"] = {}
    engine = observe_engine(world.topology, FakeFleet(world.cluster), "h1", gateways=False)
    image = engine.images["busybox:1"]
    assert image is not None
    declared = Container.model_validate({"host": "h1", "image": "i", "restart": "always", "cpus": 2})
    changes = field_changes(declared, container_state(found), engine, image)
    assert [change.field for change in changes] == ["cpus"]


def test_a_container_is_given_its_own_time_to_end() -> None:
    world = applied(container(stop_grace_period="1m30s"))
    world = changed(world, container(stop_grace_period="2s"))
    world.converge()
    world = World(topology({}, networks=("web",)), world.cluster)
    world.converge()
    stops = [effect.arguments for effect in world.cluster.effects if effect.method == "stop_container"]
    assert [arguments[-1] for arguments in stops] == [90, 2]
