"""A key that Compose has and a topology has not says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.topology.compose import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.topology.load import Loaded

    Facts = Callable[..., list[tuple[str, str]]]


@pytest.mark.parametrize("key", refused())
def test_a_key_of_compose_that_is_refused_says_why(key: str, read: Callable[..., Loaded], head: str) -> None:
    with pytest.raises(TopologyError) as caught:
        read(f"{head}containers:\n  aa: {{host: h1, image: i, {key}: 1}}\n")
    (problem,) = caught.value.problems
    assert problem.fact.startswith(f"Compose's {key} is not taken: ")
    assert problem.hint
    assert str(problem).startswith("t.yaml:16:28: containers.aa.")


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("services: {}", "services"),
        ("defaults: {containers: {build: .}}", "defaults.containers.build"),
        ("containers: {aa: {host: h1, image: i, healthcheck: {start_interval: 1s}}}", "containers.aa.healthcheck"),
    ],
)
def test_other_keys_of_compose_say_why_too(more: str, path: str, facts_of: Facts) -> None:
    ((found, fact),) = facts_of(f"{more}\n")
    assert found.startswith(path)
    assert "is not taken" in fact
