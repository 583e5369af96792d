"""
From a Compose file's data to a topology's, key by key, in the model's own order.

Pure. Only what has another name or shape in a topology is known here; every other key is copied, and ``settle`` asks
the model about it. Variables stay as they are written.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.errors import UsageError
from controller.model.container_config import ContainerConfig
from controller.model.topology import Container, Topology
from controller.topology.file_keys import ENV_FILE
from controller.topology.importing.dependency import dependencies
from controller.topology.importing.note import Draft
from controller.topology.importing.volumes import imported_volumes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.topology.problem import Path

_WHOLE = {
    "extends": "takes from another service",
    "include": "takes from other files",
}
_HINT_WHOLE = "import what `docker compose config --no-interpolate` prints: it has all in one place"
_RESTART = {"any": "always", "on-failure": "on-failure", "none": "no"}
_FIELDS = (
    *(name for name in Container.__annotations__ if name in Container.model_fields),
    *ContainerConfig.model_fields,
)
_ORDER = {name: at for at, name in enumerate(_FIELDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What a person says about the topology that is to be made.

    Args:
        hosts: IP address by host name; what is not placed runs on the first.
        place: Host by service.
        store: Url of the cluster store: networks between hosts become overlays.
    """

    project: str
    hosts: Mapping[str, str]
    place: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None


def project_name(text: str) -> str:
    """Return *text*, such as a directory's name, as Compose makes a project's name of it."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-") or "imported"


def translate(compose: Mapping[str, Any], wanted: Wanted) -> Draft:
    """
    Return the topology that *compose*, the data of a Compose file, becomes.

    Raises:
        UsageError: the file is none of Compose's, takes parts from elsewhere, or *wanted* names what is not there.
    """
    return _Translation(compose, wanted).run()


class _Translation:
    def __init__(self, compose: Mapping[str, Any], wanted: Wanted) -> None:
        self.wanted = wanted
        self.compose = compose
        self.services = _mappings(compose, "services")
        self.networks = _mappings(compose, "networks")
        self.volumes = _mappings(compose, "volumes")
        if not self.services:
            raise UsageError("there are no services in the file", hint="name a Compose file")
        for name, text in _WHOLE.items():
            for service in ("", *self.services):
                if name in (self.services[service] if service else compose):
                    where = f"services.{service}.{name}" if service else name
                    raise UsageError(f"{where}: it {text}", hint=_HINT_WHOLE)
        for service, host in wanted.place.items():
            if service not in self.services:
                raise UsageError(f"--place {service}={host}: the file has no such service")
            if host not in wanted.hosts:
                raise UsageError(f"--place {service}={host}: there is no such host", hint=f"add --host {host}=ADDRESS")
        self.draft = Draft()
        self.names = {name: self._names(name) for name in self.services}

    def run(self) -> Draft:
        """Translate the file."""
        document: dict[str, Any] = {"version": 1, "name": self.wanted.project}
        if self.wanted.store is not None:
            document["store"] = self.wanted.store
        document["hosts"] = {name: {"address": address} for name, address in self.wanted.hosts.items()}
        containers = self._containers()
        document["networks"] = self._networks(containers)
        document["volumes"] = imported_volumes(self.volumes, self._volume, containers, self.draft)
        document["containers"] = containers
        for key, value in self.compose.items():
            if key in ("version", "name", "services", "networks", "volumes"):
                continue
            if key in Topology.model_fields and key not in document:
                document[key] = value
            else:
                self.draft.note((), (key,), f"{key} is left out: a topology has no such key")
        self.draft.document = {key: value for key, value in document.items() if value != {}}
        return self.draft

    # -- containers --------------------------------------------------------------------------------------------------

    def _names(self, service: str) -> tuple[str, ...]:
        """Return the names of the containers that *service* becomes."""
        said = self.services[service]
        base = str(said.get("container_name") or service)
        deploy = said.get("deploy") if isinstance(said.get("deploy"), dict) else {}
        count = said.get("scale", (deploy or {}).get("replicas", 1))
        if count == 1:
            return (base,)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            self.draft.note(
                (), ("services", service), f"{service}: how many there are is not a plain number: one is made"
            )
            return (base,)
        if count == 0:
            self.draft.note((), ("services", service), f"{service} is left out: it has 0 replicas")
        else:
            fact = f"{service} becomes {count} containers, {base}-1 to {base}-{count}"
            self.draft.note((), ("services", service), fact, "place each on its host by hand where they are to spread")
        return tuple(f"{base}-{number}" for number in range(1, count + 1))

    def _containers(self) -> dict[str, dict[str, Any]]:
        made: dict[str, dict[str, Any]] = {}
        for service, names in self.names.items():
            for name in names:
                if name in made:
                    raise UsageError(f"services.{service}: two containers would be called {name}")
                self.draft.origins["containers", name] = ("services", service)
                made[name] = self._container(service, name)
        return made

    def _container(self, service: str, name: str) -> dict[str, Any]:
        entry: Path = ("containers", name)
        # containers of one service share nothing: what is left out of one stays in the others
        said = copy.deepcopy(self.services[service])
        made: dict[str, Any] = {"host": self.wanted.place.get(service, next(iter(self.wanted.hosts)))}
        for key, value in said.items():
            if key in ("container_name", "scale", "deploy", "networks", "depends_on", "environment", "env_file"):
                continue
            if key == "host" or key.startswith("x-"):
                self.draft.note(entry, (key,), f"{key} is left out: Compose has no meaning for it")
            elif key == "volumes" and isinstance(value, list):
                made[key] = [self._mount(entry, at, item) for at, item in enumerate(value)]
            else:
                made[key] = value
        if "image" not in made:
            made["image"] = f"{self.wanted.project}-{service}"
            self.draft.note(
                entry, (), f"there is no image: {made['image']} is written", "build it, push it, and name it here"
            )
        self._environment(entry, said, made)
        self._deploy(entry, said.get("deploy") or {}, made)
        if "network_mode" not in said:
            made["networks"] = self._attachments(service, name)
        if said.get("depends_on"):
            made["depends_on"] = dependencies(self.draft, entry, said["depends_on"], self.names)
        return dict(
            sorted(made.items(), key=lambda item: _ORDER.get("environment" if item[0] == ENV_FILE else item[0], 999))
        )

    def _environment(self, entry: Path, said: Mapping[str, Any], made: dict[str, Any]) -> None:
        found = said.get("environment")
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            found = {item.partition("=")[0]: item.partition("=")[2] if "=" in item else None for item in found}
        if isinstance(found, dict):
            for key in [key for key, value in found.items() if value is None]:
                found = {**found, key: f"${{{key}:-}}"}
                fact = f"environment.{key} is taken from the environment: written as a variable that may be unset"
                self.draft.note(entry, ("environment", key), fact)
        if found:
            made["environment"] = found
        files = said.get("env_file", [])
        paths = []
        for at, item in enumerate(files if isinstance(files, list) else [files]):
            if isinstance(item, dict):
                for key in [key for key in item if key != "path"]:
                    self.draft.note(
                        entry, ("env_file", at), f"env_file: {key} is left out: a file is needed, in the usual form"
                    )
            paths.append(item.get("path") if isinstance(item, dict) else item)
        if paths:
            made[ENV_FILE] = paths

    def _deploy(self, entry: Path, deploy: Any, made: dict[str, Any]) -> None:
        if not isinstance(deploy, dict):
            self.draft.note(entry, ("deploy",), "deploy is left out: it is no mapping")
            return
        known: dict[tuple[str, ...], str] = {
            ("resources", "limits", "cpus"): "cpus",
            ("resources", "limits", "memory"): "mem_limit",
            ("resources", "limits", "pids"): "pids_limit",
            ("resources", "reservations", "memory"): "mem_reservation",
        }
        for path, value in _leaves(deploy, ("resources", "limits"), ("resources", "reservations")):
            if path == ("replicas",):
                continue
            field_name = known.get(path)
            text = ".".join(("deploy", *path))
            if field_name is not None and field_name not in made:
                made[field_name] = value
            elif path == ("restart_policy",) and isinstance(value, dict) and "restart" not in made:
                condition = value.get("condition", "any")
                times = value.get("max_attempts")
                policy = _RESTART.get(condition, "always")
                made["restart"] = f"{policy}:{times}" if policy == "on-failure" and times else policy
                left = sorted(set(value) - {"condition"} - ({"max_attempts"} if policy == "on-failure" else set()))
                for key in left:
                    self.draft.note(
                        entry, ("deploy", *path, key), f"{text}.{key} is left out: engines have no such setting"
                    )
            else:
                why = (
                    "said beside it already"
                    if field_name or path == ("restart_policy",)
                    else "nothing is scheduled here"
                )
                self.draft.note(entry, ("deploy", *path), f"{text} is left out: {why}")

    def _mount(self, entry: Path, at: int, item: Any) -> Any:
        if isinstance(item, dict):
            source = item.get("source")
            named = item.get("type") == "volume" and isinstance(source, str)
            return {**item, "source": self._volume(str(source))} if named else item
        if not isinstance(item, str) or item.startswith(("/", ".", "~", "$")) or ":" not in item:
            return self._mode(entry, at, item) if isinstance(item, str) and not item.startswith("$") else item
        source, _, rest = item.partition(":")
        return self._mode(entry, at, f"{self._volume(source)}:{rest}")

    def _mode(self, entry: Path, at: int, item: str) -> str:
        """Return *item* with no more of its mode than whether it may be written."""
        head, _, mode = item.rpartition(":")
        if item.count(":") < 2 or "$" in item:  # noqa: PLR2004 - source, target, mode
            return item
        words = mode.split(",")
        for word in words:
            if word not in ("ro", "rw"):
                self.draft.note(entry, ("volumes", at), f"volumes: the option {word} is left out: it is not taken")
        return f"{head}:ro" if "ro" in words else head

    def _volume(self, name: str) -> str:
        """Return what the volume that the file calls *name* is called on the engine."""
        said = self.volumes.get(name, {})
        if isinstance(said.get("name"), str):
            return str(said["name"])
        return name if said.get("external") or "$" in name else f"{self.wanted.project}_{name}"

    def _attachments(self, service: str, name: str) -> dict[str, Any]:
        found = self.services[service].get("networks") or ["default"]
        if isinstance(found, list):
            found = dict.fromkeys(map(str, found))
        made = {}
        for network, said in found.items():
            if network != "default" and network not in self.networks:
                raise UsageError(f"services.{service}.networks: there is no network {network}")
            attachment = dict(said or {})
            if name != service:
                # others find a service by its name, whatever its containers are called
                attachment["aliases"] = [*attachment.get("aliases", []), service]
            made[self._network(network)] = attachment
        return made

    # -- networks ----------------------------------------------------------------------------------------------------

    def _network(self, key: str) -> str:
        said = self.networks.get(key, {})
        named = said.get("name")
        return named if isinstance(named, str) else f"{self.wanted.project}_default" if key == "default" else key

    def _networks(self, containers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        used: dict[str, set[str]] = {}
        for container in containers.values():
            for network in container.get("networks", {}):
                used.setdefault(network, set()).add(container["host"])
        keys = ["default"] if self._network("default") in used and "default" not in self.networks else []
        made = {}
        for key in (*keys, *self.networks):
            name = self._network(key)
            entry: Path = ("networks", name)
            self.draft.origins[entry] = ("networks", key)
            said = {field: value for field, value in self.networks.get(key, {}).items() if field != "name"}
            if said.get("external"):
                for field in sorted(set(said) - {"external"}):
                    self.draft.note(entry, (field,), f"{field} is left out: the network is external")
                made[name] = {"external": True}
                continue
            if name not in used:
                self.draft.note((), ("networks", key), f"network {name} is left out: no container is on it")
                continue
            spans = len(used[name]) > 1
            driver = said.pop("driver", None)
            made[name] = {"driver": self._driver(entry, driver, spans=spans), **said}
        return made

    def _driver(self, entry: Path, said: Any, *, spans: bool) -> Any:
        if self.wanted.store is not None and (spans or said == "overlay"):
            if said not in (None, "overlay"):
                self.draft.note(
                    entry, ("driver",), f"driver {said} becomes overlay: its containers are on several hosts"
                )
            return "overlay"
        if said == "overlay":
            self.draft.note(entry, ("driver",), "driver overlay becomes bridge: there is no store", "give --store")
            said = None
        if spans:
            fact = "its containers are on several hosts, and a bridge leads from none to another"
            self.draft.note(entry, (), fact, "give --store, and it becomes an overlay")
        return said or "bridge"


def _mappings(compose: Mapping[str, Any], section: str) -> dict[str, dict[str, Any]]:
    found = compose.get(section) or {}
    if not isinstance(found, dict) or not all(item is None or isinstance(item, dict) for item in found.values()):
        raise UsageError(f"{section}: expected a mapping of names to mappings", hint="name a Compose file")
    return {name: item or {} for name, item in found.items()}


def _leaves(node: Mapping[str, Any], *open_paths: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Return path and value of what is in *node*, going down only where one of *open_paths* leads."""
    found: list[tuple[tuple[str, ...], Any]] = []
    steps = {path[0] for path in open_paths if path}
    for key, value in node.items():
        if key in steps and isinstance(value, dict):
            below = _leaves(value, *(path[1:] for path in open_paths if path[0] == key and path[1:]))
            found += [((key, *path), leaf) for path, leaf in below]
        else:
            found.append(((key,), value))
    return found
