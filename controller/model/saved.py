"""
A plan as it is saved: what was agreed to, for which topology, and what it was made from.

The border: pydantic, frozen, unknown keys forbidden. It holds no payload of an action, so that no secret enters a file:
whoever applies it brings the topology, which plans the same again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from controller.model.forms import FrozenModel
from controller.model.plan import Seen  # noqa: TC001 - pydantic looks it up at run time

if TYPE_CHECKING:
    from controller.model.identity import Generation

SAVED_PLAN = "ovctl.saved-plan/"
"""What the name of each version of the format begins with."""
SAVED_PLAN_VERSION = 1


class SavedGeneration(FrozenModel):
    """The topology that it was made for, and the commit of its file."""

    digest: str
    commit: str | None

    @staticmethod
    def of(generation: Generation) -> SavedGeneration:
        """Return *generation* as it is saved."""
        return SavedGeneration(digest=generation.digest, commit=generation.commit)


class SavedPolicy(FrozenModel):
    """What the plan may do, as it was asked for."""

    prune: bool
    max_deletes: int | None
    targets: tuple[str, ...]
    hosts: tuple[str, ...]
    prune_volumes: bool = False


class SavedStep(FrozenModel):
    """A step, without what its action carries."""

    id: str
    verb: str
    symbol: str
    address: str
    host: str | None
    reason: str
    disrupts: tuple[str, ...]
    needs: tuple[str, ...]
    follows: tuple[str, ...]


class SavedPlan(FrozenModel):
    """
    A plan in a file.

    Attributes:
        file: Absolute path of the topology file.
        fingerprint: Object -> what was observed of it: those that the steps touch, and what these depend on.
        checksum: Digest of all the rest: tells a damaged file.
    """

    format: Literal["ovctl.saved-plan/1"] = "ovctl.saved-plan/1"
    topology: str
    generation: SavedGeneration
    file: str
    policy: SavedPolicy
    steps: tuple[SavedStep, ...]
    fingerprint: dict[str, Seen]
    checksum: str = ""
