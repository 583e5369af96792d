"""
A whole lab: up, down, and what can be done to its hosts in between.

Everything may be killed at any point and called again: ``up`` goes on from what is there, ``down`` ends what it finds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import LabError
from controller.lab import cgroups, images, machine, network, rootfs, shell, sshconfig
from controller.lab.host import Host
from controller.lab.locks import locked
from controller.lab.spec import DEFAULT_NAME, DEFAULT_SUBNET, LabSpec, check_name, make_spec

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Sequence

    from controller.lab.host import HostStatus

DEFAULT_BASE = Path("/var/lib/ovctl-lab")


def base_directory() -> Path:
    """Return where labs live on this machine: OVCTL_LAB_DIR, or /var/lib/ovctl-lab."""
    return Path(os.environ.get("OVCTL_LAB_DIR") or DEFAULT_BASE).absolute()


def _silent(_: str) -> None:
    """Report nothing."""


class Lab:
    """
    One lab of this machine, whether it is up or not.

    Args:
        name: Labs of different names and subnets may be up at the same time.
        base: Directory that holds all labs and the root file systems that they share.
    """

    def __init__(self, name: str = DEFAULT_NAME, base: Path | None = None) -> None:
        self.name = check_name(name)
        self.base = base_directory() if base is None else base.absolute()
        self.state_dir = self.base / name

    @property
    def ssh_config(self) -> Path:
        """The file to give to ``ssh -F``; there while the lab is up."""
        return self.state_dir / "ssh_config"

    @property
    def spec(self) -> LabSpec:
        """
        What the lab was made from.

        Raises:
            LabError: There is no lab of this name.
        """
        spec = self._read_spec()
        if spec is None:
            raise LabError(f"there is no lab {self.name} on this machine", hint=self._command("up"))
        return spec

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The lab's hosts."""
        spec = self.spec
        return tuple(Host(spec, host, self.state_dir) for host in spec.hosts)

    def host(self, name: str) -> Host:
        """Return the host called *name*; a LabError lists those that there are if there is none."""
        spec = self.spec
        return Host(spec, spec.host(name), self.state_dir)

    def up(
        self,
        *,
        hosts: int | None = None,
        engine: str = "classic",
        subnet: str = DEFAULT_SUBNET,
        store: str = "consul",
        progress: Callable[[str], None] = _silent,
    ) -> None:
        """
        Make the lab, or what is missing of it, and return when every host answers.

        Args:
            hosts: Number of hosts with an engine; None means one for each engine listed, or three.
            engine: A key of ``spec.SUITES`` for all hosts, or a comma-separated list with one for each.
            subnet: IPv4 network of the lab; the first host is .11, the store .10, the machine .1.
            store: ``consul`` for a host of its own with a consul server, or ``none``.
            progress: Called with a line at each step, from several threads.

        Raises:
            LabError: This machine cannot, the lab is up with other arguments, or a host does not become ready.
        """
        spec = make_spec(self.name, hosts=hosts, engine=engine, subnet=subnet, store=store)
        machine.require_root()
        machine.require_programs()
        machine.require_kernel()
        machine.require_place(self.base)
        machine.allow_many_watches()
        cgroups.hierarchies()
        network.require_free(spec)
        if elsewhere := self._supervised_from() - {self.state_dir}:
            raise LabError(
                f"a lab {self.name} is up in {elsewhere.pop()}", hint="choose another --name, or set OVCTL_LAB_DIR"
            )
        with locked(self.state_dir):
            existing = self._read_spec()
            if existing is None:
                self._clear()  # what an interrupted down has left
                self._write("lab.json", spec.to_json())
            elif existing != spec:
                raise LabError(
                    f"lab {self.name} is there already, made with {existing.describe()}", hint=self._command("down")
                )
            for suite in spec.suites:
                rootfs.ensure(self.base, suite, progress)
            network.ensure_bridge(spec)
            self._make_hosts(progress)
            to_load = self._images()
            _each(self.hosts, lambda host: self._bring_up(host, to_load, progress))

    def down(self, *, purge: bool = False) -> bool:
        """
        End the lab and leave nothing of it; True if there was anything.

        What there is to end is found by the lab's name in the kernel, so any half-made state will do.

        Args:
            purge: Whether to remove the root file systems too, which all labs share.

        Raises:
            LabError: Something does not go away, or *purge* was asked for while another lab stands on them.
        """
        machine.require_root()
        if purge and (others := self._other_labs()):
            raise LabError(f"the root file systems are in use by {', '.join(others)}", hint="leave --purge out")
        found = self.state_dir.exists() or bool(cgroups.groups(self.name)) or bool(network.links(self.name))
        if found:
            with locked(self.state_dir):
                self._clear()
                self.state_dir.rmdir()
        if purge:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(rootfs.directory(self.base))
        with contextlib.suppress(OSError):  # other labs, or the root file systems
            self.base.rmdir()
        return found

    def status(self) -> tuple[HostStatus, ...]:
        """Return what is seen of each host from outside."""
        return tuple(host.status() for host in self.hosts)

    def ssh_argv(self, host: str, argv: Sequence[str] = ()) -> list[str]:
        """
        Return the command line that runs *argv* on *host*, or opens a shell there.

        Args:
            host: Name of the host.
            argv: The command and its arguments; each arrives as it is, whatever it holds.
        """
        return shell.ssh_argv(self.host(host), argv)

    def exec(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        timeout_s: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """
        Run *argv* on *host* and return how it ended and what it said.

        Args:
            host: Name of the host.
            argv: The command and its arguments; each arrives as it is, whatever it holds.
            input: What the command reads on its standard input; None means nothing.
            timeout_s: After this many seconds subprocess.TimeoutExpired is raised.
        """
        return shell.execute(self.host(host), argv, data=input, timeout_s=timeout_s)

    def link(self, host: str, *, up: bool) -> None:
        """Plug *host*'s cable into the bridge, or pull it; it stays so over reboots."""
        found = self._made(host)
        mark = found.directory / "unplugged"
        if up:
            mark.unlink(missing_ok=True)
        else:
            mark.touch()
        if found.init_pid():
            (network.plug if up else network.unplug)(self.name, host)

    def crash(self, host: str) -> None:
        """Cut *host*'s power; it stays off."""
        found = self._made(host)
        if not found.is_supervised():
            raise LabError(f"host {host} is off", hint=self._command(f"boot {host}"))
        found.crash()

    def boot(self, host: str, *, wait: bool = True) -> None:
        """Switch *host* on, and wait until it is ready, unless told not to or its cable is pulled."""
        found = self._made(host)
        with locked(self.state_dir):
            network.ensure_bridge(self.spec)
            found.start()
        if wait and found.is_plugged:
            shell.wait_ready(found)

    def wait_ready(self, host: str, *, timeout_s: float = shell.READY_S) -> None:
        """
        Wait until *host*'s sshd and docker, or consul on the store, answer.

        Raises:
            LabError: They do not within *timeout_s* seconds, or the host is off.
        """
        shell.wait_ready(self._made(host), timeout_s=timeout_s)

    def _made(self, name: str) -> Host:
        """Return the host called *name*, which must have been made."""
        found = self.host(name)
        if not found.directory.is_dir():
            raise LabError(f"host {name} is missing", hint=self._command(f"up {found.lab.describe()}"))
        return found

    def _supervised_from(self) -> set[Path]:
        """Return the state directories of the supervisors that run under the lab's name; more than ours is a clash."""
        found: set[Path] = set()
        for group in cgroups.groups(self.name):
            for pid in cgroups.processes(f"{cgroups.PARENT}/{self.name}/{group}") if "." in group else ():
                with contextlib.suppress(OSError, IndexError):
                    # …, state directory, host, and what follows the last NUL
                    found.add(Path(Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")[-3]))
        return found

    def _clear(self) -> None:
        """End and remove whatever carries the lab's name, and empty its directory."""
        # first of all: a supervisor that is about to start finds no lab any more
        (self.state_dir / "lab.json").unlink(missing_ok=True)
        # then those that would boot a host again
        for group in sorted(cgroups.groups(self.name), key=lambda group: not group.endswith(".supervisor")):
            cgroups.kill(f"{cgroups.PARENT}/{self.name}/{group}")
        cgroups.remove_lab(self.name)
        network.remove(self.name)
        for entry in self.state_dir.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _make_hosts(self, progress: Callable[[str], None]) -> None:
        """Make the disks that are missing and the files with which ssh finds the hosts."""
        key = self.state_dir / "key"
        public_key = sshconfig.make_key(key, comment=f"ovctl lab {self.name}")
        hosts = self.hosts
        (self.state_dir / "hosts").mkdir(exist_ok=True)
        _each(hosts, lambda host: host.create(public_key))
        known_hosts = self.state_dir / "known_hosts"
        host_keys = {host.spec.name: host.host_key() for host in hosts}
        self._write("known_hosts", sshconfig.render_known_hosts(self.spec, host_keys))
        self._write("ssh_config", sshconfig.render_config(self.spec, identity=key, known_hosts=known_hosts))
        progress(f"{len(hosts)} hosts on {network.bridge(self.name)}, {self.spec.subnet}")

    def _images(self) -> tuple[images.Image, ...]:
        """Return the images that every engine of the lab is to have."""
        spec = self.spec
        if spec.store:
            return (images.busybox(),)
        return images.busybox(), images.consul(rootfs.ensure(self.base, "bullseye", _silent))

    def _bring_up(self, host: Host, to_load: Iterable[images.Image], progress: Callable[[str], None]) -> None:
        """Switch *host* on unless it is, and give its engine the images that it lacks."""
        name = host.spec.name
        host.start()
        if not host.is_plugged:
            progress(f"{name} is left alone: its cable is pulled")
            return
        if host.init_pid():  # the bridge may be new
            network.plug(self.name, name)
        shell.wait_ready(host)
        if host.spec.role == "engine":
            for image in to_load:
                shell.load_image(host, image)
        progress(f"{name} is ready: {host.spec.ip}, {host.spec.suite}")

    def _read_spec(self) -> LabSpec | None:
        """Return what the lab was made from, or None if there is none."""
        try:
            return LabSpec.from_json((self.state_dir / "lab.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def _write(self, name: str, text: str) -> None:
        """Write a file of the lab whole or not at all."""
        draft = self.state_dir / f".{name}.draft"
        draft.write_text(text, encoding="utf-8")
        draft.rename(self.state_dir / name)

    def _other_labs(self) -> tuple[str, ...]:
        """Return the names of the other labs that use the same root file systems."""
        return tuple(
            sorted(place.parent.name for place in self.base.glob("*/lab.json") if place.parent.name != self.name)
        )

    def _command(self, verb: str) -> str:
        """Return the command that a person would type."""
        return f"ovctl lab{'' if self.name == DEFAULT_NAME else f' --name {self.name}'} {verb}"


def _each(hosts: Iterable[Host], work: Callable[[Host], None]) -> None:
    """Do *work* for all hosts at the same time; the first error is raised when all have ended."""
    errors: list[Exception] = []

    def attempt(host: Host) -> None:
        try:
            work(host)
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
            errors.append(error)

    # daemon threads: an interrupted command ends at once, and the kernel ends the programs that they wait for
    threads = [threading.Thread(target=attempt, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
