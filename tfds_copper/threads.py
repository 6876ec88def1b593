"""Work on many pictures, a few at a time: decoders, encoders and filters let other threads run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["map_ahead"]

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

# More threads than this only hold more pictures at once.
_THREADS = 4
# Results that may wait until they are asked for, per thread.
_AHEAD = 4


def map_ahead(function: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """The results of a function in the order of the items, worked out by threads a little ahead of who takes them.

    Args:
        function: of one item; called from several threads.
        items: taken as they are needed.

    Yields:
        The results. What an item raises is raised in its place, and nothing is begun after it.
    """
    threads = min(_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for job in waiting:
                job.cancel()
