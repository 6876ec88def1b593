"""A bulk prediction from its list of pictures to its table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from copper_tf import __version__
from copper_tf.inference.bulk.outputs import Job, Parts, Work, model_sha256
from copper_tf.inference.bulk.shards import cut, listed
from copper_tf.inference.bulk.workers import predict_shards
from copper_tf.inference.exported.predictor import ExportedPredictor, is_export
from copper_tf.inference.prediction_rows import FOLDERS, OVERLAYS, Told
from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import alone
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress

__all__ = ["Asked", "Done", "predict_bulk"]


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be predicted, and how.

    Attributes:
        model: an export.
        places: files, folders, patterns and buckets.
        output: folder of the tables.
        sheet: that all pictures are of; "" where unknown.
        reading: what the user overrules.
        runtime: what opens the export; None takes the fastest there is.
        palette: colours of the overlays; empty where no maps are written.
        shard: pictures that are one part of the table.
        workers: processes on this machine.
        beam_options: ``key=value`` of Apache Beam, with commas between.
        force: makes all parts anew.
    """

    model: Path
    places: tuple[str, ...]
    output: Path
    sheet: str = ""
    reading: ReadSettings = dataclasses.field(default_factory=ReadSettings)
    runtime: str | None = None
    palette: str = ""
    shard: int = 100
    workers: int = 1
    beam_options: str = ""
    force: bool = False


@dataclasses.dataclass(frozen=True)
class Done:
    """What came of it.

    Attributes:
        files: tables and folders that were written.
        pictures: how many there are.
        bad: how many of them could not be read.
        warnings: what must be said of the results.
        law_note: see `ExportedPredictor.law_note`.
    """

    files: tuple[Path, ...]
    pictures: int
    bad: int
    warnings: tuple[str, ...]
    law_note: str


def _opened(asked: Asked) -> ExportedPredictor:
    if not is_export(asked.model):
        what = "something else" if asked.model.exists() else "nothing there"
        raise RunError(f"{asked.model}: must be a model of `copper export`. Received: {what}")
    predictor = ExportedPredictor.load(asked.model, asked.runtime)
    if asked.palette and predictor.kind != "segmenter":
        raise SettingError(f"maps are drawn by a segmenter. Received: {predictor.kind}")
    return predictor


def predict_bulk(asked: Asked, progress: Progress) -> Done:
    """Predicts all pictures, going on with what an earlier call of the same kind has finished.

    Args:
        asked: what and how.
        progress: called with (done, total, what) now and then.

    Raises:
        InputError: if a place is missing, can't be listed, or holds no picture.
        OutputError: if the folder is in use, holds parts of another model or of other settings, or the runner fails.
        RunError: if there is no intact export.
        SettingError: if what is asked for contradicts itself.
    """
    predictor = _opened(asked)
    job = Job(model_sha256(predictor.file), predictor.runtime, asked.reading.to_dict(), asked.palette, __version__)
    work = Work(asked.model.absolute(), predictor.runtime, asked.output.absolute(), asked.reading, asked.palette)
    parts = Parts(asked.output)
    gathered, caveats, law_note = Told(predictor.pixel_sizes_nm), predictor.caveats, predictor.law_note
    # Workers open it themselves.
    del predictor
    asked.output.mkdir(parents=True, exist_ok=True)
    with alone(asked.output):
        parts.begin(job, asked.force)
        shards = cut(listed(asked.places, asked.sheet), asked.shard, parts.list)
        finished = parts.finished()
        todo = [shard for shard in shards if shard.part not in finished]
        if todo:
            predict_shards(todo, work, parts, asked.workers, asked.beam_options, progress)
        files, bad = parts.merge(shards, gathered)
    folders = [asked.output / name for name in (FOLDERS["potency"], OVERLAYS) if asked.palette]
    warnings = tuple(filter(None, (*caveats, *gathered.warnings())))
    return Done((*files, *folders), sum(map(len, shards)), bad, warnings, law_note)
