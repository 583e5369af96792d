"""Rules for the cluster store: overlay networks need one, and what it names must be there."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from controller.model.desired import has_overlays, is_overlay
from controller.topology.problem import Mistake
from controller.topology.rules.image import image_mistakes
from controller.topology.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.topology import Store
    from controller.topology.draft import Draft
    from controller.topology.problem import Path


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield what is wrong with the store."""
    topology = draft.topology
    if topology.store is None:
        overlay = next((name for name in topology.networks if is_overlay(topology, name)), None)
        if overlay is not None and not draft.doubtful("store") and not draft.doubtful("networks", overlay, "driver"):
            fact = "overlay networks need a store, and the topology has none"
            hint = "add store: consul://HOST:8500 at the top level, or say driver: bridge in each network"
            yield Mistake(("networks",), fact, hint, on_key=True)
        return
    if has_overlays(topology) and topology.hosts and not topology.members and not draft.doubtful("hosts"):
        fact = "no present host is a member of the cluster store: the networks can be nowhere"
        yield Mistake(("networks",), fact, "let a host be a member", on_key=True)
    yield from _url(draft, topology.store)
    if topology.store.via is not None:
        yield from host_mistakes(draft, ("store", "via"), topology.store.via)
    yield from _place(draft, topology.store)


def store_ip_address(store: Store) -> IPv4Address | None:
    """Return the IP address that the store's url names, None if it names a host."""
    try:
        return IPv4Address(store.endpoint[0])
    except AddressValueError:
        return None


def host_mistakes(draft: Draft, path: Path, name: str) -> Iterator[Mistake]:
    """Yield what is wrong with the reference at *path* to the host *name*: no such host, or one that is going."""
    if draft.doubtful(*path):
        return
    if name not in draft.names("hosts"):
        if draft.knows_names("hosts"):
            hosts = ", ".join(list(draft.names("hosts"))[:5])
            yield Mistake(
                path,
                f"no host is named {name!r}",
                f"name one of the hosts: {hosts}",
                fix=did_you_mean(name, draft.names("hosts")),
            )
    elif (
        name in draft.topology.hosts
        and draft.topology.hosts[name].state == "absent"
        and not draft.doubtful("hosts", name, "state")
    ):
        fact = f"host {name} is absent ({draft.at('hosts', name, 'state')})"
        yield Mistake(path, fact, "name another host, or remove what is on it")


def _url(draft: Draft, store: Store) -> Iterator[Mistake]:
    if not draft.doubtful("store", "url") and not 1 <= store.endpoint[1] <= 65535:  # noqa: PLR2004 - the last port
        yield Mistake(("store", "url"), f"{store.url}: ports go from 1 to 65535", "consul listens on 8500")


def _place(draft: Draft, store: Store) -> Iterator[Mistake]:
    if store.place is None or draft.doubtful("store", "place"):
        return
    yield from image_mistakes(draft, ("store", "place", "image"), store.place.image)
    name = store.place.host
    found = list(host_mistakes(draft, ("store", "place", "host"), name))
    yield from found
    host = draft.topology.hosts.get(name)
    if found or host is None or draft.doubtful("hosts", name, "address") or draft.doubtful("store", "url"):
        return
    if store_ip_address(store) != host.address:
        fact = f"{store.url} is not on host {name}, where the store is placed; that is {host.address}"
        yield Mistake(
            ("store", "url"), fact, "name the host's address", fix=f"write consul://{host.address}:{store.endpoint[1]}"
        )
    for other, container in draft.topology.containers.items():
        if container.host != name:
            continue
        for position, mount in enumerate(container.volumes):
            if mount.type == "volume" and mount.source == store.place.volume:
                fact = f"the volume {mount.source} on host {name} is the store's"
                path = draft.item("containers", other, "volumes", position)
                yield Mistake(path, fact, "use another volume, or name another one in store.place.volume")
