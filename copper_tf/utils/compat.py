"""What differs between operating systems, each with its fallback."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["available_memory_bytes", "interrupt_on_sigterm", "peak_memory_bytes"]

# Supposed to be free where nothing tells.
_AVAILABLE = 2**31


def available_memory_bytes() -> int:
    """How much memory other processes leave; 2 GiB on a system that psutil doesn't know."""
    try:
        import psutil
    except ImportError:
        return _AVAILABLE
    return int(psutil.virtual_memory().available)


def peak_memory_bytes() -> int:
    """The largest resident memory of this process so far; its memory now where the system keeps no peak.

    It is 0 where nothing tells.
    """
    if resource is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Linux counts KiB, macOS bytes.
        return int(peak if sys.platform == "darwin" else peak * 1024)
    try:
        import psutil
    except ImportError:
        return 0
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
