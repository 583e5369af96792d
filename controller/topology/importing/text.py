"""A topology's document as text: YAML, with what was noted as comments where it belongs. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.topology.importing.note import Draft

_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes aliases out: a topology is read by people."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature of yaml's
        """Return True: nothing is an alias."""
        return True


def topology_text(draft: Draft, source: str) -> str:
    """
    Return *draft* as the text of a topology.yaml; the same draft gives the same text.

    Args:
        source: What it was made from, for the first line.
    """
    lines = [f"# Made by ovctl from {_one_line(source)}."]
    lines += _comments(draft, (), "")
    for key, value in draft.document.items():
        if key in ("hosts", "networks", "volumes", "containers"):
            lines += ["", f"{key}:"]
            for name, entry in value.items():
                lines += _comments(draft, (key, name), "  ")
                lines += _dump({key: {name: entry}})[1:]
        else:
            lines += _dump({key: value})
    return "\n".join(lines) + "\n"


def _dump(value: Any) -> list[str]:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10_000)
    return text.rstrip("\n").split("\n")


def _comments(draft: Draft, entry: tuple[str | int, ...], indent: str) -> Iterable[str]:
    for note in draft.notes:
        if note.entry == entry:
            yield f"{indent}# {_one_line(note.fact)}" + (f" ({_one_line(note.hint)})" if note.hint else "")


def _one_line(text: str) -> str:
    return _BREAK.sub("?", text)
