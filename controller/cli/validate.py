"""``ovctl validate``: everything that is wrong with a topology file, in one run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.errors import TopologyError

if TYPE_CHECKING:
    from controller.topology.load import Loaded
    from controller.topology.problem import Problem

FORMAT_VERSION = 1
"""Of the JSON output: raised when a key changes its meaning or goes."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("topology.yaml"))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output.")
def validate(file: Path, output: str) -> None:
    """
    Check a topology FILE (topology.yaml without it) and say everything that is wrong with it.

    Ends with 0 if the file is valid, warnings or not, and with 1 if it is not. Asks no host and no engine.
    """
    from controller.topology.load import load  # noqa: PLC0415 - pydantic and yaml take longer to import than --help may

    loaded: Loaded | None = None
    try:
        loaded = load(file, os.environ)
        problems = loaded.warnings
    except TopologyError as error:
        problems = error.problems
    if output == "json":
        click.echo(json.dumps(_document(file, loaded, problems), indent=2))
    else:
        for problem in problems:
            _show(problem)
        if loaded is not None:
            click.echo(_summary(file, loaded))
        else:
            click.echo(_count(problems), err=True)
    if loaded is None:
        sys.exit(TopologyError.exit_code)


def _show(problem: Problem) -> None:
    first, *rest = problem.lines()
    click.echo(
        click.style(f"{problem.severity}: ", fg="red" if problem.severity == "error" else "yellow") + first, err=True
    )
    for line in rest:
        click.echo(line, err=True)


def _count(problems: tuple[Problem, ...]) -> str:
    wrong = [problem for problem in problems if problem.severity == "error"]
    text = _of(len(wrong), "error")
    return text if len(wrong) == len(problems) else f"{text}, {_of(len(problems) - len(wrong), 'warning')}"


def _summary(file: Path, loaded: Loaded) -> str:
    topology = loaded.topology
    counts = ", ".join(
        (
            _of(len(topology.hosts), "host"),
            _of(len(topology.networks), "network"),
            _of(len(topology.containers), "container"),
        ),
    )
    return f"{file}: ok ({counts}), generation {loaded.generation_digest}"


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _document(file: Path, loaded: Loaded | None, problems: tuple[Problem, ...]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "file": str(file),
        "valid": loaded is not None,
        "problems": [
            {
                "severity": problem.severity,
                "file": problem.place.file,
                "line": problem.place.line or None,
                "column": problem.place.column or None,
                "path": problem.path,
                "fact": problem.fact,
                "hint": problem.hint,
            }
            for problem in problems
        ],
    }
    if loaded is not None:
        topology = loaded.topology
        document |= {
            "name": topology.name,
            "generation": loaded.generation_digest,
            "files": list(loaded.places.files),
            "hosts": len(topology.hosts),
            "networks": len(topology.networks),
            "containers": len(topology.containers),
        }
    return document
