"""GPUs of a container: every spelling is one request to the engine, and what is wrong is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.model.container_fields import BY_NAME, told, too_new
from controller.model.topology import Container

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.topology.load import Loaded

    Facts = Callable[..., list[tuple[str, str]]]


def container(gpus: Any) -> Container:
    return Container.model_validate({"host": "h1", "image": "busybox:1", "gpus": gpus})


def request(**more: Any) -> dict[str, Any]:
    """Return a request of the engine's API, for all GPUs unless it says otherwise."""
    return {"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}, **more}


SPELLINGS: list[tuple[Any, list[dict[str, Any]]]] = [
    ("all", [request()]),
    (2, [request(Count=2)]),
    ("2", [request(Count=2)]),
    ([{}], [request()]),
    ([{"count": "all"}], [request()]),
    ([{"count": -1}], [request()]),
    ([{"driver": "nvidia", "count": 1}], [request(Driver="nvidia", Count=1)]),
    ([{"device_ids": [0, "GPU-3a"]}], [request(Count=0, DeviceIDs=["0", "GPU-3a"])]),
    ([{"capabilities": ["utility", "gpu"]}], [request(Capabilities=[["gpu", "utility"]])]),
    ([{"options": {"a": 1}}, {"count": 1}], [request(Options={"a": "1"}), request(Count=1)]),
]


@pytest.mark.parametrize(("written", "requests"), SPELLINGS)
def test_each_spelling_is_told_as_requests_and_read_again_as_itself(
    written: Any, requests: list[dict[str, Any]]
) -> None:
    found = container(written)
    assert told(found)["HostConfig"]["DeviceRequests"] == requests
    assert container(found.model_dump(mode="json")["gpus"]) == found


def test_no_request_is_not_told_at_all() -> None:
    assert "DeviceRequests" not in told(container([]))["HostConfig"]


def test_the_order_of_ids_and_capabilities_makes_no_difference_and_alternatives_are_shown() -> None:
    row = BY_NAME["gpus"]
    one = request(Count=0, DeviceIDs=["1", "0"], Capabilities=[["utility", "gpu"], ["compute"]])
    assert row.read({"DeviceRequests": [one]}) == {
        "0.device_ids": "0,1",
        "0.capabilities": "compute or gpu,utility",
    }
    assert row.read({"DeviceRequests": None}) == row.read({}) == {}


def test_an_option_is_compared_also_when_it_is_empty_and_never_shown() -> None:
    row = BY_NAME["gpus"]
    assert row.read({"DeviceRequests": [request(Options={"a": ""})]}) == {
        "0.count": "all",
        "0.capabilities": "gpu",
        "0.options.a": "",
    }
    assert row.hides("0.options.a")
    assert not row.hides("0.count")


def test_an_engine_before_19_03_would_ignore_them() -> None:
    assert list(too_new(container("all"), (18, 9))) == [("gpus", (19, 3))]
    assert not list(too_new(container("all"), (19, 3)))


@pytest.mark.parametrize(
    ("written", "path", "fact"),
    [
        ("0", "gpus", "0 is not a number of GPUs"),
        ("some", "gpus", "'some' is not a number of GPUs"),
        ("true", "gpus", "True is not a number of GPUs"),
        ("[{count: 0}]", "gpus[0].count", "0 is not a number of GPUs"),
        ("[{}, {count: 1, device_ids: [a]}]", "gpus[1]", "it names GPUs, and counts them"),
        ("[{device_ids: [a, a]}]", "gpus[0].device_ids[1]", "'a' stands twice"),
        ("[{device_ids: ['a,b']}]", "gpus[0].device_ids[0]", "'a,b' is not the id of a GPU"),
        ("[{capabilities: ['']}]", "gpus[0].capabilities[0]", "'' is not a capability of a driver"),
        ("[{driver: a b}]", "gpus[0].driver", "'a b' is not one word"),
    ],
)
def test_a_wrong_request_gets_one_message(written: str, path: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(f"containers:\n  aa: {{host: h1, image: i, gpus: {written}}}\n") == [
        (f"containers.aa.{path}", fact)
    ]


def test_a_variable_may_hold_a_count(read: Callable[..., Loaded], head: str) -> None:
    text = "containers:\n  aa: {host: h1, image: i, gpus: $N}\n  bb: {host: h1, image: i, gpus: [{count: $N}]}\n"
    found = read(f"{head}{text}", {"N": "2"}).topology.containers
    assert found["aa"].gpus == found["bb"].gpus == container(2).gpus
