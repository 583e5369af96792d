"""
What simulated engines answer: the JSON of engine 20.10, API 1.41, field by field.

Pure: from the state to fresh dictionaries, which callers may keep and change.
"""

from __future__ import annotations

import copy
import shlex
from typing import TYPE_CHECKING

from tests.fakes import health
from tests.fakes.state import API_VERSION, ENGINE_VERSION, GATEWAY_BRIDGE, PROCESSORS

if TYPE_CHECKING:
    from tests.fakes.state import Attachment, Container, Host, Image, Json, Network

_DEPRECATED = (
    "WARNING: node discovery and overlay networks with an external k/v store (cluster-advertise,\n"
    "         cluster-store, cluster-store-opt) are deprecated and will be removed in a future release."
)
_ABILITIES = ("MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares", "CPUSet", "PidsLimit")
_NEVER = "0001-01-01T00:00:00Z"


def version() -> Json:
    """Return ``GET /version``."""
    return {
        "Platform": {"Name": ""},
        "Components": [{"Name": "Engine", "Version": ENGINE_VERSION, "Details": {"ApiVersion": API_VERSION}}],
        "Version": ENGINE_VERSION,
        "ApiVersion": API_VERSION,
        "MinAPIVersion": "1.12",
        "GitCommit": "363e9a8",
        "GoVersion": "go1.15.15",
        "Os": "linux",
        "Arch": "amd64",
        "KernelVersion": "6.1.0",
        "BuildTime": "2025-02-16T19:10:58.000000000+00:00",
    }


def info(host: Host) -> Json:
    """Return ``GET /info``; without a store, its two keys are not there at all."""
    engine = host.engine
    states = [container.status for container in engine.containers.values()]
    found: Json = {
        "ID": f"FAKE:{host.name}",
        "Containers": len(states),
        "ContainersRunning": states.count("running"),
        "ContainersPaused": states.count("paused"),
        "ContainersStopped": len(states) - states.count("running") - states.count("paused"),
        "Images": len(engine.images),
        "Driver": "overlay2",
        "OperatingSystem": "Debian GNU/Linux 11 (bullseye)",
        "OSType": "linux",
        "Architecture": "x86_64",
        "NCPU": PROCESSORS,
        **{ability: ability not in host.lacks for ability in _ABILITIES},
        "LoggingDriver": engine.log_driver,
        "DefaultRuntime": "runc",
        "MemTotal": 1 << 33,
        "DockerRootDir": "/var/lib/docker",
        "Name": host.hostname,
        "Labels": [],
        "ServerVersion": ENGINE_VERSION,
        "Swarm": {
            "NodeID": "",
            "NodeAddr": "",
            "LocalNodeState": "inactive",
            "ControlAvailable": False,
            "Error": "",
            "RemoteManagers": None,
        },
        "LiveRestoreEnabled": engine.live_restore,
        "Warnings": None,
    }
    if engine.cluster_store:
        found["Warnings"] = [_DEPRECATED]
        found["ClusterStore"] = engine.cluster_store
        found["ClusterAdvertise"] = engine.cluster_advertise
    return found


def image(found: Image) -> Json:
    """Return ``GET /images/{name}/json``."""
    config = {
        "Hostname": "",
        "User": "",
        "WorkingDir": "",
        "Volumes": None,
        "OnBuild": None,
        **copy.deepcopy(found.config),
    }
    return {
        "Id": found.id,
        "RepoTags": list(found.tags),
        "RepoDigests": [],
        "Created": "1970-01-01T00:00:00Z",
        "Config": config,
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 1984241,
    }


def container(host: Host, found: Container, now_s: float) -> Json:
    """Return ``GET /containers/{id}/json``, as it is at *now_s*, seconds since the epoch."""
    command = [*(found.config["Entrypoint"] or ()), *(found.config["Cmd"] or ())]
    directory = f"/var/lib/docker/containers/{found.id}" if found.started != _NEVER else ""
    return {
        "Id": found.id,
        "Created": found.created,
        "Path": command[0] if command else "",
        "Args": command[1:],
        "State": {
            "Status": found.status,
            "Running": found.running or found.status == "restarting",
            "Paused": found.status == "paused",
            "Restarting": found.status == "restarting",
            "OOMKilled": False,
            "Dead": False,
            "Pid": found.pid,
            "ExitCode": found.exit_code,
            "Error": found.error,
            "StartedAt": found.started,
            "FinishedAt": found.finished,
            **health.shown(found, now_s),
        },
        "Image": found.image_id,
        "ResolvConfPath": f"{directory}/resolv.conf" if directory else "",
        "HostnamePath": f"{directory}/hostname" if directory else "",
        "HostsPath": f"{directory}/hosts" if directory else "",
        "LogPath": "",
        "Name": f"/{found.name}",
        "RestartCount": found.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        "HostConfig": _host_config(host, found),
        "Mounts": _mounts(found),
        "Config": _config(found),
        "NetworkSettings": {
            "Bridge": "",
            "SandboxID": found.sandbox,
            "Ports": copy.deepcopy(found.published),
            "SandboxKey": _sandbox_key(found),
            **_default_network(found),
            "Networks": {name: _attachment(attachment) for name, attachment in sorted(found.attachments.items())},
        },
    }


def summary(found: Container) -> Json:
    """Return one item of ``GET /containers/json``: aliases are left out there."""
    command = [*(found.config["Entrypoint"] or ()), *(found.config["Cmd"] or ())]
    settings = {
        name: {**_attachment(attachment), "Aliases": None}
        for name, attachment in sorted(found.attachments.items())
        if attachment.is_listed
    }
    return {
        "Id": found.id,
        "Names": [f"/{found.name}"],
        "Image": found.config["Image"],
        "ImageID": found.image_id,
        "Command": shlex.join(command),
        "Created": found.created_s,
        "Ports": _summary_ports(found),
        "Labels": dict(found.labels),
        "State": found.status,
        "Status": _status(found),
        "HostConfig": {"NetworkMode": found.mode},
        "NetworkSettings": {"Networks": settings},
        "Mounts": _mounts(found),
    }


def network(found: Network) -> Json:
    """Return one item of ``GET /networks``: its containers are left out there."""
    return {
        "Name": found.name,
        "Id": found.id,
        "Created": found.created,
        "Scope": found.scope,
        "Driver": found.driver,
        "EnableIPv6": found.enable_ipv6,
        "IPAM": {
            "Driver": found.ipam_driver,
            "Options": copy.copy(found.ipam_options),
            "Config": copy.deepcopy(found.ipam),
        },
        "Internal": found.internal,
        "Attachable": found.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {},
        "Options": dict(found.options),
        "Labels": dict(found.labels),
    }


def inspected_network(host: Host, found: Network) -> Json:
    """Return ``GET /networks/{id}``: endpoints of other hosts, and leaked ones, are called ``ep-<id>``."""
    containers: Json = {}
    for endpoint in found.endpoints.values():
        local = host.engine.containers.get(endpoint.container) if endpoint.host == host.name else None
        held = local is not None and (
            local.gateway_endpoint == endpoint.id
            or any(attachment.endpoint_id == endpoint.id for attachment in local.attachments.values())
        )
        containers[endpoint.container if held else f"ep-{endpoint.id}"] = {
            "Name": endpoint.name,
            "EndpointID": endpoint.id,
            "MacAddress": endpoint.mac,
            "IPv4Address": f"{endpoint.ip}/{endpoint.prefix_length}" if endpoint.ip else "",
            "IPv6Address": f"{endpoint.ip6}/{endpoint.prefix6_length}" if endpoint.ip6 else "",
        }
    return {**network(found), "Containers": containers}


def interfaces(host: Host, found: Container) -> dict[str, str]:
    """Return IP address -> interface inside a container: its networks first, docker_gwbridge last."""
    inside = {"127.0.0.1": "lo"}
    ips = [attachment.ip for _, attachment in sorted(found.attachments.items()) if attachment.ip]
    for bridge in host.engine.networks.values():
        endpoint = bridge.endpoints.get(found.gateway_endpoint)
        if bridge.name == GATEWAY_BRIDGE and endpoint is not None:
            ips.append(endpoint.ip)
    inside.update({ip: f"eth{number}" for number, ip in enumerate(ips)})
    return inside


def _config(found: Container) -> Json:
    config = copy.deepcopy(found.config)
    if not config["ExposedPorts"]:
        del config["ExposedPorts"]
    return {
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "StdinOnce": False,
        "Volumes": None,
        "OnBuild": None,
        **config,
    }


def _host_config(host: Host, found: Container) -> Json:
    asked = copy.deepcopy(found.host_config)
    policy = asked.pop("RestartPolicy", None) or {}
    # the defaults of today, not those of its creation
    own = asked.pop("Ulimits", None) or []
    names = {limit["Name"] for limit in own}
    limits = own + [limit for limit in host.engine.default_ulimits if limit["Name"] not in names]
    return {
        "Binds": None,
        "ContainerIDFile": "",
        "PortBindings": None,
        "AutoRemove": False,
        "VolumeDriver": "",
        "VolumesFrom": None,
        "CapAdd": None,
        "CapDrop": None,
        "CgroupnsMode": "host",
        "Dns": None,
        "DnsOptions": None,
        "DnsSearch": None,
        "ExtraHosts": None,
        "GroupAdd": None,
        "Devices": None,
        "CpuShares": 0,
        "CpuPeriod": 0,
        "CpuQuota": 0,
        "CpusetCpus": "",
        "MemoryReservation": 0,
        "OomScoreAdj": 0,
        "PidMode": "",
        "Privileged": False,
        "PublishAllPorts": False,
        "ReadonlyRootfs": False,
        "SecurityOpt": None,
        "Memory": 0,
        "MemorySwap": 0,
        "NanoCpus": 0,
        "OomKillDisable": False,
        "PidsLimit": None,
        **asked,
        "Ulimits": copy.deepcopy(limits) or None,
        "RestartPolicy": {
            "Name": policy.get("Name") or "",
            "MaximumRetryCount": policy.get("MaximumRetryCount") or 0,
        },
    }


def _attachment(found: Attachment) -> Json:
    if not found.is_told:
        told = copy.copy(found)
        told.clear()
        return _attachment(told)
    return {
        "IPAMConfig": dict(found.ipam_config) if found.ipam_config is not None else None,
        "Links": None,
        "Aliases": list(found.aliases) if found.aliases is not None else None,
        "NetworkID": found.network_id,
        "EndpointID": found.endpoint_id,
        "Gateway": found.gateway,
        "IPAddress": found.ip,
        "IPPrefixLen": found.prefix_length,
        "IPv6Gateway": found.gateway6,
        "GlobalIPv6Address": found.ip6,
        "GlobalIPv6PrefixLen": found.prefix6_length,
        "MacAddress": found.mac,
        "DriverOpts": None,
    }


def _default_network(found: Container) -> Json:
    """Return the old fields that speak of the default bridge alone."""
    bridge = found.attachments.get("bridge")
    return {
        "EndpointID": bridge.endpoint_id if bridge else "",
        "Gateway": bridge.gateway if bridge else "",
        "IPAddress": bridge.ip if bridge else "",
        "IPPrefixLen": bridge.prefix_length if bridge else 0,
        "MacAddress": bridge.mac if bridge else "",
    }


def _sandbox_key(found: Container) -> str:
    if not found.sandbox:
        return ""
    return f"/var/run/docker/netns/{'default' if found.mode == 'host' else found.sandbox[:12]}"


def _mounts(found: Container) -> list[Json]:
    mounts = []
    for bind in found.host_config.get("Binds") or ():
        source, target, *modes = bind.split(":")
        mount = _mount("bind" if source.startswith("/") else "volume", source, target)
        if modes:
            mount.update(Mode=modes[0], RW="ro" not in modes[0].split(","))
        mounts.append(mount)
    for asked in found.host_config.get("Mounts") or ():
        mount = _mount(asked["Type"], asked.get("Source") or "", asked["Target"])
        mount["RW"] = not asked.get("ReadOnly")
        mounts.append(mount)
    return mounts


def _mount(kind: str, source: str, target: str) -> Json:
    if kind == "bind":
        where: Json = {"Source": source, "Mode": "", "Propagation": "rprivate"}
    else:
        path = f"/var/lib/docker/volumes/{source}/_data"
        where = {"Name": source, "Source": path, "Driver": "local", "Mode": "z", "Propagation": ""}
    return {"Type": kind, **where, "Destination": target, "RW": True}


def _summary_ports(found: Container) -> list[Json]:
    ports: list[Json] = []
    for port, places in found.published.items():
        number, _, protocol = port.partition("/")
        if not places:
            ports.append({"PrivatePort": int(number), "Type": protocol})
        for place in places or ():
            public = int(place["HostPort"])
            ports.append({"IP": place["HostIp"], "PrivatePort": int(number), "PublicPort": public, "Type": protocol})
    return ports


def _status(found: Container) -> str:
    match found.status:
        case "created":
            return "Created"
        case "running":
            return "Up 1 second"
        case "paused":
            return "Up 1 second (Paused)"
        case "restarting":
            return f"Restarting ({found.exit_code}) 1 second ago"
        case _:
            return f"Exited ({found.exit_code}) 1 second ago"
