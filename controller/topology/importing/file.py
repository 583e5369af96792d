"""A Compose file in, the text of a topology out, with what was noted at its place in the Compose file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from controller.errors import TopologyError, UsageError
from controller.topology.files import UnreadableError, decode, read_bytes
from controller.topology.importing.compose import Wanted, project_name, translate
from controller.topology.importing.settle import settle
from controller.topology.problem import Mistake, Place, Problem
from controller.topology.source import Source
from controller.topology.surprises import surprise_warnings
from controller.topology.yaml_tree import read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DOLLAR = "\ue000"
"""Stands for $ while the YAML is read: variables stay as they are written, wherever they are, and places hold."""


class Imported(NamedTuple):
    """The text of a valid topology, and what is said about it, with places in the imported file."""

    text: str
    warnings: tuple[Problem, ...]


def import_compose(  # noqa: PLR0913 - what a person may say on the command line, each by name
    file: Path,
    *,
    hosts: Mapping[str, str],
    place: Mapping[str, str],
    project: str | None,
    store: str | None,
    output: Path | None,
) -> Imported:
    """
    Return the topology that the Compose file *file* becomes. No variable is replaced.

    Args:
        hosts: IP address by host name, at least one.
        place: Host by service; the others run on the first host.
        project: Its name; the file's own, or its directory's, without it.
        store: Url of the cluster store, if there is one.
        output: Where the topology is to stand; paths of files in it start there. Beside *file* without it.

    Raises:
        TopologyError: *file* cannot be read, or has no topology in it.
        UsageError: the arguments and the file do not fit.
    """
    target = output if output is not None else file.with_name("topology.yaml")
    if target.resolve().parent != file.resolve().parent:
        raise UsageError(
            "the topology is to stand in another directory than the Compose file: its paths would mean other files",
            hint="write it beside the Compose file, and move it then",
        )
    try:
        text = decode(read_bytes(file, absent="name a Compose file", folder="name a file in it, such as compose.yaml"))
    except UnreadableError as error:
        raise _wrong((Problem(Place(str(file), *error.at), "", error.fact, error.hint),)) from None
    if _DOLLAR in text:
        raise UsageError(f"{file}: the character U+E000 stands in it, which is nobody's", hint="remove it")
    tree = read_tree(text.replace("$", _DOLLAR), str(file), {})
    if tree.problems or not isinstance(tree.root, dict):
        raise _wrong(tree.problems or (Problem(Place(str(file)), "", "expected a mapping", "name a Compose file"),))
    compose = _with_dollars(tree.root)
    said = compose.get("name")
    usable = isinstance(said, str) and "$" not in said
    name = project or (str(said) if usable else project_name(file.resolve().parent.name))
    draft = translate(compose, Wanted(project=name, hosts=hosts, place=place, store=store))
    made = settle(draft, target, file.name)
    source = Source(tree)
    noted = tuple(
        source.problem(Mistake(note.origin, note.fact, note.hint, severity="warning")) for note in draft.notes
    )
    surprises = surprise_warnings(tree.surprises, tree.files)
    return Imported(made, tuple(sorted(dict.fromkeys((*noted, *surprises)), key=lambda problem: problem.place)))


def _with_dollars(node: Any) -> Any:
    if isinstance(node, dict):
        return {key.replace(_DOLLAR, "$"): _with_dollars(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_dollars(value) for value in node]
    return node.replace(_DOLLAR, "$") if isinstance(node, str) else node


def _wrong(problems: tuple[Problem, ...]) -> TopologyError:
    return TopologyError("\n".join(line for problem in problems for line in problem.lines()), problems=problems)
