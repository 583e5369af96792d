"""The adapters, without a lab."""

from __future__ import annotations
