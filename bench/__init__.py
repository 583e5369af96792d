"""
Measuring programs: what ovctl costs beyond the engines themselves, and whether it survives being killed.

Each program makes a lab of its own, takes it down again, and writes one JSON file to docs/results. The product does not
know of them.
"""

from __future__ import annotations
