"""The Debian mirror, read from each form of apt's configuration."""

from __future__ import annotations

import pytest

from controller.lab.sources import Mirror, parse_sources, parse_targets

MAIN, SECURITY = "http://mirror.example/debian", "http://mirror.example/debian-security"

DEB822 = f"""\
Types: deb
# a comment in between
URIs: {MAIN}
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: {SECURITY}
Suites: bookworm-security
Components: main
"""
ONE_LINE = f"""\
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] {MAIN} bookworm main
deb {SECURITY}/ bookworm-security main
deb-src {MAIN} bookworm main
"""
OTHERS = """\
deb https://packages.example/apt tools-bookworm main

Types: deb
URIs: https://deb.tools.example/node
Suites: nodistro
Components: main
"""


def test_indextargets_tell_the_main_and_the_security_archive() -> None:
    lines = [
        "Node|Node|main|https://deb.tools.example/node",
        f"Debian|Debian|main|{MAIN}",
        f"Debian|Debian|contrib|{MAIN}",
        f"Debian|Debian-Security|main|{SECURITY}",
    ]
    assert parse_targets(lines) == Mirror(MAIN, SECURITY)


def test_without_debian_among_the_targets_there_is_no_mirror() -> None:
    assert parse_targets(["Node|Node|main|https://deb.tools.example/node"]) is None
    assert parse_targets([]) is None


@pytest.mark.parametrize("text", [DEB822, ONE_LINE, f"{OTHERS}\n{DEB822}"])
def test_source_files_of_both_forms_tell_the_same(text: str) -> None:
    mirror = parse_sources(text)
    assert mirror
    assert (mirror.main, (mirror.security or "").rstrip("/")) == (MAIN, SECURITY)


def test_a_machine_without_the_security_archive_still_has_a_mirror() -> None:
    assert parse_sources(f"deb {MAIN} trixie main\n") == Mirror(MAIN, None)


def test_other_peoples_archives_are_not_debian() -> None:
    assert parse_sources(OTHERS) is None


def test_every_suite_is_checked_with_the_archives_own_keyring() -> None:
    keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    assert Mirror(MAIN, SECURITY).lines("bullseye") == (
        f"deb {keyring} {MAIN} bullseye main",
        f"deb {keyring} {SECURITY} bullseye-security main",
    )
