"""Prefetching: while a model works on one picture, the next ones are read and results of the last are written."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

from tfds_copper.errors import CopperError
from tfds_copper.progress import Progress

__all__ = ["prefetched"]

# How many are read ahead, by one thread, and how many may wait to be written or be written, by two.
_AHEAD, _BEHIND, _WRITERS = 2, 3, 2

Item = TypeVar("Item")
Opened = TypeVar("Opened")
Result = TypeVar("Result")
Open = Callable[[Item, Progress], contextlib.AbstractContextManager[Opened]]


class _StoppedError(Exception):
    """Ends a reading that is no longer needed."""


class _Reader(Generic[Item, Opened]):
    """Opens items ahead, in order, in a thread of its own; one that is large only when no other large one is open.

    Args:
        opened: see `prefetched`.
        large: see `prefetched`.
        progress: see `prefetched`.
    """

    def __init__(self, opened: Open[Item, Opened], large: Callable[[Opened], bool], progress: Progress | None) -> None:
        self._opened, self._large, self._progress = opened, large, progress
        self._thread = ThreadPoolExecutor(1, "reader")
        self._room, self._stopped = threading.Event(), False
        self._room.set()

    def begin(self, item: Item) -> Future[tuple[contextlib.ExitStack, Opened]]:
        """Has an item opened; who takes the result closes the stack."""
        return self._thread.submit(self._open, item)

    def _report(self, done: int, total: int, what: str) -> None:
        if self._stopped:
            raise _StoppedError
        if self._progress:
            self._progress(done, total, what)

    def _open(self, item: Item) -> tuple[contextlib.ExitStack, Opened]:
        self._room.wait()
        if self._stopped:
            raise _StoppedError
        with contextlib.ExitStack() as stack:
            opened = stack.enter_context(self._opened(item, self._report))
            if self._large(opened):
                self._room.clear()
                stack.callback(self._room.set)
            return stack.pop_all(), opened

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped = True
        self._room.set()
        self._thread.shutdown(cancel_futures=True)


def _finished(stack: contextlib.ExitStack, finish: Callable[[], Result]) -> Result | CopperError:
    try:
        with stack:
            return finish()
    except CopperError as error:
        return error


def _failed(error: CopperError) -> CopperError:
    return error


def prefetched(
    items: Iterable[Item],
    opened: Open[Item, Opened],
    work: Callable[[Item, Opened], Callable[[], Result]],
    large: Callable[[Opened], bool] = lambda _: False,
    progress: Progress | None = None,
) -> Generator[Result | CopperError, None, None]:
    """The result of each item, in order, or the error of one that fails.

    Only a few items are held at a time, however many there are. Close the iterator if you don't exhaust it.

    Args:
        items: consumed a little ahead.
        opened: opens an item, in the reader's thread; it is closed after the writing, in another. It may report long
            reading to the progress that it is given.
        work: what must be done in order, in this thread. It returns the rest, the writing, which a third thread does.
        large: whether an opened item takes so much memory that no other such item may be open.
        progress: called with (done, total, what) by `opened`.
    """
    reader, writers = _Reader(opened, large, progress), ThreadPoolExecutor(_WRITERS, "writer")
    rest, behind = iter(items), deque[Future[Result | CopperError]]()
    ahead = deque[tuple[Item, Future[tuple[contextlib.ExitStack, Opened]]]]()
    try:
        while True:
            ahead.extend((item, reader.begin(item)) for item in islice(rest, _AHEAD + 1 - len(ahead)))
            while behind and (len(behind) >= _BEHIND or not ahead or behind[0].done()):
                yield behind.popleft().result()
            if not ahead:
                return
            item, opening = ahead.popleft()
            try:
                stack, open_item = opening.result()
                with contextlib.ExitStack() as mine:
                    mine.push(stack)
                    finish = work(item, open_item)
                    behind.append(writers.submit(_finished, mine.pop_all(), finish))
            except CopperError as error:
                behind.append(writers.submit(_failed, error))
    finally:
        reader.stop()
        # What is in work is written, whatever ends the rest.
        writers.shutdown()
        for _, opening in ahead:
            if not opening.cancelled() and not opening.exception():
                opening.result()[0].close()
