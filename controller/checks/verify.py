"""
Who reaches whom: every pair of containers that shares a network, and every pair that must not.

Pure: what to ask, and what the answers mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from controller.model.finding import Finding
from controller.model.identity import is_number
from controller.model.observed import EngineState
from controller.ports import Ping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from controller.model.observed import ContainerState, Observed
    from controller.model.topology import Topology
    from controller.ports import Pong


@dataclass(frozen=True, slots=True)
class Question:
    """
    One ping, and what it should say.

    Args:
        host: Where it is asked.
        kind: By IP address or by name on a shared network, or that nothing gets through.
        via: The network that it is about; ``docker_gwbridge`` for the bridge that every overlay container is also on.
    """

    host: str
    source: str
    target: str
    kind: Literal["address", "name", "isolation"]
    via: str
    ping: Ping

    @property
    def reaches(self) -> bool:
        """Whether an answer is what should come."""
        return self.kind != "isolation"


def ask(desired: Topology, observed: Observed) -> tuple[Question, ...]:
    """Return a question for each ordered pair of running containers and each way from one to the other."""
    running = dict(_running(desired, observed))
    return tuple(
        question
        for source in sorted(running)
        for target in sorted(running)
        if source != target
        for question in _pair(desired, observed, running, source, target)
    )


def _running(desired: Topology, observed: Observed) -> Iterator[tuple[str, ContainerState]]:
    for name, container in desired.containers.items():
        engine = observed.engine(container.host)
        found = engine.container(name) if isinstance(engine, EngineState) else None
        if found is not None and found.running and container.networks:
            yield name, found


def _pair(
    desired: Topology,
    observed: Observed,
    running: dict[str, ContainerState],
    source: str,
    target: str,
) -> Iterator[Question]:
    here, there = running[source], running[target]
    host = desired.containers[source].host
    shared = sorted(
        network
        for network in set(desired.containers[source].networks) & set(desired.containers[target].networks)
        if _meet(desired, running, source, target, network)
    )

    def question(kind: Literal["address", "name", "isolation"], via: str, to: str) -> Question:
        resolv_conf = here.resolv_conf if kind == "name" else None
        return Question(host, source, target, kind, via, Ping(here.pid, resolv_conf, to))

    for network in shared:
        for address in _addresses(here, there, network):
            yield question("address", network, address)
    if shared:
        if not is_number(target):
            yield question("name", shared[0], target)
        return
    for network in sorted(there.endpoints):
        # a bridge's IP addresses mean something on its own host alone: elsewhere they may be somebody else's
        local = network not in desired.networks or not desired.networks[network].spans_hosts
        if not (local and host != desired.containers[target].host):
            for address in _addresses(here, there, network):
                yield question("isolation", network, address)
    gateway = _gateway_address(observed, host, desired.containers[target].host, there)
    if gateway:
        yield question("isolation", "docker_gwbridge", gateway)


def _addresses(here: ContainerState, there: ContainerState, network: str) -> Iterator[str]:
    """Yield the IP addresses of *there* on *network*; IPv6 ones only for who has IPv6 at all."""
    endpoint = there.endpoints.get(network)
    if endpoint is not None and endpoint.current:
        yield endpoint.current
    if endpoint is not None and endpoint.current_ipv6 and any(own.current_ipv6 for own in here.endpoints.values()):
        yield endpoint.current_ipv6


def _meet(desired: Topology, running: dict[str, ContainerState], source: str, target: str, network: str) -> bool:
    """Whether both are on the same network of that name: each host has a bridge of its own."""
    declared = desired.networks[network]
    if declared.external:
        ends = [running[name].endpoints.get(network) for name in (source, target)]
        return len({end.network_id if end else "" for end in ends}) == 1
    return declared.spans_hosts or desired.containers[source].host == desired.containers[target].host


def _gateway_address(observed: Observed, source_host: str, target_host: str, target: ContainerState) -> str:
    """Return the target's address on docker_gwbridge; hosts have a bridge each, so only where both are on one."""
    engine = observed.engine(target_host)
    if source_host != target_host or not isinstance(engine, EngineState):
        return ""
    return engine.gateway_addresses.get(target.id, "")


def judge(questions: Sequence[Question], answers: Sequence[Pong]) -> tuple[Finding, ...]:
    """Return a finding for each question."""
    return tuple(_judge(question, answer) for question, answer in zip(questions, answers, strict=True))


def _judge(question: Question, answer: Pong) -> Finding:
    ok = answer.asked and answer.reached == question.reaches
    source, target = f"container/{question.source}", f"container/{question.target}"
    to = f"{question.ping.target} on {question.via}"
    if not answer.asked:
        fact = f"not asked whether it reaches {to}: {answer.detail}"
        return Finding(
            ok, question.kind, source, target, fact, "nothing is known of this pair: verify again after that"
        )
    if answer.reached:
        fact = f"reached {to} in {answer.rtt_ms:.1f} ms" if answer.rtt_ms is not None else f"reached {to}"
    else:
        fact = f"no way to {to}" + ("" if ok else f": {answer.detail}")
    return Finding(ok, question.kind, source, target, fact, None if ok else _hint(question))


def _hint(question: Question) -> str:
    if question.kind == "isolation" and ":" in question.ping.target:
        return "engines keep bridges apart by IPv6 only with ip6tables in daemon.json: see docs/topology.md"
    if question.kind == "isolation":
        return "they share no declared network: look for a route between them, or a network attached by hand"
    if question.kind == "name":
        return "by IP address it may work: the engine's own resolver answers at 127.0.0.11 inside the container"
    return (
        "udp 4789 and tcp+udp 7946 must be open between the hosts; after a daemon's crash see docs/troubleshooting.md"
    )


def not_running(desired: Topology, observed: Observed) -> tuple[Finding, ...]:
    """Return a finding for each declared container that could not be asked."""
    findings = []
    running = dict(_running(desired, observed))
    for name, container in sorted(desired.containers.items()):
        if name in running or not container.networks:
            continue
        engine = observed.engine(container.host)
        if isinstance(engine, EngineState):
            found = engine.container(name)
            message = f"is not running on {container.host}: {found.status if found else 'there is none'}"
        else:
            message = f"not known whether it runs on {container.host}: {engine.reason}"
        findings.append(Finding(False, "running", f"container/{name}", "", message, "run `ovctl plan`"))  # noqa: FBT003 - a finding's first word
    return tuple(findings)
