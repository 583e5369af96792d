"""The files that lead ssh to the hosts."""

from __future__ import annotations

from pathlib import Path

from controller.lab.spec import make_spec
from controller.lab.sshconfig import render_config, render_known_hosts

LAB = make_spec("ovctl", hosts=1, engine="classic", subnet="192.168.112.0/24", store="consul")


def test_a_host_goes_by_its_name_and_its_address_with_keys_that_are_checked() -> None:
    assert render_config(LAB, identity=Path("/lab/key"), known_hosts=Path("/lab/known_hosts")) == (
        "Host h1 192.168.112.11\n"
        "  HostName 192.168.112.11\n"
        "\n"
        "Host store 192.168.112.10\n"
        "  HostName 192.168.112.10\n"
        "\n"
        "Host h1 192.168.112.11 store 192.168.112.10\n"
        "  User root\n"
        "  IdentityFile /lab/key\n"
        "  IdentitiesOnly yes\n"
        "  UserKnownHostsFile /lab/known_hosts\n"
        "  StrictHostKeyChecking yes\n"
        "  BatchMode yes\n"
        "  ConnectTimeout 5\n"
        "  ServerAliveInterval 5\n"
    )


def test_each_host_is_known_by_its_own_key() -> None:
    keys = {"h1": "ssh-ed25519 AAAA1 h1\n", "store": "ssh-ed25519 AAAA2 store\n"}
    assert render_known_hosts(LAB, keys) == (
        "h1,192.168.112.11 ssh-ed25519 AAAA1\nstore,192.168.112.10 ssh-ed25519 AAAA2\n"
    )
