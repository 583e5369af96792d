"""
The form of a container's GPUs: what topology.yaml may say of them, and the one form that it becomes.

As in ``container_values``; there is a file of its own for it because it is a request to a driver, not a value.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from controller.model.container_values import each, read_word
from controller.model.forms import FrozenModel, TextMap, problem, problems

ALL = -1
"""The count that stands for every GPU of the host."""

_HINT = "write all, or how many"


def read_count(value: Any) -> Any:
    """Read ``all`` or a number of GPUs, 1 at least; all are -1."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if text in ("all", str(ALL)):
        return ALL
    if not text.isascii() or not text.isdigit() or len(text) > 4 or int(text) == 0:  # noqa: PLR2004 - digits
        raise problem(f"{value!r} is not a number of GPUs", _HINT)
    return int(text)


def read_capability(item: Any) -> str:
    """Read one capability of a driver."""
    if not isinstance(item, str) or not item or any(letter.isspace() or letter == "," for letter in item):
        raise problem(f"{item!r} is not a capability of a driver", "write gpu, compute or utility, say")
    return item


def read_device_id(item: Any) -> str:
    """Read the id of a GPU, or its number, which becomes text."""
    text = str(item) if isinstance(item, (str, int)) and not isinstance(item, bool) else ""
    if not text or any(letter.isspace() or letter == "," for letter in text):
        raise problem(
            f"{item!r} is not the id of a GPU", "write one of those that `nvidia-smi -L` shows, or its number"
        )
    return text


class Gpu(FrozenModel):
    """A request for GPUs; without count and device_ids it is for all of them."""

    driver: Annotated[str, BeforeValidator(read_word)] | None = Field(
        default=None, description="Driver; one that has the capabilities without it.", examples=["nvidia"]
    )
    count: Annotated[int, BeforeValidator(read_count, json_schema_input_type=str | int)] | None = Field(
        default=None, description="How many, or all; not beside device_ids."
    )
    device_ids: Annotated[
        tuple[str, ...], BeforeValidator(each(read_device_id, alone=False), json_schema_input_type=list[str | int])
    ] = Field(default=(), description="Which ones, by id or number.", examples=[["0", "3"]])
    capabilities: Annotated[
        tuple[str, ...], BeforeValidator(each(read_capability, alone=False), json_schema_input_type=list[str])
    ] = Field(default=(), description="What the driver is to be capable of, beside gpu.", examples=[["utility"]])
    options: TextMap = Field(default_factory=dict, description="Options of the driver.")


def read_gpus(value: Any) -> Any:
    """Read ``all`` or a number as one request for so many; in a list, a count excludes ids."""
    if isinstance(value, (str, int)):
        return ({"count": read_count(value)},)
    if not isinstance(value, (list, tuple)):
        return value
    wrong = [
        {"fact": "it names GPUs, and counts them", "hint": "leave out count or device_ids", "fix": None, "at": at}
        for at, item in enumerate(value)
        if isinstance(item, dict) and item.get("count") is not None and item.get("device_ids")
    ]
    if wrong:
        raise problems(wrong)
    return tuple(value)
