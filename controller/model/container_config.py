"""
A container's plain configuration: the fields of Compose whose values concern that container alone.

Only declarations stand here; how a value may be written is in ``container_values``, and what an engine makes of it in
``container_fields``. What places a container among others (host, networks, volumes) is in ``topology``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from controller.model.container_values import (
    Healthcheck,
    Logging,
    Ulimit,
    UlimitName,
    each,
    read_capability,
    read_cpus,
    read_cpuset,
    read_device,
    read_domain,
    read_exposed,
    read_extra_hosts,
    read_grace,
    read_memory,
    read_name,
    read_path,
    read_resolver_option,
    read_security_option,
    read_server,
    read_signal,
    read_size,
    read_swap,
    read_tmpfs,
    read_ulimits,
    read_word,
)
from controller.model.forms import FrozenModel, TextMap
from controller.model.gpus import Gpu, read_gpus

_Texts = tuple[str, ...]
_Memory = Annotated[int, BeforeValidator(read_memory, json_schema_input_type=str | int)]
_Size = Annotated[int, BeforeValidator(read_size, json_schema_input_type=str | int)]


def _before_colon(text: str) -> str:
    return text.partition(":")[0]


def _inside(text: str) -> str:
    return text.split(":")[1]


class ContainerConfig(FrozenModel):
    """What a container is configured with, beside its place among others; what is not declared is not compared."""

    domainname: Annotated[str, BeforeValidator(read_word)] | None = Field(
        default=None, description="Domain name inside the container (NIS)."
    )
    dns: Annotated[_Texts, BeforeValidator(each(read_server), json_schema_input_type=str | list[str])] = Field(
        default=(), description="Name servers; the host's without it."
    )
    dns_search: Annotated[_Texts, BeforeValidator(each(read_domain), json_schema_input_type=str | list[str])] = Field(
        default=(), description="Domains that names are looked up in; the host's without it."
    )
    dns_opt: Annotated[
        _Texts, BeforeValidator(each(read_resolver_option, alone=False), json_schema_input_type=list[str])
    ] = Field(default=(), description="Options of resolv.conf.", examples=[["ndots:2"]])
    extra_hosts: Annotated[
        _Texts, BeforeValidator(read_extra_hosts, json_schema_input_type=list[str] | dict[str, str | list[str]])
    ] = Field(
        default=(), description="Further names in /etc/hosts: NAME:IP or NAME:host-gateway.", examples=[["db:10.1.0.9"]]
    )
    expose: Annotated[
        _Texts, BeforeValidator(each(read_exposed, alone=False), json_schema_input_type=list[str | int])
    ] = Field(default=(), description="Ports that are exposed and not published, beside those of ports and image.")
    tmpfs: Annotated[
        _Texts, BeforeValidator(each(read_tmpfs, key=_before_colon), json_schema_input_type=str | list[str])
    ] = Field(default=(), description="File systems in memory: PATH[:OPTIONS].", examples=[["/run:size=64m,mode=755"]])
    healthcheck: Healthcheck | None = Field(default=None, description="How the engine finds out whether it is well.")
    cap_add: Annotated[
        _Texts, BeforeValidator(each(read_capability, alone=False), json_schema_input_type=list[str])
    ] = Field(default=(), description="Capabilities beyond the engine's default.", examples=[["NET_ADMIN"]])
    cap_drop: Annotated[
        _Texts, BeforeValidator(each(read_capability, alone=False), json_schema_input_type=list[str])
    ] = Field(default=(), description="Capabilities of the engine's default that are taken away; ALL for all.")
    privileged: bool | None = Field(default=None, description="Whether it has all capabilities and devices.")
    devices: Annotated[
        _Texts, BeforeValidator(each(read_device, key=_inside, alone=False), json_schema_input_type=list[str])
    ] = Field(default=(), description="Devices of the host: HOST[:CONTAINER][:rwm].", examples=[["/dev/net/tun"]])
    gpus: Annotated[
        tuple[Gpu, ...], BeforeValidator(read_gpus, json_schema_input_type=Literal["all"] | int | list[Gpu])
    ] = Field(default=(), description="GPUs of the host: all, how many, or a list of requests.", examples=["all", 1])
    security_opt: Annotated[
        _Texts, BeforeValidator(each(read_security_option, alone=False), json_schema_input_type=list[str])
    ] = Field(default=(), description="Security options.", examples=[["no-new-privileges"]])
    sysctls: TextMap = Field(
        default_factory=dict,
        description="Kernel parameters of the container's namespaces.",
        examples=[{"net.core.somaxconn": 1024}],
    )
    ulimits: Annotated[
        dict[UlimitName, Ulimit],
        BeforeValidator(read_ulimits, json_schema_input_type=dict[UlimitName, int | Ulimit]),
    ] = Field(
        default_factory=dict,
        description="Limits of its processes: one number, or soft and hard.",
        examples=[{"nofile": {"soft": 1024, "hard": 4096}}],
    )
    user: Annotated[str, BeforeValidator(read_name, json_schema_input_type=str | int)] | None = Field(
        default=None, description="USER[:GROUP] that it runs as; the image's without it.", examples=["1000:1000"]
    )
    group_add: Annotated[
        _Texts, BeforeValidator(each(read_name, alone=False), json_schema_input_type=list[str | int])
    ] = Field(default=(), description="Further groups of that user, names or numbers.")
    working_dir: Annotated[str, BeforeValidator(read_path, json_schema_input_type=str)] | None = Field(
        default=None, description="Directory that it starts in; the image's without it."
    )
    init: bool | None = Field(default=None, description="Whether an init of the engine's reaps its processes.")
    ipc: Literal["host", "none", "private", "shareable"] | None = Field(
        default=None, description="Namespace for shared memory; the engine's default without it."
    )
    pid: Literal["host"] | None = Field(default=None, description="host: it sees the host's processes.")
    shm_size: _Size | None = Field(default=None, description="Size of /dev/shm; the engine's default without it.")
    stdin_open: bool | None = Field(default=None, description="Whether its standard input is kept open.")
    tty: bool | None = Field(default=None, description="Whether it gets a terminal.")
    stop_signal: Annotated[str, BeforeValidator(read_signal, json_schema_input_type=str | int)] | None = Field(
        default=None, description="Signal that asks it to end; the image's without it.", examples=["SIGINT"]
    )
    stop_grace_period: Annotated[str, BeforeValidator(read_grace, json_schema_input_type=str)] | None = Field(
        default=None, description="Time that it has to end before it is killed; 10s without it.", examples=["1m30s"]
    )
    logging: Logging | None = Field(default=None, description="Where what it says goes; as daemon.json without it.")
    cpus: Annotated[str, BeforeValidator(read_cpus, json_schema_input_type=str | int | float)] | None = Field(
        default=None, description="How many processors it may use at most.", examples=[0.5]
    )
    cpu_shares: Annotated[int, Field(ge=2, le=262144)] | None = Field(
        default=None, description="Its weight where processors are short; 1024 is usual."
    )
    cpuset: Annotated[str, BeforeValidator(read_cpuset, json_schema_input_type=str | int)] | None = Field(
        default=None, description="Processors that it may use.", examples=["0-3"]
    )
    mem_limit: _Memory | None = Field(default=None, description="Memory that it may use at most.", examples=["512m"])
    mem_reservation: _Memory | None = Field(
        default=None, description="Memory that it is pushed back to where memory is short."
    )
    memswap_limit: Annotated[int, BeforeValidator(read_swap, json_schema_input_type=str | int)] | None = Field(
        default=None, description="Memory and swap together, -1 for no limit; twice mem_limit without it."
    )
    pids_limit: Annotated[int, Field(ge=-1)] | None = Field(
        default=None, description="How many processes it may have; 0 or -1 for no limit."
    )
    read_only: bool | None = Field(default=None, description="Whether it may only read its root file system.")
    runtime: Annotated[str, BeforeValidator(read_word)] | None = Field(
        default=None, description="OCI runtime; the engine's default without it.", examples=["runc"]
    )
    annotations: TextMap = Field(
        default_factory=dict, description="Annotations for the OCI runtime; engines from 24.0 on."
    )
