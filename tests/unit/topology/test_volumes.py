"""What can be declared of a named volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.errors import TopologyError
from controller.topology.load import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from controller.topology.load import Loaded

    Facts = Callable[..., list[tuple[str, str]]]


def test_a_volume_is_taken_in_each_of_its_forms(facts_of: Facts, read: Callable[..., Loaded]) -> None:
    more = """\
    volumes:
      data:
      logs: {labels: [team=shop], x-more: 1}
      nfs: {driver: local, driver_opts: {type: nfs, o: "addr=10.1.0.9", device: ":/srv"}}
      plugin: {driver: sshfs, driver_opts: {sshcmd: "a@b:/c"}}
      large: {driver_opts: {size: 1g}}
      theirs: {external: true}
    """
    assert facts_of(more) == []
    found = read("version: 1\nname: t\nhosts: {h1: {address: 10.0.0.1}}\nvolumes: {data: }").topology.volumes["data"]
    assert (found.driver, found.driver_opts, found.labels, found.external) == ("local", {}, {}, False)


@pytest.mark.parametrize(
    ("entry", "path", "fact"),
    [
        (
            "data: {name: other}",
            "data.name",
            "Compose's name is not taken: the key of the volume is its name, on each host",
        ),
        ("data: {driver: 'a b'}", "data.driver", "'a b' is not the name of a driver"),
        ("data: {labels: {ovctl.x: other}}", "data.labels.ovctl.x", "labels that start with ovctl. are ovctl's own"),
        (
            "data: {external: true, driver_opts: {o: x}}",
            "data.driver_opts",
            "is not looked at: the volume is external, as others made it",
        ),
        (
            "data: {driver_opts: {type: nfs}}",
            "data.driver_opts.type",
            "the local driver takes 'type' only together with 'device'",
        ),
        (
            "data: {driver_opts: {o: bind}}",
            "data.driver_opts.o",
            "the local driver takes 'o' only together with 'device' and 'type'",
        ),
        (
            "data: {driver_opts: {mountpoint: /srv}}",
            "data.driver_opts.mountpoint",
            "the local driver has no option 'mountpoint'",
        ),
        ("data: {external: 'yes'}", "data.external", "expected true or false, got the text 'yes'"),
        ("d: {}", "d", "'d' is not a name that engines take"),
        ("data: {drivr: local}", "data.drivr", "unknown key"),
    ],
)
def test_a_volume_that_cannot_be_made_so_is_an_error(entry: str, path: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(f"volumes:\n  {entry}\n") == [(f"volumes.{path}", fact)]


def test_volumes_stand_in_any_file_of_a_topology_and_once(tmp_path: Path) -> None:
    main, other = tmp_path / "topology.yaml", tmp_path / "other.yaml"
    head = "version: 1\nname: t\nhosts: {h1: {address: 10.0.0.1}}\ninclude: [other.yaml]\n"
    main.write_text(head)
    other.write_text("volumes: {data: {labels: {a: b}}}\n")
    assert load(main, {}).topology.volumes["data"].labels == {"a": "b"}
    main.write_text(head + "volumes: {data: }\n")
    with pytest.raises(TopologyError) as caught:
        load(main, {})
    assert [problem.path for problem in caught.value.problems] == ["volumes.data"]
