"""What differs between operating systems, each with its fallback."""

from __future__ import annotations

import sys

import psutil

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["peak_memory_bytes"]


def peak_memory_bytes() -> int:
    """The largest resident memory of this process so far; its memory now where the system keeps no peak."""
    if resource is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Linux counts KiB, macOS bytes.
        return int(peak if sys.platform == "darwin" else peak * 1024)
    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))
