"""
What a plain scalar means: the core schema of YAML 1.2, and where YAML 1.1 would have read something else.

Source: YAML 1.2.2, section 10.3.2 (tag resolution of the core schema); YAML 1.1 type repository (bool, int).
"""

from __future__ import annotations

import re
from typing import Literal

Scalar = str | int | float | bool | None
Surprise = Literal["boolean", "octal", "sexagesimal", "lossy"]
"""Why a plain scalar may not be what its author thinks: YAML 1.1 reads another value, or spelling is lost."""

MAX_DIGITS = 100
"""A longer number is text: no field wants it, and reading it as a number costs time that grows with its square."""

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_STARTS = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

_BOOLEANS_1_1 = frozenset(
    case(word) for word in ("y", "n", "yes", "no", "on", "off") for case in (str.lower, str.title, str.upper)
)
_OCTAL_1_1 = re.compile(r"[-+]?0[0-9]+")
_SEXAGESIMAL_1_1 = re.compile(r"[-+]?[1-9][0-9]*(?::[0-5]?[0-9])+(?:\.[0-9]*)?")


def resolve(text: str) -> Scalar:
    """Return the value that the YAML 1.2 core schema gives to the plain scalar *text*."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS or len(text) > MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def surprise(text: str, value: Scalar) -> Surprise | None:
    """Return why the plain scalar *text*, which means *value*, may surprise its author, or None."""
    if text in _BOOLEANS_1_1:
        return "boolean"
    if isinstance(value, str):
        return "sexagesimal" if _SEXAGESIMAL_1_1.fullmatch(text) else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) and _OCTAL_1_1.fullmatch(text):
        return "octal"
    return "lossy" if str(value) != text else None
