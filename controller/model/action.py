"""
Actions: the closed union of idempotent effects that a plan is made of.

An action is data. It says what to do and which closed list of remedies and compensations may be used on the way; how
it is done stands in ``controller.apply``, in the file of the action's kind. Each reads its object again before it acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from controller.model.remedy import JOINING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.model.adoption import Adopted
    from controller.model.identity import Address
    from controller.model.network import Network
    from controller.model.remedy import Remedy
    from controller.model.topology import Container, StorePlace
    from controller.model.volume import Volume

Symbol = Literal["+", "~", "-/+", "-"]


@dataclass(frozen=True, kw_only=True)
class _Action:
    """
    What every action says.

    Args:
        address: The object it is about.
        host: Where it is carried out.
        reason: Why, one line for people.
        disrupts: Names of the containers whose traffic it interrupts.
    """

    symbol: ClassVar[Symbol] = "~"
    remedies: ClassVar[tuple[Remedy, ...]] = ()
    verb: ClassVar[str]

    address: Address
    host: str
    reason: str
    disrupts: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Stable within a plan."""
        return f"{self.verb} {self.address} on {self.host}"


@dataclass(frozen=True, kw_only=True)
class PlaceStore(_Action):
    """Run the store's container and wait until the store answers."""

    symbol: ClassVar[Symbol] = "+"
    verb: ClassVar[str] = "place"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    place: StorePlace
    port: int
    labels: Mapping[str, str]
    container_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordMembers(_Action):
    """
    Write down in the store which hosts belong to the topology, and what is placed on each.

    Args:
        settled: Whether nobody is about to join a network; one that is killed before the end leaves that said.
    """

    verb: ClassVar[str] = "record"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    members: Mapping[str, tuple[str, ...]]
    settled: bool = True
    final: bool = False

    @property
    def id(self) -> str:
        """Recorded before anything is placed, and once more when all is gone that left."""
        return f"{self.verb} {self.address} {'after' if self.final else 'before'}"


@dataclass(frozen=True, kw_only=True)
class ConfigureHost(_Action):
    """
    Set our keys of daemon.json, restart when the running daemon differs, wait until it answers and is registered.

    Compensation: a daemon that does not come up gets its earlier file back and is started with it.
    """

    verb: ClassVar[str] = "configure"
    settings: Mapping[str, Any]
    restart: bool
    registered_as: str


@dataclass(frozen=True, kw_only=True)
class RestoreHost(_Action):
    """Give daemon.json its earlier values back, restart when the running daemon differs, forget our record."""

    symbol: ClassVar[Symbol] = "-"
    verb: ClassVar[str] = "restore"
    restart: bool


@dataclass(frozen=True, kw_only=True)
class CreateNetwork(_Action):
    """Create an overlay once and wait until every host sees it, or a bridge on its host."""

    symbol: ClassVar[Symbol] = "+"
    verb: ClassVar[str] = "create"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry", "release-leaked-pool")
    network: Network
    labels: Mapping[str, str]
    visible_on: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AwaitNetwork(_Action):
    """Wait until every host sees a network that exists already."""

    verb: ClassVar[str] = "await"
    network_id: str
    visible_on: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RemoveNetwork(_Action):
    """Remove a network of ours; leaked endpoints are cleared first, others stop it."""

    symbol: ClassVar[Symbol] = "-"
    verb: ClassVar[str] = "remove"
    remedies: ClassVar[tuple[Remedy, ...]] = (
        "retry",
        "clear-leaked-endpoint",
        "correct-leaked-count",
        "release-leaked-pool",
    )
    network_id: str


@dataclass(frozen=True, kw_only=True)
class CreateVolume(_Action):
    """Create a named volume before a container first uses it."""

    symbol: ClassVar[Symbol] = "+"
    verb: ClassVar[str] = "create"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    volume: Volume
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RemoveVolume(_Action):
    """Remove a named volume of ours, with its data: only where a person said so."""

    symbol: ClassVar[Symbol] = "-"
    verb: ClassVar[str] = "remove"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)


@dataclass(frozen=True, kw_only=True)
class PullImage(_Action):
    """Pull an image that the host does not have."""

    symbol: ClassVar[Symbol] = "+"
    verb: ClassVar[str] = "pull"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    image: str

    @property
    def id(self) -> str:
        """Once a host and image, whoever needs it."""
        return f"{self.verb} {self.image} on {self.host}"


@dataclass(frozen=True, kw_only=True)
class LoadImage(_Action):
    """
    Load an image that the host does not have from an archive of this machine.

    Args:
        archive: Path of the file.
    """

    symbol: ClassVar[Symbol] = "+"
    verb: ClassVar[str] = "load"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    image: str
    archive: str

    @property
    def id(self) -> str:
        """Once a host and image, whoever needs it."""
        return f"{self.verb} {self.image} on {self.host}"


@dataclass(frozen=True, kw_only=True)
class CreateContainer(_Action):
    """Create, connect and start a container; one of ours that stands there half made is completed."""

    symbol: ClassVar[Symbol] = "+"
    verb: ClassVar[str] = "create"
    remedies: ClassVar[tuple[Remedy, ...]] = JOINING
    container: Container
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ReplaceContainer(_Action):
    """
    Put a new container in the place of one whose fields cannot be changed.

    Compensation: the old one is kept aside (restart policy ``no``, renamed, stopped) until the new one stays up and, if
    it has a healthcheck, is healthy; else the old one gets its name, policy and place back and the outcome is a failure
    that says "rolled back".

    Args:
        rejoins: Declared networks that an earlier step of the plan took the old one off: it is then put on them again,
            as declared.
    """

    symbol: ClassVar[Symbol] = "-/+"
    verb: ClassVar[str] = "replace"
    remedies: ClassVar[tuple[Remedy, ...]] = JOINING
    container: Container
    labels: Mapping[str, str]
    container_id: str
    rejoins: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AwaitContainer(_Action):
    """
    Wait until a container is healthy, for as long as its healthcheck, or its image's, gives it.

    What depends on its health needs this step.
    """

    verb: ClassVar[str] = "await"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)


@dataclass(frozen=True, kw_only=True)
class StartContainer(_Action):
    """Start a container that does not run (one that is paused is unpaused by a restart)."""

    verb: ClassVar[str] = "start"
    remedies: ClassVar[tuple[Remedy, ...]] = JOINING
    container_id: str


@dataclass(frozen=True, kw_only=True)
class UpdateContainer(_Action):
    """
    Change fields of a container as it stands, in one request.

    Args:
        container: What is declared.
        fields: Names of the fields that are brought to it.
    """

    verb: ClassVar[str] = "update"
    container_id: str
    container: Container
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AttachContainer(_Action):
    """Connect a container to a network, or reconnect it with the right addresses and aliases."""

    verb: ClassVar[str] = "attach"
    remedies: ClassVar[tuple[Remedy, ...]] = (*JOINING, "restart")
    container_id: str
    network: str
    ipv4_address: str | None
    aliases: tuple[str, ...]
    ipv6_address: str | None = None
    mac_address: str | None = None

    @property
    def id(self) -> str:
        """One a container and network."""
        return f"{self.verb} {self.address} to {self.network} on {self.host}"


@dataclass(frozen=True, kw_only=True)
class DetachContainer(_Action):
    """Disconnect a container from a network."""

    verb: ClassVar[str] = "detach"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    container_id: str
    network: str

    @property
    def id(self) -> str:
        """One a container and network."""
        return f"{self.verb} {self.address} from {self.network} on {self.host}"


@dataclass(frozen=True, kw_only=True)
class RemoveContainer(_Action):
    """Stop and remove a container of ours; its named volumes stay."""

    symbol: ClassVar[Symbol] = "-"
    verb: ClassVar[str] = "remove"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    container_id: str


@dataclass(frozen=True, kw_only=True)
class RemoveFiles(_Action):
    """Remove the copies of a container's configs and secrets that no container reads; the others stay."""

    symbol: ClassVar[Symbol] = "-"
    verb: ClassVar[str] = "remove"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)


@dataclass(frozen=True, kw_only=True)
class SettleHost(_Action):
    """
    Wait until the containers of a host find their peers on other hosts by name, on some networks.

    An engine learns the names on a network by a watch on the store that it sets up when its first container joins. That
    dial fails at random (moby/moby#39036) and is never tried again: the containers then run, ping by IP address, and
    find nobody by name until the host's last container leaves the network. Remedy: reattach them. It is asked early,
    when the first two containers of a network run and there is only one to reattach, or else at the end.

    Args:
        early: Whether others wait for it before they join.
    """

    verb: ClassVar[str] = "settle"
    remedies: ClassVar[tuple[Remedy, ...]] = ("reattach", *JOINING)
    networks: tuple[str, ...]
    early: bool = False

    @property
    def id(self) -> str:
        """One a host and network at first, one a host at the end."""
        return f"{self.verb} {self.address}{' first' if self.early else ''} on {self.host}"


@dataclass(frozen=True, kw_only=True)
class AdoptObject(_Action):
    """
    Write down that an object which others made is ours; nothing of the object is changed.

    Args:
        object_id: The engine's id of it, for which alone this holds.
        adopted: What is written down.
        shared: Whether it is an overlay, which is written down once, in the store.
    """

    verb: ClassVar[str] = "adopt"
    remedies: ClassVar[tuple[Remedy, ...]] = ("retry",)
    object_id: str
    adopted: Adopted
    shared: bool = False


Action = (
    PlaceStore
    | RecordMembers
    | ConfigureHost
    | RestoreHost
    | CreateNetwork
    | AwaitNetwork
    | RemoveNetwork
    | CreateVolume
    | RemoveVolume
    | PullImage
    | LoadImage
    | CreateContainer
    | ReplaceContainer
    | AwaitContainer
    | StartContainer
    | UpdateContainer
    | AttachContainer
    | DetachContainer
    | RemoveContainer
    | RemoveFiles
    | SettleHost
    | AdoptObject
)
