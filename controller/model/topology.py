"""
The desired state, as declared in topology.yaml.

The border of the product: pydantic models, frozen, unknown keys forbidden, Compose's field names. How a value may be
written is in ``forms``; what needs more than one field to be judged is a rule in ``controller.topology.rules``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from controller.model.container_config import ContainerConfig
from controller.model.dependency import Dependency, read_dependencies
from controller.model.files import Config, FileKind, FileReference, Secret, read_references
from controller.model.forms import (
    ABSOLUTE,
    ADVERTISE,
    DEFAULT_ADVERTISE_PORT,
    MAX_PORT,
    NO_SPACE,
    RESTART,
    STORE_URL,
    USER,
    FrozenModel,
    HostName,
    IpAddress,
    Mount,
    Name,
    ObjectName,
    Port,
    TextMap,
    Words,
    read_attachments,
    read_list,
    read_mount,
    read_network_mode,
    read_ports,
    read_restart,
    read_sections,
)
from controller.model.network import Attachment, Network  # noqa: TC001 - pydantic looks them up at run time
from controller.model.ssh_options import PLAIN_PATH
from controller.model.volume import Volume  # noqa: TC001 - pydantic looks it up at run time


class StorePlace(FrozenModel):
    """Where ovctl itself runs the store, as a container: the guide's first step."""

    host: str = Field(description="Host that runs the store.")
    image: str = Field(min_length=1, pattern=NO_SPACE, description="Image of the store.", examples=["consul:1.8"])
    command: Words = Field(
        default=("agent", "-server", "-bootstrap-expect=1", "-client=0.0.0.0", "-data-dir=/consul/data"),
        description="Command of the store's container.",
    )
    volume: ObjectName = Field(default="ovctl-store", description="Named volume that keeps the store's data.")
    target: str = Field(default="/consul/data", pattern=ABSOLUTE, description="Where the volume is in the container.")


def _version(value: Any) -> Any:
    # True == 1, and a Literal compares
    return str(value).lower() if isinstance(value, bool) else value


def _store(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class Store(FrozenModel):
    """The cluster store; ``url`` is what the engines are told, ``via`` the host ovctl goes through."""

    url: str = Field(
        pattern=STORE_URL,
        description="Where the engines find the store.",
        examples=["consul://192.168.112.10:8500"],
    )
    via: str | None = Field(default=None, description="Host through which ovctl reaches the store, if not directly.")
    place: StorePlace | None = Field(default=None, description="Run the store as a container on one of the hosts.")

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port of the store."""
        host, _, port = self.url.removeprefix("consul://").rpartition(":")
        return host, int(port)


class Ssh(FrozenModel):
    """How OpenSSH reaches a host; whatever is not said here comes from the person's own ssh configuration."""

    user: str | None = Field(default=None, pattern=USER, description="User to log in as.")
    port: int | None = Field(default=None, ge=1, le=MAX_PORT, description="Port of the host's sshd.")
    identity: str | None = Field(
        default=None, pattern=PLAIN_PATH, description="Private key file.", examples=["~/.ssh/ops"]
    )
    config: str | None = Field(default=None, pattern=PLAIN_PATH, description="ssh configuration file to use (ssh -F).")
    options: TextMap = Field(
        default_factory=dict,
        description="More options of ssh_config, by name: those that start no program and weaken no check.",
        examples=[{"ProxyJump": "ops@jump.example"}],
    )


class Host(FrozenModel):
    """A machine with an engine."""

    address: IpAddress = Field(
        description="IP address at which ovctl and the other hosts reach this host.",
        examples=["192.168.112.11"],
    )
    connection: Literal["ssh", "local"] = Field(
        default="ssh", description="ssh, or local for the machine ovctl runs on."
    )
    ssh: Ssh = Field(default=Ssh(), description="How to reach the host, beyond the person's own ssh configuration.")
    sudo: bool = Field(default=False, description="Whether the user needs sudo to reach the engine.")
    docker_socket: str = Field(default="/var/run/docker.sock", pattern=ABSOLUTE, description="The engine's socket.")
    advertise: str | None = Field(
        default=None,
        pattern=ADVERTISE,
        description=f"INTERFACE:PORT or IP:PORT for other engines; ADDRESS:{DEFAULT_ADVERTISE_PORT} without it.",
        examples=["eth0:2376"],
    )
    member: bool = Field(default=True, description="Whether the host joins the cluster store and its overlay networks.")
    state: Literal["present", "absent"] = Field(
        default="present",
        description="absent: everything of ours is removed from the host before its entry may go.",
    )

    @property
    def effective_advertise(self) -> str:
        """What the daemon is told to advertise, ``IP:PORT`` or ``INTERFACE:PORT``."""
        return self.advertise or f"{self.address}:{DEFAULT_ADVERTISE_PORT}"


class Container(ContainerConfig):
    """A container on a named host."""

    host: str = Field(description="Host that the container runs on.")
    image: str = Field(min_length=1, pattern=NO_SPACE, description="Image to run.", examples=["busybox:1"])
    pull_policy: Literal["always", "missing", "never"] = Field(
        default="missing",
        description="When the image is pulled before the container is made or replaced; never at other times.",
    )
    image_archive: str | None = Field(
        default=None,
        min_length=1,
        description="File of `docker save`, relative to this one, from which the image is loaded instead of pulled.",
        examples=["images/app.tar"],
    )
    command: Words | None = Field(default=None, description="Command; the image's own without it.")
    entrypoint: Words | None = Field(default=None, description="Entrypoint; the image's own without it.")
    environment: TextMap = Field(default_factory=dict, description="Environment variables.")
    restart: Annotated[str, Field(pattern=RESTART), AfterValidator(read_restart)] = Field(
        default="no",
        description="What the engine does when the container ends: no, always, unless-stopped or on-failure[:TIMES].",
        examples=["no", "always", "unless-stopped", "on-failure", "on-failure:5"],
    )
    labels: TextMap = Field(default_factory=dict, description="Labels of the container.")
    hostname: HostName | None = Field(
        default=None, description="Host name inside the container; its short id without it."
    )
    volumes: Annotated[
        tuple[Annotated[Mount, BeforeValidator(read_mount, json_schema_input_type=str | Mount)], ...],
        BeforeValidator(read_list, json_schema_input_type=list[str | Mount]),
    ] = Field(default=(), description="Volumes: SOURCE:TARGET[:ro], or the long form.")
    ports: Annotated[
        tuple[Port, ...],
        BeforeValidator(read_ports, json_schema_input_type=list[str | int | Port]),
    ] = Field(default=(), description="Published ports: [[IP:]PUBLISHED:]TARGET[/PROTOCOL], or the long form.")
    networks: Annotated[
        dict[str, Attachment],
        BeforeValidator(read_attachments, json_schema_input_type=dict[str, Attachment | None] | list[str]),
    ] = Field(default_factory=dict, description="Networks that the container is on.")
    network_mode: Annotated[
        Literal["none", "host", "bridge"] | None,
        BeforeValidator(read_network_mode, json_schema_input_type=Literal["none", "host", "bridge"] | None),
    ] = Field(
        default=None,
        description="In place of networks: none, host for the host's own network, or bridge for the engine's own.",
    )
    configs: Annotated[
        tuple[FileReference, ...],
        BeforeValidator(read_references("configs"), json_schema_input_type=list[str | FileReference]),
    ] = Field(default=(), description="Configs that it reads from files: NAME, or the long form.")
    secrets: Annotated[
        tuple[FileReference, ...],
        BeforeValidator(read_references("secrets"), json_schema_input_type=list[str | FileReference]),
    ] = Field(default=(), description="Secrets that it reads from files: NAME, or the long form.")
    depends_on: Annotated[
        dict[str, Dependency],
        BeforeValidator(read_dependencies, json_schema_input_type=list[str] | dict[str, Dependency | None]),
    ] = Field(
        default_factory=dict,
        description="Containers that are up, or healthy, before this one is made or started: names, or conditions.",
    )
    _archive: str | None = PrivateAttr(default=None)

    @property
    def archive(self) -> str | None:
        """Path of the archive that its image comes from, on this machine; None for a registry."""
        return self._archive or self.image_archive

    def loaded_from(self, archive: str) -> Self:
        """Return the same with the path that its ``image_archive`` means beside it: the fields are as declared."""
        found = self.model_copy()
        found._archive = archive  # noqa: SLF001 - the copy's own
        return found


class Topology(FrozenModel):
    """A topology: everything that one file (or directory) declares. Its ``name`` is its identity."""

    version: Annotated[Literal[1], BeforeValidator(_version, json_schema_input_type=Literal[1])] = Field(
        description="Version of this format."
    )
    name: Name = Field(description="The topology's identity: what it creates is marked with it. Never change it.")
    store: (
        Annotated[
            Store, BeforeValidator(_store, json_schema_input_type=Annotated[str, Field(pattern=STORE_URL)] | Store)
        ]
        | None
    ) = Field(
        default=None,
        description="The cluster store that overlay networks need.",
        examples=["consul://192.168.112.10:8500"],
    )
    hosts: dict[HostName, Host] = Field(min_length=1, description="The machines, by host name.")
    networks: Annotated[
        dict[Name, Network],
        BeforeValidator(read_sections, json_schema_input_type=dict[Name, Network | None]),
    ] = Field(default_factory=dict, description="The networks, by name.")
    volumes: Annotated[
        dict[ObjectName, Volume],
        BeforeValidator(read_sections, json_schema_input_type=dict[ObjectName, Volume | None]),
    ] = Field(default_factory=dict, description="Named volumes, by name: made as declared on each host that uses them.")
    configs: Annotated[
        dict[Name, Config],
        BeforeValidator(read_sections, json_schema_input_type=dict[Name, Config]),
    ] = Field(default_factory=dict, description="The configs, by name: contents that containers read from files.")
    secrets: Annotated[
        dict[Name, Secret],
        BeforeValidator(read_sections, json_schema_input_type=dict[Name, Secret]),
    ] = Field(default_factory=dict, description="The secrets, by name: contents that nobody else gets to see.")
    containers: dict[ObjectName, Container] = Field(default_factory=dict, description="The containers, by name.")

    def content(self, kind: FileKind, name: str) -> bytes:
        """Return what the config or secret of that name holds; LookupError when there is none, or it was not read."""
        return (self.configs if kind == "configs" else self.secrets)[name].data

    @property
    def members(self) -> dict[str, Host]:
        """The hosts that join the cluster store."""
        if self.store is None:
            return {}
        return {name: host for name, host in self.hosts.items() if host.member and host.state == "present"}
