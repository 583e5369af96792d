"""What a person types and sees, without hosts."""

from __future__ import annotations
