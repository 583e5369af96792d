"""Contents of configs and secrets are read from where the topology says, and shown in no message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.model.files import MAX_CONTENT_BYTES, FileReference
from controller.topology.load import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.load import Loaded

CANARY = "c4n4ry-0f-the-m1ne"
HEAD = "version: 1\nname: t\nhosts: {h1: {address: 192.0.2.1}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("db.txt").write_text(CANARY, encoding="utf-8")
    return tmp_path


def loaded(text: str, *, env: Mapping[str, str] | None = None) -> Loaded:
    Path("t.yaml").write_text(HEAD + text, encoding="utf-8")
    return load(Path("t.yaml"), env or {})


def container(fields: str) -> str:
    return f"containers:\n  c1: {{host: h1, image: i, {fields}}}\n"


def problems(text: str, *, env: Mapping[str, str] | None = None) -> list[str]:
    """Return what is wrong, each with its hint, and see that none of it shows a content."""
    with pytest.raises(TopologyError) as error:
        loaded(text, env=env)
    told = [" | ".join(problem.lines()) for problem in error.value.problems]
    assert CANARY not in f"{told}{error.value}"
    return told


def test_a_content_comes_from_a_file_a_variable_or_the_topology() -> None:
    text = (
        "secrets: {db: {file: db.txt}, token: {environment: TOKEN}}\n"
        'configs: {motd: {content: "a $WHO\\n"}, blob: {file: sub/blob}, empty: {content: ""}}\n'
    )
    Path("sub").mkdir()
    Path("sub/blob").write_bytes(b"\xff\x00\n")
    topology = loaded(text, env={"TOKEN": "t0k3n", "WHO": "b"}).topology
    assert topology.content("secrets", "db") == CANARY.encode()
    assert topology.content("secrets", "token") == b"t0k3n"
    assert topology.content("configs", "motd") == b"a b\n"
    assert topology.content("configs", "blob") == b"\xff\x00\n"
    assert topology.content("configs", "empty") == b""


def test_a_path_starts_at_the_file_that_it_stands_in_and_the_file_counts_as_read() -> None:
    Path("site").mkdir()
    Path("site/db.txt").write_text("of the site", encoding="utf-8")
    Path("site/more.yaml").write_text("secrets: {db: {file: db.txt}}\n", encoding="utf-8")
    found = loaded("include: [site/more.yaml]\nsecrets: {top: {file: db.txt}}\n")
    assert found.topology.content("secrets", "db") == b"of the site"
    assert found.topology.content("secrets", "top") == CANARY.encode()
    assert found.files == (Path("t.yaml"), Path("site/more.yaml"), Path("db.txt"), Path("site/db.txt"))


def test_a_name_that_stands_in_two_files_is_an_error() -> None:
    Path("more.yaml").write_text("secrets: {db: {file: db.txt}}\n", encoding="utf-8")
    told = problems("include: [more.yaml]\nsecrets: {db: {file: db.txt}}\n")
    assert told == [
        "more.yaml:1:11: secrets.db: the key stands twice, first at t.yaml:5:11 |   hint: rename one, or remove it"
    ]


def test_targets_are_those_of_compose_and_the_owner_is_root() -> None:
    used = loaded(
        "secrets: {db: {file: db.txt}}\nconfigs: {motd: {content: x}}\n"
        + container(
            "configs: [motd, {source: motd, target: etc/motd}, {source: motd, target: /a//b}],"
            ' secrets: [db, {source: db, target: pw, uid: 7, gid: "8", mode: "440"}]'
        )
    ).topology.containers["c1"]
    assert [found.target for found in used.configs] == ["/motd", "/etc/motd", "/a/b"]
    assert used.secrets == (
        FileReference(source="db", target="/run/secrets/db", uid="0", gid="0", mode="0400"),
        FileReference(source="db", target="/run/secrets/pw", uid="7", gid="8", mode="0440"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("secrets: {a: {file: gone}}", "4:21: secrets.a.file: gone: no such file | hint: paths start at"),
        ("secrets: {a: {file: .}}", "4:21: secrets.a.file: .: is a directory | hint: name the files in it"),
        ("secrets: {a: {file: big}}", "4:21: secrets.a.file: big: is larger than 500 KiB | hint: is this"),
        ("secrets: {a: {file: ~/x}}", "4:21: secrets.a.file: ~ stands for no directory here | hint: write an"),
        ("secrets: {a: {file: [x]}}", "4:15: secrets.a.file: expected text, got a list"),
        ("secrets: {a: {environment: NONE}}", "4:28: secrets.a.environment: the environment has no variable NONE"),
        ("secrets: {a: {environment: BIG}}", "4:28: secrets.a.environment: the content is larger than 500 KiB"),
        ("configs: {a: {content: $BIG}}", "4:24: configs.a.content: the content is larger than 500 KiB"),
        ("configs: {a: {content: 5}}", "4:24: configs.a.content: expected text, got a number"),
        ("configs: {a: }", "4:14: configs.a: nothing says where the content is | hint: write one of file, environment"),
        ("configs: {a: {file: null}}", "4:11: configs.a: nothing says where the content is"),
        (
            "configs: {a: {file: db.txt, content: x}}",
            "4:11: configs.a: content and file are given: there is one content | hint: remove one of them",
        ),
        ("secrets: {a: {content: c4n4ry-0f-the-m1ne}}", "4:15: secrets.a.content: Compose's content is not taken"),
        (
            "secrets: {a: {external: true}}",
            "4:15: secrets.a.external: Compose's external is not taken: engines without",
        ),
        (
            "configs: {a: {template_driver: x, content: x}}",
            "4:15: configs.a.template_driver: Compose's template_driver is",
        ),
        ("secrets: {a: {fil: db.txt}}", "4:15: secrets.a.fil: unknown key | hint: did you mean file?"),
    ],
)
def test_a_content_that_cannot_be_had_is_told_where_it_is_named(text: str, told: str) -> None:
    Path("big").write_bytes(b"x" * (MAX_CONTENT_BYTES + 1))
    found = problems(text, env={"BIG": "x" * (MAX_CONTENT_BYTES + 1)})
    assert [line.replace(" |   hint", " | hint").startswith(f"t.yaml:{told}") for line in found] == [True], found


def test_the_largest_content_is_taken() -> None:
    Path("big").write_bytes(b"x" * MAX_CONTENT_BYTES)
    assert len(loaded("secrets: {a: {file: big}}\n").topology.content("secrets", "a")) == MAX_CONTENT_BYTES


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("secrets: [dbb]", "secrets[0]: no secret is named 'dbb' |   hint: did you mean db?"),
        ("configs: [db]", "configs[0]: no config is named 'db' |   hint: name one of the configs: motd"),
        ("secrets: [db, db]", "secrets[1]: /run/secrets/db is already the target of secret db |"),
        (
            "configs: [{source: motd, target: /run/secrets/db}], secrets: [db]",
            "secrets[0]: /run/secrets/db is already the target of config motd |",
        ),
        (
            'secrets: [db], volumes: ["/x:/run/secrets/db/"]',
            "secrets[0]: /run/secrets/db is already the target of a volume",
        ),
        ("configs: [motd], tmpfs: /motd", "configs[0]: /motd is already the target of a tmpfs"),
        ("configs: [{source: motd, target: /}]", "configs[0]: a file cannot take the place of /"),
        (
            "configs: [{source: motd, mode: 0440}]",
            'configs[0].mode: modes are octal, and a number is decimal here |   hint: write it in quotes: "0440"',
        ),
        ('configs: [{source: motd, mode: "4755"}]', "configs[0].mode: '4755' is not a mode"),
        ("configs: [{source: motd, uid: root}]", "configs[0].uid: 'root' is not the number of a user or group"),
        ("configs: [{source: motd, gid: 4294967295}]", "configs[0].gid: 4294967295 is not the number of a user"),
        ("configs: [{target: /x}]", "configs[0]: source is missing"),
        ('volumes: ["/var/lib/ovctl/files/t:/x"]', "volumes[0]: /var/lib/ovctl/files is where ovctl keeps"),
    ],
)
def test_what_a_container_asks_for_must_be_there_and_have_a_place_of_its_own(fields: str, told: str) -> None:
    found = problems("secrets: {db: {file: db.txt}}\nconfigs: {motd: {content: x}}\n" + container(fields))
    assert [told in line for line in found] == [True], found
