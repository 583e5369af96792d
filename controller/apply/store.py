"""The store: run its container, write down the members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.errors import ConflictError, NotFoundError, UnreachableError
from controller.model.identity import STORE_CONTAINER, owner_of
from controller.observe.adoption import adopted_key
from controller.observe.store import members_key, members_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.apply.hands import Hands
    from controller.model.action import PlaceStore, RecordMembers
    from controller.ports import Json

ANSWERS_WITHIN_S = 60.0
CONSUL_PORT = 8500
"""Where consul listens unless its configuration says otherwise; the default command does not."""


def place(action: PlaceStore, hands: Hands, note: Callable[[str], None]) -> None:
    """
    Create and start the store's container, and wait until it has a leader.

    The port of the store's URL is published on the host; inside the container it is consul's own, 8500. A command that
    lets consul listen elsewhere is not catered for.
    """
    engine = hands.engine(action.host)

    def attempt() -> None:
        try:
            found = engine.inspect_container(STORE_CONTAINER)
        except NotFoundError:
            reference = engine.create_container(STORE_CONTAINER, _config(action))
        else:
            if owner_of(found["Config"]["Labels"] or {}) != hands.desired.name:
                raise ConflictError(
                    f"host/{action.host}: a container named {STORE_CONTAINER} is there that is not ours"
                )
            reference = found["Id"]
        engine.start_container(reference)

    hands.retrying(attempt, action.remedies, note)

    def answers() -> bool:
        hands.store().nodes()
        return True

    if not hands.await_(answers, timeout_s=ANSWERS_WITHIN_S):
        raise UnreachableError(
            f"the store did not answer within {ANSWERS_WITHIN_S:.0f} s after its container was started",
            hint=f"see `docker logs {STORE_CONTAINER}` on {action.host}",
        )


def _config(action: PlaceStore) -> Json:
    port = f"{CONSUL_PORT}/tcp"
    return {
        "Image": action.place.image,
        "Cmd": list(action.place.command),
        "Hostname": STORE_CONTAINER,
        "Labels": dict(action.labels),
        "ExposedPorts": {port: {}},
        "HostConfig": {
            "RestartPolicy": {"Name": "always"},
            "Binds": [f"{action.place.volume}:{action.place.target}"],
            "PortBindings": {port: [{"HostPort": str(action.port)}]},
        },
    }


def record(action: RecordMembers, hands: Hands, note: Callable[[str], None]) -> None:
    """Write the members down; without any, forget the topology."""
    key = members_key(hands.desired.name)

    def attempt() -> None:
        if action.members:
            hands.store().put(key, members_text(action.members, settled=action.settled))
        else:
            hands.store().delete_prefix(key)
            hands.store().delete_prefix(adopted_key(hands.desired.name))

    hands.retrying(attempt, action.remedies, note)
