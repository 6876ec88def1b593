"""A bulk prediction from its list of pictures to its table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from copper_tf import __version__
from copper_tf.inference.bulk.outputs import Job, PartFiles, WorkerSettings
from copper_tf.inference.bulk.shards import cut_shards, list_pictures
from copper_tf.inference.bulk.workers import predict_shards
from copper_tf.inference.earlier import refuse_predictions
from copper_tf.inference.exported.predictor import ExportedPredictor, is_export
from copper_tf.inference.ood_summary import OodSummary
from copper_tf.inference.results import BulkResult
from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import lock_folder
from tfds_copper.folder.clutter import OVERLAYS, PREDICTION_MAPS
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress

__all__ = ["BulkRequest", "predict_bulk"]


@dataclasses.dataclass(frozen=True)
class BulkRequest:
    """What is to be predicted, and how.

    Attributes:
        model: an export.
        pictures: files, folders, patterns and buckets.
        output: folder of the tables.
        sheet: that all pictures are of; "" where unknown.
        reading: settings of reading that the user gave.
        runtime: what opens the export; None takes the fastest there is.
        palette: colours of the overlays; empty where no maps are written.
        shard: pictures in one part of the table.
        workers: processes on this machine.
        beam_options: ``key=value`` of Apache Beam, with commas between.
        force: makes all parts anew.
    """

    model: Path
    pictures: tuple[str, ...]
    output: Path
    sheet: str = ""
    reading: ReadSettings = dataclasses.field(default_factory=ReadSettings)
    runtime: str | None = None
    palette: str = ""
    shard: int = 100
    workers: int = 1
    beam_options: str = ""
    force: bool = False


def _opened(request: BulkRequest) -> ExportedPredictor:
    if not is_export(request.model):
        what = "something else" if request.model.exists() else "nothing there"
        raise RunError(f"{request.model}: must be a model of `copper export`. Received: {what}")
    predictor = ExportedPredictor.load(request.model, request.runtime)
    if request.palette and predictor.kind != "segmenter":
        raise SettingError(f"maps are drawn by a segmenter. Received: {predictor.kind}")
    return predictor


def predict_bulk(request: BulkRequest, progress: Progress | None = None) -> BulkResult:
    """Predicts all pictures; what an earlier call of the same kind has finished is kept.

    Args:
        request: what and how.
        progress: called with (done, total, what) now and then.

    Raises:
        InputError: if a place is missing, can't be listed, or holds no picture.
        OutputError: if the folder is in use, holds what predict wrote or parts of another model or of other
            settings, or the runner fails.
        RunError: if there is no intact export.
        SettingError: if settings contradict each other.
    """
    predictor, output = _opened(request), request.output
    reading, palette = request.reading, request.palette
    job = Job(predictor.identity, predictor.runtime, reading.to_dict(), palette, __version__)
    worker = WorkerSettings(request.model.absolute(), predictor.runtime, output.absolute(), reading, palette)
    parts, summary, times = PartFiles(output), OodSummary(predictor.pixel_sizes_nm), predictor.labels.times
    caveats, hypothesis_note = predictor.caveats, predictor.hypothesis_note
    # Workers open it themselves.
    del predictor
    output.mkdir(parents=True, exist_ok=True)
    with lock_folder(output):
        refuse_predictions(output)
        parts.begin(job, request.force)
        shards = cut_shards(list_pictures(request.pictures, request.sheet), request.shard, parts.list)
        finished = parts.finished()
        todo = [shard for shard in shards if shard.part not in finished]
        if todo:
            predict_shards(todo, worker, parts, request.workers, request.beam_options, progress)
        files, failures = parts.merge(shards, summary, times)
    folders = [output / name for name in (PREDICTION_MAPS["potency"], OVERLAYS) if palette]
    return BulkResult(
        pictures=sum(map(len, shards)),
        failures=failures,
        warnings=tuple(filter(None, (*caveats, *summary.warnings()))),
        hypothesis_note=hypothesis_note,
        files=(*files, *folders),
    )
