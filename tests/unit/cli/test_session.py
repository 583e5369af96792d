"""Options that several commands share."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from controller.cli import root


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_a_lock_timeout_that_no_clock_can_wait_for_is_a_usage_error(command: str, seconds: str) -> None:
    result = CliRunner().invoke(root, [command, "--yes", "--lock-timeout", seconds, "nothing.yaml"])
    assert "Invalid value for '--lock-timeout'" in result.output
    assert result.exit_code in (1, 2)
