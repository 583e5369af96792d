"""The table of a container's plain fields as docs/fields.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model.container_fields import FIELDS, Default, release_text
from controller.model.topology import Container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.model.container_fields import ContainerField

_HEAD = """\
# Plain fields of a container

How each field of a container that concerns it alone is carried out. Made from the table that ovctl itself works with
(`controller/model/container_fields.py`) by `pytest --update-golden`; [topology.md](topology.md#containers) has the
other fields, and says how values are written.

**Compared** is what is declared, against what the engine says it is configured with, in whatever spelling: `64m` and
`67108864`, `net_admin` and `CAP_NET_ADMIN`, a list in another order where order means nothing. What was declared when
the container was made, and no longer is, goes back to its default. What nobody declared is left alone, so that defaults
of the image, the engine and its daemon.json are never a difference. The one exception are the fields that are
**updated**: no engine sets those by itself, so that a value which is not declared was set by hand, or was declared
after the container had been made, and is taken back.

**Updated** means: the container goes on as it is, with its id and its processes. Everything else replaces it. So does
taking a limit away, which an update cannot do (except for `pids_limit`), and giving `memswap_limit` as -1, which an
update writes down and never tells the kernel.

A value of a mapping is a line of its own in a plan, such as `ulimits.nofile`. What may be a secret (the test of a
healthcheck, options of a log driver, annotations) is never shown.

An engine or a kernel that would ignore a declared field without a word makes it a conflict: nothing is done to that
container, and the plan says why.

| field | meaning | in the engine's API | without it | a change | needs |
| --- | --- | --- | --- | --- | --- |
"""


def fields_text() -> str:
    """Return docs/fields.md, newline included."""
    return _HEAD + "".join(f"| {' | '.join(_cells(row))} |\n" for row in FIELDS)


def _cells(row: ContainerField) -> Iterator[str]:
    yield f"`{row.name}`"
    yield (Container.model_fields[row.name].description or "").rstrip(".").replace("|", "\\|")
    yield f"`{row.part}.{row.key}`" if row.part == "HostConfig" else f"`{row.key}`"
    yield _without(row)
    since = f" (engines from {release_text(row.updates_since)} on)" if row.updates_since else ""
    yield "replaces it" if row.update is None else f"is updated{since}"
    yield ", ".join(_needs(row))


def _without(row: ContainerField) -> str:
    if isinstance(row.default, Default):
        return row.default.value
    if row.derived is not None:
        return "derived"
    if row.default in (None, "", (), {}):
        return "nothing"
    return row.show(row.default)


def _needs(row: ContainerField) -> Iterator[str]:
    for key, since in row.since.items():
        yield f"engine {release_text(since)}" + (f" for `{key}`" if key else "")
    if row.kernel:
        yield f"`{row.kernel}` of `docker info`"
