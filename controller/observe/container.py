"""Containers, as configured (what was requested), not as derived at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.model.forms import Mount, Port
from controller.model.identity import owner_of
from controller.model.observed import ContainerState, EndpointState
from controller.observe.image import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from controller.ports import Json


def wanted_name(summary: Json, topology: str, wanted: AbstractSet[str]) -> bool:
    """Whether a container of ``GET /containers/json`` is ours or bears a name that is wanted here."""
    names = {name.lstrip("/") for name in summary.get("Names") or ()}
    return owner_of(summary.get("Labels") or {}) == topology or not names.isdisjoint(wanted)


def container_state(found: Json) -> ContainerState:
    """Return a container from ``GET /containers/{id}/json``."""
    config, host_config, state = found["Config"], found["HostConfig"], found["State"]
    settings = found.get("NetworkSettings") or {}
    networks = settings.get("Networks") or {}
    return ContainerState(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        image=config["Image"],
        image_id=found["Image"],
        status=state["Status"],
        exit_code=state.get("ExitCode", 0),
        pid=state.get("Pid", 0),
        resolv_conf=found.get("ResolvConfPath") or "",
        labels=dict(config.get("Labels") or {}),
        environment=environment(config.get("Env")),
        command=tuple(config.get("Cmd") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        hostname=config.get("Hostname") or "",
        restart=_restart(host_config.get("RestartPolicy") or {}),
        mounts=frozenset(_mounts(host_config)),
        ports=frozenset(_ports(host_config.get("PortBindings") or {})),
        endpoints={
            name: _endpoint(endpoint, found["Id"], config.get("Hostname") or "") for name, endpoint in networks.items()
        },
        published=tuple(sorted(_published(settings.get("Ports") or {}))),
    )


def _restart(policy: Json) -> str:
    name = policy.get("Name") or "no"
    count = policy.get("MaximumRetryCount") or 0
    return f"{name}:{count}" if name == "on-failure" and count else name


def _mounts(host_config: Json) -> Iterator[Mount]:
    """Read Binds and Mounts, two spellings of one thing."""
    for bind in host_config.get("Binds") or ():
        source, target, *mode = bind.split(":")
        read_only = bool(mode) and "ro" in mode[0].split(",")
        kind: Any = "bind" if source.startswith("/") else "volume"
        yield Mount(type=kind, source=source, target=target, read_only=read_only)
    for mount in host_config.get("Mounts") or ():
        if mount.get("Type") in ("bind", "volume"):
            source, read_only = mount.get("Source") or "", bool(mount.get("ReadOnly"))
            yield Mount(type=mount["Type"], source=source, target=mount["Target"], read_only=read_only)


def _ports(bindings: Json) -> Iterator[Port]:
    for key, places in bindings.items():
        target, _, protocol = key.partition("/")
        kind: Any = protocol or "tcp"
        for place in places or ():
            address = place.get("HostIp") or ""
            published = int(place["HostPort"]) if place.get("HostPort") not in (None, "", "0") else None
            yield Port(
                target=int(target),
                published=published,
                protocol=kind,
                host_ip="" if address in ("0.0.0.0", "::") else address,  # noqa: S104 - the engine's spelling of "any"
            )


def _endpoint(endpoint: Json, container_id: str, hostname: str) -> EndpointState:
    """Read one attachment; the engine adds its short id and a declared host name to the aliases by itself."""
    fixed = (endpoint.get("IPAMConfig") or {}).get("IPv4Address") or None
    aliases = frozenset(
        alias for alias in endpoint.get("Aliases") or () if not container_id.startswith(alias) and alias != hostname
    )
    return EndpointState(
        network_id=endpoint.get("NetworkID") or "",
        endpoint_id=endpoint.get("EndpointID") or "",
        ipv4_address=fixed,
        current=endpoint.get("IPAddress") or "",
        aliases=aliases,
    )


def _published(ports: Json) -> Iterator[str]:
    """Yield ``0.0.0.0:8080->80/tcp`` for each port that is published right now."""
    for target, places in ports.items():
        for place in places or ():
            yield f"{place['HostIp']}:{place['HostPort']}->{target}"
