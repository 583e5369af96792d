"""
The nouns: what is desired, what is observed, how they differ, what is to be done.

Frozen data and pure functions of it. Nothing here does I/O, knows a client library or looks at the clock.
"""

from __future__ import annotations
