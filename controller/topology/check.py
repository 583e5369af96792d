"""
From what a file says to a ``Topology``, or to everything that is wrong with it, in order of place.

One mistake gives one message: what stands at a place that already has a problem is not judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from controller.model.topology import Topology
from controller.topology.draft import SECTIONS, Draft, salvage
from controller.topology.fields import typed_fields
from controller.topology.problem import Mistake, Place, Problem
from controller.topology.rules import judge
from controller.topology.scalars import resolve, surprise
from controller.topology.surprises import ambiguous_numbers, surprise_warnings
from controller.topology.words import mistakes_in, said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.topology.problem import Path
    from controller.topology.source import Source
    from controller.topology.tree import Tree


def check(tree: Tree, source: Source) -> tuple[Topology | None, tuple[Problem, ...]]:
    """Return the topology, None if there is an error, and what was found: errors and warnings in order of place."""
    if not tree.complete:
        return None, _in_order(tree.problems)
    if not isinstance(tree.root, dict):
        return None, (*tree.problems, _no_mapping(tree.root, source.file))
    if tree.substituted:
        _give_types(tree.root, source)
    plain = without_extensions(tree.root)
    mistakes: list[Mistake] = []
    try:
        draft = Draft(Topology.model_validate(plain), source, tree.broken)
    except ValidationError as error:
        mistakes = mistakes_in(error, source)
        draft = salvage(plain, error, source, tree.broken)
    found = _once(
        tree.problems,
        ambiguous_numbers(tree.surprises, source.file),
        (source.problem(mistake) for mistake in mistakes),
        (source.problem(mistake) for mistake in judge(draft)),
        surprise_warnings(tree.surprises, source.file),
    )
    wrong = any(problem.severity == "error" for problem in found)
    return None if wrong else draft.topology, _in_order(found)


def without_extensions(root: dict[str, Any]) -> dict[str, Any]:
    """Return *root* without the ``x-…`` keys, where Compose allows them; *root* itself stays as it is."""
    plain: dict[str, Any] = _plain(root)
    for section in SECTIONS:
        entries = plain.get(section)
        if isinstance(entries, dict):
            plain[section] = {name: _plain(entry) for name, entry in entries.items()}
    if "store" in plain:
        plain["store"] = _plain(plain["store"])
    return plain


def _plain(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {key: value for key, value in node.items() if not key.startswith("x-")}


def _no_mapping(root: Any, file: str) -> Problem:
    if root is None:
        return Problem(Place(file), "", "the file is empty", "start with examples/topology.yaml")
    return Problem(Place(file, 1, 1), "", f"expected a mapping, got {said(root)}", "start with version: 1")


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.place))


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
