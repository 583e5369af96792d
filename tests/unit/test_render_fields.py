"""docs/fields.md is the table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controller.model.container_config import ContainerConfig
from controller.model.container_fields import FIELDS
from controller.render.fields import fields_text

if TYPE_CHECKING:
    import pytest

CHECKED_IN = Path(__file__).parents[2] / "docs" / "fields.md"


def test_the_page_of_plain_fields_is_the_one_that_is_checked_in(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        CHECKED_IN.write_text(fields_text(), encoding="utf-8")
    assert CHECKED_IN.read_text(encoding="utf-8") == fields_text()


def test_every_declared_plain_field_has_a_row() -> None:
    assert {row.name for row in FIELDS} == {*ContainerConfig.model_fields, "restart"}
