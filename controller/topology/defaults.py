"""
Defaults: what entries of a section say unless they say something else themselves.

A default stands under each entry: what the entry says wins, as a whole; mappings of texts such as ``environment`` and
``labels``, and ``ssh``, are joined key by key. Defaults are judged where they stand, once, whoever takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from controller.model.network import Network
from controller.model.topology import Container, Host, Ssh
from controller.topology.draft import PLACEHOLDERS
from controller.topology.fields import is_text_map, wanted
from controller.topology.file_keys import DEFAULTS, ENV_FILE, OWN, OWN_OF_ATTACHMENT, SECTIONS, plain_keys
from controller.topology.problem import Mistake
from controller.topology.tree import Lent
from controller.topology.words import meant_key, mistakes_in, nearest, said, unknown_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from controller.topology.assembly import Assembly, Entry
    from controller.topology.problem import Path
    from controller.topology.source import Source

_MODELS: dict[str, type[BaseModel]] = {"hosts": Host, "networks": Network, "containers": Container}


def lend(assembly: Assembly) -> None:
    """Put the defaults of the document under the entries that they hold for."""
    defaults = assembly.root[DEFAULTS]
    if not isinstance(defaults, dict):
        return
    for section in SECTIONS:
        default, entries = defaults.get(section), assembly.root.get(section)
        if isinstance(default, dict) and isinstance(entries, dict):
            offered = [entry for entry in assembly.entries(default) if not _is_own(section, entry.key)]
            lending = _Lending(assembly, section)
            merged = [
                entry._replace(value=lending.under(entry.value, offered, (section,)))
                if _takes(section, entry.value)
                else entry
                for entry in assembly.entries(entries)
            ]
            assembly.replace(section, assembly.mapping(merged))
            _spread_doubt(assembly, section, entries)


def default_mistakes(source: Source) -> tuple[list[Mistake], frozenset[tuple[str, str]]]:
    """
    Return what is wrong with the defaults themselves, and what they mean but do not say, as section and key or ``*``.

    What entries lack because a default is misspelled, or is no mapping, is no second mistake.
    """
    defaults = source.node(DEFAULTS)
    path: Path = (DEFAULTS,)
    if not isinstance(defaults, dict):
        return [_no_mapping(path, defaults)], frozenset((section, "*") for section in SECTIONS)
    found: list[Mistake] = []
    excused: set[tuple[str, str]] = set()
    for section, default in plain_keys(defaults).items():
        here: Path = (*path, section)
        if section not in SECTIONS:
            found.append(unknown_key(here))
            excused.add((nearest(section, SECTIONS) or "", "*"))
        elif not isinstance(default, dict):
            found.append(_no_mapping(here, default))
            excused.add((section, "*"))
        else:
            found += _refused(section, default)
            details = _wrong_values(section, default)
            found += mistakes_in(details, source)
            excused.update((section, str(meant[-1])) for one in details if (meant := meant_key(one)) is not None)
    return found, frozenset(excused)


class _Lending:
    """Defaults of one section on their way to its entries."""

    def __init__(self, assembly: Assembly, section: str) -> None:
        self._assembly = assembly
        self._section = section
        self._paths: dict[Path, dict[str, Path]] = {}

    def under(self, own: dict[str, Any] | None, offered: list[Entry], path: Path) -> dict[str, Any]:
        """Return *own* with what it lacks of *offered*, the entries of the default at *path* below the defaults."""
        if own is None:
            return self._joined([], offered, path)
        mine = self._assembly.entries(own)
        for at, entry in enumerate(mine):
            default = next((one for one in offered if one.key == entry.key), None)
            if default is not None:
                mine[at] = entry._replace(value=self._nested(entry.value, default.value, (*path, entry.key)))
        return self._joined(mine, offered, path)

    def _nested(self, own: Any, default: Any, path: Path) -> Any:
        """Return the value *own* at *path* joined with its *default* if it is of a kind that is joined, else *own*."""
        where = (self._section, "*", *path[1:])
        if is_text_map(where):
            mine, offered = self._assembly.pairs(own), self._assembly.pairs(default)
            return own if mine is None or offered is None else self._joined(mine, offered, path)
        if Ssh in wanted(where) and isinstance(own, dict) and isinstance(default, dict):
            return self.under(own, self._assembly.entries(default), path)
        return own

    def _joined(self, mine: list[Entry], offered: list[Entry], path: Path) -> dict[str, Any]:
        has = {entry.key for entry in mine}
        if path not in self._paths:
            self._paths[path] = {entry.key: (DEFAULTS, *path, entry.key) for entry in offered}
        taken = [entry for entry in offered if entry.key not in has]
        return self._assembly.mapping([*mine, *taken], lent=Lent(len(mine), self._paths[path]))


def _takes(section: str, entry: Any) -> bool:
    # a network with nothing behind its name is an empty one; of the others something has to be said
    return isinstance(entry, dict) or (entry is None and section == "networks")


def _is_own(section: str, key: str) -> bool:
    return key in OWN[section] or key.startswith("x-")


def _spread_doubt(assembly: Assembly, section: str, names: dict[str, Any]) -> None:
    """Note that what is wrong in a default is wrong in each entry that may have taken it."""
    wrong = [path[2:] for path in assembly.broken if path[:2] == (DEFAULTS, section)]
    assembly.broken += [(section, name, *below) for below in wrong for name in names]


def _no_mapping(path: Path, node: Any) -> Mistake:
    return Mistake(path, f"expected a mapping, got {said(node)}", "write its keys below it, indented")


def _refused(section: str, default: dict[str, Any]) -> Iterator[Mistake]:
    for key in default:
        if key in OWN[section]:
            fact = f"{key} cannot have a default: it is each {section.removesuffix('s')}'s own"
            yield Mistake((DEFAULTS, section, key), fact, f"write it in {section}.NAME", on_key=True)
    networks = default.get("networks") if section == "containers" else None
    for name, attachment in networks.items() if isinstance(networks, dict) else ():
        for key, what in OWN_OF_ATTACHMENT.items() if isinstance(attachment, dict) else ():
            if key in attachment:
                fact = f"{what} cannot have a default: it is each container's own"
                path = (DEFAULTS, section, "networks", name, key)
                yield Mistake(path, fact, f"write it in {section}.NAME.networks.{name}")


def _wrong_values(section: str, default: dict[str, Any]) -> list[ErrorDetails]:
    """Return what pydantic finds wrong with *default*, by itself, with the paths of the document."""
    model = _MODELS[section]
    plain = {key: value for key, value in default.items() if not _is_own(section, key) and key != ENV_FILE}
    try:
        model.model_validate({**PLACEHOLDERS.get(model, {}), **plain})
    except ValidationError as error:
        return [{**one, "loc": (DEFAULTS, section, *one["loc"])} for one in error.errors(include_url=False)]
    return []
