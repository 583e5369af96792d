"""
Reconcile multi-host container networks on plain Docker engines.

The import package of the distribution ``ovctl``. ARCHITECTURE.md describes the rooms and the one-way flow between them.
"""

from __future__ import annotations

__version__ = "0.1.0"
