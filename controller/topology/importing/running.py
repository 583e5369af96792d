"""Running hosts in, the text of a topology out, with what was noted of each host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from controller.errors import UsageError
from controller.model.topology import Topology
from controller.topology.importing.file import Imported
from controller.topology.importing.hosts import FromHosts, translate_hosts
from controller.topology.importing.settle import settle
from controller.topology.problem import Place, Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from controller.observe.inventory import Inventory
    from controller.topology.importing.note import Draft


__all__ = ["FromHosts", "hosts_only", "import_hosts"]


def hosts_only(wanted: FromHosts) -> Topology:
    """
    Return a topology of nothing but the hosts, to reach them by.

    Raises:
        UsageError: One cannot be a host, or the topology cannot be called so.
    """
    try:
        return Topology.model_validate({"version": 1, "name": wanted.project, "hosts": dict(wanted.hosts)})
    except ValidationError as error:
        first, *rest = error.errors()[0]["loc"]
        if first == "name":
            raise UsageError(f"--project {wanted.project}: it is not a name") from None
        name = str(rest[0]) if rest else ""
        at = wanted.hosts.get(name, {}).get("address", "")
        raise UsageError(
            f"--from-host {name}={at}: not a host name and its IPv4 address", hint="write web-1=192.168.112.11, say"
        ) from None


def import_hosts(inventories: Iterable[Inventory], wanted: FromHosts, output: Path) -> Imported:
    """
    Return the topology that declares what runs on these hosts.

    Args:
        output: Where it is to stand.

    Raises:
        TopologyError: No valid topology comes of it: the name, or a host, is wrong.
    """
    found = tuple(inventories)
    draft = translate_hosts(found, wanted)
    text = settle(draft, output, ", ".join(f"host/{inventory.host}" for inventory in found))
    return Imported(text, tuple(_warnings(draft)))


def _warnings(draft: Draft) -> Iterator[Problem]:
    for note in draft.notes:
        host, *below = note.origin or ("",)
        place = Place(f"host/{host}" if host else "hosts")
        yield Problem(place, dotted((*note.entry, *below)), note.fact, note.hint, "warning")
