"""Labs that tests bring up for themselves, commands on their hosts, and ovctl in this process."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from controller.cli import root
from controller.lab import Lab
from controller.lab.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def own_lab(name: str, *, engine: str, subnet: str, hosts: int | None = None, store: str = "none") -> Iterator[Lab]:
    """
    Bring a lab up as ``Lab.up`` does, and take it down in the end; what a killed run may have left is not trusted.

    One run at a time: the name is taken on the whole machine.
    """
    lab = Lab(name)
    with locked(Path(tempfile.gettempdir()) / f"ovctl-lab-{name}.lock"):
        lab.down()
        try:
            lab.up(hosts=hosts, engine=engine, subnet=subnet, store=store)
            yield lab
        finally:
            lab.down()


def on(lab: Lab, host: str, *argv: str) -> str:
    """Run a command on a host and return what it printed; AssertionError when it fails."""
    done = lab.exec(host, argv, timeout_s=150)
    assert done.returncode == 0, f"{host}: {' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def ovctl(*argv: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run ovctl and return its exit code and what it printed."""
    done = CliRunner().invoke(root, argv, env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output
