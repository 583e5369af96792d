"""Cases for what is no plain field: networks, and a container's image, words, volumes, ports and attachments."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.diff import diff
from controller.diff.container_fields import why_unable
from controller.model.observed import DaemonState, HostState, Observed
from controller.model.topology import Topology
from tests.unit.reconcile.field_cases import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.model.observed import EngineState
    from controller.ports import Json

CASE = "case"
"""Name of the object that a case is about."""
OTHER = "other:1"
"""busybox:1 with another file in it."""
RICH = "rich:1"
RICH_CONFIG: Json = {
    "Entrypoint": ["sleep"],
    "Cmd": ["infinity"],
    "Env": ["PATH=/bin", "A=image", "B=image"],
    "Labels": {"a": "image", "b": "image"},
    "ExposedPorts": {"81/tcp": {}},
    "Volumes": {"/var/data": {}},
    "User": "65534",
    "WorkingDir": "/tmp",
    "StopSignal": "SIGINT",
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000},
}
"""An image that brings everything that an image can bring."""

LANS: Json = {
    "lan": {
        "driver": "bridge",
        "enable_ipv6": True,
        "ipam": {"config": [{"subnet": "10.70.0.0/24"}, {"subnet": "fd00:70::/64"}]},
    },
    "lan2": {"driver": "bridge", "ipam": {"config": [{"subnet": "10.71.0.0/24"}]}},
}
"""Networks that containers are on."""

_RICH = (("image", RICH),)

FORMS = (
    Case("image", "busybox:1", OTHER),
    Case("command", ["sleep", "1000"], "sleep 1001"),
    Case("entrypoint", ["sh"], "sh -c"),
    Case("environment", {"A": "1", "B": ""}, ["A=2", "B="], "environment.A"),
    Case("environment", {"A": "1"}, {"A": "1", "C": "1"}, "environment.C"),
    Case("labels", {"a": "1", "b": ""}, ["a=2", "b="], "labels.a"),
    Case("hostname", "one", "two"),
    Case("volumes", ["data:/data"], ["data:/data:ro"], "volumes./data"),
    Case("volumes", [{"type": "volume", "source": "data", "target": "/data"}], ["more:/data:rw"], "volumes./data"),
    Case(
        "volumes",
        ["/srv:/srv"],
        [{"type": "bind", "source": "/srv", "target": "/srv", "read_only": True}],
        "volumes./srv",
    ),
    Case("volumes", ["/srv:/srv:ro"], ["data:/data", "/srv:/srv:ro"], "volumes./data"),
    Case("ports", ["8080:80"], ["8081:80"], "ports.80/tcp"),
    Case("ports", ["80"], ["127.0.0.1::80"], "ports.80/tcp"),
    Case("ports", ["127.0.0.1:8000-8001:80-81"], ["127.0.0.1:8000-8001:80-81", "53:53/udp"], "ports.53/udp"),
    Case(
        "ports",
        [{"target": 80, "published": "8080"}],
        [{"target": 80, "published": 8080, "host_ip": "127.0.0.1"}],
        "ports.80/tcp",
    ),
    Case("ports", ["0.0.0.0:53:53/udp"], ["53:53/udp", "53:53/tcp"], "ports.53/tcp"),
    Case("network_mode", "none", "host"),
    Case("network_mode", "bridge", "none"),
    Case("networks", {"lan": {"ipv4_address": "10.70.0.11"}}, {"lan": {}}, "networks.lan.ipv4_address"),
    Case(
        "networks",
        {"lan": {"ipv6_address": "FD00:70:0::11"}},
        {"lan": {"ipv6_address": "fd00:70::12"}},
        "networks.lan.ipv6_address",
    ),
    Case("networks", {"lan": {"aliases": ["www", "web"]}}, {"lan": {"aliases": ["www"]}}, "networks.lan.aliases"),
    Case(
        "networks",
        {"lan": {"mac_address": "02-42-C0-A8-02-0B"}},
        {"lan": {"mac_address": "02:42:c0:a8:02:0c"}},
        "networks.lan.mac_address",
    ),
    Case("networks", ["lan"], ["lan", "lan2"], "networks.lan2"),
    Case(
        "networks",
        {"lan": {"priority": 1}, "lan2": {"ipv4_address": "10.71.0.11", "aliases": ["second"]}},
        {"lan": {}, "lan2": {"ipv4_address": "10.71.0.11", "aliases": ["second"], "priority": 1}},
        "network_mode",
    ),
    Case("command", ["1000"], ["1001"], also=_RICH),
    Case("command", [], ["1001"], also=_RICH),
    Case("entrypoint", ["sh"], "sh -c", also=_RICH),
    Case("entrypoint", [], ["sh"], also=(*_RICH, ("command", ["1000"]))),
    Case("user", "1", "2", also=(*_RICH, ("entrypoint", []))),
    Case("environment", {"A": "1"}, {"A": "2"}, "environment.A", also=_RICH),
    Case("labels", {"a": "1"}, {"a": "2"}, "labels.a", also=_RICH),
    Case("expose", [80], [81, 82], also=_RICH),
    Case("user", "1000", "1001", also=_RICH),
    Case("working_dir", "/", "/bin", also=_RICH),
    Case("stop_signal", "SIGTERM", "SIGUSR1", also=_RICH),
    Case("healthcheck", {"timeout": "5s"}, {"timeout": "6s"}, "healthcheck.timeout", also=_RICH),
    Case("healthcheck", {"test": "true"}, {"test": ["CMD", "false"]}, "healthcheck.test", also=_RICH),
    Case("healthcheck", {"disable": True}, {"test": ["CMD", "false"]}, "healthcheck.test"),
    Case("user", "3", "4", also=(*_RICH, ("healthcheck", {"disable": True}))),
    Case("volumes", ["data:/var/data"], ["more:/var/data"], "volumes./var/data", also=_RICH),
)
"""Besides each form of a field: what is merged with an image that brings the same."""

ANNOTATIONS = Case("annotations", {"org.example.a": "1"}, {"org.example.a": "2"}, "annotations.org.example.a")
"""For engines alone: the simulated one does not know them."""

_NET = {"subnet": "10.72.0.0/24"}
_NET6 = {"subnet": "fd00:72::/64"}


def _net(*pools: Json, **more: Any) -> Json:
    ipam: Json = {"config": list(pools or (_NET,)), **more.pop("ipam", {})}
    return {"driver": "bridge", "ipam": ipam, **more}


def _both(**pool: Any) -> Json:
    return _net(_NET, _NET6 | pool, enable_ipv6=True)


@dataclass(frozen=True)
class NetworkCase:
    """
    A network as it is declared, and as it is declared, or made by somebody, in another way.

    Args:
        line: The field as a plan names it when the network is the second and the first is declared.
        second: Another declaration; the first one, where *by_hand* says what differs.
        by_hand: What somebody says to the engine that nobody can declare.
    """

    line: str
    first: Json
    second: Json
    by_hand: Json = field(default_factory=dict)


NETWORK_CASES = (
    NetworkCase("ipam.config.subnet", _net(), _net({"subnet": "10.72.0.0/25"})),
    NetworkCase("ipam.config.subnet", _both(), _both(subnet="fd00:72:0:1::/64")),
    NetworkCase("ipam.config.gateway", _net(_NET | {"gateway": "10.72.0.3"}), _net(_NET | {"gateway": "10.72.0.4"})),
    NetworkCase("ipam.config.gateway", _both(gateway="fd00:72::0:3"), _both(gateway="fd00:72::4")),
    NetworkCase(
        "ipam.config.ip_range", _net(_NET | {"ip_range": "10.72.0.64/26"}), _net(_NET | {"ip_range": "10.72.0.64/27"})
    ),
    NetworkCase(
        "ipam.config.ip_range", _both(ip_range="fd00:72:0:0:4000::/66"), _both(ip_range="fd00:72:0:0:4000::/67")
    ),
    NetworkCase(
        "ipam.config.aux_addresses",
        _net(_NET | {"aux_addresses": {"a": "10.72.0.5", "b": "10.72.0.6"}}),
        _net(_NET | {"aux_addresses": {"a": "10.72.0.5"}}),
    ),
    NetworkCase(
        "ipam.config.aux_addresses",
        _both(aux_addresses={"a": "FD00:72:0::5"}),
        _both(aux_addresses={"a": "fd00:72::6"}),
    ),
    NetworkCase(
        "ipam.options.team",
        _net(ipam={"driver": "default", "options": {"team": "net"}}),
        _net(ipam={"options": {"team": "other"}}),
    ),
    NetworkCase("internal", _net(internal=True), _net()),
    NetworkCase("attachable", _net(attachable=True), _net()),
    NetworkCase("enable_ipv6", _both(), _both(), {"EnableIPv6": False}),
    NetworkCase("driver_opts.com.docker.network.driver.mtu", _net(mtu=1400), _net(mtu=1401)),
    NetworkCase(
        "driver_opts.com.docker.network.bridge.enable_icc",
        _net(driver_opts={"com.docker.network.bridge.enable_icc": "false"}),
        _net(driver_opts={"com.docker.network.bridge.enable_icc": "true"}),
    ),
    NetworkCase("labels.a", _net(labels={"a": "1", "b": ""}), _net(labels=["a=2", "b="])),
    NetworkCase("driver", _net(), _net(), {"Driver": "macvlan", "Options": {"parent": "eth0"}}),
)
"""``ipam.driver`` is missing: engines bring another one, null, and make no bridge with it ("ipv4 pool is empty")."""


def numbered(declared: Json, number: int) -> Json:
    """Return a network of the cases on addresses of its own, so that all of them can be on one host at once."""
    text = json.dumps(declared).replace("10.72.", f"10.{72 + number}.")
    found: Json = json.loads(
        text.replace("fd00:72:", f"fd00:{72 + number}:").replace("FD00:72:", f"FD00:{72 + number}:")
    )
    return found


def _named(lines: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    names = []
    for line in lines:
        seen[line] += 1
        names.append(line if seen[line] == 1 else f"{line} ({seen[line]})")
    return names


_CONTAINERS = (*CASES, ANNOTATIONS, *FORMS)
CONTAINER_CASES = dict(zip(_named(case.named for case in _CONTAINERS), _CONTAINERS, strict=True))
"""All cases of containers, each by a name of its own."""
NETWORKS = dict(zip(_named(case.line for case in NETWORK_CASES), NETWORK_CASES, strict=True))
"""All cases of networks, each by a name of its own."""


def wanted_container(case: Case, value: Any, *, topology: str, host: str = "h1", address: str = "10.1.0.1") -> Topology:
    """Return a topology with a container ``case`` that declares *value*, and the networks that it may be on."""
    usual = {"host": host, "image": "busybox:1", "command": ["sleep", "infinity"]}
    if ("image", RICH) in case.also:
        del usual["command"]
    return _topology(topology, host, address, containers={CASE: {**usual, **dict(case.also), case.field: value}})


def wanted_network(declared: Json, *, topology: str, host: str = "h1", address: str = "10.1.0.1") -> Topology:
    """Return a topology with a network ``case`` and somebody on it."""
    user = {"host": host, "image": "busybox:1", "networks": [CASE]}
    return _topology(topology, host, address, networks={CASE: declared}, containers={"user": user})


def _topology(name: str, host: str, address: str, **more: Any) -> Topology:
    usual = {"version": 1, "name": name, "hosts": {host: {"address": address}}, "networks": LANS}
    return Topology.model_validate({**usual, **more})


def is_able(case: Case, state: EngineState) -> bool:
    """Whether the engine can do all that *case* declares; else ovctl refuses it there."""
    declared = (wanted_container(case, value, topology=CASE).containers[CASE] for value in (case.first, case.second))
    return all(why_unable(container, state) is None for container in declared)


def differences(wanted: Topology, state: EngineState) -> list[str]:
    """
    Return the fields in which ``case`` is not as *wanted*, each once: a port that moved is two lines of a plan.

    Args:
        state: The engine, with the object among what it holds.

    Raises:
        ValueError: The object is not there, or nothing can be done about it.
    """
    daemon = DaemonState(text=None, settings={}, problem=None, arguments=(), unit="active")
    host = HostState(hostname="", boot_id="", interfaces={}, daemon=daemon, record=None, engine=state)
    items = diff(wanted, Observed(dict.fromkeys(wanted.hosts, host), None)).items
    found = [item for item in items if item.address.name == CASE]
    if any(item.cls != "changed" for item in found):
        raise ValueError(f"{found[0].cls}: {found[0].reason}")
    return list(dict.fromkeys(change.field for item in found for change in item.changes))
