"""
Ask hosts, engines and store, and return one frozen ``Observed``.

No opinions: what is wanted only decides what is asked. What cannot be read is ``Unknown`` with its reason. Hosts are
asked side by side, each with one round trip to its shell and a handful of list calls to its engine.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from controller.errors import OvctlError
from controller.model.observed import Observed, Unknown
from controller.observe.adoption import with_overlays
from controller.observe.host import host_facts, host_state, observe_engine, recorded_adoptions
from controller.observe.store import observe_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from controller.model.adoption import Adoptions
    from controller.model.topology import Topology
    from controller.ports import Fleet, HostFacts

MOST_AT_ONCE = 64

T = TypeVar("T")

__all__ = ["observe", "observe_store"]


def observe(desired: Topology, fleet: Fleet, *, gateways: bool = False) -> Observed:
    """
    Return the state of every host of *desired*, in its order, and of its store.

    Args:
        gateways: Whether to ask for the addresses on docker_gwbridge, too: for people, nothing is compared with them.
    """
    names = list(desired.hosts)
    with ThreadPoolExecutor(min(MOST_AT_ONCE, 2 * len(names) + 1)) as pool:
        store = pool.submit(_known, "store", lambda: observe_store(desired, fleet))
        # a host's shell and its engine are two ways to it: both are asked at once. What the engine is asked for last
        # waits for the shell's answer; all of these are begun before any engine is asked, so that none waits for ever
        facts = [pool.submit(_known, f"host/{name}", partial(host_facts, desired, fleet, name)) for name in names]
        ask = partial(observe_engine, desired, fleet, gateways=gateways)
        engines = [
            pool.submit(_known, f"host/{name}", partial(ask, name, adopted=partial(_adopted, fact, desired, name)))
            for name, fact in zip(names, facts, strict=True)
        ]
        hosts = {
            name: host_state(name, fact.result(), engine.result())
            for name, fact, engine in zip(names, facts, engines, strict=True)
        }
        return Observed(with_overlays(hosts, store.result()), store.result())


def _adopted(fact: Future[HostFacts | Unknown], desired: Topology, host: str) -> Adoptions:
    """Wait for what the host says of itself, and return what is adopted there; none where that is unknown."""
    facts = fact.result()
    return {} if isinstance(facts, Unknown) else recorded_adoptions(facts, desired.name, host)


def _known(place: str, ask: Callable[[], T]) -> T | Unknown:
    """Return what is there, or why it is unknown; an odd answer of one place stops no other."""
    try:
        return ask()
    except OvctlError as error:
        return Unknown(error.message)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        return Unknown(f"{place}: an answer that cannot be read ({said})")
