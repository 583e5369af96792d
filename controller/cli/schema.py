"""``ovctl schema``: the JSON Schema of topology.yaml, on stdout."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """
    Print the JSON Schema of topology.yaml for editors.

    Save it beside the topology and name it in the first line of the file:

    # yaml-language-server: $schema=topology.schema.json
    """
    from controller.topology.schema import schema_text  # noqa: PLC0415 - pydantic takes longer to import than --help may

    click.echo(schema_text(), nl=False)
