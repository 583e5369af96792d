"""What pydantic finds wrong, told for people: by path, with a fact and a hint."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from controller.model.forms import PATTERNS
from controller.topology.compose import refusal
from controller.topology.fields import describe, known_keys
from controller.topology.problem import Mistake, Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic_core import ErrorDetails

    from controller.topology.source import Source

MOST_NAMES = 500
"""Names among which a near one is looked for."""

SHOWN = 60
"""Characters of a wrong value that a message shows."""

_SECRET = frozenset(("environment", "labels", "command", "entrypoint", "content"))
"""Fields of which no value is shown."""

_TRUE = frozenset(("yes", "on", "y", "true", "1"))
_FALSE = frozenset(("no", "off", "n", "false", "0"))
_WANTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_HINTS = {
    "dict_type": "write its keys below it, indented",
    "model_type": "write its keys below it, indented",
    "tuple_type": "write - before each item",
}


def mistakes_in(found: list[ErrorDetails], source: Source) -> list[Mistake]:
    """Return what *found*, errors of the whole document, say: one mistake for each thing that is wrong."""
    meant = {path for details in found if (path := meant_key(details)) is not None}
    return [
        mistake
        for details in found
        # a key that is missing because it is misspelled is one mistake, and the unknown key tells it
        if not (details["type"] == "missing" and details["loc"] in meant)
        for mistake in _mistakes(details, source)
    ]


def meant_key(details: ErrorDetails) -> Path | None:
    """Return the path that an unknown key probably means, None if it is near to none or no unknown key."""
    if details["type"] != "extra_forbidden" or refusal(details["loc"]) is not None:
        return None
    *above, key = details["loc"]
    near = nearest(str(key), known_keys(tuple(above)))
    return None if near is None else (*above, near)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of *names* that is most like *name*, in whatever case, or None if none is like it."""
    known = tuple(names)
    # among very many names the search takes a tenth of a second, for each wrong one
    return _nearest(name, known) if len(known) <= MOST_NAMES else None


@lru_cache(maxsize=1024)
def _nearest(name: str, names: tuple[str, ...]) -> str | None:
    lower = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return lower[near[0]] if near else None


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """Return a hint that names the one of *names* that is most like *name*, or None."""
    near = nearest(name, names)
    return None if near is None else f"did you mean {near}?"


def said(value: Any) -> str:
    """Return what *value* is, in words: ``the text 'no'``, ``a list``, ``nothing``."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) <= SHOWN else "a long text"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def _kind(value: Any) -> str:
    """Return what kind of thing *value* is, in words; nothing of what it says."""
    match value:
        case str():
            return "a text"
        case int() | float() if not isinstance(value, bool):
            return "a number"
        case _:
            return said(value)


def _mistakes(details: ErrorDetails, source: Source) -> Iterator[Mistake]:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    path: Path = details["loc"]
    on_key = path[-1:] == ("[key]",)
    path = path[:-1] if on_key else path
    if len(path) > 3 and path[0] == "containers" and path[2] == "ports" and isinstance(path[3], int):  # noqa: PLR2004 - containers, NAME, ports, position
        path = (*source.port_entry(str(path[1]), path[3]), *path[4:])
    if kind == "ovctl":
        for problem in context["problems"]:
            at = () if problem["at"] is None else (problem["at"],)
            yield Mistake((*path, *at), problem["fact"], problem["hint"], fix=problem["fix"])
        return
    if kind == "missing":
        key = path[-1]
        meant = describe(path)
        yield Mistake(path[:-1], f"{key} is missing", meant and f"add {key}: {meant.rstrip('.')}")
    elif kind == "extra_forbidden":
        yield unknown_key(path)
    elif kind in _WANTED:
        got = _kind(value) if _SECRET.intersection(map(str, path)) else said(value)
        yield Mistake(path, f"expected {_WANTED[kind]}, got {got}", _type_hint(kind, value))
    else:
        fact, hint = _value(kind, value, context, path)
        yield Mistake(path, fact, hint, on_key=on_key)


def unknown_key(path: Path) -> Mistake:
    """Return the mistake of a key at *path* that is not known there."""
    key, names = str(path[-1]), known_keys(path[:-1])
    refused = refusal(path)
    if refused is not None:
        return Mistake(path, f"Compose's {key} is not taken: {refused[0]}", refused[1], on_key=True)
    hint = did_you_mean(key, names) or f"known keys: {', '.join(names)}"
    return Mistake(path, "unknown key", hint, on_key=True)


def _type_hint(kind: str, value: Any) -> str | None:
    if kind == "bool_type":
        word = str(value).lower()
        return "write true" if word in _TRUE else "write false" if word in _FALSE else "write true or false"
    if kind == "int_type":
        return "write the number without quotes" if isinstance(value, str) and value.isdecimal() else None
    if kind == "string_type":
        if isinstance(value, (bool, int, float)):
            return "put it in quotes"
        return 'write "" for an empty text' if value is None else None
    return _HINTS.get(kind)


def _value(kind: str, value: Any, context: dict[str, Any], path: Path) -> tuple[str, str | None]:
    """Return fact and hint for a value of the right type that is not taken."""
    shown = repr(value) if len(str(value)) <= SHOWN else "the text"
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        near = did_you_mean(value, expected.replace(" or ", ", ").split(", ")) if isinstance(value, str) else None
        return f"expected {expected}, got {said(value)}", near
    if kind == "string_pattern_mismatch":
        says, hint = PATTERNS[context["pattern"]]
        return f"{shown} {says}", hint
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"{value} is too {'small' if 'ge' in context else 'large'}", f"write {bound}"
    if kind == "too_short":
        return f"no {str(path[-1]).removesuffix('s')} is declared", "declare at least one"
    if kind == "string_too_short":
        return "the text is empty", None
    if kind == "string_too_long":
        return f"the text has {len(str(value))} characters", f"write at most {context['max_length']}"
    return f"the value does not fit: {kind.replace('_', ' ')}", None
