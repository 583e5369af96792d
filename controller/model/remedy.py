"""Remedies: what an action may do beyond the plain way; each action declares a closed list of them."""

from __future__ import annotations

from typing import Literal

Remedy = Literal[
    "retry",
    "clear-leaked-endpoint",
    "clear-ghost-address",
    "free-leaked-address",
    "correct-leaked-count",
    "release-leaked-pool",
    "reattach",
    "restart",
]
"""
retry: a transient engine error, after a backoff · clear-leaked-endpoint: an endpoint of this container's name without a
container · clear-ghost-address: an endpoint that holds this container's fixed address without a container. These two
by forced disconnect, only under the knife rule (``controller.apply.knife``). · free-leaked-address: this container's
fixed address, taken in the store for no endpoint · correct-leaked-count: more endpoints counted than there are, which
keeps this network from being removed · release-leaked-pool: an address pool of no network that overlaps with this one.
These three in the store, under the same rule (``controller.apply.leaks``). · reattach: disconnect and connect our
containers of one network on one host. · restart: stop and start the container.
"""

JOINING: tuple[Remedy, ...] = ("retry", "clear-leaked-endpoint", "clear-ghost-address", "free-leaked-address")
"""Those of whatever joins a container to its networks."""
