"""One case for each row of the table of plain fields, and the few verbs with which tests change a container by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.model.container_fields import read_fields
from tests.fakes import FakeFleet
from tests.unit.reconcile.worlds import World, container, topology

if TYPE_CHECKING:
    from controller.model.plan import Plan
    from controller.ports import Engine, Json
    from tests.fakes.state import Container, Host


@dataclass(frozen=True)
class Case:
    """
    A field with two declarations of it.

    Args:
        line: The field as a plan names it when the first becomes the second.
        also: What else is to be declared with it.
    """

    field: str
    first: Any
    second: Any
    line: str = ""
    also: tuple[tuple[str, Any], ...] = ()

    def declared(self, value: Any) -> dict[str, Any]:
        """Return a container that declares *value*."""
        return container(**dict(self.also), **{self.field: value})

    @property
    def named(self) -> str:
        """The line of a plan."""
        return self.line or self.field


CASES = (
    Case("restart", "always", "unless-stopped"),
    Case("domainname", "example.org", "example.net"),
    Case("dns", "10.1.0.53", ["10.1.0.53", "10.1.0.54"]),
    Case("dns_search", "example.org", ["."]),
    Case("dns_opt", ["ndots:2"], ["ndots:3"]),
    Case("extra_hosts", {"db": "10.1.0.9"}, ["db:10.1.0.8"]),
    Case("expose", [80], ["80-81"]),
    Case("tmpfs", "/run", ["/run:size=1m"], "tmpfs./run"),
    Case("healthcheck", {"test": "true"}, {"test": ["CMD", "true"]}, "healthcheck.test"),
    Case("healthcheck", {"interval": "30s"}, {"interval": "31s"}, "healthcheck.interval"),
    Case("cap_add", ["NET_ADMIN"], ["NET_ADMIN", "SYS_PTRACE"]),
    Case("cap_drop", ["ALL"], ["MKNOD"]),
    Case("privileged", first=True, second=False),
    Case("devices", ["/dev/null"], ["/dev/null:/dev/nothing:r"]),
    Case("gpus", "all", 2, "gpus.0.count"),
    Case("gpus", [{"device_ids": [0]}], [{"device_ids": ["0", 1]}], "gpus.0.device_ids"),
    Case("gpus", [{"options": {"a": "1"}}], [{"options": {"a": "2"}}], "gpus.0.options.a"),
    Case("security_opt", ["no-new-privileges"], ["apparmor=unconfined"]),
    Case("sysctls", {"net.core.somaxconn": 512}, {"net.core.somaxconn": 513}, "sysctls.net.core.somaxconn"),
    Case("ulimits", {"nofile": 100}, {"nofile": {"soft": 100, "hard": 200}}, "ulimits.nofile"),
    Case("user", "1000", "1000:10"),
    Case("group_add", [10], ["10", 20]),
    Case("working_dir", "/tmp", "/var/tmp/"),
    Case("init", first=True, second=False),
    Case("ipc", "shareable", "host"),
    Case("pid", "host", None),
    Case("shm_size", "16m", "32m"),
    Case("stdin_open", first=True, second=False),
    Case("tty", first=True, second=False),
    Case("stop_signal", "SIGINT", "USR1"),
    Case("stop_grace_period", "2s", "1m30s"),
    Case("logging", {"driver": "json-file"}, {"driver": "journald"}, "logging.driver"),
    Case("logging", {"options": {"max-size": "1m"}}, {"options": {"max-size": "2m"}}, "logging.options.max-size"),
    Case("cpus", 0.5, "1.25"),
    Case("cpu_shares", 512, 256),
    Case("cpuset", "0,1", "1"),
    Case("mem_limit", "64m", "256m"),
    Case("mem_reservation", "32m", "33m"),
    Case("memswap_limit", "96m", "128m", also=(("mem_limit", "64m"),)),
    Case("pids_limit", 100, -1),
    Case("read_only", first=True, second=False),
    Case("runtime", "runc", "io.containerd.runc.v2"),
)
"""Annotations are missing: the simulated engine does not know them."""

BY_HAND: dict[str, tuple[Json, str]] = {
    "restart": ({"RestartPolicy": {"Name": "no"}}, "restart"),
    "cpus": ({"NanoCpus": 2_000_000_000}, "cpus"),
    "cpu_shares": ({"CpuShares": 9}, "cpu_shares"),
    "cpuset": ({"CpusetCpus": "1"}, "cpuset"),
    "mem_limit": ({"Memory": 48 << 20}, "mem_limit"),
    "mem_reservation": ({"MemoryReservation": 20 << 20}, "mem_reservation"),
    "memswap_limit": ({"MemorySwap": 200 << 20}, "memswap_limit"),
    "pids_limit": ({"PidsLimit": 7}, "pids_limit"),
}
"""Field -> an update that somebody makes by hand."""

LIMITS: dict[str, Any] = {
    "cpus": 0.5,
    "cpu_shares": 512,
    "cpuset": "0-1",
    "mem_limit": "64m",
    "mem_reservation": "32m",
    "memswap_limit": "128m",
    "pids_limit": 100,
}


def applied(declared: dict[str, Any], world: World | None = None) -> World:
    """Return a world in which one container is as declared."""
    found = World(topology({"c1": declared}), world.cluster) if world else World(topology({"c1": declared}))
    found.converge()
    return found


def changed(world: World, declared: dict[str, Any]) -> World:
    """Return the same hosts, under a topology in which the container is declared otherwise."""
    return World(topology({"c1": declared}), world.cluster)


def lines(plan: Plan) -> list[str]:
    """Return the fields that a plan names."""
    return [change.field for item in plan.items for change in item.changes]


def verbs(plan: Plan) -> list[str]:
    """Return what the plan does."""
    return [step.action.verb for step in plan.steps if step.action.verb != "settle"]


def hand(world: World) -> Engine:
    """Return the engine of h1, as somebody at its terminal has it."""
    return FakeFleet(world.cluster, by_hand=True).engine("h1")


def host(world: World) -> Host:
    """Return h1."""
    return world.cluster.hosts["h1"]


def inside(world: World) -> Container:
    """Return the container as the simulated engine keeps it, for a change that no API makes."""
    found = host(world).engine.named("c1")
    assert found is not None
    return found


def fields(world: World) -> dict[str, Any]:
    """Return the container's plain fields, as they are compared."""
    return read_fields(inside(world).config, inside(world).host_config)


def make_again(world: World, like: World) -> None:
    """Let somebody make the container again by hand, with its name and labels, and otherwise as that of *like*."""
    found, other = inside(world), inside(like)
    kept = {key: found.config[key] for key in ("Labels", "Hostname")}
    found.host_config, found.config = other.host_config, {**other.config, **kept}
