"""
The plain fields of a container, row by row of the table.

Compared is what is declared, and what was declared when the container was made and no longer is: it is back to its
default then. What an update can change is compared in any case: the owner label cannot say what was declared later and
changed in place, and no engine fills such a field in by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.container_fields import BY_NAME, FIELDS, Default, release_text, too_new
from controller.model.desired import container_fields
from controller.model.drift import Change
from controller.model.identity import declared_fields, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.model.container_fields import ContainerField
    from controller.model.engine_words import Comparable
    from controller.model.observed import ContainerState, EngineState, ImageState
    from controller.model.topology import Container

_UNLIMITED = (0, -1)
_DECLARED, _ANOTHER = "(declared value)", "(another value)"


def why_unable(container: Container, engine: EngineState) -> str | None:
    """Return why this engine would silently do without something that is declared, or None."""
    for name, since in too_new(container, engine.release):
        return f"{name} needs engine {release_text(since)}; engine {engine.version} would ignore it"
    for row in FIELDS:
        if row.kernel in engine.lacks and row.declared(container) and row.wanted(container, {}) not in _UNLIMITED:
            return (
                f"{row.name}: this host cannot limit it (docker info: no {row.kernel}), and its engine would ignore it"
            )
    return None


def field_changes(
    container: Container, found: ContainerState, engine: EngineState, image: ImageState
) -> Iterator[Change]:
    """Yield each field that is not as declared; of a mapping, each key."""
    recorded = declared_fields(found.labels)
    for row in FIELDS:
        if not _is_compared(row, container, recorded, engine) or _is_brought_along(row, container, found):
            continue
        wanted, observed = row.wanted(container, image.fields), found.fields[row.name]
        if isinstance(wanted, Default):
            yield Change(row.name, wanted.value, _shown(row, row.name, observed))
        elif isinstance(wanted, dict) and isinstance(observed, dict):
            yield from _mapping_changes(row, wanted, observed, filled=_is_born_so(row, container, recorded))
        else:
            if isinstance(observed, tuple) and isinstance(wanted, tuple) and _is_born_so(row, container, recorded):
                observed = tuple(item for item in observed if item in wanted or not row.fills(item))
            if wanted != observed:
                in_place = row.can_update(wanted, observed, engine.release)
                yield Change(row.name, _shown(row, "", wanted), _shown(row, "", observed), in_place)


def _is_compared(row: ContainerField, container: Container, recorded: Mapping[str, str], engine: EngineState) -> bool:
    if row.always or row.declared(container) or row.name in recorded:
        return True
    # a container that was made by a topology has a record; and a kernel that counts no swap has every limit undone
    return row.update is not None and bool(recorded) and row.kernel not in engine.lacks


def _is_born_so(row: ContainerField, container: Container, recorded: Mapping[str, str]) -> bool:
    """
    Whether the container was made with what is declared now: entries beyond that may then be the engine's.

    Without a record nobody can tell, and the engine gets the benefit of the doubt.
    """
    if row.name not in recorded:
        return True
    return recorded[row.name] == digest(container_fields(container).get(row.name))


def _is_brought_along(row: ContainerField, container: Container, found: ContainerState) -> bool:
    """Whether it is only derived from another field, and that one is about to change."""
    if not row.follows or row.declared(container):
        return False
    return BY_NAME[row.follows].wanted(container, {}) != found.fields[row.follows]


def _mapping_changes(
    row: ContainerField, wanted: Mapping[str, str], observed: Mapping[str, str], *, filled: bool
) -> Iterator[Change]:
    """
    Compare key by key.

    Args:
        filled: Whether keys that nobody declares may be the engine's.
    """
    beyond = [key for key in sorted(observed) if key not in wanted and row.fills(key)]
    differs = False
    for key in sorted({*wanted, *observed} - {*beyond}):
        desired, found = wanted.get(key), observed.get(key)
        if desired != found:
            differs = True
            yield Change(f"{row.name}.{key}", _shown(row, key, desired), _shown(row, key, found, observed=True))
    if beyond and not filled and not differs:
        # one of them was declared; which, the label's digest does not tell
        yield Change(row.name, None, ", ".join(beyond))


def _shown(row: ContainerField, key: str, value: Comparable, *, observed: bool = False) -> str | None:
    """Return a value for people, None for nothing; what may be a secret is not shown."""
    if value is None or value in ((), {}) or (value == "" and not key):
        return None
    if isinstance(value, dict):
        return ", ".join(value)
    if row.hides(key):
        return _ANOTHER if observed else _DECLARED
    # the empty value of a mapping's key is one
    return row.show(value) or "(empty)"
