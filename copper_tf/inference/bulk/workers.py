"""Shards to the processes of this machine, or to a runner; and what is done already, told while they work.

Beam is imported where it works, by each process for itself.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from copper_tf.inference.bulk.outputs import Parts, Work
from copper_tf.inference.bulk.shards import Shard, import_beam
from tfds_copper.errors import OutputError, SettingError
from tfds_copper.progress import Progress

__all__ = ["predict_shards"]


# How often finished parts are counted.
_EVERY_SECONDS = 1.0


@contextlib.contextmanager
def _watched(parts: Parts, todo: Sequence[Shard], progress: Progress) -> Iterator[None]:
    """Tells how many pictures are done while others work, wherever that is."""
    total, told, over = sum(map(len, todo)), -1, threading.Event()

    def look() -> None:
        nonlocal told
        finished = parts.finished()
        done = sum(len(shard) for shard in todo if shard.part in finished)
        if done > told:
            progress(done, total, "predicting")
        told = done

    def watch() -> None:
        while not over.wait(_EVERY_SECONDS):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        look()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _reason(error: Exception) -> str:
    """One line for what a runner raises, which is anything; what a worker of it raised stands in the last line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def _share(todo: Sequence[Shard], work: Work, beam_options: str) -> str:
    """Why a pipeline didn't get through; empty where it did."""
    try:
        import_beam()
        from copper_tf.inference.bulk.pipeline import run_pipeline

        run_pipeline(todo, work, beam_options)
    except Exception as error:
        return _reason(error)
    return ""


def _process(told: Connection, todo: Sequence[Shard], work: Work, beam_options: str) -> None:
    """A worker: interrupts are for the process that started it, with which it ends, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Beam logs whole tracebacks of what it raises as well.
    logging.disable(logging.CRITICAL)
    threading.Thread(target=_follow, daemon=True).start()
    told.send(_share(todo, work, beam_options))


def _side_by_side(todo: Sequence[Shard], work: Work, beam_options: str, workers: int) -> str:
    """A pipeline in each of some processes. Those of Beam's own runner leave it waiting for ever once one is killed.

    Returns:
        Why one of them didn't get through; empty where all did.
    """
    context = multiprocessing.get_context("spawn")
    started: dict[Connection, SpawnProcess] = {}
    try:
        for k in range(workers):
            here, there = context.Pipe(duplex=False)
            share = (there, todo[k::workers], work, beam_options)
            started[here] = context.Process(target=_process, args=share, daemon=True)
            started[here].start()
            there.close()
        waiting = set(started)
        while waiting:
            for here in waiting.intersection(wait(waiting)):
                try:
                    reason = here.recv()
                except EOFError:
                    reason = "a worker that was killed, perhaps for want of memory"
                if reason:
                    return reason
                waiting.remove(here)
        return ""
    finally:
        for process in started.values():
            process.terminate()
            process.join()


def predict_shards(
    todo: Sequence[Shard], work: Work, parts: Parts, workers: int, beam_options: str, progress: Progress
) -> None:
    """Writes the parts of shards.

    Args:
        todo: those that are not finished.
        work: what a worker must know.
        parts: where parts are looked for.
        workers: processes on this machine, where no runner is named.
        beam_options: ``key=value`` of Beam, with commas between.
        progress: called with (done, total, what) now and then.

    Raises:
        OutputError: if the runner fails, or its workers write elsewhere.
        SettingError: if `workers` is given with a runner, which has workers of its own.
    """
    runner = "runner=" in beam_options
    if runner and workers > 1:
        raise SettingError(f"workers is for this machine; a runner has options of its own. Received: {workers}")
    with _watched(parts, todo, progress):
        common = todo, work, beam_options
        reason = _share(*common) if runner else _side_by_side(*common, workers)
    if reason:
        raise OutputError(
            f"{parts.output}: the pipeline must get through; the same command goes on. Received: {reason}"
        )
    finished = parts.finished()
    missing = sum(shard.part not in finished for shard in todo)
    if missing:
        raise OutputError(
            f"{parts.folder}: workers must see it at the same path and write all of {len(todo)} parts. "
            f"Received: {missing} missing"
        )
