"""
The lab's wire: one bridge on the machine, and one veth pair a host whose far end is the host's eth0.

Links carry the lab's name (``<lab>-br``, ``<lab>-<host>``), so that what is left of a lab is found by name. Nothing is
translated, and what arrives on the bridge for elsewhere is not routed: no packet of a host leaves the machine.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import LabError
from controller.lab.machine import run

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from controller.lab.spec import LabSpec

_SYSFS = Path("/sys/class/net")
_FAMILIES = ("-4", "-6")
_RULE_PRIORITY = "32000"  # after the machine's own addresses, before its routes
_TRIES = 50
_PAUSE_S = 0.1


def bridge(lab: str) -> str:
    """Return the name of the lab's bridge."""
    return f"{lab}-br"


def port(lab: str, host: str) -> str:
    """Return the name of the machine's end of a host's cable."""
    return f"{lab}-{host}"


def mac(ip: IPv4Address) -> str:
    """Return the fixed MAC address of the host at *ip*: locally administered, the same at each boot."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x4c" + ip.packed)


def _ip(*words: str) -> list[dict[str, Any]]:
    """Ask ip(8) for its JSON."""
    answer = run(["ip", "-json", *words]).stdout
    return [entry for entry in json.loads(answer or b"[]") if entry]


def require_free(spec: LabSpec) -> None:
    """
    Raise LabError if another interface of this machine has an address or a route in the lab's subnet.

    Raises:
        LabError: It has; the message names it.
    """
    own = bridge(spec.name)
    taken = [
        (link["ifname"], f"{address['local']}/{address['prefixlen']}")
        for link in _ip("-4", "address", "show")
        for address in link.get("addr_info", [])
    ]
    taken += [
        (route.get("dev", "?"), route["dst"]) for route in _ip("-4", "route", "show") if route["dst"] != "default"
    ]
    for device, network in taken:
        if device != own and IPv4Network(network, strict=False).overlaps(spec.subnet):
            raise LabError(
                f"subnet {spec.subnet} is in use on this machine: {device} has {network}",
                hint="choose another --subnet",
            )


def ensure_bridge(spec: LabSpec) -> None:
    """Make the bridge, or complete one that was left half-made, with the machine's address and without forwarding."""
    name = bridge(spec.name)
    if not (_SYSFS / name).exists():
        run(["ip", "link", "add", name, "type", "bridge"])
    elif not (_SYSFS / name / "bridge").is_dir():
        raise LabError(f"network interface {name} exists and is not a bridge", hint="choose another --name")
    # before it is up: no packet of a host is forwarded, even if ip_forward is on …
    for setting in ("ipv4/conf/{}/forwarding", "ipv6/conf/{}/forwarding", "ipv6/conf/{}/accept_ra"):
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            (Path("/proc/sys/net") / setting.format(name)).write_text("0")
    # … or is switched on later, which turns forwarding on for every link there is (an engine on the machine does that)
    for family in _FAMILIES:
        if not _rules(name, family):
            rule = ["ip", family, "rule", "add", "priority", _RULE_PRIORITY, "iif", name, "prohibit"]
            run(rule, check=False)  # a kernel without policy routing
    run(["ip", "address", "replace", f"{spec.gateway}/{spec.subnet.prefixlen}", "dev", name])
    run(["ip", "link", "set", name, "up"])


def wire(lab: str, host: str, *, pid: int, ip: IPv4Address, plugged: bool) -> None:
    """
    Give the network namespace of process *pid* an eth0, its cable plugged into the bridge or not.

    Raises:
        LabError: The cable of the host's last life is still there after five seconds.
    """
    name = port(lab, host)
    add = ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "address", mac(ip), "netns", str(pid)]
    for left in reversed(range(_TRIES)):
        # the kernel removes a dead namespace, and the cable with it, in its own time
        run(["ip", "link", "delete", name], check=False)
        if run(add, check=left == 0).returncode == 0:
            break
        time.sleep(_PAUSE_S)
    if plugged:
        run(["ip", "link", "set", name, "master", bridge(lab)])
    run(["ip", "link", "set", name, "up"])


def unwire(lab: str, host: str) -> None:
    """Remove a host's cable if there is one."""
    run(["ip", "link", "delete", port(lab, host)], check=False)


def plug(lab: str, host: str) -> None:
    """Put the host's cable into the bridge."""
    run(["ip", "link", "set", port(lab, host), "master", bridge(lab), "up"])


def unplug(lab: str, host: str) -> None:
    """Take the host's cable out of the bridge; set down instead, networkd in the host would drop its address."""
    run(["ip", "link", "set", port(lab, host), "nomaster"])


def is_plugged(lab: str, host: str) -> bool:
    """Whether the host's cable exists and is in the bridge."""
    return (_SYSFS / port(lab, host) / "master").exists()


def links(lab: str) -> tuple[str, ...]:
    """Return the links that a lab of this name has: its hosts' cables and its bridge."""
    cable = re.compile(rf"{lab}-(h\d+|store)")
    found = [link["ifname"] for link in _ip("link", "show", "type", "veth") if cable.fullmatch(link["ifname"])]
    return (*found, bridge(lab)) if (_SYSFS / bridge(lab) / "bridge").is_dir() else tuple(found)


def _rules(link: str, family: str) -> list[dict[str, Any]]:
    """Return the routing rules for what arrives on *link*."""
    return [rule for rule in _ip(family, "rule", "show") if rule.get("iif") == link]


def remove(lab: str) -> None:
    """Remove every link and every routing rule of the lab."""
    for family in _FAMILIES:
        for _ in _rules(bridge(lab), family):
            run(["ip", family, "rule", "delete", "iif", bridge(lab), "prohibit"], check=False)
    for name in links(lab):
        run(["ip", "link", "delete", name], check=False)
    if left := links(lab):
        raise LabError(f"network links do not go away: {', '.join(left)}")
