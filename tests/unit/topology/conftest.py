"""Topologies for the tests: small ones that are right, to which a test adds one mistake."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.topology.load import Loaded, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEAD = """\
version: 1
name: test
store: consul://192.168.112.10:8500
hosts:
  h1: {address: 192.168.112.11}
  h2: {address: 192.168.112.12}
  gone: {address: 192.168.112.13, state: absent}
  outside: {address: 192.168.112.14, member: false}
networks:
  web:
    ipam: {config: [{subnet: 10.0.0.0/24, aux_addresses: {router: 10.0.0.9}}]}
  back:
    ipam: {config: [{subnet: 10.0.1.0/24}]}
  free: {}
"""


@pytest.fixture
def head() -> str:
    """Return the start of a right topology: hosts and networks."""
    return HEAD


@pytest.fixture
def read() -> Callable[..., Loaded]:
    """Load a text as t.yaml."""

    def run(text: str, env: Mapping[str, str] | None = None) -> Loaded:
        return loads(dedent(text).encode(), Path("t.yaml"), env or {})

    return run


@pytest.fixture
def problems_of(read: Callable[..., Loaded]) -> Callable[..., list[str]]:
    """Return the lines that loading a text gives, errors and warnings, without the hints."""

    def run(text: str, env: Mapping[str, str] | None = None) -> list[str]:
        try:
            found = read(text, env).warnings
        except TopologyError as error:
            found = error.problems
        return [f"{problem.severity}: {problem}" for problem in found]

    return run


@pytest.fixture
def facts_of(read: Callable[..., Loaded]) -> Callable[..., list[tuple[str, str]]]:
    """Return path and fact of each problem of HEAD with *more* behind it, or of *whole*."""

    def run(more: str = "", *, whole: str | None = None, env: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
        try:
            found = read(HEAD + dedent(more) if whole is None else whole, env).warnings
        except TopologyError as error:
            found = error.problems
        return [(problem.path, problem.fact) for problem in found]

    return run
