"""
Variables in values, in Compose's syntax: ``$VAR``, ``${VAR:-default}``, ``${VAR:?message}``, ``${VAR:+other}``, ``$$``.

Pure: the environment is passed in. Unlike Compose, which takes an unset variable for "" and warns, an unset variable
without a default is an error here: to a controller an emptied value can mean "delete it".

Source: Compose file reference, "Interpolation".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 16
"""Defaults within defaults: deeper ones are refused, they are no topology."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


class InterpolationError(Exception):
    """
    A value that cannot be interpolated.

    Args:
        fact: What is wrong, naming variables, never what they hold.
        hint: What to write instead.
    """

    def __init__(self, fact: str, hint: str) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint


def interpolate(text: str, env: Mapping[str, str], used: set[str] | None = None) -> str:
    """
    Return *text* with its variables replaced.

    Args:
        used: Receives the names of the variables whose contents went into the result.

    Raises:
        InterpolationError: a variable without default is unset, a ``:?`` says so, or the syntax is wrong.
    """
    result, end = _expand(text, 0, env, set() if used is None else used, depth=0)
    assert end == len(text)  # noqa: S101 - only a nested default ends before its text does
    return result


def _expand(text: str, start: int, env: Mapping[str, str], used: set[str], *, depth: int) -> tuple[str, int]:
    """Expand from *start* to the end, in a nested default to its closing brace; return the text and where it ended."""
    if depth > MAX_DEPTH:
        raise InterpolationError(f"defaults are nested more than {MAX_DEPTH} deep", "write the value itself")
    parts: list[str] = []
    at = start
    while at < len(text):
        char = text[at]
        if char == "}" and depth:
            return "".join(parts), at
        if char != "$":
            stop = at + 1
            while stop < len(text) and text[stop] != "$" and not (depth and text[stop] == "}"):
                stop += 1
            parts.append(text[at:stop])
            at = stop
        elif text.startswith("$$", at):
            parts.append("$")
            at += 2
        elif text.startswith("${", at):
            part, at = _braced(text, at, env, used, depth=depth)
            parts.append(part)
        else:
            name = _NAME.match(text, at + 1)
            if name is None:
                quoted = ', in { } in quotes: "${NAME}"' if at + 1 == len(text) else ""
                hint = f"write $$ for a dollar sign, or ${{NAME}} for a variable{quoted}"
                raise InterpolationError("'$' starts no variable", hint)
            parts.append(_value(name[0], env, used))
            at = name.end()
    if depth:
        raise InterpolationError("'${' is not closed", "close it with }, or write $$ for a dollar sign")
    return "".join(parts), at


def _braced(text: str, at: int, env: Mapping[str, str], used: set[str], *, depth: int) -> tuple[str, int]:
    """Expand the ``${…}`` at *at*; return its text and the position behind its brace."""
    name = _NAME.match(text, at + 2)
    if name is None:
        raise InterpolationError("'${' is not followed by a variable's name", "write ${NAME}, or $$ for a dollar sign")
    if text.startswith("}", name.end()):
        return _value(name[0], env, used), name.end() + 1
    operator = _OPERATOR.match(text, name.end())
    if operator is None:
        raise InterpolationError(
            f"'${{{name[0]}' is not closed, or goes on with what is no operator",
            "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+other}",
        )
    held = env.get(name[0])
    present = held is not None and (bool(held) or not operator[0].startswith(":"))
    kind = operator[0][-1]
    # what is not taken must not fail because of a variable in it, nor count as used
    takes_word = present if kind == "+" else not present
    word, end = _expand(
        text,
        operator.end(),
        env if takes_word and kind != "?" else _Anything(),
        used if takes_word and kind != "?" else set(),
        depth=depth + 1,
    )
    if kind == "+":
        return (word if present else ""), end + 1
    if present and held is not None:
        used.add(name[0])
        return held, end + 1
    if kind == "?":
        state = "unset or empty" if operator[0].startswith(":") else "unset"
        message = text[operator.end() : end]
        raise InterpolationError(f"${name[0]} is {state}" + (f": {message}" if message else ""), f"set {name[0]}")
    return word, end + 1


def _value(name: str, env: Mapping[str, str], used: set[str]) -> str:
    held = env.get(name)
    if held is None:
        raise InterpolationError(
            f"${name} is not set and has no default",
            f"set it, write ${{{name}:-default}}, or $$ for a dollar sign",
        )
    used.add(name)
    return held


class _Anything(dict[str, str]):
    """An environment in which every variable is set: for the parts whose text is not taken."""

    def get(self, key: str, default: object = None) -> str:
        del key, default
        return "set"
