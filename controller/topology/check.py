"""
From what a file says to a ``Topology``, or to everything that is wrong with it, in order of place.

One mistake gives one message: what stands at a place that already has a problem is not judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from controller.model.topology import Topology
from controller.topology.draft import Draft, salvage
from controller.topology.fields import typed_fields
from controller.topology.file_keys import DEFAULTS, FILE_SECTIONS, PLAIN_SECTIONS, SECTIONS, TOP_KEYS, plain_keys
from controller.topology.problem import Mistake, Place, Problem
from controller.topology.rules import judge
from controller.topology.scalars import resolve, surprise
from controller.topology.surprises import ambiguous_numbers, surprise_warnings
from controller.topology.words import mistakes_in, said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from controller.topology.problem import Path
    from controller.topology.source import Source
    from controller.topology.tree import Tree


def check(tree: Tree, source: Source) -> tuple[Topology | None, tuple[Problem, ...]]:
    """Return the topology, None if there is an error, and what was found: errors and warnings in order of place."""
    if not tree.complete:
        return None, _in_order(tree.problems, tree.files)
    if not isinstance(tree.root, dict):
        return None, (*tree.problems, _no_mapping(tree.root, tree.files[0]))
    if tree.substituted:
        _give_types(tree.root, source)
    plain = without_extensions(tree.root)
    defaults, excused = _defaults(tree.root, source)
    mistakes: list[Mistake] = []
    try:
        draft = Draft(Topology.model_validate(plain), source, tree.broken)
    except ValidationError as error:
        wrong_here = [
            details
            for details in error.errors(include_url=False)
            if not _is_elsewhere(details, excused, partial=tree.partial)
        ]
        mistakes = mistakes_in(wrong_here, source)
        draft = salvage(plain, error, source, tree.broken)
    found = _once(
        tree.problems,
        ambiguous_numbers(tree.surprises, tree.files),
        (source.problem(mistake) for mistake in defaults),
        (source.problem(mistake) for mistake in mistakes),
        # what a file that could not be read says may be what a rule misses
        (source.problem(mistake) for mistake in (() if tree.partial else judge(draft))),
        surprise_warnings(tree.surprises, tree.files),
    )
    wrong = any(problem.severity == "error" for problem in found)
    return None if wrong else draft.topology, _in_order(found, tree.files)


def without_extensions(root: dict[str, Any]) -> dict[str, Any]:
    """Return *root* without the ``x-…`` keys, where Compose allows them, and without what only files have."""
    plain: dict[str, Any] = {key: value for key, value in _plain(root).items() if key not in TOP_KEYS}
    for section in (*SECTIONS, *FILE_SECTIONS, *PLAIN_SECTIONS):
        entries = plain.get(section)
        if isinstance(entries, dict):
            plain[section] = {name: _plain(entry) for name, entry in entries.items()}
    if "store" in plain:
        plain["store"] = _plain(plain["store"])
    return plain


def _plain(node: Any) -> Any:
    return plain_keys(node) if isinstance(node, dict) else node


def _defaults(root: dict[str, Any], source: Source) -> tuple[list[Mistake], frozenset[tuple[str, str]]]:
    if DEFAULTS not in root:
        return [], frozenset()
    from controller.topology.defaults import default_mistakes  # noqa: PLC0415 - most files have none

    return default_mistakes(source)


def _is_elsewhere(details: ErrorDetails, excused: frozenset[tuple[str, str]], *, partial: bool) -> bool:
    """
    Return whether what *details* misses may well stand somewhere else.

    Args:
        excused: Section and key, or ``*``, of what defaults mean but do not say.
        partial: Whether a file could not be read.
    """
    loc = details["loc"]
    if details["type"] == "missing":
        return partial or (len(loc) == 3 and not excused.isdisjoint(((loc[0], loc[2]), (loc[0], "*"))))  # noqa: PLR2004 - section, name, key
    return partial and details["type"] == "too_short" and len(loc) == 1


def _no_mapping(root: Any, file: str) -> Problem:
    if root is None:
        return Problem(Place(file), "", "the file is empty", "start with examples/topology.yaml")
    return Problem(Place(file, 1, 1), "", f"expected a mapping, got {said(root)}", "start with version: 1")


def _in_order(problems: Iterable[Problem], files: tuple[str, ...]) -> tuple[Problem, ...]:
    order = {file: at for at, file in enumerate(files)}
    return tuple(sorted(problems, key=lambda problem: (order[problem.place.file], problem.place)))


def _once(*stages: Iterable[Problem]) -> list[Problem]:
    """Return the problems of all *stages*, without repetitions, and none where an earlier stage found an error."""
    found: list[Problem] = []
    for stage in stages:
        before = {problem.place for problem in found if problem.severity == "error"}
        said_here: set[tuple[Place, str]] = set()
        for problem in stage:
            if problem.place not in before and (problem.place, problem.fact) not in said_here:
                said_here.add((problem.place, problem.fact))
                found.append(problem)
    return found


def _give_types(root: dict[str, Any], source: Source) -> None:
    """Read plain values that held variables as numbers or booleans where the model wants those, as Compose does."""
    for pattern in typed_fields():
        _give_type(root, pattern, (), source)
        if DEFAULTS in root and pattern[0] in SECTIONS:
            _give_type(root, (DEFAULTS, pattern[0], *pattern[2:]), (), source)


def _give_type(node: Any, pattern: Path, path: Path, source: Source) -> None:
    step, *rest = pattern
    if isinstance(node, dict):
        steps: Iterable[Any] = list(node) if step == "*" else [step] if step in node else []
    else:
        steps = range(len(node)) if isinstance(node, list) and step == "*" else ()
    for here in steps:
        if rest:
            _give_type(node[here], tuple(rest), (*path, here), source)
        elif isinstance(node[here], str) and source.is_substituted((*path, here), plain=True):
            value = resolve(node[here])
            # what is ambiguous stays text, and the validation refuses it
            if value is not None and surprise(node[here], value) is None:
                node[here] = value
