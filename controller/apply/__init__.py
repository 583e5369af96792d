"""
Carry out a plan through the ports.

Does what the plan says and nothing else: no planning here. Each action reads its object again before it acts, so that
carrying out a plan twice, or half of it after a crash, does no harm.
"""

from __future__ import annotations

from controller.apply.run import Progress, run

__all__ = ["Progress", "run"]
