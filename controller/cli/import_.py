"""``ovctl import``: a topology.yaml from a Compose file, or from what runs on hosts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.importing.file import Imported


@click.command(name="import")
@click.option("--compose", "file", type=click.Path(path_type=Path), help="The Compose file.")
@click.option("--host", "hosts", multiple=True, metavar="NAME=ADDRESS", help="A host; the first is usual.")
@click.option("--place", multiple=True, metavar="SERVICE=HOST", help="Where a service runs; the first host without it.")
@click.option("--store", metavar="URL", help="The cluster store: networks between hosts become overlays.")
@click.option(
    "--from-host",
    "running",
    multiple=True,
    metavar="NAME=ADDRESS",
    help="A host whose running containers are imported, instead of a Compose file; may be given again.",
)
@click.option("--ssh-config", type=click.Path(path_type=Path), help="ssh configuration file to reach these hosts with.")
@click.option("--sudo", is_flag=True, help="Whether ssh's user needs sudo there.")
@click.option("--project", help="Name of the topology; the Compose project's own without it, or `imported`.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; standard output without it.")
def import_(**said: Any) -> None:
    """
    Make a topology.yaml from a Compose file, or from what runs on hosts.

    It is valid, with a comment and a warning for all that is not carried over. A Compose file's variables stay as they
    are written, and no host is asked. Hosts are looked at, and not changed; `ovctl adopt --all` makes what was imported
    ours, as it runs.
    """
    output: Path | None = said["output"]
    if bool(said["file"]) == bool(said["running"]):
        raise UsageError("say what is to be imported: --compose FILE, or --from-host NAME=ADDRESS")
    made = _from_hosts(said, output) if said["running"] else _from_compose(said, output)
    for problem in made.warnings:
        first, *rest = problem.lines()
        click.echo(click.style("warning: ", fg="yellow") + first, err=True)
        for line in rest:
            click.echo(line, err=True)
    if output is None:
        click.echo(made.text, nl=False)
        return
    write_private(output, made.text)


def write_private(output: Path, text: str) -> None:
    """
    Write *text*, which may hold what environment variables hold, into a new file that nobody else reads.

    Raises:
        UsageError: There is such a file, or it cannot be written.
    """
    _refuse_to_replace(output)
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{output}: {(error.strerror or 'cannot be written').lower()}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)


def _from_compose(said: Mapping[str, Any], output: Path | None) -> Imported:
    from controller.topology.importing.file import import_compose  # noqa: PLC0415 - pydantic is slower than --help

    _refuse(said, "--compose", ssh_config="--ssh-config", sudo="--sudo")
    if not said["hosts"]:
        raise UsageError("--compose needs a host to run on", hint="add --host NAME=ADDRESS")
    return import_compose(
        said["file"],
        hosts=_pairs("--host", said["hosts"]),
        place=_pairs("--place", said["place"]),
        project=said["project"],
        store=said["store"],
        output=output,
    )


def _from_hosts(said: Mapping[str, Any], output: Path | None) -> Imported:
    from controller.observe.inventory import take_inventory  # noqa: PLC0415 - pydantic is slower than --help
    from controller.topology.importing.running import FromHosts, hosts_only, import_hosts  # noqa: PLC0415
    from controller.wiring import connect  # noqa: PLC0415

    _refuse(said, "--from-host", hosts="--host", place="--place", store="--store")
    if output is None:
        raise UsageError(
            "what hosts hold in environment variables goes into a file of yours alone", hint="name it: -o FILE"
        )
    _refuse_to_replace(output)
    more: dict[str, Any] = {"ssh": {"config": str(said["ssh_config"].absolute())}} if said["ssh_config"] else {}
    more |= {"sudo": True} if said["sudo"] else {}
    pairs = _pairs("--from-host", said["running"])
    wanted = FromHosts(
        project=said["project"] or "imported", hosts={name: {"address": at, **more} for name, at in pairs.items()}
    )
    fleet = connect(hosts_only(wanted))
    try:
        inventories = take_inventory(fleet, pairs, wanted.project)
    finally:
        fleet.close()
    return import_hosts(inventories, wanted, output)


def _refuse(said: Mapping[str, Any], beside: str, **options: str) -> None:
    given = [option for name, option in options.items() if said[name]]
    if given:
        raise UsageError(f"{given[0]} has no meaning with {beside}")


def _refuse_to_replace(output: Path) -> None:
    if output.exists():
        raise UsageError(f"{output}: there is such a file already", hint="name another one, or move it away")


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
