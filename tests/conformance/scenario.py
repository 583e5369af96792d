"""
One history of a cluster, told by its engines: the same operations, and everything that the engines answer meanwhile.

It leads through every state of a container and of a network that the product tells apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import EngineError
from tests.conformance.normal import Normalizer
from tests.conformance.world import ALONE, bridge, container, eventually, overlay

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.ports import Engine, Json
    from tests.conformance.world import World

_PORTS: Json = {"80/tcp": [{"HostIp": "", "HostPort": "18080"}]}
_RICH: Json = {
    "Env": ["A=1", "B=two words"],
    "Labels": {"ovctl.topology": "conformance"},
    "ExposedPorts": {"80/tcp": {}, "81/udp": {}},
    "Hostname": "web",
    "HostConfig": {
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
        "PortBindings": _PORTS,
        "Binds": ["data:/data:rw", "/etc:/host:ro"],
        "Mounts": [{"Type": "volume", "Source": "more", "Target": "/more"}],
    },
}


class Story:
    """
    Runs the history in a world and writes down the answers.

    Attributes:
        chapters: Title -> answer, with what is accidental replaced.
    """

    def __init__(self, world: World) -> None:
        self.chapters: dict[str, object] = {}
        self._world = world
        self._engines = {host: world.fleet.engine(host) for host in ("h1", "h2", ALONE)}
        places = {world.store_url: "<store>", **{world.address(host): f"<{host}>" for host in self._engines}}
        self._normal = Normalizer(places)

    def tell(self) -> None:
        """Run it."""
        self._engines_as_they_are()
        self._networks()
        self._one_container()
        self._further_networks()
        self._failures()
        self._other_kinds()

    def _engines_as_they_are(self) -> None:
        for host, engine in self._engines.items():
            version, info = engine.version(), engine.info()
            for accidental in ("Components", "KernelVersion", "BuildTime", "GitCommit", "GoVersion"):
                version.pop(accidental)
            for accidental in ("ID", "MemTotal", "NCPU", "Images", "OperatingSystem"):
                info.pop(accidental)
            # said when the thread that happens to answer was left in a container's network namespace, which is also
            # where random dials of the store fail (moby#39036)
            unstable = "WARNING: IPv4 forwarding is disabled"
            warnings = [warning for warning in info["Warnings"] or () if warning != unstable]
            info["Warnings"] = warnings or None
            self._say(f"{host} version", version)
            self._say(f"{host} info", info)
            for network in sorted(engine.networks(), key=lambda found: str(found["Name"])):
                if network["Name"] in ("bridge", "host", "none"):
                    self._normal.name(network["Id"], f"{host} {network['Name']}")
                    # before its first restart, a daemon does not tell the default bridge's gateway
                    network["IPAM"].pop("Config")
                    self._say(f"{host} network {network['Name']}", network)
        image = self._engines["h1"].inspect_image("busybox:1")
        self._normal.name(image["Id"], "busybox")
        self._say("image", {key: image[key] for key in ("Id", "Config", "Architecture", "Os")})

    def _networks(self) -> None:
        h1, h2 = self._engines["h1"], self._engines["h2"]
        options = {"com.docker.network.driver.mtu": "1400"}
        self._network("ov1", overlay(Labels={"a": "1"}, Options=options))
        self._network("ov2", {"Driver": "overlay", "CheckDuplicate": True})
        self._network("inner", overlay("10.62.0.0/24", Internal=True))
        self._normal.name(h1.create_network("lan", {"Driver": "bridge", "Labels": {"b": "2"}}), "lan")
        self._normal.name(h1.create_network("six", bridge(Attachable=True)), "six")
        for name in ("ov1", "ov2", "inner"):
            self._say(f"{name} on h2", h2.inspect_network(name))
        self._say("lan", h1.inspect_network("lan"))
        self._say("six", h1.inspect_network("six"))
        self._list("networks of h2", h2.networks(), ("ov1", "ov2", "inner"))

    def _one_container(self) -> None:
        h1 = self._engines["h1"]
        self._normal.name(h1.create_container("c1", container("ov1", "10.60.0.11", Aliases=["al"], **_RICH)), "c1")
        self._container("created", h1, "c1")
        h1.start_container("c1")
        self._container("started", h1, "c1")
        self._seen("started", "ov1")
        gateway = h1.inspect_network("docker_gwbridge")
        self._normal.name(gateway["Id"], "docker_gwbridge")
        self._say("docker_gwbridge", gateway)
        h1.rename_container("c1", "c1b")
        self._container("renamed", h1, "c1b")
        self._seen("renamed", "ov1")
        h1.rename_container("c1b", "c1")
        h1.update_container("c1", {"RestartPolicy": {"Name": "always"}, "Labels": {"no": "change"}})
        self._container("updated", h1, "c1")

    def _further_networks(self) -> None:
        h1 = self._engines["h1"]
        h1.connect("ov2", "c1", {"Aliases": ["web"]})
        h1.connect("lan", "c1", {"IPAMConfig": None})
        self._container("on three networks", h1, "c1")
        h1.disconnect("ov2", "c1")
        self._container("on two networks", h1, "c1")
        h1.stop_container("c1", timeout_s=0)
        self._container("stopped", h1, "c1")
        self._seen("stopped", "ov1")
        h1.connect("ov2", "c1", {"Aliases": ["web"]})
        h1.disconnect("lan", "c1")
        self._container("connected while stopped", h1, "c1")
        h1.start_container("c1")
        self._container("started again", h1, "c1")

    def _failures(self) -> None:
        h1, h2 = self._engines["h1"], self._engines["h2"]
        self._normal.name(h2.create_container("c2", container("ov1", "10.60.0.11")), "c2")
        self._refused("start at an address in use", lambda: h2.start_container("c2"))
        self._container("that did not start", h2, "c2")
        h2.disconnect("ov1", "c2")
        self._container("stripped", h2, "c2")
        h2.connect("ov1", "c2", {"IPAMConfig": {"IPv4Address": "10.60.0.12"}})
        h2.start_container("c2")
        taken, chosen = {"IPAMConfig": {"IPv4Address": "10.62.0.1"}}, {"IPAMConfig": {"IPv4Address": "10.0.0.9"}}
        self._refused("connect at an address in use", lambda: h2.connect("inner", "c2", taken))
        self._refused(
            "connect at an address in a subnet that the engine chose", lambda: h2.connect("ov2", "c2", chosen)
        )
        self._container("that was not connected", h2, "c2")
        h1.disconnect("ov1", "c2", force=True)
        self._container("under the knife", h2, "c2")
        self._seen("under the knife", "ov1")
        self._refused("disconnect under the knife", lambda: h2.disconnect("ov1", "c2"))
        h2.stop_container("c2", timeout_s=0)
        self._container("stopped after that", h2, "c2")
        h2.disconnect("inner", "c2")
        h2.start_container("c2")
        self._container("healed", h2, "c2")
        self._refused("remove a network in use", lambda: h2.remove_network("ov1"))
        self._refused("remove a container that runs", lambda: h1.remove_container("c1"))
        self._refused("create a container twice", lambda: h1.create_container("c1", container()))
        self._refused("create a network twice", lambda: h2.create_network("ov1", overlay()))

    def _other_kinds(self) -> None:
        h1 = self._engines["h1"]
        kinds: dict[str, Json] = {
            "plain": container(),
            "in no network": container(HostConfig={"NetworkMode": "none"}),
            "in the host's network": container(HostConfig={"NetworkMode": "host"}),
            "with an entrypoint": {"Image": "busybox:1", "Entrypoint": ["sleep", "1000"]},
            "inside": container("inner", "10.62.0.11"),
            "with IPv6": container("six", "10.70.0.11", "fd00:70::11", MacAddress="02:AA:00:00:00:01"),
            "with what comes of itself": container("six"),
        }
        for at, (title, config) in enumerate(kinds.items()):
            name = f"k{at}"
            self._normal.name(h1.create_container(name, config), name)
            self._container(f"{title}, created", h1, name)
            h1.start_container(name)
            self._container(f"{title}, started", h1, name)
        self._say("six with containers", h1.inspect_network("six"))
        self._normal.name(h1.create_container("done", container(Cmd=["true"])), "done")
        h1.start_container("done")
        assert eventually(self._world, lambda: h1.inspect_container("done")["State"]["Status"] == "exited")
        self._container("done", h1, "done")
        self._refused("start of what is not there", lambda: h1.start_container("nobody"))
        self._refused("unpause what runs", lambda: h1.unpause_container("c1"))

    def _network(self, name: str, config: Json) -> None:
        self._normal.name(self._engines["h1"].create_network(name, config), name)

    def _container(self, title: str, engine: Engine, name: str) -> None:
        """Write down the whole container and its line in the list."""
        found = engine.inspect_container(name)
        if found["State"]["Running"]:
            found["State"].pop("FinishedAt")  # of a start that had to be tried again
        networks = found["NetworkSettings"]["Networks"]
        if found["NetworkSettings"]["SandboxID"]:
            self._normal.name(found["NetworkSettings"]["SandboxID"], f"sandbox of {name}")
        for network, endpoint in networks.items():
            if endpoint["EndpointID"]:
                self._normal.name(endpoint["EndpointID"], f"{name} on {network}")
        found.pop("LogPath")
        self._say(f"container {title}", found)
        (summary,) = (item for item in engine.containers() if f"/{name}" in item["Names"])
        # the engine gives an unordered list
        summary["Mounts"].sort(key=lambda mount: mount["Destination"])
        summary["Ports"].sort(key=lambda port: port["PrivatePort"])
        self._say(f"line of container {title}", summary)

    def _seen(self, title: str, network: str) -> None:
        for host in ("h1", "h2"):
            self._say(f"{network} of {host}, {title}", self._engines[host].inspect_network(network))

    def _list(self, title: str, found: list[Json], names: tuple[str, ...]) -> None:
        self._say(title, sorted((item for item in found if item["Name"] in names), key=lambda item: str(item["Name"])))

    def _refused(self, title: str, ask: Callable[[], object]) -> None:
        try:
            ask()
        except EngineError as error:
            self._say(title, {"kind": type(error).__name__, "status": error.status, "message": error.message})
        else:
            self._say(title, "was done")

    def _say(self, title: str, answer: object) -> None:
        found = self._normal(answer)
        if isinstance(found, dict) and "Mounts" in found:
            found["Mounts"] = sorted(found["Mounts"], key=lambda mount: str(mount["Destination"]))
        self.chapters[title] = found
