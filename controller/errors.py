"""
The errors that people see, as one tree.

Each error knows what to do about it (``hint``), whether trying again can help (``transient``) and which exit code a
command ends with. Nothing here prints, logs or imports another room.
"""

from __future__ import annotations

from typing import Any, ClassVar


class OvctlError(Exception):
    """
    A fact that stops a piece of work, told for a person.

    Args:
        message: Place, address and fact in lower case, without a trailing full stop and without any secret.
        hint: What to do about it, one line.
    """

    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(OvctlError):
    """What was typed cannot be carried out as it stands."""


class TopologyError(OvctlError):
    """
    A topology that cannot be read or does not hold together.

    Args:
        message: A line for each problem, each followed by its own ``  hint: …`` line if it has a hint.
        problems: The same as data (``controller.topology.problem.Problem``), warnings included, in order of place.
    """

    def __init__(self, message: str, *, hint: str | None = None, problems: tuple[Any, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class UnreachableError(OvctlError):
    """A host, an engine or the store did not answer."""

    transient = True


class EngineError(OvctlError):
    """
    The engine refused or could not do what it was asked.

    Args:
        status: HTTP status of the engine's answer, or None when the connection broke.
    """

    def __init__(self, message: str, *, status: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class NotFoundError(EngineError):
    """The engine knows no such object (404)."""


class ConflictError(EngineError):
    """The name or the state is taken (409)."""


class HostError(OvctlError):
    """A verb of the host helper ended in failure on a reached host."""


class StoreError(OvctlError):
    """The cluster store answered with an error."""


class LockedError(OvctlError):
    """Another apply holds the topology's cycle lock."""


class FenceLostError(OvctlError):
    """The cycle lock was lost while an apply was under way; nothing more may be changed."""


class RefusedError(OvctlError):
    """Carrying it out would break a rule that protects the operator."""


class PlanFileError(OvctlError):
    """A file that should hold a saved plan, or take one, cannot."""


class StalePlanError(OvctlError):
    """A saved plan does not hold any more: the topology or the hosts are not what it was made from."""


class LabError(OvctlError):
    """The lab cannot do this on this machine, or a lab host is not in the state that was asked for."""
