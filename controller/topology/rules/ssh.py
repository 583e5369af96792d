"""Rules for ssh: options that start nothing on the operator's machine and weaken no check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.ssh_options import ALLOWED, refusals
from controller.topology.problem import Mistake
from controller.topology.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.topology.draft import Draft


def mistakes(draft: Draft) -> Iterator[Mistake]:
    """Yield the ssh options that a topology may not set, and wrong values of those that it may."""
    for name, host in draft.topology.hosts.items():
        for refusal in refusals(host.ssh.options):
            path = ("hosts", name, "ssh", "options", refusal.option)
            if not draft.doubtful(*path):
                near = did_you_mean(refusal.option, ALLOWED) if refusal.kind == "unknown" else None
                yield Mistake(path, refusal.fact, refusal.hint, on_key=refusal.kind != "value", fix=near)
