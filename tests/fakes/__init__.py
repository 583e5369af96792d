"""
A cluster in memory that plays the ports: hosts, engines, store, clock, and what goes wrong with them.

    cluster = Cluster(hosts=3, joined=True)
    fleet = FakeFleet(cluster, "my-topology")

It behaves like Debian's engine 20.10.5 with consul; tests/conformance holds it to that.
"""

from __future__ import annotations

from tests.fakes.cluster import BUSYBOX, CONSUL, Cluster
from tests.fakes.faults import Fault, Faults, Killed
from tests.fakes.fleet import OPERATOR, FakeClock, FakeFleet
from tests.fakes.state import Effect, Touched

__all__ = [
    "BUSYBOX",
    "CONSUL",
    "OPERATOR",
    "Cluster",
    "Effect",
    "FakeClock",
    "FakeFleet",
    "Fault",
    "Faults",
    "Killed",
    "Touched",
]
