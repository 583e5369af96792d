"""Ask the questions through the hosts' shells, hosts side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from controller.errors import OvctlError
from controller.ports import Pong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.checks.verify import Question
    from controller.ports import Fleet

MOST_HOSTS_AT_ONCE = 32


def probe(questions: Sequence[Question], fleet: Fleet) -> tuple[Pong, ...]:
    """Return the answers in the questions' order; a host that cannot be asked answers each with why."""
    by_host: dict[str, list[int]] = {}
    for position, question in enumerate(questions):
        by_host.setdefault(question.host, []).append(position)
    answers: dict[int, Pong] = {}

    def on(host: str) -> list[Pong]:
        pings = [questions[position].ping for position in by_host[host]]
        try:
            return fleet.shell(host).ping(pings)
        except OvctlError as error:
            return [Pong(reached=False, rtt_ms=None, detail=error.message, asked=False)] * len(pings)

    with ThreadPoolExecutor(min(MOST_HOSTS_AT_ONCE, len(by_host) or 1)) as pool:
        for host, pongs in zip(by_host, pool.map(on, by_host), strict=True):
            answers.update(zip(by_host[host], pongs, strict=True))
    return tuple(answers[position] for position in range(len(questions)))
