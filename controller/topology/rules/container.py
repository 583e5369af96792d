"""Rules for containers: what they name must be there, and what they say must not contradict itself."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from controller.model.desired import overlays_of
from controller.model.forms import OBJECT_NAME, PATTERNS
from controller.model.identity import ASIDE_SUFFIX, STORE_CONTAINER
from controller.topology.problem import Mistake
from controller.topology.rules.image import image_mistakes
from controller.topology.rules.objects import reserved_labels
from controller.topology.rules.store import host_mistakes
from controller.topology.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.topology import Container
    from controller.topology.draft import Draft
    from controller.topology.problem import Path

_VOLUME = re.compile(OBJECT_NAME)


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the containers by themselves, and with the hosts and networks that they name."""
    networks = draft.topology.networks
    usable, outside = _hosts(draft)
    yield from _reserved(draft)
    for name, container in draft.topology.containers.items():
        if container.host not in usable:
            yield from host_mistakes(draft, ("containers", name, "host"), container.host)
        elif container.host in outside and overlays_of(draft.topology, container):
            where = draft.at("hosts", container.host, "member")
            fact = f"host {container.host} is outside the cluster ({where}), and so are overlay networks from it"
            yield Mistake(("containers", name, "host"), fact, "name a member host, or remove member: false")
        for network, attachment in container.networks.items():
            if network not in networks:
                yield from _network(draft, name, network)
            elif attachment.aliases:
                yield from _aliases(draft, name, network, attachment.aliases)
        if container.volumes:
            yield from _mounts(draft, name, container)
        if container.labels or container.environment:
            yield from _keys(name, container)
        yield from image_mistakes(draft, ("containers", name, "image"), container.image)


def _reserved(draft: Draft) -> Iterator[Mistake]:
    for name in draft.names("containers"):
        if name == STORE_CONTAINER:
            fact = f"{name} is the name of the container that ovctl runs the store in"
            yield Mistake(
                ("containers", name), fact, "choose another name; the store goes into store.place", on_key=True
            )
        elif name.endswith(ASIDE_SUFFIX):
            fact = f"names that end with {ASIDE_SUFFIX} are those of containers that ovctl is replacing"
            yield Mistake(("containers", name), fact, "choose another name", on_key=True)


def _hosts(draft: Draft) -> tuple[set[str], set[str]]:
    """Return the hosts that containers can be on, and those of them that overlay networks cannot reach."""
    hosts = draft.topology.hosts
    usable = {
        name for name, host in hosts.items() if host.state == "present" and not draft.doubtful("hosts", name, "state")
    }
    if draft.topology.store is None or draft.doubtful("store"):
        return usable, set()
    return usable, {name for name in usable if not hosts[name].member and not draft.doubtful("hosts", name, "member")}


def _keys(name: str, container: Container) -> Iterator[Mistake]:
    yield from reserved_labels(("containers", name), container.labels)
    for variable in container.environment:
        if not variable or "=" in variable:
            fact = f"{variable!r} is no name of a variable"
            yield Mistake(("containers", name, "environment", variable), fact, "write NAME: VALUE", on_key=True)


def _network(draft: Draft, name: str, network: str) -> Iterator[Mistake]:
    if network not in draft.names("networks") and draft.knows_names("networks"):
        names = list(draft.names("networks"))
        known = f"name one of the networks: {', '.join(names[:5])}" if names else "declare it in networks"
        path: Path = ("containers", name, "networks", network)
        yield Mistake(path, f"no network is named {network!r}", known, on_key=True, fix=did_you_mean(network, names))


def _aliases(draft: Draft, name: str, network: str, aliases: tuple[str, ...]) -> Iterator[Mistake]:
    """Find aliases that are other containers' names there; the same alias for several is DNS round robin, and legal."""
    for position, alias in enumerate(aliases):
        other = draft.topology.containers.get(alias)
        if alias != name and other is not None and network in other.networks and _meet(draft, name, alias, network):
            path = draft.item("containers", name, "networks", network, "aliases", position)
            fact = f"{alias} is the name of a container on network {network} ({draft.at('containers', alias)})"
            yield Mistake(path, fact, "choose another alias: it would answer for both")


def _meet(draft: Draft, name: str, other: str, network: str) -> bool:
    """Whether two containers on *network* are on the same one for sure: each host has a bridge of its own."""
    containers, networks = draft.topology.containers, draft.topology.networks
    return networks[network].spans_hosts or containers[name].host == containers[other].host


def _mounts(draft: Draft, name: str, container: Container) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for position, mount in enumerate(container.volumes):
        path = draft.item("containers", name, "volumes", position)
        target = posixpath.normpath(mount.target)
        if target in ("/", "//"):
            yield Mistake(path, "a volume cannot take the place of /", "name a directory in it")
        elif first.setdefault(target, position) != position:
            where = draft.at("containers", name, "volumes", first[target])
            yield Mistake(
                path, f"{target} is already the target of another volume ({where})", "give each a target of its own"
            )
        if mount.type == "bind" and not mount.source.startswith("/"):
            yield Mistake(
                path, f"{mount.source!r} is not an absolute path of the host", "start it with /, or write type: volume"
            )
        elif mount.type == "volume" and not _VOLUME.fullmatch(mount.source):
            says, hint = PATTERNS[OBJECT_NAME]
            yield Mistake(path, f"{mount.source!r} {says}", hint)
