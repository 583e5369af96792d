"""What a container's network_mode may be, and what it excludes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Facts = Callable[..., list[tuple[str, str]]]


_SHARED = "the network of another container is not taken: it goes away when that one is replaced"


def one(more: str) -> str:
    return f"containers:\n  aa: {{host: h1, image: busybox:1, {more}}}\n"


@pytest.mark.parametrize(
    "more",
    [
        "network_mode: none",
        "network_mode: host, hostname: web, expose: [80], sysctls: {kernel.shmmax: 1}",
        "network_mode: bridge, ports: [80:80], sysctls: {net.core.somaxconn: 1}",
        "network_mode: none, sysctls: {net.core.somaxconn: 1}",
        "network_mode: , networks: [web]",
    ],
)
def test_a_mode_is_taken_with_what_fits_it(more: str, facts_of: Facts) -> None:
    assert facts_of(one(more)) == []


@pytest.mark.parametrize(
    ("more", "path", "fact"),
    [
        ("network_mode: bridge, networks: [web]", "network_mode", "it is on networks, too (16:58)"),
        ("network_mode: host, ports: [80:80]", "ports", "with network_mode host (16:50) no port is published"),
        ("network_mode: none, ports: [80]", "ports", "with network_mode none (16:50) no port is published"),
        (
            "network_mode: host, sysctls: {net.core.somaxconn: 1}",
            "sysctls.net.core.somaxconn",
            "with network_mode host (16:50) net.core.somaxconn is the host's own",
        ),
        ("network_mode: hots", "network_mode", "expected none, host or bridge, got the text 'hots'"),
        ("network_mode: 'service:db'", "network_mode", f"'service:db': {_SHARED}"),
        ("network_mode: 'container:db'", "network_mode", f"'container:db': {_SHARED}"),
    ],
)
def test_a_mode_that_does_not_fit_is_an_error(more: str, path: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(one(more)) == [(f"containers.aa.{path}", fact)]
