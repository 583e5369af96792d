"""
From what runs on hosts to a topology's document: the containers that run, their networks, the store.

Pure. A topology says what somebody would have to declare so that nothing differs; what it cannot say is noted, and so
is what is left out because it is somebody else's. Values of environment variables go into the document alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from controller.model.adoption import owned
from controller.model.container_fields import lacking, read_fields
from controller.model.desired import DEFAULT_NETWORK
from controller.model.forms import OBJECT_NAME, STORE_URL
from controller.model.identity import SHORT_ID, owner_of, without_ours
from controller.model.observed import ImageState
from controller.observe.container import container_state
from controller.observe.host import daemon_state, recorded_adoptions
from controller.observe.network import network_state
from controller.topology.importing.fields import declare, engine_defaults
from controller.topology.importing.host_networks import network_said, untold_of_network, why_external
from controller.topology.importing.note import Draft
from controller.topology.importing.untold import untold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.model.forms import Mount, Port
    from controller.model.observed import ContainerState, NetworkState
    from controller.observe.inventory import Inventory
    from controller.topology.problem import Path

_SWARM = "com.docker.swarm."
_OWN_NETWORKS = frozenset(("bridge", "host", "none", "docker_gwbridge", "ingress"))
"""Those that engines make by themselves."""
_NAME = re.compile(OBJECT_NAME)
_STORE = re.compile(STORE_URL)
_IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
_NO_IMAGE = ImageState("", {}, {}, (), (), read_fields({}, {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class FromHosts:
    """
    What a person says about the topology that is to be made.

    Args:
        project: Its name.
        hosts: Host name -> its entry in the topology, as ovctl reaches it.
    """

    project: str
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def translate_hosts(inventories: Iterable[Inventory], wanted: FromHosts) -> Draft:
    """Return the topology that declares what runs on these hosts."""
    return _Translation(tuple(inventories), wanted).run()


class _Translation:
    def __init__(self, inventories: tuple[Inventory, ...], wanted: FromHosts) -> None:
        self.inventories = inventories
        self.wanted = wanted
        self.draft = Draft()
        self.networks: dict[str, dict[str, Any]] = {}
        self.containers: dict[str, dict[str, Any]] = {}
        self.store = self._store()

    def run(self) -> Draft:
        """Translate it all."""
        for inventory in self.inventories:
            for found in inventory.containers:
                self._container(inventory, found)
            if inventory.stopped:
                names = ", ".join(inventory.stopped)
                self._note(inventory.host, (), f"not running on {inventory.host}, and left out: {names}")
        self._overlays()
        if any(container.get("environment") for container in self.containers.values()):
            fact = "values of environment variables stand in this file, as the hosts have them: some may be secrets"
            self._note(self.inventories[0].host, (), fact, "keep it to yourself, or move them to env_file or secrets")
        document: dict[str, Any] = {"version": 1, "name": self.wanted.project}
        if self.store is not None:
            document["store"] = self.store
        document["hosts"] = {inventory.host: self._host(inventory) for inventory in self.inventories}
        document["networks"] = dict(sorted(self.networks.items()))
        document["containers"] = self.containers
        self.draft.document = {key: escaped(value) for key, value in document.items() if value != {}}
        return self.draft

    # -- hosts -------------------------------------------------------------------------------------------------------

    def _store(self) -> str | None:
        """Return the store that the engines use; one that a topology cannot name is noted, and so are others."""
        found: str | None = None
        for inventory in self.inventories:
            url = inventory.info.get("ClusterStore") or ""
            if url and not _STORE.match(url):
                fact = "its engine uses a cluster store of a kind that a topology does not know: overlays are external"
                self._note(inventory.host, ("hosts", inventory.host), fact)
            elif url and found is None:
                found = url
            elif url and url != found:
                fact = "its engine uses another cluster store than the hosts before it: its overlays are external"
                self._note(inventory.host, ("hosts", inventory.host), fact, "import it into a topology of its own")
        return found

    def _host(self, inventory: Inventory) -> dict[str, Any]:
        entry = dict(self.wanted.hosts[inventory.host])
        self.draft.origins["hosts", inventory.host] = (inventory.host,)
        if self.store is None:
            return entry
        if not self._is_member(inventory):
            return {**entry, "member": False}
        daemon = daemon_state(inventory.facts)
        said = (daemon.settings or {}).get("cluster-advertise") or daemon.flags.get("cluster-advertise")
        return {**entry, "advertise": said} if said else entry

    def _is_member(self, inventory: Inventory) -> bool:
        return self.store is not None and inventory.info.get("ClusterStore") == self.store

    # -- containers --------------------------------------------------------------------------------------------------

    def _container(self, inventory: Inventory, found: Mapping[str, Any]) -> None:
        state = container_state(dict(found))
        state = replace(state, labels=self._owned(inventory, state))
        why = self._left_out(state)
        if why:
            self._note(inventory.host, (), f"container {state.name} on {inventory.host} is left out: {why}")
            return
        entry: Path = ("containers", state.name)
        self.draft.origins[entry] = (inventory.host,)
        by_name, made_from = inventory.images.get(state.image), inventory.images.get(state.image_id)
        image = made_from or by_name
        if image is None:
            self._note(inventory.host, entry, "its image is not there any more: what it brought along is declared")
        elif by_name is None or by_name.id != state.image_id:
            fact = f"{state.image} is another image by now than the one that it was made from, or gone"
            self._note(inventory.host, entry, fact, "the next apply replaces it; give the old image that name before")
        self.containers[state.name] = self._declared(inventory, state, image or _NO_IMAGE)
        for fact, hint in untold(found, inventory.image_volumes.get(state.image_id, frozenset())):
            self._note(inventory.host, entry, fact, hint)

    def _left_out(self, state: ContainerState) -> str | None:
        """Return why a container does not come along as a whole, or None."""
        owner = owner_of(state.labels)
        if owner is not None:
            return f"it is topology/{owner}'s"
        if any(label.startswith(_SWARM) for label in state.labels):
            return "it is a task of a swarm"
        if state.auto_remove:
            return "it was started with --rm, and nothing of it is left once it ends: that cannot be adopted"
        if state.name in self.containers:
            return f"one of that name runs on {self.containers[state.name]['host']}, and names are unique"
        if not _NAME.fullmatch(state.name):
            return "its name is none that a topology takes"
        mode = state.network_mode
        if mode in ("host", "none") or mode.startswith("container:"):
            return f"its network mode is {mode.partition(':')[0]}, which a topology cannot say"
        if DEFAULT_NETWORK in state.endpoints and len(state.endpoints) > 1:
            return f"it is on the engine's own network {DEFAULT_NETWORK} and on others, which a topology cannot say"
        unusable = sorted(name for name in state.endpoints if name in _OWN_NETWORKS - {DEFAULT_NETWORK})
        if unusable:
            return f"it is on the engine's own network {unusable[0]}"
        if _IMAGE_ID.fullmatch(state.image):
            # a host that does not have it could pull it from nowhere
            return "it was made from an image by its id, not by a name"
        return None

    def _declared(self, inventory: Inventory, state: ContainerState, image: ImageState) -> dict[str, Any]:
        entry: Path = ("containers", state.name)
        made: dict[str, Any] = {"host": inventory.host, "image": state.image}
        if state.entrypoint != image.entrypoint:
            made["entrypoint"] = list(state.entrypoint)
        if state.command != (image.command if "entrypoint" not in made else ()):
            made["command"] = list(state.command)
        environment = {name: value for name, value in state.environment.items() if image.environment.get(name) != value}
        labels = {name: value for name, value in without_ours(state.labels).items() if image.labels.get(name) != value}
        for key in sorted({*image.environment} - {*state.environment}):
            self._note(inventory.host, entry, f"it lacks the variable {key} of its image: a topology cannot say that")
        made |= {"environment": environment} if environment else {}
        made |= {"labels": labels} if labels else {}
        if state.hostname and state.hostname != state.id[:SHORT_ID]:
            made["hostname"] = state.hostname
        volumes = [_volume(mount) for mount in sorted(state.mounts, key=lambda mount: mount.target) if mount.source]
        made |= {"volumes": volumes} if volumes else {}
        ports = self._ports(inventory, entry, state)
        made |= {"ports": ports} if ports else {}
        self._plain(inventory, state, image, made)
        attachments = self._attachments(inventory, state)
        made |= {"networks": attachments} if attachments else {}
        return made

    def _plain(self, inventory: Inventory, state: ContainerState, image: ImageState, made: dict[str, Any]) -> None:
        """Add the plain fields to what is *made* of the container."""
        settings = daemon_state(inventory.facts).settings or {}
        defaults = engine_defaults(inventory.info, settings)
        plain = {key: value for key, value in made.items() if key in ("host", "image", "ports")}
        for name, value in declare(plain, state.fields, image.fields, defaults, lacking(inventory.info)):
            if value is None:
                entry: Path = ("containers", state.name)
                self._note(inventory.host, entry, f"{name} is left out: a topology cannot say what it has there")
            else:
                made[name] = value

    def _ports(self, inventory: Inventory, entry: Path, state: ContainerState) -> list[str]:
        said = []
        for port in sorted(
            state.ports, key=lambda port: (port.target, port.protocol, port.published or 0, port.host_ip)
        ):
            if ":" in port.host_ip:
                self._note(inventory.host, entry, f"ports: {port.target} on an IPv6 address of the host is left out")
            else:
                said.append(_port(port))
        return said

    def _attachments(self, inventory: Inventory, state: ContainerState) -> dict[str, dict[str, Any]]:
        """Return the attachments, that of its network mode first, as it was made; none is the default bridge."""
        if set(state.endpoints) <= {DEFAULT_NETWORK}:
            return {}
        made: dict[str, dict[str, Any]] = {}
        known = {found["Id"]: found["Name"] for found in inventory.networks}
        first = known.get(state.network_mode, state.network_mode)
        for name in sorted(state.endpoints, key=lambda name: (name != first, name)):
            endpoint = state.endpoints[name]
            said: dict[str, Any] = {
                "ipv4_address": endpoint.ipv4_address,
                "ipv6_address": endpoint.ipv6_address,
                "aliases": sorted(endpoint.aliases) or None,
                "mac_address": state.mac_address if name == first else None,
            }
            made[name] = {key: value for key, value in said.items() if value is not None}
            self._network(inventory, name, endpoint.network_id)
        if state.mac_address and first in made and len(made) > 1:
            made[first]["priority"] = 1  # the network that comes first gets it
        return made

    def _owned(self, inventory: Inventory, state: ContainerState | NetworkState) -> Mapping[str, str]:
        """Return its labels with what the records on its host say of whose it is."""
        recorded = recorded_adoptions(inventory.facts, self.wanted.project, inventory.host)
        return owned(state.labels, state.id, recorded)

    # -- networks ----------------------------------------------------------------------------------------------------

    def _overlays(self) -> None:
        """Bring along the overlays of the store that no container is on, too: they are the cluster's."""
        for inventory in self.inventories:
            for found in inventory.networks:
                if found["Scope"] == "global" and found["Name"] not in _OWN_NETWORKS:
                    self._network(inventory, found["Name"], found["Id"])
            idle = sorted(
                found["Name"]
                for found in inventory.networks
                if found["Scope"] == "local"
                and found["Name"] not in {*_OWN_NETWORKS, *self.networks}
                and owner_of(found.get("Labels") or {}) is None
            )
            for name in idle:
                fact = f"network {name} on {inventory.host} is left out: no container that comes along is on it"
                self._note(inventory.host, (), fact)

    def _network(self, inventory: Inventory, name: str, network_id: str) -> None:
        found = next((one for one in inventory.networks if one["Id"] == network_id), None)
        found = found or next((one for one in inventory.networks if one["Name"] == name), None)
        if found is None:
            return
        state = network_state(found)
        state = replace(state, labels=self._owned(inventory, state))
        why = why_external(state, is_member=self._is_member(inventory))
        said = {"external": True} if why else network_said(state)
        entry: Path = ("networks", name)
        if name not in self.networks:
            self.draft.origins[entry] = (inventory.host,)
            self.networks[name] = said
            if why:
                self._note(inventory.host, entry, f"it is used as it is, as an external network: {why}")
            for fact in () if why else untold_of_network(found):
                self._note(inventory.host, entry, fact)
        elif self.networks[name] != said:
            fact = f"network {name} on {inventory.host} differs from that of {self.draft.origins[entry][0]}"
            self._note(inventory.host, entry, fact, "give one of the two another name, with its containers")

    def _note(self, host: str, entry: Path, fact: str, hint: str | None = None) -> None:
        """Note a fact about *host*, at its entry or at the top of the file."""
        if entry in self.draft.origins:
            self.draft.note(entry, (), fact, hint)
        else:
            self.draft.note(entry, (host,), fact, hint)


def escaped(value: Any) -> Any:
    """Return *value* as it is written where $ begins a variable."""
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _volume(mount: Mount) -> str:
    return f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"


def _port(port: Port) -> str:
    """Return a port in the short form."""
    target = f"{port.target}{'' if port.protocol == 'tcp' else f'/{port.protocol}'}"
    if port.host_ip:
        return f"{port.host_ip}:{port.published or ''}:{target}"
    return f"{port.published}:{target}" if port.published else target
