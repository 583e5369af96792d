"""
What every result says of itself: when, of which commit, on what machine; and how it is written.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / "docs" / "results"


def provenance() -> dict[str, Any]:
    """Return commit, date and machine; before the first commit nothing is dirty or clean."""
    return {
        "commit": commit(),
        "dirty": bool(_git("status", "--porcelain", "--", ".", ":!docs/results")) if commit() else None,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()},
    }


def commit() -> str | None:
    """Return the commit that is checked out, None before the first."""
    return _git("rev-parse", "--verify", "--quiet", "HEAD") or None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write *data* as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    draft.rename(path)


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, least and greatest of some durations, in seconds."""
    return {
        "median_s": round(median(seconds), 4),
        "min_s": round(min(seconds), 4),
        "max_s": round(max(seconds), 4),
    }
