"""
Containers of simulated engines: creation, start and stop, and their networks, with the quirks of engine 20.10.

A container that is bound to a network knows it by id from its first start on; before that, by name. Failures leave
behind what the real engine leaves behind: an exit code, an error text, an entry without endpoint.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from controller.errors import ConflictError, EngineError, NotFoundError
from tests.fakes import configuration, files, networks, volumes
from tests.fakes.state import SHORT_ID, Attachment, Container

if TYPE_CHECKING:
    from controller.errors import OvctlError
    from tests.fakes.cluster import Cluster
    from tests.fakes.state import Host, Image, Json, Network

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_EPHEMERAL = range(49153, 65535)
_ENDS_AT_ONCE = {("true",): 0, ("false",): 1}
"""Commands whose process has ended by the time anybody looks."""
_CANNOT_RUN = "nocmd"
_SANDBOX_LOST = (
    "network sandbox join failed: network sandbox join failed: could not get network sandbox (oper true): "
    'failed get network namespace "": no such file or directory'
)


def find(host: Host, ref: str) -> Container:
    """Return a container by id or name; NotFoundError if there is none: the start of an id is no reference."""
    found = host.engine.containers.get(ref) or host.engine.named(ref.lstrip("/"))
    if found is not None:
        return found
    raise NotFoundError(f"No such container: {ref}", status=404)


def find_image(host: Host, ref: str) -> Image | None:
    """Return an image by tag, id or the start of its id."""
    tag = ref if ":" in ref.rpartition("/")[2] else f"{ref}:latest"
    for image in host.engine.images.values():
        if tag in image.tags or ref == image.id or image.id.removeprefix("sha256:").startswith(ref):
            return image
    return None


def create(cluster: Cluster, host: Host, name: str, config: Json) -> str:
    """Create a container from the body of ``POST /containers/create`` and return its id."""
    if not _NAME.fullmatch(name):
        message = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        raise EngineError(message, status=400)
    host_config = configuration.filled_in(host, config)
    image = find_image(host, config.get("Image") or "")
    if image is None:
        raise NotFoundError(f"No such image: {config.get('Image')}", status=404)
    wanted = (config.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    if len(wanted) > 1:
        message = f"Container cannot be connected to network endpoints: {', '.join(sorted(wanted))}"
        raise EngineError(message, status=400)
    files.check_mounts(host, host_config)
    _check_name_free(host, name)
    container_id = cluster.new_id("container")
    host_config["NetworkMode"] = host_config.get("NetworkMode") or "default"
    mode = host_config["NetworkMode"]
    found = Container(
        id=container_id,
        name=name,
        created=cluster.timestamp(),
        created_s=int(cluster.time_s),
        image_id=image.id,
        config=configuration.merged(
            config, image, hostname=host.hostname if mode == "host" else container_id[:SHORT_ID]
        ),
        host_config=host_config,
        attachments={network: _attachment(endpoint) for network, endpoint in wanted.items()},
    )
    if not found.attachments:
        key = "bridge" if mode == "default" else mode
        known = [network for network in networks.visible(cluster, host) if network.id == key]
        found.attachments[known[0].name if known else key] = Attachment()
    volumes.make_used(cluster, host, host_config)
    host.engine.containers[container_id] = found
    return container_id


def start(cluster: Cluster, host: Host, container: Container, *, leak: OvctlError | None = None) -> None:
    """Start a container; with *leak* its first endpoint is made and stays, and that error is raised."""
    if container.status == "paused":
        raise ConflictError("cannot start a paused container, try unpause instead", status=409)
    if container.running:
        return
    try:
        _join_all(cluster, host, container, leak=leak)
        _publish(cluster, host, container)
        _execute(cluster, host, container)
    except EngineError as error:
        container.error = error.message
        container.exit_code = container.exit_code or 128
        raise
    cluster.count += 1
    container.status, container.error, container.exit_code = "running", "", 0
    container.pid, container.started = 1000 + cluster.count, cluster.timestamp()
    container.started_s, container.restarts = cluster.time_s, 0
    container.manually_stopped = False
    ending = _ENDS_AT_ONCE.get(tuple(container.config["Cmd"] or ()))
    if ending is not None and not container.config["Entrypoint"]:
        end(cluster, host, container, ending)


def _execute(cluster: Cluster, host: Host, container: Container) -> None:
    """Refuse what is no program; everything else is taken for one."""
    if container.config["Cmd"] == [_CANNOT_RUN]:
        _leave_all(cluster, host, container)
        container.exit_code = 127
        message = 'OCI runtime create failed: exec: "…": executable file not found in $PATH: unknown'
        raise EngineError(message, status=400)


def end(cluster: Cluster, host: Host, container: Container, exit_code: int, *, by_hand: bool = False) -> None:
    """Let a container's process end: its endpoints are given back; a restart policy makes it ``restarting``."""
    _leave_all(cluster, host, container)
    container.exit_code, container.pid = exit_code, 0
    container.finished = cluster.timestamp()
    container.manually_stopped = by_hand
    again = not by_hand and (
        container.restart in ("always", "unless-stopped") or (container.restart == "on-failure" and exit_code != 0)
    )
    container.status = "restarting" if again else "exited"
    container.restarts += again


def stop(cluster: Cluster, host: Host, container: Container) -> None:
    """Stop it by hand: a process without a handler of its own is killed."""
    if container.running or container.status == "restarting":
        end(cluster, host, container, 137, by_hand=True)


def unpause(container: Container) -> None:
    """Let it go on."""
    if container.status != "paused":
        raise EngineError(f"Container {container.id} is not paused", status=500)
    container.status = "running"


def rename(cluster: Cluster, host: Host, container: Container, name: str) -> None:
    """Give it another name; endpoints that it has now are renamed with it."""
    if name.lstrip("/") == container.name:
        raise EngineError("Renaming a container with the same name as its current name", status=400)
    try:
        _check_name_free(host, name)
    except ConflictError as error:
        raise ConflictError(f"Error when allocating new name: {error.message}", status=409) from None
    container.name = name
    for attachment in container.attachments.values():
        network = networks.by_id(cluster, host, attachment.network_id)
        if network is not None and attachment.endpoint_id in network.endpoints:
            network.endpoints[attachment.endpoint_id].name = name


def remove(cluster: Cluster, host: Host, container: Container, *, force: bool) -> None:
    """Remove it."""
    if container.status == "paused" and not force:
        message = (
            f"You cannot remove a paused container {container.id}. Unpause and then stop the container before "
            "attempting removal or force remove"
        )
        raise ConflictError(message, status=409)
    if (container.running or container.status == "restarting") and not force:
        message = (
            f"You cannot remove a {container.status} container {container.id}. Stop the container before attempting "
            "removal or force remove"
        )
        raise ConflictError(message, status=409)
    _leave_all(cluster, host, container)
    del host.engine.containers[container.id]


def connect(cluster: Cluster, host: Host, container: Container, ref: str, endpoint: Json) -> None:
    """Attach it; one that does not run is only noted down, whatever is asked for."""
    wanted = _attachment(endpoint)
    if not container.running:
        try:
            network = networks.find(cluster, host, ref)
        except NotFoundError:
            container.attachments[ref] = wanted
            return
        _check_attachment(container, network, wanted)
        if network.name not in container.attachments:
            container.attachments[network.name] = wanted
            _add_own_names(container, network, wanted)
        return
    network = networks.find(cluster, host, ref)
    _check_attachment(container, network, wanted)
    known = container.attachments.get(network.name)
    _add_own_names(container, network, wanted)
    made = copy.copy(wanted)
    if known is None:
        wanted.is_listed = False
        container.attachments[network.name] = wanted
    networks.attach(cluster, host, container, network, made)
    container.attachments[network.name] = made
    if known is not None and known.endpoint_id:
        # its interface is still there from before somebody took its endpoint away
        networks.release(cluster, host, made.endpoint_id, network.id)
        message = (
            f"failed to add interface to sandbox: cannot program address {made.ip}/{made.prefix_length} in sandbox "
            f"interface because it conflicts with existing route {{Src: {known.ip}}}"
        )
        raise EngineError(message, status=500)
    networks.join_gateway(cluster, host, container)


def disconnect(cluster: Cluster, host: Host, name: str, ref: str, *, force: bool) -> None:
    """Detach a container; forced, and without a container of that name here, delete the endpoint of that name."""
    try:
        container = find(host, name)
    except NotFoundError:
        if not force:
            raise
        _refuse_other(host, name)
        networks.force_delete(cluster, host, ref, name)
        return
    try:
        network = networks.find(cluster, host, ref)
    except NotFoundError:
        if container.running and not force:
            raise
        network = None
    key = network.name if network is not None else ref
    attachment = container.attachments.get(key)
    if not container.running or network is None:
        if attachment is None:
            raise EngineError(f"container {container.id} is not connected to the network {key}", status=500)
        del container.attachments[key]
        return
    if network.driver == "host":
        message = "container cannot be disconnected from host network or connected to host network"
        raise EngineError(message, status=400)
    if attachment is None or attachment.endpoint_id not in network.endpoints:
        raise EngineError(f"container {container.id} is not connected to network {key}", status=500)
    del network.endpoints[attachment.endpoint_id]
    del container.attachments[key]
    if not networks.needs_gateway(cluster, host, container):
        networks.leave_gateway(host, container)


def _refuse_other(host: Host, name: str) -> None:
    """Refuse to disconnect what the engine would take for a container whose id begins with that name."""
    other = next((found for found in host.engine.containers.values() if found.id.startswith(name)), None)
    if other is not None:
        fact = f"the engine takes {name} for the container {other.name}, whose id begins so"
        raise ConflictError(fact, status=409, hint="do it from another host")


def _attachment(endpoint: Json | None) -> Attachment:
    endpoint = endpoint or {}
    ipam = endpoint.get("IPAMConfig")
    aliases = endpoint.get("Aliases")
    return Attachment(dict(ipam) if ipam is not None else None, list(aliases) if aliases is not None else None)


def _check_name_free(host: Host, name: str) -> None:
    taken = host.engine.named(name)
    if taken is not None:
        message = (
            f'Conflict. The container name "/{name}" is already in use by container "{taken.id}". You have to remove '
            "(or rename) that container to be able to reuse that name."
        )
        raise ConflictError(message, status=409)


def _check_attachment(container: Container, network: Network, wanted: Attachment) -> None:
    if network.driver == "host" and container.mode != "host":
        message = "container cannot be disconnected from host network or connected to host network"
        raise EngineError(message, status=400)
    if "host" in container.attachments:
        message = (
            "container sharing network namespace with another container or host cannot be connected to any other "
            "network"
        )
        raise EngineError(message, status=400)
    if "none" in {network.name, *container.attachments}:
        message = "container cannot be connected to multiple networks with one of the networks in private (none) mode"
        raise EngineError(message, status=400)
    if networks.user_defined(network):
        networks.check_subnet(network, wanted)
        return
    if wanted.fixed_ip or wanted.fixed_ip6:
        raise EngineError("user specified IP address is supported on user defined networks only", status=400)
    if wanted.aliases:
        message = "network-scoped alias is supported only for containers in user defined networks"
        raise EngineError(message, status=400)


def _add_own_names(container: Container, network: Network, attachment: Attachment) -> None:
    """Add the short id and the host name to the aliases, as the engine does on networks that know names."""
    if not networks.user_defined(network):
        return
    aliases = list(attachment.aliases or ())
    aliases += [name for name in (container.id[:SHORT_ID], container.config["Hostname"]) if name not in aliases]
    attachment.aliases = list(dict.fromkeys(aliases))


def _join_all(cluster: Cluster, host: Host, container: Container, *, leak: OvctlError | None) -> None:
    """Make all endpoints, the default network's first; what was made is given back when one cannot be."""
    container.sandbox = cluster.new_id("sandbox")
    order = sorted(container.attachments, key=lambda name: (name != container.mode, name))
    try:
        for name in order:
            _join(cluster, host, container, name)
            _leak(container.attachments[name], leak)
        networks.join_gateway(cluster, host, container)
    except EngineError:
        _leave_all(cluster, host, container)
        container.sandbox = ""
        if container.status == "created":
            for attachment in container.attachments.values():
                attachment.network_id = ""
        raise


def _join(cluster: Cluster, host: Host, container: Container, name: str) -> None:
    attachment = container.attachments[name]
    network = networks.find(cluster, host, attachment.network_id or name)
    _add_own_names(container, network, attachment)
    if network.scope == "global" and host.engine.has_stale_sandboxes:
        raise EngineError(_SANDBOX_LOST, status=500)
    networks.attach(cluster, host, container, network, attachment)


def _leak(attachment: Attachment, leak: OvctlError | None) -> None:
    """Fail as planned, with nobody knowing of the endpoint any more."""
    if leak is not None:
        attachment.endpoint_id = ""
        raise leak


def _leave_all(cluster: Cluster, host: Host, container: Container) -> None:
    if _is_cut_off(cluster, host, container):
        # libnetwork stumbles over the missing endpoint and leaves its way out, and with it its ports, as they are
        host.engine.stuck_ports |= _ports_of(container)
        container.gateway_endpoint = ""
    for attachment in container.attachments.values():
        if attachment.endpoint_id:
            networks.release(cluster, host, attachment.endpoint_id, attachment.network_id)
        attachment.clear()
    networks.leave_gateway(host, container)
    container.published = {}


def _is_cut_off(cluster: Cluster, host: Host, container: Container) -> bool:
    """Whether a network no longer knows an endpoint that the container believes to have."""
    for attachment in container.attachments.values():
        network = networks.by_id(cluster, host, attachment.network_id) if attachment.endpoint_id else None
        if network is not None and attachment.endpoint_id not in network.endpoints:
            return True
    return False


def _ports_of(container: Container) -> set[tuple[str, str]]:
    return {
        (place["HostPort"], port.partition("/")[2])
        for port, places in container.published.items()
        for place in places or ()
    }


def _publish(cluster: Cluster, host: Host, container: Container) -> None:
    """Publish the bindings of exposed ports; a clash leaks the overlay's endpoint, as libnetwork does."""
    bindings = container.host_config.get("PortBindings") or {}
    taken = host.engine.stuck_ports.union(*map(_ports_of, host.engine.containers.values()))
    published: dict[str, list[Json] | None] = {}
    for port in container.config["ExposedPorts"]:
        protocol = port.partition("/")[2]
        for place in bindings.get(port) or ():
            wanted = place.get("HostPort") or next(
                str(number) for number in _EPHEMERAL if (str(number), protocol) not in taken
            )
            if (wanted, protocol) in taken:
                _leak_overlays(container)
                _leave_all(cluster, host, container)
                container.sandbox = ""
                message = f"driver failed programming external connectivity on endpoint {container.name}: Bind for "
                raise EngineError(f"{message}0.0.0.0:{wanted} failed: port is already allocated", status=500)
            taken.add((wanted, protocol))
            shown = {"HostIp": place.get("HostIp") or "0.0.0.0", "HostPort": wanted}  # noqa: S104 - the engine's text
            published[port] = [*(published.get(port) or ()), shown]
        published.setdefault(port, None)
    container.published = published


def _leak_overlays(container: Container) -> None:
    """Forget endpoints that have no gateway of their own, so that nothing gives them back."""
    for attachment in container.attachments.values():
        if not attachment.gateway:
            attachment.endpoint_id = ""
