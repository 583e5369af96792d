"""
Plain scalars that may not mean what their author thinks: YAML 1.1 reads ``no`` as false and ``010`` as 8.

They take their YAML 1.2 value, with a warning; where a number is wanted an ambiguous one is an error. Where true or
false is wanted the validation refuses the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.fields import wants_number, wants_text
from controller.topology.problem import Path, Problem, dotted
from controller.topology.scalars import resolve
from controller.topology.tree import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from controller.topology.tree import Surprising

_WORDS = ("command", "entrypoint")
"""Lists of words: what was typed is what is run."""


def ambiguous_numbers(surprises: Iterable[Surprising], files: tuple[str, ...]) -> Iterator[Problem]:
    """Yield an error for each octal-like number where the model wants a number."""
    for found in surprises:
        if found.why == "octal" and wants_number(found.path):
            value = resolve(found.text)
            fact = f"{found.text} is ambiguous: {_octal(found.text)}{value} in YAML 1.2"
            yield Problem(place_of(files, found.spot), dotted(found.path), fact, f"write {value}")


def surprise_warnings(surprises: Iterable[Surprising], files: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a warning for each of *surprises* that is one where it stands."""
    for found in surprises:
        fact = _fact(found)
        if fact is not None:
            hint = f'put it in quotes if it is meant as text: "{found.text}"'
            yield Problem(place_of(files, found.spot), dotted(found.path), fact, hint, "warning")


def _fact(found: Surprising) -> str | None:
    text, path, value = found.text, found.path, resolve(found.text)
    is_word = any(step in _WORDS for step in path)
    match found.why:
        case "boolean":
            # to Compose's `restart`, no is a word
            return None if is_word or path[-1:] == ("restart",) else f"{text} is the text {text!r}, not true or false"
        case "sexagesimal":
            quiet = is_word or "ports" in path
            return None if quiet else f"{text} is text, YAML 1.1 reads it as a number to the base 60"
        case "octal":
            return f"{text} is the number {value}, {_octal(text)}its leading zero is lost"
        case "lossy":
            return f"{text} is a number and becomes the text '{value}'" if _is_text(path) else None


def _is_text(path: Path) -> bool:
    return wants_text(path) and not wants_number(path)


def _octal(text: str) -> str:
    digits = text.lstrip("+-")
    return f"{int(digits, 8)} in YAML 1.1, " if set(digits) <= set("01234567") else ""
