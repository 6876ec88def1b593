"""The pipeline: each shard to a worker, which opens the model once and writes the shard's part."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineState

from copper_tf.inference.bulk.outputs import Part, PartFiles, WorkerSettings
from copper_tf.inference.bulk.shards import ListedPicture, Shard, in_bucket, pictures_of
from copper_tf.inference.exported.predictor import ExportedPredictor
from copper_tf.inference.predict_rows import MapOutput, predict_row
from copper_tf.inference.prediction_rows import PredictionFailure, PredictionRow
from tfds_copper.errors import CopperError

__all__ = ["PredictShards", "run_pipeline"]


@contextlib.contextmanager
def _on_disk(picture: ListedPicture) -> Iterator[Path]:
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
        settings: what a worker must know.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings, self._parts = settings, PartFiles(settings.output)
        self._maps = MapOutput(settings.output, settings.palette) if settings.palette else None

    def setup(self) -> None:
        """Opens the model, once for a worker."""
        self._predictor = ExportedPredictor.load(self._settings.model, self._settings.runtime)

    def process(self, shard: Shard) -> None:
        """Predicts the pictures of a shard; one that can't be read costs only itself."""
        rows: list[PredictionRow] = []
        failures: list[PredictionFailure] = []
        for picture in pictures_of(shard, self._parts.list):
            with _on_disk(picture) as path:
                try:
                    rows.append(predict_row(picture.source(path), self._predictor, self._settings.reading, self._maps))
                except CopperError as error:
                    failures.append(PredictionFailure(picture.name, str(error).removeprefix(f"{path}: ")))
        self._parts.write(shard, Part(tuple(rows), tuple(failures)))


def run_pipeline(todo: Sequence[Shard], settings: WorkerSettings, beam_options: str = "") -> None:
    """Writes the parts of shards, by Beam's own runner in this process where the options name no other.

    Args:
        todo: the shards.
        settings: what a worker must know.
        beam_options: ``key=value`` of Beam, with commas between.

    Raises:
        RuntimeError: if the runner doesn't get through; it raises what else it likes, too.
    """
    options = PipelineOptions([f"--{option.strip()}" for option in beam_options.split(",") if option.strip()])
    # What Beam calls DirectRunner would look for another program on the internet first.
    runner = None if options.view_as(StandardOptions).runner else FnApiRunner()
    pipeline = beam.Pipeline(runner=runner, options=options)
    # Without a shuffle all shards would go to one worker of a cluster.
    _ = pipeline | beam.Create(todo) | beam.Reshuffle() | beam.ParDo(PredictShards(settings))
    state = pipeline.run().wait_until_finish()
    if state not in (None, PipelineState.DONE):
        raise RuntimeError(f"a pipeline that is {state}")
