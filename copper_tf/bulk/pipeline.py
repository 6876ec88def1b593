"""The pipeline: each shard to a worker, which opens the model once and writes the shard's part."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineState
from apache_beam.transforms.environments import EmbeddedPythonEnvironment, SubprocessSDKEnvironment

from copper_tf.bulk.listing import Listed, Shard, in_bucket
from copper_tf.bulk.parts import Parts
from copper_tf.export import ExportedPredictor
from copper_tf.rows import Drawing, row_of
from tfds_copper.errors import CopperError, OutputError, SettingError
from tfds_copper.micrograph import ReadSettings

__all__ = ["PredictShards", "predict_shards"]

Progress = Callable[[int, int, str], None]

# How often finished parts are counted.
_EVERY_SECONDS = 1.0
# What worker processes say.
_LOG = "workers.log"


@contextlib.contextmanager
def _on_disk(picture: Listed) -> Iterator[Path]:
    """Where a picture can be opened: its file, or a copy of what lies in a bucket, with its sidecars."""
    if not in_bucket(picture.path):
        yield Path(picture.path)
        return
    with tempfile.TemporaryDirectory(prefix="copper-bulk-") as place:
        for address in (picture.path, *picture.beside):
            with FileSystems.open(address) as remote, (Path(place) / os.path.basename(address)).open("wb") as local:
                shutil.copyfileobj(remote, local)
        yield Path(place) / os.path.basename(picture.path)


class PredictShards(beam.DoFn):
    """Writes the part of each shard that comes.

    Args:
        model: the export, which the worker opens once.
        runtime: the format to use.
        output: where the table goes; a worker must see both at the same path.
        reading: what the user overrules.
        palette: colours of the overlays; writes no maps where empty.
    """

    def __init__(self, model: Path, runtime: str, output: Path, reading: ReadSettings, palette: str) -> None:
        self._model, self._runtime, self._reading = model, runtime, reading
        self._parts, self._drawing = Parts(output), Drawing(output, palette) if palette else None

    def setup(self) -> None:
        """Opens the model."""
        self._predictor = ExportedPredictor.load(self._model, self._runtime)

    def process(self, shard: Shard) -> None:
        """Predicts the pictures of a shard; one that can't be read costs only itself."""
        rows: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for picture in shard.pictures:
            with _on_disk(picture) as path:
                try:
                    rows.append(row_of(picture.source(path), self._predictor, self._reading, self._drawing))
                except CopperError as error:
                    bad.append({"file": picture.name, "reason": str(error).removeprefix(f"{path}: ")})
        self._parts.write(shard, rows, bad)


@contextlib.contextmanager
def _watched(parts: Parts, todo: Sequence[Shard], progress: Progress) -> Iterator[None]:
    """Tells how many pictures are done while the runner works, wherever its workers are."""
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


def _runner(text: str, workers: int, log: Path) -> tuple[FnApiRunner | None, PipelineOptions]:
    """The runner (None: the one that the options name) and Beam's options.

    Args:
        text: ``key=value`` of Beam, with commas between.
        workers: processes on this machine, where no runner is named.
        log: what they have to say.

    Raises:
        SettingError: if `workers` is given with a runner that has workers of its own.
    """
    flags = [f"--{option.strip()}" for option in text.split(",") if option.strip()]
    options = PipelineOptions(flags)
    if options.view_as(StandardOptions).runner:
        if workers != 1:
            raise SettingError(f"workers is for this machine; a runner has options of its own. Received: {workers}")
        return None, options
    place = EmbeddedPythonEnvironment.default()
    if workers > 1:
        python, file = shlex.quote(sys.executable), shlex.quote(str(log))
        place = SubprocessSDKEnvironment(f"exec {python} -m apache_beam.runners.worker.sdk_worker_main 2>> {file}")
    # What Beam calls DirectRunner would look for another program on the internet first.
    return FnApiRunner(place), PipelineOptions([*flags, f"--direct_num_workers={workers}"])


def predict_shards(
    todo: Sequence[Shard], predict: PredictShards, parts: Parts, workers: int, beam_options: str, progress: Progress
) -> None:
    """Writes the parts of shards.

    Args:
        todo: those that are not finished.
        predict: what each is given to.
        parts: where parts are looked for.
        workers: processes on this machine, where no runner is named.
        beam_options: ``key=value`` of Beam, with commas between.
        progress: called with (done, total, what) now and then.

    Raises:
        OutputError: if the runner fails, or its workers write elsewhere.
        SettingError: if the options contradict each other.
    """
    runner, options = _runner(beam_options, workers, parts.output / _LOG)
    try:
        with _watched(parts, todo, progress):
            pipeline = beam.Pipeline(runner=runner, options=options)
            # Without a shuffle all shards would go to one worker.
            _ = pipeline | beam.Create(todo) | beam.Reshuffle() | beam.ParDo(predict)
            state = pipeline.run().wait_until_finish()
    # A runner raises what it likes; what a worker raised stands in the last line.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise OutputError(
            f"{parts.output}: the runner must get through; the same command goes on. Received: {reason}"
        ) from error
    finished = parts.finished()
    missing = sum(shard.part not in finished for shard in todo)
    if missing or state not in (None, PipelineState.DONE):
        raise OutputError(
            f"{parts.folder}: workers must see it at the same path and write all of {len(todo)} parts. "
            f"Received: {missing} missing, {state}"
        )
