"""
What touches the world: OpenSSH, the engine's API, consul, files of a host, git, the clock.

Each implements a port or a part of one; none knows the rules of the product, and none tries a failed effect again.
"""

from __future__ import annotations
