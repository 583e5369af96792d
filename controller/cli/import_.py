"""``ovctl import``: a topology.yaml from a Compose file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from controller.errors import UsageError


@click.command(name="import")
@click.option("--compose", "file", type=click.Path(path_type=Path), required=True, help="The Compose file.")
@click.option(
    "--host", "hosts", multiple=True, required=True, metavar="NAME=ADDRESS", help="A host; the first is usual."
)
@click.option("--place", multiple=True, metavar="SERVICE=HOST", help="Where a service runs; the first host without it.")
@click.option("--project", help="Name of the topology; the project's own without it.")
@click.option("--store", metavar="URL", help="The cluster store: networks between hosts become overlays.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; standard output without it.")
def import_(  # noqa: PLR0913, PLR0917 - click gives each option as an argument
    file: Path,
    hosts: tuple[str, ...],
    place: tuple[str, ...],
    project: str | None,
    store: str | None,
    output: Path | None,
) -> None:
    """
    Make a topology.yaml from a Compose file: valid, with a comment and a warning for all that is not carried over.

    Variables stay as they are written. Asks no host and no engine.
    """
    from controller.topology.importing.file import import_compose  # noqa: PLC0415 - pydantic is slower than --help

    made = import_compose(
        file,
        hosts=_pairs("--host", hosts),
        place=_pairs("--place", place),
        project=project,
        store=store,
        output=output,
    )
    for problem in made.warnings:
        first, *rest = problem.lines()
        click.echo(click.style("warning: ", fg="yellow") + first, err=True)
        for line in rest:
            click.echo(line, err=True)
    if output is None:
        click.echo(made.text, nl=False)
        return
    try:
        # it may hold what environment variables hold: nobody else reads it, and no file is replaced
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{output}: there is such a file already", hint="name another one, or move it away") from None
    except OSError as error:
        raise UsageError(f"{output}: {(error.strerror or 'cannot be written').lower()}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(made.text)


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"{option} {text}: expected NAME=VALUE")
        if name in pairs:
            raise UsageError(f"{option} {text}: {name} is given twice")
        pairs[name] = value
    return pairs
