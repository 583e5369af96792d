"""The file that a plan is saved in: read whole, written whole or not at all, for its owner only."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import PlanFileError

if TYPE_CHECKING:
    from controller.model.saved import SavedPlan

MAX_BYTES = 256 << 20
"""Size from which a file is refused unread: a plan for 20,000 containers takes a tenth of it."""


def read_plan(path: Path) -> SavedPlan:
    """
    Return the plan saved in *path*.

    Raises:
        PlanFileError: It cannot be read, or holds no plan that can be applied.
    """
    from controller.plan.saved import read_saved  # noqa: PLC0415 - loaded where it is used: --help stays instant

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _told(path, error) from None
    if len(data) > MAX_BYTES:
        raise PlanFileError(f"{path}: is larger than {MAX_BYTES >> 20} MiB", hint="is this the right file?")
    return read_saved(data.decode(errors="replace"), str(path))


def refuse_to_overwrite(path: Path) -> None:
    """
    Refuse a place where something else stands than a plan, before anybody is asked.

    Raises:
        PlanFileError: What stands there is no saved plan, or it cannot be told.
    """
    from controller.model.saved import SAVED_PLAN  # noqa: PLC0415 - loaded where it is used: --help stays instant

    try:
        if not path.parent.is_dir():
            raise PlanFileError(f"{path}: its directory is not there", hint="make it, or name another place")
        if not path.exists():
            return
        if path.is_file():
            with path.open("rb") as file:
                start = file.read(200)
            if not start.strip() or f'"format": "{SAVED_PLAN}'.encode() in start:
                return
    except OSError as error:
        raise _told(path, error) from None
    raise PlanFileError(f"{path}: is there and no saved plan: nothing is written over it", hint="name another place")


def write_plan(path: Path, saved: SavedPlan) -> None:
    """
    Save the plan at *path*, with mode 0600: whoever reads it sees a whole file, the old or the new one.

    Raises:
        PlanFileError: It could not be written; what stood there is as it was.
    """
    from controller.plan.saved import saved_text  # noqa: PLC0415 - loaded where it is used: --help stays instant

    refuse_to_overwrite(path)
    try:
        # beside its place, since only within a file system a rename is one step; mkstemp gives it mode 0600
        number, beside = tempfile.mkstemp(prefix=".ovctl-plan-", dir=path.parent)
        try:
            with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - a file descriptor
                file.write(saved_text(saved))
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(beside).unlink()
            raise
    except OSError as error:
        raise _told(path, error) from None


def _told(path: Path, error: OSError) -> PlanFileError:
    return PlanFileError(f"{path}: {(error.strerror or str(error)).lower()}", hint="check the path, its owner and mode")
