"""
Checks: questions derived from desired and observed, asked through a port, judged into findings.

``ask`` and ``judge`` are pure; only ``probe`` talks to a port.
"""

from __future__ import annotations
