"""
The Compose files of tests/golden/import, imported and applied: nothing is left to do afterwards.

A lab of its own, ``imported``: h1 with engine 20.10.5, whose kernel can limit everything, and h2 with engine 26.1,
where privileged containers run on any machine. No registry is asked: one image that does nothing stands in for all.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.lab.images import Node, busybox
from controller.model.topology import Topology
from controller.topology.load import loads
from controller.wiring import connect
from tests.lab.own import on, ovctl, own_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.lab import Lab

NAME, PREFIX = "imported", "192.168.141"
HOSTS = {"h1": f"{PREFIX}.11", "h2": f"{PREFIX}.12"}
FILES = Path(__file__).parents[1] / "golden" / "import"
CASES = ("dual-stack", "home", "monitoring", "proxy", "runner", "web")
VARIABLES = {"DB_PASSWORD": "secret", "SENTRY_DSN": "dsn", "TOKEN": "token"}
STAND_IN = {
    # whatever command a file gives it is a word that the shell does not look at
    "Entrypoint": ["/bin/sh", "-c", "exec sleep 100000"],
    "Env": ["PATH=/bin"],
    # process 1 hears no other signal, and the hosts would wait for the whole grace
    "StopSignal": "SIGKILL",
}
WELL = b"#!/bin/sh\nexit 0\n"
GROUPS = b"root:x:0:\ndialout:x:20:\nnogroup:x:65534:\n"

ON_THE_HOSTS: dict[str, tuple[str, ...]] = {
    "home": ("h1", "mknod", "/dev/ttyUSB0", "c", "188", "0"),
    "monitoring": ("h1", "touch", "/srv/prometheus.yml"),
    "proxy": ("h1", "docker", "network", "create", "edge"),
}
"""What a file takes for granted on its host."""
PLACES = {"runner": ("--place", "runner=h2")}
ENDED = {"dual-stack": {"late": "exited"}}
"""What ends at once, as declared: the shell of busybox:1 with nobody to talk to."""
SHOWN = "{{.Names}} {{.State}}"
ELSEWHERE = {"web": ("'22:22'", "'2222:22'")}
"""What a person changes in the topology, since the import says that sshd has that port."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The two hosts, with all images that the files name."""
    with own_lab(NAME, engine="classic,modern", subnet=f"{PREFIX}.0/24") as found:
        _bring_images(found)
        yield found


def golden(case: str) -> Topology:
    """Return the topology that a file is known to become."""
    text = (FILES / case / "topology.yaml").read_bytes()
    return loads(text, FILES / case / "topology.yaml", VARIABLES).topology


def _bring_images(lab: Lab) -> None:
    names = {container.image for case in CASES for container in golden(case).containers.values()} - {"busybox:1"}
    tags = sorted(name if ":" in name else f"{name}:latest" for name in names)
    image = busybox(tuple(tags), STAND_IN, {"etc/group": Node(GROUPS, 0o644), "bin/pg_isready": Node(WELL, 0o755)})
    hosts = {name: {"address": address, "ssh": {"config": str(lab.ssh_config)}} for name, address in HOSTS.items()}
    fleet = connect(Topology.model_validate({"version": 1, "name": NAME, "hosts": hosts}))
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(image.archive)
            file.flush()
            for host in HOSTS:
                fleet.engine(host).load_image(tags[0], file.name, lambda _: None)
    finally:
        fleet.close()


def states(lab: Lab, host: str) -> dict[str, str]:
    """Return container -> its state on a host."""
    return dict(line.split() for line in on(lab, host, "docker", "ps", "-a", "--format", SHOWN).splitlines())


def test_every_compose_file_on_file_is_applied_here() -> None:
    assert sorted(path.name for path in FILES.iterdir()) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_an_imported_compose_file_is_applied_and_nothing_is_left_to_do(lab: Lab, tmp_path: Path, case: str) -> None:
    folder = tmp_path / case
    folder.mkdir()
    shutil.copy(FILES / case / "compose.yaml", folder)
    file = folder / "topology.yaml"
    hosts = [word for name, address in HOSTS.items() for word in ("--host", f"{name}={address}")]
    place = PLACES.get(case, ())
    code, said = ovctl(
        "import", "--compose", str(folder / "compose.yaml"), *hosts, *place, "-o", str(file), env=VARIABLES
    )
    assert code == 0, said
    text = file.read_text()
    for address in HOSTS.values():
        text = text.replace(f"{address}\n", f"{address}\n    ssh: {{config: {lab.ssh_config}}}\n")
    old, new = ELSEWHERE.get(case, ("", ""))
    assert old in text
    file.write_text(text.replace(old, new) if old else text)
    assert ("sshd's" in said) == bool(old)
    host, *argv = ON_THE_HOSTS.get(case, ("h1", "true"))
    on(lab, host, *argv)
    code, said = ovctl("apply", "--yes", str(file), env=VARIABLES)
    assert code == 0, said
    code, said = ovctl("plan", str(file), env=VARIABLES)
    assert code == 0, said
    found = {name: state for host in HOSTS for name, state in states(lab, host).items()}
    assert found == dict.fromkeys(golden(case).containers, "running") | ENDED.get(case, {})
    code, said = ovctl("destroy", "--yes", "--volumes", str(file), env=VARIABLES)
    assert code == 0, said
    assert all(states(lab, name) == {} for name in HOSTS)
