"""
Adoption: an object that others made is written down as ours; whose an object is, asked again before it is touched.

Nothing of the object is changed. A container, and a network of one host, stand in the record on that host; an overlay,
which is one thing on all hosts, in the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.errors import ConflictError, NotFoundError
from controller.model.adoption import owned
from controller.model.identity import owner_of
from controller.model.observed import HostRecord
from controller.observe.adoption import adopted_key, adopted_text, read_adoptions
from controller.observe.host import parse_record, record_text, recorded_adoptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.apply.hands import Hands
    from controller.model.action import AdoptObject
    from controller.model.adoption import Adopted, Adoptions
    from controller.ports import Json

_AGAIN = "look again with `ovctl plan`"


def adopt(action: AdoptObject, hands: Hands, note: Callable[[str], None]) -> None:
    """
    Write the object down as ours.

    Raises:
        ConflictError: It is gone, or another topology's by now.
    """
    hands.retrying(lambda: _check(action, hands), action.remedies, note)
    if action.shared:
        hands.retrying(lambda: _record_overlay(action, hands), action.remedies, note)
    else:
        hands.retrying(lambda: _record(action, hands), action.remedies, note)


def labels_of(host: str, found: Json, hands: Hands) -> Mapping[str, str]:
    """
    Return the labels of a container or network with what is recorded of whose it is, read again.

    Args:
        found: ``GET /containers/{id}/json``, an item of ``GET /containers/json``, or a network.
    """
    labels = _own_labels(found)
    if owner_of(labels) is not None:
        return labels
    return owned(labels, found["Id"], _adoptions(host, found, hands))


def _own_labels(found: Json) -> Mapping[str, str]:
    return (found.get("Config") or found).get("Labels") or {}


def _adoptions(host: str, found: Json, hands: Hands, *, strict: bool = False) -> Adoptions:
    """Return what is recorded where an object like *found* would be; *strict* as for ``recorded_adoptions``."""
    if found.get("Scope") != "global":
        return recorded_adoptions(hands.shell(host).facts(hands.desired.name), hands.desired.name, host, strict=strict)
    if hands.desired.store is None:
        return {}
    return read_adoptions(hands.desired.name, hands.store(), strict=strict)


def living(record: HostRecord, host: str, hands: Hands) -> dict[str, Adopted]:
    """Return what *record* says of objects that are still there: of others it is void."""
    engine = hands.engine(host)
    there = {summary["Id"] for summary in engine.containers()} | {network["Id"] for network in engine.networks()}
    return {object_id: one for object_id, one in record.adopted.items() if object_id in there}


def _check(action: AdoptObject, hands: Hands) -> None:
    """Read the object again."""
    engine = hands.engine(action.host)
    try:
        inspect = engine.inspect_container if action.adopted.kind == "container" else engine.inspect_network
        found = inspect(action.object_id)
    except NotFoundError:
        raise ConflictError(f"{action.address} on {action.host} is gone, or another one by now", hint=_AGAIN) from None
    if found["Name"].lstrip("/") != action.address.name:
        raise ConflictError(f"{action.address} on {action.host} has another name by now", hint=_AGAIN)
    recorded = _adoptions(action.host, found, hands, strict=True)
    owner = owner_of(owned(_own_labels(found), action.object_id, recorded))
    if owner not in (None, hands.desired.name):
        raise ConflictError(f"{action.address} on {action.host} is topology/{owner}'s")


def _record(action: AdoptObject, hands: Hands) -> None:
    shell = hands.shell(action.host)
    before = parse_record(shell.facts(hands.desired.name).record, action.host) or HostRecord({}, None, None)
    adopted = {**living(before, action.host, hands), action.object_id: action.adopted}
    shell.write_record(hands.desired.name, record_text(replace(before, adopted=adopted)))


def _record_overlay(action: AdoptObject, hands: Hands) -> None:
    before = read_adoptions(hands.desired.name, hands.store())[hands.desired.name]
    adopted = {**before, action.object_id: action.adopted}
    hands.store().put(adopted_key(hands.desired.name), adopted_text(adopted))
