"""Hands shards to processes of this machine, or to a runner of Beam, and reports what is finished.

Beam is imported where it works, by each process for itself.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from copper_tf.inference.bulk.outputs import PartFiles, WorkerSettings
from copper_tf.inference.bulk.shards import Shard, import_beam
from tfds_copper.children import safe_children
from tfds_copper.errors import OutputError, SettingError
from tfds_copper.files import DISK_FULL, is_disk_full
from tfds_copper.progress import Progress
from tfds_copper.text import last_line

__all__ = ["predict_shards"]


_BEAM = "apache_beam"
# How often finished parts are counted.
_EVERY_SECONDS = 1.0


@contextlib.contextmanager
def _reporting(parts: PartFiles, todo: Sequence[Shard], progress: Progress | None) -> Iterator[None]:
    """Reports how many pictures are finished while workers run, wherever that is."""
    total, reported, over = sum(map(len, todo)), -1, threading.Event()

    def report() -> None:
        nonlocal reported
        finished = parts.finished()
        done = sum(len(shard) for shard in todo if shard.part in finished)
        if done > reported and progress:
            progress(done, total, "predicting")
        reported = done

    def repeat() -> None:
        while not over.wait(_EVERY_SECONDS):
            report()

    reporter = threading.Thread(target=repeat, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        over.set()
        reporter.join()
        report()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _reason(error: Exception) -> str:
    """One line for what a runner raises, which is anything; what a worker of it raised stands in the last line."""
    if is_disk_full(error):
        return DISK_FULL
    return last_line(error)


def _share(todo: Sequence[Shard], settings: WorkerSettings, beam_options: str) -> str:
    """Why a pipeline didn't get through; empty where it did."""
    try:
        import_beam()
        from copper_tf.inference.bulk.pipeline import run_pipeline

        run_pipeline(todo, settings, beam_options)
    except Exception as error:
        return _reason(error)
    return ""


def _process(result: Connection, todo: Sequence[Shard], settings: WorkerSettings, beam_options: str) -> None:
    """A worker: interrupts are for the process that started it, with which it ends, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Beam logs whole tracebacks of what it raises as well.
    logging.disable(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    result.send(_share(todo, settings, beam_options))


def _side_by_side(todo: Sequence[Shard], settings: WorkerSettings, beam_options: str, workers: int) -> str:
    """A pipeline in each of some processes. Those of Beam's own runner leave it waiting for ever once one is killed.

    Returns:
        Why one of them didn't get through; empty where all did.
    """
    context = multiprocessing.get_context("spawn")
    started: dict[Connection, SpawnProcess] = {}
    try:
        for k in range(workers):
            here, there = context.Pipe(duplex=False)
            share = (there, todo[k::workers], settings, beam_options)
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
    todo: Sequence[Shard],
    settings: WorkerSettings,
    parts: PartFiles,
    workers: int,
    beam_options: str,
    progress: Progress | None,
) -> None:
    """Writes the parts of shards.

    Args:
        todo: those that are not finished.
        settings: what a worker must know.
        parts: the folder of the part files.
        workers: processes on this machine, where no runner is named.
        beam_options: ``key=value`` of Beam, with commas between.
        progress: called with (done, total, what) now and then.

    Raises:
        ModuleNotFoundError: if Apache Beam isn't installed.
        OutputError: if the runner fails, or its workers write elsewhere.
        SettingError: if `workers` is given with a runner, which has workers of its own.
    """
    if importlib.util.find_spec(_BEAM) is None:
        raise ModuleNotFoundError(f"No module named {_BEAM!r}", name=_BEAM)
    runner = "runner=" in beam_options
    if runner and workers > 1:
        raise SettingError(f"workers is for this machine; a runner has options of its own. Received: {workers}")
    with _reporting(parts, todo, progress):
        common = todo, settings, beam_options
        with safe_children():
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
