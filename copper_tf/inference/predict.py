"""Predictions from files and arrays; of many pictures with tables and maps."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

import numpy as np

from copper_tf.inference.earlier import PredictionRecord, begin_predictions
from copper_tf.inference.inputs import Source
from copper_tf.inference.ood_summary import LowDepths, OodSummary
from copper_tf.inference.predict_rows import MapOutput, predict_rows
from copper_tf.inference.prediction_rows import PredictionFailure, PredictionRow
from copper_tf.inference.predictor import Prediction, Predictor
from copper_tf.inference.results import PredictionResult
from copper_tf.ood.check import check_ood, pixel_size_range
from copper_tf.utils.tables import Row, sheet_rows, write_tables
from tfds_copper.errors import CopperError, InputError, SettingError
from tfds_copper.folder.clutter import OVERLAYS, PREDICTION_MAPS
from tfds_copper.micrograph import ReadSettings, Windows, open_windows
from tfds_copper.micrograph.depth import DEPTHS
from tfds_copper.progress import Progress

__all__ = ["predict_array", "predict_file", "predict_pictures"]

OfSheets = Callable[[list[Row]], list[Row]]


def _with_warnings(predictor: Predictor, picture: Windows, pixel_size_nm: float, name: str) -> Prediction:
    """A prediction with what must be mentioned of it."""
    trained = pixel_size_range(predictor.pixel_sizes_nm)
    ood = check_ood(picture, pixel_size_nm, predictor.reference_statistics, trained)
    texts = (*ood.reasons, ood.not_checked, *predictor.caveats, predictor.hypothesis_note)
    prediction = predictor.predict_windows(picture, name)
    return dataclasses.replace(prediction, warnings=tuple(filter(None, texts)))


def predict_file(predictor: Predictor, file: Path, reading: ReadSettings) -> Prediction:
    """Predicts one file.

    Args:
        predictor: the model.
        file: the micrograph.
        reading: settings of reading that the user gave.

    Raises:
        InputError: if the file can't be read, or the picture is smaller than the network needs.
    """
    with open_windows(file, predictor.reading(reading)) as picture:
        prediction = _with_warnings(predictor, picture.windows, picture.pixel_size_nm, str(file))
        depths = LowDepths()
        depths.add(file.name, "; ".join(picture.notes))
        return dataclasses.replace(prediction, warnings=(*prediction.warnings, *depths.warnings(1)))


def predict_array(
    predictor: Predictor, pixels: np.ndarray, bit_depth: int | None = None, pixel_size_nm: float = math.nan
) -> Prediction:
    """Predicts one array.

    Args:
        predictor: the model.
        pixels: raw grey values ``(height, width)``, whole numbers of at least 0, without information bar.
        bit_depth: 8 to 16; None takes that of the dtype, and for uint16 that of the model's own data if they have one.
        pixel_size_nm: NaN where unknown.

    Raises:
        InputError: if the array is no picture, or smaller than the network needs.
        SettingError: if the bit depth is not allowed, or doesn't hold the values.
    """
    if pixels.ndim != 2:
        raise InputError(f"picture must be an array (height, width). Received: shape {pixels.shape}")
    depth = bit_depth or {"uint8": 8, "uint16": predictor.data_reading.bit_depth or 16}.get(pixels.dtype.name, 0)
    if depth not in DEPTHS:
        given = f"bit_depth {bit_depth}" if bit_depth else f"dtype {pixels.dtype.name} without bit_depth"
        raise SettingError(f"picture must be uint8 or uint16, or bit_depth be from 8 to 16. Received: {given}")
    if not np.issubdtype(pixels.dtype, np.integer):
        raise SettingError(f"picture must hold whole numbers, as raw grey values are. Received: dtype {pixels.dtype}")
    if pixels.size and pixels.min() < 0:
        raise SettingError(
            f"picture must hold grey values of at least 0. Received: {pixels.min()}, dtype {pixels.dtype}"
        )
    if pixels.size and pixels.max() > 2**depth - 1:
        raise SettingError(
            f"bit_depth must hold all values; {depth} bits end at {2**depth - 1}. Received: {pixels.max()}"
        )
    return _with_warnings(predictor, Windows.of(pixels, depth), pixel_size_nm, "picture")


def _written(
    rows: Sequence[PredictionRow], table: Path, times: Sequence[float], of_sheets: OfSheets | None
) -> list[Path]:  # fmt: skip
    """Writes the tables; returns them and the folders of the maps."""
    if not rows:
        return []
    cells = [row.cells(times) for row in rows]
    sheets = sheet_rows(cells, rows[0].value_column, rows[0].value_limits)
    files = write_tables(table, cells, of_sheets(sheets) if of_sheets else sheets)
    files += [table.parent / folder for name, folder in PREDICTION_MAPS.items() if getattr(rows[0], name) is not None]
    return files + ([table.parent / OVERLAYS] if rows[0].potency is not None else [])


def _twins(sources: Sequence[Source]) -> str:
    """What to say where pictures have one name but for the ending."""
    twins = [source for source in sources if source.twin]
    if not twins:
        return ""
    first = twins[0]
    names = f"{len(twins)} pictures share their name but for the ending with another, such as {first.name}"
    return f"{names}; their results keep the ending ({PurePath(first.result).name}.tif)"


def predict_pictures(
    predictor: Predictor,
    sources: Sequence[Source],
    table: Path,
    reading: ReadSettings,
    palette: str = "paper",
    progress: Progress | None = None,
    force: bool = False,
    of_sheets: OfSheets | None = None,
) -> PredictionResult:
    """Predicts pictures and writes their table and maps; one that can't be read costs only itself.

    Args:
        predictor: the model.
        sources: the pictures.
        table: ``.csv`` or ``.xlsx``; maps and overlays go beside it.
        reading: settings of reading that the user gave.
        palette: colours of the overlays.
        progress: called with (done, total, what).
        force: replaces what an earlier call wrote into the same folder.
        of_sheets: adds columns to the rows of sheets.

    Raises:
        OutputError: if the folder holds results of another model or of other pictures.
    """
    names = tuple(source.result for source in sources)
    begin_predictions(PredictionRecord(predictor.identity, names, table.name), table.parent, force)
    rows: list[PredictionRow] = []
    failures: list[PredictionFailure] = []
    output = MapOutput(table.parent, palette)
    with contextlib.closing(predict_rows(sources, predictor, reading, output, progress)) as results:
        for done, (source, result) in enumerate(zip(sources, results, strict=True), start=1):
            if isinstance(result, CopperError):
                failures.append(PredictionFailure(source.name, str(result)))
            else:
                rows.append(result)
            if progress:
                progress(done, len(sources), "predicting")
    summary = OodSummary(predictor.pixel_sizes_nm)
    for row in rows:
        summary.add(row)
    return PredictionResult(
        rows=tuple(rows),
        failures=tuple(failures),
        warnings=tuple(filter(None, (*predictor.caveats, *summary.warnings(), _twins(sources)))),
        hypothesis_note=predictor.hypothesis_note,
        files=tuple(_written(rows, table, predictor.labels.times, of_sheets)),
    )
