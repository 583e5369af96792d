"""Which interface inside a container bears which IP address: asked of the hosts, side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from controller.errors import OvctlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.observed import Observed
    from controller.model.topology import Topology
    from controller.ports import Fleet

MOST_HOSTS_AT_ONCE = 32


def interfaces(desired: Topology, observed: Observed, fleet: Fleet) -> dict[str, Mapping[str, str]]:
    """Return container name -> IP address -> interface, for the running ones; a host that fails is left out."""
    pids = {
        host: {
            found.name: found.pid for found in engine.containers if found.running and found.name in desired.containers
        }
        for host, engine in observed.engines.items()
    }

    def on(host: str) -> Mapping[int, Mapping[str, str]]:
        try:
            return fleet.shell(host).interfaces(tuple(pids[host].values())) if pids[host] else {}
        except OvctlError:
            return {}  # shown as "-": the addresses themselves are known

    with ThreadPoolExecutor(min(MOST_HOSTS_AT_ONCE, len(pids) or 1)) as pool:
        answers = dict(zip(pids, pool.map(on, pids), strict=True))
    return {name: answers[host].get(pid, {}) for host, found in pids.items() for name, pid in found.items()}
