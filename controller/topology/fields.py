"""What the model wants at a path: its type, and the keys that it knows there."""

from __future__ import annotations

import types
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from controller.model.topology import Topology
from controller.topology.file_keys import DEFAULTS, OWN, SECTIONS, keys_of_files, without_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.problem import Path


def wanted(path: Path) -> tuple[Any, ...]:
    """Return the types that the model takes at *path*, models and plain types; none where it knows no such path."""
    types_here: tuple[Any, ...] = (Topology,)
    for step in without_defaults(path):
        types_here = tuple(found for kind in types_here for found in _below(kind, step))
    return types_here


def wants_number(path: Path) -> bool:
    """Return whether a number belongs at *path*; an entry of ``ports`` counts as one."""
    kinds = wanted(path)
    return int in kinds or path[-2:-1] == ("ports",)


def wants_boolean(path: Path) -> bool:
    """Return whether true or false belongs at *path*."""
    return bool in wanted(path)


def wants_text(path: Path) -> bool:
    """Return whether free text belongs at *path*."""
    return str in wanted(path)


@lru_cache(maxsize=256)
def is_text_map(path: Path) -> bool:
    """Return whether a mapping of any keys to texts belongs at *path*, such as ``environment``."""
    return any(get_origin(kind) is dict and get_args(kind)[1] is str for kind in wanted(path))


def typed_fields() -> list[Path]:
    """Return the paths where the model wants a number or true or false; ``*`` stands for any key or position."""
    return list(_typed_below((Topology,), ()))


def _typed_below(kinds: tuple[Any, ...], path: Path) -> Iterator[Path]:
    if int in kinds or bool in kinds:
        yield path
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            steps = list(kind.model_fields)
        elif get_origin(kind) in (dict, tuple):
            steps = ["*"]
        else:
            continue
        for step in steps:
            yield from _typed_below(_below(kind, step), (*path, step))


def known_keys(path: Path) -> tuple[str, ...]:
    """Return the keys that are known in the mapping at *path*; none where any name is a key."""
    if path == (DEFAULTS,):
        return SECTIONS
    own = OWN.get(str(path[1]), frozenset()) if path[:1] == (DEFAULTS,) and len(path) == 2 else frozenset()  # noqa: PLR2004 - defaults and a section
    for kind in wanted(path):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return (*(name for name in kind.model_fields if name not in own), *keys_of_files(path))
    return ()


def describe(path: Path) -> str | None:
    """Return the model's description of the field at *path*."""
    for kind in wanted(path[:-1]):
        if isinstance(kind, type) and issubclass(kind, BaseModel) and path[-1] in kind.model_fields:
            return kind.model_fields[str(path[-1])].description
    return None


def _below(kind: Any, step: str | int) -> tuple[Any, ...]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        return () if field is None else _alternatives(field.annotation)
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict:
        return _alternatives(args[1])
    if origin is tuple:
        return _alternatives(args[0])
    return ()


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(found for part in get_args(annotation) for found in _alternatives(part))
    if origin is Literal:
        return tuple({type(value) for value in get_args(annotation)})
    return (annotation,)
