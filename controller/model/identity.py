"""Who is who: the stable address of an object and the labels that say which topology owns it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["store", "host", "network", "volume", "container", "files"]

SHORT_ID = 12
"""Length of the id that the engine takes as an alias, and as a host name by default."""

LABEL_PREFIX = "ovctl."
"""What the labels that ovctl writes begin with."""
LABEL_TOPOLOGY = "ovctl.topology"
LABEL_FIELDS = "ovctl.fields"
LABEL_ROLE = "ovctl.role"
STORE_CONTAINER = "ovctl-store"
"""Name, and role label, of the container that a placed store runs in."""
ASIDE_SUFFIX = ".ovctl-aside"
"""A container that is being replaced bears this until the new one runs."""
_NUMBER = re.compile(r"[0-9.]+|0[xX][0-9a-fA-F]+")
DIGEST_LENGTH = 12
"""Hex digits kept of a field's digest: 48 bits tell a changed value from an unchanged one; values stay private."""


def is_number(name: str) -> bool:
    """Whether every resolver takes *name* for an IP address, so that nobody who bears it is found by it."""
    return bool(_NUMBER.fullmatch(name))


class Address(NamedTuple):
    """
    The stable id of an object of a topology, written ``kind/name``.

    An address alone is never an IP address: for those we say "IP address".
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Generation(NamedTuple):
    """
    Which state of a topology's file something was made from.

    Args:
        digest: Of the canonical topology.
        commit: Short hash of the file's git commit, None outside a repository.
    """

    digest: str
    commit: str | None = None

    def __str__(self) -> str:
        return f"{self.digest} (commit {self.commit})" if self.commit else self.digest


def digest(value: Any) -> str:
    """Return the short digest of *value* (anything JSON can say), the same on every machine and in every run."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def owner_labels(topology: str, declared: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the labels that mark an object as ours: the topology's name and a digest of each declared field.

    Args:
        topology: Name of the owning topology.
        declared: Field name -> declared value, JSON-like. Values never enter the labels, only their digests.
    """
    return owner_labels_of(topology, {name: digest(value) for name, value in declared.items()})


def owner_labels_of(topology: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that mark an object as ours, for *fields*, field name -> digest of its declared value."""
    return {LABEL_TOPOLOGY: topology, LABEL_FIELDS: json.dumps(dict(fields), sort_keys=True, separators=(",", ":"))}


def owner_of(labels: Mapping[str, str]) -> str | None:
    """
    Return the name of the topology that owns an object with *labels*, or None for a foreign one.

    Those of what was observed say so of adopted objects, too: ``controller.model.adoption.owned``.
    """
    return labels.get(LABEL_TOPOLOGY)


def without_ours(labels: Mapping[str, str]) -> dict[str, str]:
    """Return *labels* without those that ovctl writes."""
    return {name: value for name, value in labels.items() if not name.startswith(LABEL_PREFIX)}


def declared_fields(labels: Mapping[str, str]) -> dict[str, str]:
    """Return field -> digest as recorded at creation; empty when the label is absent or not ours to read."""
    try:
        fields = json.loads(labels.get(LABEL_FIELDS, "{}"))
    except ValueError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {str(name): str(value) for name, value in fields.items()}
