"""
Anchors of a YAML text, and what their aliases stand for, counted: a short text of aliases can stand for endless data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

MAX_ALIASED = 2_000_000
"""Values that aliases may stand for in all: 20,000 containers of 100 values each, far below what hurts."""

_LONG_TEXT = 64
"""Characters of a text that count as one value more."""


class Anchored(NamedTuple):
    """
    What an alias stands for.

    Attributes:
        size: Values that it counts for, its own aliases written out.
        depth: Levels of mappings and lists.
        mistake: Fact and hint, if it stands for nothing usable; *value* is then None.
    """

    value: Any
    size: int = 0
    depth: int = 0
    mistake: tuple[str, str] | None = None


class Anchors:
    """The anchors that were met so far, by name; a later one of the same name replaces an earlier one."""

    def __init__(self) -> None:
        self._known: dict[str, Anchored] = {}
        self._weights: dict[int, tuple[int, int]] = {}
        self._kept: list[Any] = []
        self._aliased = 0

    def __bool__(self) -> bool:
        return bool(self._known)

    def open(self, name: str) -> None:
        """Note that the mapping or list with the anchor *name* is being read: an alias in it would have no end."""
        fact = f"*{name} stands inside the value that it stands for"
        self._known[name] = Anchored(None, mistake=(fact, "write the value out"))

    def define(self, name: str, value: Any) -> None:
        """Note that *name* is the anchor of *value*, which is read."""
        self._known[name] = Anchored(value, *self._weigh(value))
        # weights go by id: what has one must not be replaced in memory by something else
        self._kept.append(value)

    def take(self, name: str) -> Anchored | None:
        """Return what the alias *name* stands for, or None if all aliases taken stand for more than MAX_ALIASED."""
        found = self._known.get(name)
        if found is None:
            fact = f"*{name} is not defined before this place"
            return Anchored(None, mistake=(fact, f"write &{name} at the value it stands for"))
        self._aliased += found.size
        return found if self._aliased <= MAX_ALIASED else None

    def _weigh(self, node: Any) -> tuple[int, int]:
        """Return how many values *node* counts for, and how many levels it has; ends quickly, as aliases are known."""
        if not isinstance(node, (dict, list)):
            return 1 + (len(node) // _LONG_TEXT if isinstance(node, str) else 0), 0
        if id(node) not in self._weights:
            below = [self._weigh(value) for value in (node.values() if isinstance(node, dict) else node)]
            size, depth = 1 + sum(size for size, _ in below), 1 + max((depth for _, depth in below), default=0)
            self._weights[id(node)] = (size, depth)
        return self._weights[id(node)]
