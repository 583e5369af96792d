"""What a container waits for before it is made or started: ``depends_on``, in Compose's two forms."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from controller.model.forms import FrozenModel, problem, problems

_COMPLETED = "service_completed_successfully"


def _condition(value: Any) -> Any:
    if value == _COMPLETED:
        raise problem(
            f"{_COMPLETED} is not taken: work may take any time, so that nothing bounds the wait",
            "apply it first, `ovctl apply --target container/NAME`, and see that it is done",
        )
    return value


def _no_restart(value: bool) -> bool:  # noqa: FBT001 - pydantic calls it with the value alone
    if value:
        raise problem("restart: true is not taken: a container is restarted for its own fields alone", "leave it out")
    return value


def _required(value: bool) -> bool:  # noqa: FBT001 - pydantic calls it with the value alone
    if not value:
        raise problem("required: false is not taken: what a container depends on is declared", "leave it out")
    return value


class Dependency(FrozenModel):
    """What is awaited of a container before one that depends on it is made or started."""

    condition: Annotated[Literal["service_started", "service_healthy"], BeforeValidator(_condition)] = Field(
        default="service_started",
        description="service_started, or service_healthy: its healthcheck, or its image's, has to succeed.",
    )
    restart: Annotated[bool, AfterValidator(_no_restart)] = Field(
        default=False, description="Compose's own default, false, and nothing else.", json_schema_extra={"const": False}
    )
    required: Annotated[bool, AfterValidator(_required)] = Field(
        default=True, description="Compose's own default, true, and nothing else.", json_schema_extra={"const": True}
    )


def read_dependencies(value: Any) -> Any:
    """Read a list of names, or a mapping of names, as what is awaited of each."""
    if isinstance(value, dict):
        return {name: {} if item is None else item for name, item in value.items()}
    if not isinstance(value, list):
        return value
    made: dict[str, Any] = {}
    wrong = []
    for at, name in enumerate(value):
        if not isinstance(name, str):
            wrong.append({"fact": "expected the name of a container", "hint": "write text", "fix": None, "at": at})
        elif name in made:
            wrong.append({"fact": f"{name!r} stands twice", "hint": "remove one", "fix": None, "at": at})
        else:
            made[name] = {}
    if wrong:
        raise problems(wrong)
    return made
