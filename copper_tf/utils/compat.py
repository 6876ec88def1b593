"""What differs between operating systems, each with its fallback."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

import psutil

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["interrupt_on_sigterm", "peak_memory_bytes"]


def peak_memory_bytes() -> int:
    """The largest resident memory of this process so far; its memory now where the system keeps no peak."""
    if resource is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Linux counts KiB, macOS bytes.
        return int(peak if sys.platform == "darwin" else peak * 1024)
    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


@contextlib.contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """Turns a request to end, as schedulers send it before they kill, into a KeyboardInterrupt.

    Does nothing outside the main thread or where the system has no such signal.
    """
    number = getattr(signal, "SIGTERM", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)
