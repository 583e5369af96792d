"""
The Debian mirror that this machine already uses, read from its own apt configuration.

No mirror is named here. ``apt-get indextargets`` answers for both forms of apt's source files, as long as the package
lists are there; where they were thrown away, as in many images, the files themselves are read. Parsing is pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import LabError
from controller.lab.machine import ARCHIVE_KEYRING, run

if TYPE_CHECKING:
    from collections.abc import Iterable

_APT = Path("/etc/apt")
_FORMAT = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(SITE)"


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where the main archive is, and the security archive if the machine knows one."""

    main: str
    security: str | None

    def lines(self, suite: str) -> tuple[str, ...]:
        """Return the apt sources of *suite*, one line each; signatures are checked with the archive's own keyring."""
        sources = [f"deb [signed-by={ARCHIVE_KEYRING}] {self.main} {suite} main"]
        if self.security:
            sources.append(f"deb [signed-by={ARCHIVE_KEYRING}] {self.security} {suite}-security main")
        return tuple(sources)


def parse_targets(lines: Iterable[str]) -> Mirror | None:
    """Return the mirror that *lines* of ``apt-get indextargets`` describe, or None if none is Debian's main archive."""
    found: dict[str, str] = {}
    for line in lines:
        origin, label, component, site = line.rstrip("\n").split("|", 3)
        if origin == "Debian" and component == "main":
            found.setdefault(label, site)
    main = found.get("Debian")
    return Mirror(main, found.get("Debian-Security")) if main else None


def parse_sources(text: str) -> Mirror | None:
    """
    Return the mirror named in source files, in either of apt's two forms.

    What matters is an archive of a plain suite, or of its ``-security`` half, under a path that ends as Debian's do.
    """
    uris: dict[bool, str] = {}
    for uri, suites in (*_one_line(text), *_stanzas(text)):
        for suite in suites:
            if re.fullmatch(r"[a-z]+(-security)?", suite) and re.search(r"/debian(-security)?/?$", uri):
                uris.setdefault(suite.endswith("-security"), uri)
    return Mirror(uris[False], uris.get(True)) if False in uris else None


def _one_line(text: str) -> Iterable[tuple[str, list[str]]]:
    """Yield (URI, suites) of ``deb [options] URI suite component…`` lines."""
    for match in re.finditer(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$", text, re.MULTILINE):
        if "main" in match[3].split():
            yield match[1], [match[2]]


def _stanzas(text: str) -> Iterable[tuple[str, list[str]]]:
    """Yield (URI, suites) of deb822 stanzas."""
    plain = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", plain):
        fields = {
            key.lower(): value.split()
            for key, value in re.findall(r"^([\w-]+):((?:.*\n?)(?:[ \t].+\n?)*)", stanza, re.MULTILINE)
        }
        if "deb" in fields.get("types", []) and "main" in fields.get("components", []):
            for uri in fields.get("uris", []):
                yield uri, fields.get("suites", [])


def machine_mirror() -> Mirror:
    """
    Return the mirror of this machine.

    Raises:
        LabError: apt knows no Debian archive.
    """
    answer = run(["apt-get", "indextargets", "--format", _FORMAT, "Created-By: Packages"], check=False).stdout.decode()
    mirror = parse_targets(answer.splitlines()) or parse_sources(_source_files())
    if mirror is None:
        raise LabError(
            "apt on this machine knows no Debian archive", hint="see /etc/apt/sources.list.d, then apt-get update"
        )
    return mirror


def _source_files() -> str:
    """Return all of apt's source files as one text."""
    parts = _APT / "sources.list.d"
    files = [_APT / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    return "\n\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
