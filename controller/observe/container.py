"""
Containers, as configured (what was requested), not as derived at run time.

Those of other people are read, too, when they bear a name that is wanted: nothing is taken for granted that only our
own are sure to have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.model.container_fields import read_fields
from controller.model.forms import Mount, Port
from controller.model.health import health_of
from controller.model.identity import SHORT_ID
from controller.model.observed import ContainerState, EndpointState
from controller.observe.image import environment
from controller.observe.network import address_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from controller.ports import Json


def names_of(summary: Json) -> list[str]:
    """Return the names of a container of ``GET /containers/json``, the start of its id for one without any."""
    return [str(name).lstrip("/") for name in summary.get("Names") or ()] or [summary["Id"][:SHORT_ID]]


def bears(summary: Json, names: AbstractSet[str]) -> bool:
    """Whether a container of ``GET /containers/json`` bears one of *names*."""
    return any(name.lstrip("/") in names for name in summary.get("Names") or ())


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
        fields=read_fields(config, host_config),
        mounts=frozenset(_mounts(host_config)),
        ports=frozenset(_ports(host_config.get("PortBindings") or {})),
        endpoints={
            name: _endpoint(endpoint or {}, found["Id"], config.get("Hostname") or "")
            for name, endpoint in networks.items()
        },
        published=tuple(sorted(_published(settings.get("Ports") or {}))),
        network_mode=host_config.get("NetworkMode") or "",
        mac_address=(config.get("MacAddress") or "").lower() or None,
        auto_remove=bool(host_config.get("AutoRemove")),
        # of one that does not run engines say "unhealthy", for want of anybody who checks it
        health=health.status if state["Status"] == "running" and (health := health_of(found)) else None,
    )


def _mounts(host_config: Json) -> Iterator[Mount]:
    """Read Binds and Mounts, two spellings of one thing; a volume without a name has no source."""
    for bind in host_config.get("Binds") or ():
        source, target, *mode = bind.split(":") if ":" in bind else ("", bind)
        read_only = bool(mode) and "ro" in mode[0].split(",")
        kind: Any = "bind" if source.startswith("/") else "volume"
        yield Mount.model_construct(type=kind, source=source, target=target, read_only=read_only)
    for mount in host_config.get("Mounts") or ():
        if mount.get("Type") in ("bind", "volume"):
            source, read_only = mount.get("Source") or "", bool(mount.get("ReadOnly"))
            target = mount.get("Target") or ""
            yield Mount.model_construct(type=mount["Type"], source=source, target=target, read_only=read_only)


def _ports(bindings: Json) -> Iterator[Port]:
    """Read the bindings; of a range on the host (``-p 8000-8010:80``) the engine may take any, so each one counts."""
    for key, places in bindings.items():
        target, _, protocol = key.partition("/")
        kind: Any = protocol or "tcp"
        for place in places or ():
            address = place.get("HostIp") or ""
            first, _, last = (place.get("HostPort") or "0").partition("-")
            for published in range(int(first), int(last or first) + 1):
                yield Port.model_construct(
                    target=int(target),
                    published=published or None,
                    protocol=kind,
                    host_ip="" if address in ("0.0.0.0", "::") else address,  # noqa: S104 - the engine's word for "any"
                )


def _endpoint(endpoint: Json, container_id: str, hostname: str) -> EndpointState:
    """Read one attachment; the engine adds the short id and a declared host name to the aliases by itself."""
    fixed = endpoint.get("IPAMConfig") or {}
    aliases = frozenset(endpoint.get("Aliases") or ()) - {container_id[:SHORT_ID], hostname}
    return EndpointState(
        network_id=endpoint.get("NetworkID") or "",
        endpoint_id=endpoint.get("EndpointID") or "",
        ipv4_address=fixed.get("IPv4Address") or None,
        current=endpoint.get("IPAddress") or "",
        aliases=aliases,
        ipv6_address=address_text(fixed.get("IPv6Address")) or None,
        current_ipv6=address_text(endpoint.get("GlobalIPv6Address")),
        mac_address=(endpoint.get("MacAddress") or "").lower(),
    )


def _published(ports: Json) -> Iterator[str]:
    """Yield ``0.0.0.0:8080->80/tcp`` for each port that is published right now."""
    for target, places in ports.items():
        for place in places or ():
            yield f"{place.get('HostIp') or ''}:{place.get('HostPort') or ''}->{target}"
