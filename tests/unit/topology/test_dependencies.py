"""What may be said of the containers that one depends on, and what is refused with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Facts = Callable[..., list[tuple[str, str]]]


def waiting(depends_on: str, check: str = "") -> str:
    """Return the containers bb, with *depends_on*, and aa, with the healthcheck *check*."""
    healthcheck = f", healthcheck: {check}" if check else ""
    return (
        f"containers:\n  bb: {{host: h1, image: busybox, depends_on: {depends_on}}}\n"
        f"  aa: {{host: h2, image: busybox{healthcheck}}}\n"
    )


@pytest.mark.parametrize(
    "depends_on",
    [
        "[aa]",
        "{aa: }",
        "{aa: {}}",
        "{aa: {condition: service_started}}",
        "{aa: {condition: service_healthy, required: true, restart: false}}",
    ],
)
def test_what_can_be_awaited_is_taken(depends_on: str, facts_of: Facts) -> None:
    assert facts_of(waiting(depends_on)) == []


@pytest.mark.parametrize(
    ("how", "path", "fact"),
    [
        (
            "{condition: service_completed_successfully}",
            ".condition",
            "service_completed_successfully is not taken: work may take any time, so that nothing bounds the wait",
        ),
        (
            "{restart: true}",
            ".restart",
            "restart: true is not taken: a container is restarted for its own fields alone",
        ),
        (
            "{condition: service_healthy, required: false}",
            ".required",
            "required: false is not taken: what a container depends on is declared",
        ),
        ("{condition: healthy}", ".condition", "expected service_started or service_healthy, got the text 'healthy'"),
        ("{required: 1}", ".required", "expected true or false, got the number 1"),
        ("{conditions: service_healthy}", ".conditions", "unknown key"),
        ("service_healthy", "", "expected a mapping, got the text 'service_healthy'"),
    ],
)
def test_what_cannot_be_awaited_is_refused(how: str, path: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(waiting(f"{{aa: {how}}}")) == [(f"containers.bb.depends_on.aa{path}", fact)]


@pytest.mark.parametrize(
    ("depends_on", "at", "fact"),
    [("[aa, aa]", 1, "'aa' stands twice"), ("[1]", 0, "expected the name of a container")],
)
def test_a_list_names_each_container_once(depends_on: str, at: int, fact: str, facts_of: Facts) -> None:
    assert facts_of(waiting(depends_on)) == [(f"containers.bb.depends_on[{at}]", fact)]


@pytest.mark.parametrize("check", ["{disable: true}", "{test: [NONE]}"])
def test_the_health_of_a_container_whose_healthcheck_is_switched_off_cannot_be_awaited(
    check: str, facts_of: Facts
) -> None:
    fact = "container aa has its healthcheck switched off, and never becomes healthy"
    healthy = "{aa: {condition: service_healthy}}"
    assert facts_of(waiting(healthy, check)) == [("containers.bb.depends_on.aa.condition", fact)]
    assert facts_of(waiting("[aa]", check)) == []
    assert facts_of(waiting(healthy, "{test: 'true'}")) == []
