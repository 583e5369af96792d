"""Options of the whole test run, and the fixtures that tests on real hosts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ("tests.lab.fixtures", "tests.lab.registry")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``: write what a golden test got instead of comparing it."""
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing with them")
