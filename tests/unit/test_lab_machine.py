"""What a machine that lacks something is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.errors import LabError
from controller.lab.machine import require_place, require_programs, run


def test_missing_programs_are_named_with_the_packages_to_install() -> None:
    with pytest.raises(LabError) as caught:
        require_programs({"no-such-program": "some-package", "sh": "dash"})
    assert caught.value.message.startswith("this machine lacks no-such-program")
    assert "some-package" in (caught.value.hint or "")
    assert "dash" not in (caught.value.hint or "")


def test_a_place_that_docker_cannot_keep_images_on_is_refused() -> None:
    with pytest.raises(LabError, match="where docker cannot keep images"):
        require_place(Path("/dev/shm/lab"))


def test_a_path_that_would_break_a_mount_option_is_refused() -> None:
    with pytest.raises(LabError, match="no comma, colon"):
        require_place(Path("/var/lib/a,b"))


def test_a_failing_program_is_quoted_with_its_last_words() -> None:
    with pytest.raises(LabError, match=r": second$"):
        run(["sh", "-c", "echo first >&2; echo second >&2; exit 3"])
