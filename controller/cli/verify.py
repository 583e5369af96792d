"""``ovctl verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from controller.cli.session import colours, opened, output_option, print_json, topology_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@topology_argument
@output_option
@click.option("-v", "--verbose", is_flag=True, help="Show what is right, too.")
@click.pass_context
def verify(ctx: click.Context, file: Path, output: str, *, verbose: bool) -> None:
    """
    Prove on the data path who reaches whom, and who must not.

    Every pair of containers that share a network pings by IP address and by name; every pair that shares none must not
    get through, by docker_gwbridge neither. Asked from the containers' network namespaces: their images need no ping.

    Exit codes: 0 all as it should be, 1 something is not, or could not be asked.
    """
    from controller.checks.probe import probe  # noqa: PLC0415 - loaded where it is used
    from controller.checks.verify import ask, judge, not_running  # noqa: PLC0415
    from controller.observe import observe  # noqa: PLC0415
    from controller.render.findings import findings_json, findings_text  # noqa: PLC0415

    with opened(file) as cycle:
        observed = observe(cycle.desired, cycle.fleet, gateways=True)
        questions = ask(cycle.desired, observed)
        findings = (*judge(questions, probe(questions, cycle.fleet)), *not_running(cycle.desired, observed))
    if output == "json":
        print_json(findings_json(findings))
    else:
        click.echo(findings_text(findings, verbose=verbose, colours=colours()))
    ctx.exit(0 if all(finding.ok for finding in findings) else 1)
