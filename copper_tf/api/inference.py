"""Open models, predict micrographs, and export models for other programs."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.api.decisions import read_calibration
from copper_tf.inference.exported.metadata import ExportResult
from copper_tf.inference.exported.runtimes import FORMATS, RUNTIMES
from copper_tf.inference.results import BulkResult, PredictionResult
from copper_tf.runs.datasets import located
from copper_tf.runs.run import Run, open_run
from copper_tf.utils.drawing import PALETTES
from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import lock_folder
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    import keras
    import numpy as np

    from copper_tf.analysis.decisions.sheet_strengths import SheetStrengths
    from copper_tf.config import Config
    from copper_tf.inference.inputs import Source
    from copper_tf.inference.predictor import Prediction, Predictor
    from copper_tf.runs.labels import Labels

__all__ = [
    "FORMATS",
    "PALETTES",
    "RUNTIMES",
    "BulkResult",
    "ExportResult",
    "Model",
    "PredictionResult",
    "bulk",
    "export",
    "load",
    "predict",
]

PathLike = str | os.PathLike[str]


class Model:
    """A trained model: a run, an ensemble of runs, or an export. `load` opens one.

    Args:
        predictor: what predicts.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def __repr__(self) -> str:
        return f"<copper_tf.Model: {self.kind}, labels {', '.join(self.labels.names)}>"

    @property
    def kind(self) -> str:
        """``"classifier"`` or ``"segmenter"``."""
        return self.predictor.kind

    @property
    def config(self) -> Config:
        """The settings of the model."""
        return self.predictor.config

    @property
    def labels(self) -> Labels:
        """The labels, with the unit of t."""
        return self.predictor.labels

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every result must mention: how the model's data were split, and what speaks against its maps."""
        return self.predictor.caveats

    def predict(
        self,
        picture: PathLike | np.ndarray,
        *,
        bit_depth: int | None = None,
        pixel_size_nm: float = math.nan,
        bar: str | int = "auto",
    ) -> Prediction:
        """Grades or maps one micrograph.

        Args:
            picture: a file, or raw grey values ``(height, width)`` without information bar, uint8 or uint16.
            bit_depth: of an array, or of a file of 16 bits: 8 to 16. None takes that of the model's own data; where
                those have none, what the file says, or that of the dtype.
            pixel_size_nm: NaN takes what the file says.
            bar: information bar of a file: ``"auto"`` takes what the model's data were read with, which usually
                finds it, ``"keep"`` cuts nothing, a number cuts so many rows off the bottom, ``"24/30"`` off both ends.

        Returns:
            The prediction; its `warnings` say in what the picture is out of distribution, and the model's caveats.

        Raises:
            InputError: if the picture can't be read, or is smaller than the network needs.
            SettingError: if an argument is not allowed, or the values of an array are no whole numbers of at least 0
                that the bit depth holds.

        Example:
            >>> model = copper_tf.load("run")
            >>> prediction = model.predict("micrograph.png")
            >>> prediction.map.shape
            (64, 80)
            >>> 0 <= prediction.potency <= 1
            True
        """
        from copper_tf.inference.predict import predict_array, predict_file

        if isinstance(picture, str | os.PathLike):
            size = 0.0 if math.isnan(pixel_size_nm) else float(pixel_size_nm)
            reading = ReadSettings(bar=str(bar), bit_depth=bit_depth or 0, pixel_size=size)
            return predict_file(self.predictor, Path(picture), reading)
        return predict_array(self.predictor, picture, bit_depth, pixel_size_nm)

    def keras_model(self, bit_depth: int = 8) -> keras.Model:
        """One Keras model from raw grey values ``(batch, height, width, 1)``, normalisation inside.

        Its output is the potency map ``(batch, height, width, 1)``, or the probabilities ``(batch, K)``. Saved as
        ``.keras`` it is loaded by `keras.saving.load_model` once ``copper_tf`` is imported.

        Args:
            bit_depth: of the pictures, 8 to 16; full scale is ``2**bit_depth - 1``.

        Raises:
            RunError: if the model is an export.

        Example:
            >>> model = copper_tf.load("run").keras_model()
            >>> model(np.zeros((1, 64, 80, 1), np.uint8)).shape
            TensorShape([1, 64, 80, 1])
        """
        from copper_tf.exporters.keras_model import ensemble_keras_model, run_keras_model
        from copper_tf.inference.ensemble import Ensemble
        from copper_tf.inference.predictor import RunPredictor

        if isinstance(self.predictor, Ensemble):
            return ensemble_keras_model([member.run for member in self.predictor.members], bit_depth)
        if isinstance(self.predictor, RunPredictor):
            return run_keras_model(self.predictor.run, bit_depth, self.predictor.model)
        raise RunError("a Keras model is made of a run; an export holds none. Received: an export")


def load(path: PathLike | Run, runtime: str | None = None) -> Model:
    """Opens a model.

    Args:
        path: a run, a folder of runs that differ in their seed (an ensemble), or an export.
        runtime: the format of an export to use; None takes the fastest that can be opened here.

    Raises:
        InputError: if an export doesn't hold that format, or nothing that is installed opens it.
        RunError: if it is no model, or incomplete.
        SettingError: if a runtime is given for a run.

    Example:
        >>> copper_tf.load("run").labels.names
        ('0', '1', '2')
    """
    from copper_tf.inference.loading import open_predictor

    return Model(open_predictor(path.path if isinstance(path, Run) else path, runtime))


def _reading(reading: ReadSettings | None, settings: dict[str, Any]) -> ReadSettings:
    """How pictures are read: the group, with what is given by name in place of its own."""
    return ReadSettings.from_dict({**(reading.to_dict() if reading else {}), **settings})


def predict(
    model: PathLike | Run | Model, pictures: PathLike | Iterable[PathLike], output: PathLike, *,
    table: str = "predictions.csv", sheet: str = "", labels: PathLike | None = None, runtime: str | None = None,
    palette: str = "paper", force: bool = False, calibration: PathLike | Calibration | None = None,
    read_settings: ReadSettings | None = None, progress: Progress | None = None, **settings: Any,
) -> PredictionResult:  # fmt: skip
    """Predicts many micrographs; writes a table and, from a segmenter, maps (TIFF) and overlays (PNG).

    Args:
        model: a run, an ensemble, an export, or an opened model.
        pictures: files and folders.
        output: a folder.
        table: name of the table in it, ``.csv`` or ``.xlsx``.
        sheet: that all pictures are of; "" keeps what labels.csv says.
        labels: a table with the columns ``file`` and ``sheet``, and ``pixel_size_nm`` if known, of pictures whose
            labels.csv doesn't lie beside them.
        runtime: the format of an export to use; None takes the fastest.
        palette: colours of the overlays, a name in `PALETTES`.
        force: replaces what an earlier call with another model or of other pictures wrote into the same folder.
        calibration: of strength by this model's scores, by `calibrate`: the table of sheets then holds the strength of
            each, and marks those outside the range that it holds for.
        read_settings: how pictures are read.
        progress: called with (done, total, what).
        **settings: single settings of `ReadSettings` by name, e.g. ``bar="keep"``; they overrule `read_settings`.

    Returns:
        A row a picture; a picture that can't be read is one of the `failures`.

    Raises:
        CopperError: if a path is missing, there is no intact model, an argument is not allowed, or another process
            works in the folder.

    Example:
        >>> result = copper_tf.predict("run", ["micrograph.png"], "prediction")
        >>> result.rows[0].file
        'micrograph.png'
    """
    from copper_tf.inference.predict import predict_pictures
    from copper_tf.utils.tables import check_table

    check_table(target := Path(output) / table)
    how, sources = _reading(read_settings, settings), _sources(pictures, sheet, labels)
    target.parent.mkdir(parents=True, exist_ok=True)
    predictor = (model if isinstance(model, Model) else load(model, runtime)).predictor
    strengths = None if calibration is None else _sheet_strengths(calibration, predictor)
    with lock_folder(target.parent):
        result = predict_pictures(predictor, sources, target, how, palette, progress, force, strengths)
    return dataclasses.replace(result, warnings=(*result.warnings, *strengths.warnings)) if strengths else result


def _sources(pictures: PathLike | Iterable[PathLike], sheet: str, labels: PathLike | None) -> list[Source]:
    """The pictures, each with the sheet that is known of it."""
    from copper_tf.inference.inputs import labelled, sources_of

    if sheet and labels is not None:
        raise SettingError(f"sheet is that of all pictures; give it or labels. Received: {sheet!r} and {labels}")
    paths = [pictures] if isinstance(pictures, str | os.PathLike) else pictures
    sources = list(sources_of([Path(path) for path in paths], sheet))
    return sources if labels is None else labelled(sources, Path(labels))


def _sheet_strengths(calibration: PathLike | Calibration, predictor: Predictor) -> SheetStrengths:
    """What adds strengths to the table of sheets."""
    from copper_tf.analysis.decisions.sheet_strengths import SheetStrengths
    from copper_tf.inference.prediction_rows import VALUE_COLUMNS

    if isinstance(calibration, str | os.PathLike):
        calibration = read_calibration(calibration)
    return SheetStrengths(calibration, VALUE_COLUMNS[predictor.kind], predictor.identity)


def bulk(
    model: PathLike,
    pictures: str | Iterable[str],
    output: PathLike,
    *,
    sheet: str = "",
    runtime: str | None = None,
    maps: bool = False,
    palette: str = "paper",
    shard: int = 100,
    workers: int = 1,
    beam_options: str = "",
    force: bool = False,
    read_settings: ReadSettings | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> BulkResult:
    """Predicts very many micrographs by an export, as an Apache Beam pipeline; called again, it goes on.

    Arguments that aren't listed are those of `predict`.

    Args:
        model: an export.
        pictures: files and folders, patterns, and folders or patterns of buckets (``gs://BUCKET/FOLDER``).
        maps: writes maps and overlays of a segmenter too.
        shard: pictures in one part of the table.
        workers: processes on this machine.
        beam_options: ``key=value`` of Apache Beam, with commas between.
        force: makes all parts anew.

    Raises:
        CopperError: if there is no intact export, a place holds no picture, or the folder or the runner can't be used.

    Example:
        >>> copper_tf.bulk("exported", ["micrograph.png"], "bulk").pictures
        1
    """
    from copper_tf.inference.bulk.predict_bulk import BulkRequest, predict_bulk

    places = (pictures,) if isinstance(pictures, str) else tuple(pictures)
    request = BulkRequest(
        Path(model), places, Path(output), sheet, _reading(read_settings, settings), runtime, palette if maps else "",
        shard, workers, beam_options, force,
    )  # fmt: skip
    return predict_bulk(request, progress)


def export(
    run: PathLike | Run,
    output: PathLike,
    formats: str | Sequence[str] = "savedmodel",
    *,
    license: str = "",
    data: PathLike | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Writes a run for other programs, and verifies that each format gives the run's results.

    Args:
        run: a trained run.
        output: a folder, absent or empty.
        formats: names in `FORMATS`; all but ``savedmodel`` need ``copper-tf[export]``.
        license: of the weights, as SPDX names it, for the package of bioimage.io; "" states none.
        data: where the dataset lies now, if it has moved since training; the run notes it. Results are compared on
            pictures of it.
        force: replaces an earlier export.
        progress: called with (done, total, what).

    Returns:
        One entry a format: its file, and how far its results are from those of the run.

    Raises:
        InputError: if a format is unknown, or a package that it needs isn't installed.
        SettingError: if the licence is none of SPDX's.
        OutputError: if the folder is in use, or a format differs from the run by more than allowed.
        RunError: if the run isn't trained, or incomplete.

    Example:
        >>> result = copper_tf.export("run", "exported", force=True)
        >>> result.formats["savedmodel"].file
        'savedmodel'
        >>> result.formats["savedmodel"].largest < 1e-4
        True
    """
    from copper_tf.utils.tensorflow import import_tensorflow

    (run,) = located([run], data)
    opened = run if isinstance(run, Run) else open_run(Path(run))
    import_tensorflow()
    from copper_tf.exporters.export import export_run

    names = [formats] if isinstance(formats, str) else list(formats)
    return export_run(opened, Path(output), names, license=license, force=force, progress=progress)
