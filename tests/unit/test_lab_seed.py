"""What makes a root file system one particular host."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from controller.lab import network, seed
from controller.lab.spec import make_spec

if TYPE_CHECKING:
    from pathlib import Path

LAB = make_spec("ovctl", hosts=2, engine="classic", subnet="192.168.112.0/24", store="consul")


def layer(tmp_path: Path, host: str) -> Path:
    seed.write(tmp_path, LAB, LAB.host(host), public_key="ssh-ed25519 AAAA lab\n")
    return tmp_path


def test_a_host_knows_its_name_its_address_and_its_neighbours(tmp_path: Path) -> None:
    etc = layer(tmp_path, "h2") / "etc"
    assert (etc / "hostname").read_text() == "h2\n"
    assert (etc / "hosts").read_text() == (
        "127.0.0.1 localhost\n192.168.112.11 h1\n192.168.112.12 h2\n192.168.112.10 store\n"
    )
    assert "Address=192.168.112.12/24\nGateway=192.168.112.1\n" in (etc / "systemd/network/10-eth0.network").read_text()


def test_directories_keep_the_modes_that_ssh_and_docker_want(tmp_path: Path) -> None:
    place = layer(tmp_path, "h1")
    modes = {
        path: (place / path).stat().st_mode & 0o777
        for path in ("etc", "root", "root/.ssh", "var/lib", "var/lib/docker")
    }
    assert modes == {"etc": 0o755, "root": 0o700, "root/.ssh": 0o700, "var/lib": 0o755, "var/lib/docker": 0o710}


def test_only_the_store_runs_consul_and_only_it_has_no_docker(tmp_path: Path) -> None:
    wanted = "etc/systemd/system/multi-user.target.wants/consul.service"
    masked = "etc/systemd/system/docker.service"
    (tmp_path / "h1").mkdir()
    (tmp_path / "store").mkdir()
    engine, store = layer(tmp_path / "h1", "h1"), layer(tmp_path / "store", "store")
    assert not (engine / wanted).is_symlink()
    assert not (engine / masked).is_symlink()
    assert (store / wanted).is_symlink()
    assert str((store / masked).readlink()) == "/dev/null"


def test_no_two_hosts_have_one_machine_id(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ids = {(layer(tmp_path / name, "h1") / "etc/machine-id").read_text() for name in ("a", "b")}
    assert len(ids) == 2


def test_a_mac_address_follows_from_the_ip_address_and_is_locally_administered() -> None:
    assert network.mac(IPv4Address("192.168.112.11")) == "02:4c:c0:a8:70:0b"
