"""
What Compose has and a topology has not, each with the reason: people bring their files along.

Only what is refused on purpose stands here; any other unknown key is a spelling mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.file_keys import without_defaults

if TYPE_CHECKING:
    from controller.topology.problem import Path

_TOP: dict[str, tuple[str, str]] = {
    "services": (
        "a service runs somewhere, a container of a topology on a host that it names",
        "call it containers, and give each its host",
    ),
}

_CONTAINER: dict[str, tuple[str, str]] = {
    "attach": ("it is about the terminal of docker compose", "leave it out"),
    "blkio_config": ("it is not supported", "leave it out, or set it with `docker update`: it is not compared"),
    "build": ("nothing is built here", "build and push it, then name it as the image"),
    "cgroup": ("it is not supported", "leave it out: the engine's default is used"),
    "cgroup_parent": ("it is not supported", "leave it out: the engine's default is used"),
    "container_name": ("the key of the container is its name", "rename the key, and leave it out"),
    "cpu_count": ("it is for Windows hosts", "write cpus"),
    "cpu_percent": ("it is for Windows hosts", "write cpus"),
    "cpu_period": ("engines take it or cpus, and the two cannot follow each other", "write cpus"),
    "cpu_quota": ("engines take it or cpus, and the two cannot follow each other", "write cpus"),
    "credential_spec": ("it is for Windows hosts", "leave it out"),
    "deploy": (
        "nothing is scheduled: a container runs where it is declared",
        "write cpus, mem_limit and restart beside image, and a container for each replica",
    ),
    "develop": ("it is about building and watching sources", "leave it out"),
    "external_links": ("links are a thing of the past", "put both on one network: names are found there"),
    "isolation": ("it is for Windows hosts", "leave it out"),
    "links": ("links are a thing of the past", "put both on one network; networks.NET.aliases gives further names"),
    "oom_kill_disable": ("without it, a container can bring its host down", "write mem_limit, and leave it out"),
    "post_start": ("it runs a command in a container, which is no state that could be compared", "leave it out"),
    "pre_stop": ("it runs a command in a container, which is no state that could be compared", "leave it out"),
    "provider": ("it starts a program of this machine", "leave it out"),
    "scale": ("each container has a name, a host and an IP address of its own", "declare each of them"),
    "storage_opt": ("it is not supported", "leave it out, or set storage-opts in the host's daemon.json"),
    "use_api_socket": ("access to the engine equals root on its host", "mount the socket if you mean it"),
}

_FILE: dict[str, tuple[str, str]] = {
    "driver": ("it is for swarms", "leave it out"),
    "driver_opts": ("it is for swarms", "leave it out"),
    "external": (
        "engines without a swarm keep no configs and secrets, so that there is none to take",
        "write file: PATH, or environment: VARIABLE",
    ),
    "labels": ("what is delivered is a file of the host, which has none", "leave it out"),
    "name": ("the key of the config or secret is its name", "rename the key, and leave it out"),
    "template_driver": ("it is for swarms: nothing is replaced in a content", "write the content as it is to be"),
}

_HEALTHCHECK: dict[str, tuple[str, str]] = {
    "start_interval": ("engines up to 20.10 ignore it silently", "write interval, and start_period"),
}


def refusal(path: Path) -> tuple[str, str] | None:
    """Return why Compose's key at *path* is refused, and what to do instead; None for any other key."""
    key = str(path[-1])
    match without_defaults(path):
        case (_,):
            return _TOP.get(key)
        case ("secrets", _, "content"):
            return "everybody who sees the topology would read it", "write it into a file, and name that"
        case ("volumes", _, "name"):
            return "the key of the volume is its name, on each host", "rename the key, and leave it out"
        case ("configs" | "secrets", _, _):
            return _FILE.get(key)
        case ("containers", _, _):
            return _CONTAINER.get(key)
        case ("containers", _, "healthcheck", _):
            return _HEALTHCHECK.get(key)
        case _:
            return None


def refused() -> tuple[str, ...]:
    """Return the keys of a container that are refused, sorted."""
    return tuple(sorted(_CONTAINER))
