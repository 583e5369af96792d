"""
Leave out of a draft what a topology does not take, and note each: the result is valid, and what it warns of is noted.

The judge is ``load`` itself, so that a key which the model learns is carried over from then on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from controller.errors import TopologyError
from controller.topology.importing.text import topology_text
from controller.topology.load import loads
from controller.topology.problem import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path as File

    from controller.topology.importing.note import Draft
    from controller.topology.problem import Path, Problem

_ROUNDS = 200
"""A mistake can show only after another one is out of the way."""
_PLACE = re.compile(r" \(\d+:\d+\)")
"""A place in the draft's text, which nobody has seen."""
_FIELD = 3
"""Steps to a field: section, name, key. What is above cannot be left out."""


class _Everything(dict[str, str]):
    """An environment in which each variable is set, to a number, which is also a text: none of a person's is read."""

    def get(self, key: str, default: object = None) -> str:
        del key, default
        return "1"

    def __missing__(self, key: str) -> str:
        return "1"


def settle(draft: Draft, path: File, source: str) -> str:
    """
    Return the text of *draft*, without what a topology does not take: that goes out of it, and into its notes.

    A value with a variable is left alone: only who knows the variable can judge it.

    Args:
        path: The topology's file, which need not exist; files of variables are looked for beside it.

    Raises:
        TopologyError: something is wrong that cannot be left out, such as a name or a host's IP address.
    """
    for _ in range(_ROUNDS):
        text = topology_text(draft, source)
        try:
            warnings = loads(text.encode(), path, _Everything()).warnings
        except TopologyError as error:
            wrong = [problem for problem in error.problems if problem.severity == "error"]
        else:
            return _with_warnings(draft, warnings, source) or text
        paths = dict(_paths(draft.document))
        if not _leave_out(draft, wrong, paths):
            if all(_is_variable(draft, problem, paths) for problem in wrong):
                for problem in wrong:
                    _note(draft, paths[problem.path], f"{problem.path} holds a variable: `ovctl validate` judges it")
                return topology_text(draft, source)
            raise TopologyError("\n".join(line for problem in wrong for line in problem.lines()), problems=tuple(wrong))
    raise TopologyError("no valid topology comes of it", hint="import a part of the file at a time")


def _with_warnings(draft: Draft, warnings: Iterable[Problem], source: str) -> str | None:
    """Note what `ovctl validate` would warn of, unless a variable is in it; return the text then, None for nothing."""
    paths = dict(_paths(draft.document))
    before = len(draft.notes)
    for problem in warnings:
        path = paths.get(problem.path, ())
        if len(path) < _FIELD or _is_variable(draft, problem, paths):
            continue
        # of a list the whole: items before this one may have been left out, and it had another position
        path = path[: next((at for at, step in enumerate(path) if isinstance(step, int)), len(path))]
        _note(draft, path, f"{dotted(path[2:])}: {_PLACE.sub('', problem.fact)}", problem.hint)
    return topology_text(draft, source) if len(draft.notes) > before else None


def _leave_out(draft: Draft, wrong: list[Problem], paths: dict[str, Path]) -> bool:
    """Take what is *wrong* out of the document; return whether there was anything to take."""
    gone: dict[Path, Problem] = {}
    for problem in wrong:
        path = paths.get(problem.path)
        text = problem.path
        while path is None and "." in text:
            # what is missing has no place of its own: what lacks it goes
            text = text.rpartition(".")[0]
            path = paths.get(text)
        if path is None or len(path) < _FIELD or path[2:] in (("host",), ("image",)):
            continue
        if not _is_variable(draft, problem, paths):
            gone[path] = problem
    # the last item of a list first, so that positions hold
    for path in sorted(gone, key=lambda path: tuple((isinstance(step, int), step) for step in path), reverse=True):
        problem = gone[path]
        # the list of all keys that a topology has would drown what is said
        fact, hint = (
            ("a topology has no such key", None) if problem.fact == "unknown key" else (problem.fact, problem.hint)
        )
        _note(draft, path, f"{dotted(path[2:])} is left out: {_PLACE.sub('', fact)}", hint)
        _take(draft.document, path)
    return bool(gone)


def _note(draft: Draft, path: Path, fact: str, hint: str | None = None) -> None:
    draft.note(path[:2], path[2:], fact, hint)


def _take(document: dict[str, Any], path: Path) -> None:
    node: Any = document
    above: list[tuple[Any, Any]] = []
    for step in path[:-1]:
        above.append((node, step))
        node = node[step]
    del node[path[-1]]
    # a field that has nothing left goes too; an attachment to a network stays
    while not node and len(above) > _FIELD - 1 and above[-1][1] != path[3:4] and path[2] != "networks":
        parent, step = above.pop()
        del parent[step]
        node = parent


def _is_variable(draft: Draft, problem: Problem, paths: dict[str, Path]) -> bool:
    path = paths.get(problem.path)
    node: Any = draft.document
    for step in path or ():
        node = node[step]
    return path is not None and "$" in str(node)


def _paths(node: Any, above: Path = ()) -> Iterator[tuple[str, Path]]:
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in steps:
        path = (*above, step)
        yield dotted(path), path
        yield from _paths(value, path)
