"""Plans, reports, states and findings as text and JSON. No I/O: callers print."""

from __future__ import annotations
