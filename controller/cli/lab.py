"""``ovctl lab``: virtual hosts on this machine, to try things on."""

from __future__ import annotations

import dataclasses
import json
import os
import time

import click

from controller.lab import Lab
from controller.lab.machine import require_root
from controller.lab.spec import DEFAULT_HOSTS, DEFAULT_NAME, DEFAULT_SUBNET

_COLUMNS = ("name", "ip", "engine", "suite", "state", "link", "pid", "uptime_s")


@click.group()
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which lab; several may be up at once.")
@click.pass_context
def lab(ctx: click.Context, name: str) -> None:
    """Virtual hosts on this machine, to try things on. Needs root."""
    ctx.obj = Lab(name)


@lab.command()
@click.option("--hosts", type=int, help=f"Number of hosts h1, h2 … (default {DEFAULT_HOSTS}).")
@click.option(
    "--engine",
    default="classic",
    show_default=True,
    help="classic (20.10.5), etcd (20.10.24), modern (26.1) or newest (28.5); or a list with one for each host.",
)
@click.option("--subnet", default=DEFAULT_SUBNET, show_default=True, help="Private IPv4 network of the lab.")
@click.option(
    "--store",
    type=click.Choice(["consul", "none"]),
    default="consul",
    show_default=True,
    help="A host with a consul server.",
)
@click.pass_obj
def up(lab: Lab, hosts: int | None, engine: str, subnet: str, store: str) -> None:
    """Make the lab, or what is missing of it."""
    start = time.monotonic()

    def progress(line: str) -> None:
        click.echo(f"{time.monotonic() - start:6.1f} s  {line}", err=True)

    lab.up(hosts=hosts, engine=engine, subnet=subnet, store=store, progress=progress)
    first = lab.spec.hosts[0]
    click.echo(f"lab {lab.name} is up; its ssh_config: {lab.ssh_config}")
    click.echo(
        f"  next: ssh -F {lab.ssh_config} {first.name}   or   {_command(lab)} exec {first.name} -- docker version"
    )


@lab.command()
@click.option("--purge", is_flag=True, help="Remove the root file systems too, which take a minute to build.")
@click.pass_obj
def down(lab: Lab, *, purge: bool) -> None:
    """End the lab and leave nothing of it."""
    found = lab.down(purge=purge)
    click.echo(f"lab {lab.name} is down" if found else f"there is no lab {lab.name}", err=True)


@lab.command()
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def status(lab: Lab, output: str) -> None:
    """Show each host: where it is, what it runs, whether it does."""
    require_root()
    rows = [dataclasses.asdict(host) for host in lab.status()]
    if output == "json":
        click.echo(json.dumps({"name": lab.name, "ssh_config": str(lab.ssh_config), "hosts": rows}, indent=2))
        return
    cells = [["HOST", "IP ADDRESS", "ENGINE", "SUITE", "STATE", "LINK", "PID", "UPTIME"]]
    cells += [[_cell(column, row[column]) for column in _COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(column: str, value: object) -> str:
    """Return one cell of the table."""
    if value is None:
        return "-"
    return f"{value:.0f} s" if column == "uptime_s" and isinstance(value, float) else str(value)


@lab.command()
@click.argument("host")
@click.pass_obj
def ssh(lab: Lab, host: str) -> None:
    """Log in to HOST as root."""
    require_root()
    _become(lab.ssh_argv(host))


@lab.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_(lab: Lab, host: str, command: tuple[str, ...]) -> None:
    """Run COMMAND on HOST: arguments, standard input and exit code pass through as they are."""
    require_root()
    words = command[1:] if command[0] == "--" else command  # click leaves it there once HOST has been read
    if not words:
        raise click.UsageError("Missing argument 'COMMAND...'.")
    _become(lab.ssh_argv(host, words))


@lab.command()
@click.argument("host")
@click.argument("state", type=click.Choice(["up", "down"]))
@click.pass_obj
def link(lab: Lab, host: str, state: str) -> None:
    """Plug HOST's network cable in, or pull it."""
    require_root()
    lab.link(host, up=state == "up")


@lab.command()
@click.argument("host")
@click.pass_obj
def crash(lab: Lab, host: str) -> None:
    """Cut HOST's power; it stays off."""
    require_root()
    lab.crash(host)


@lab.command()
@click.argument("host")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it is ready.")
@click.pass_obj
def boot(lab: Lab, host: str, *, wait: bool) -> None:
    """Switch HOST on."""
    require_root()
    lab.boot(host, wait=wait)


def _command(lab: Lab) -> str:
    """Return how this lab is addressed on the command line."""
    return "ovctl lab" if lab.name == DEFAULT_NAME else f"ovctl lab --name {lab.name}"


def _become(argv: list[str]) -> None:
    """Turn this process into *argv*, so that terminal, signals and exit code are its own."""
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted
