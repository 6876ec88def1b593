"""One row for each picture: what a model predicts, how the picture was read, and in what it is out of distribution."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from copper_tf.inference.inputs import Source
from copper_tf.inference.map_files import MapWriter, Overview, map_file
from copper_tf.inference.prediction_rows import PredictionRow
from copper_tf.inference.predictor import Prediction, Predictor
from copper_tf.inference.prefetch import prefetched
from copper_tf.inference.tiling import MapTile
from copper_tf.ood.check import OodCheck, check_ood, pixel_size_range
from copper_tf.statistics.scores import CUT
from tfds_copper.errors import CopperError
from tfds_copper.folder.clutter import OVERLAYS, PREDICTION_MAPS
from tfds_copper.micrograph import Opened, ReadSettings, open_windows
from tfds_copper.progress import Progress

__all__ = ["MapOutput", "predict_row", "predict_rows"]


@dataclasses.dataclass(frozen=True)
class MapOutput:
    """How maps are written.

    Attributes:
        folder: where their folders go.
        palette: colours of the overlays.
    """

    folder: Path
    palette: str


@dataclasses.dataclass(frozen=True)
class _OpenPicture:
    """A picture before a model has seen it."""

    source: Source
    picture: Opened
    ood: OodCheck

    def row(self) -> PredictionRow:
        """The row without results."""
        height, width = self.picture.windows.shape
        notes = "; ".join(self.picture.notes)
        size = self.picture.pixel_size_nm
        return PredictionRow(self.source.name, self.source.sheet, width, height, size, notes, self.ood)


@contextlib.contextmanager
def _opened(
    source: Source, predictor: Predictor, reading: ReadSettings, progress: Progress | None
) -> Iterator[_OpenPicture]:
    trained = pixel_size_range(predictor.pixel_sizes_nm)
    with open_windows(source.path, predictor.reading(reading), source.pixel_size_nm, progress) as picture:
        ood = check_ood(picture.windows, picture.pixel_size_nm, predictor.reference_statistics, trained)
        yield _OpenPicture(source, picture, ood)


def _graded(opened: _OpenPicture, predictor: Predictor, progress: Progress | None) -> PredictionRow:
    """The row of a classifier."""
    probabilities = predictor.probabilities(opened.picture.windows, str(opened.source.path), progress)
    prediction, times = Prediction(None, probabilities), predictor.labels.times
    return dataclasses.replace(
        opened.row(),
        grade=times[prediction.grade],
        median_grade=times[prediction.median_grade],
        probabilities=tuple(float(p) for p in probabilities),
    )


def _mapped(opened: _OpenPicture, predictor: Predictor, tiles: Iterator[MapTile]) -> PredictionRow:
    """The row of a segmenter: means of its maps, summed tile by tile."""
    sums: dict[str, float] = {}
    good = 0
    for tile in tiles:
        good += int((tile.potency >= CUT).sum())
        for name in PREDICTION_MAPS:
            values = getattr(tile, name)
            if values is not None:
                sums[name] = sums.get(name, 0.0) + float(values.sum(dtype="float64"))
    pixels = math.prod(opened.picture.windows.shape)
    means = {name: total / pixels for name, total in sums.items()}
    return dataclasses.replace(
        opened.row(),
        potency=means["potency"],
        scatter=means.get("scatter"),
        area_share=good / pixels,
        nearest_t=predictor.nearest_t(means["potency"]),
    )


def _written(opened: _OpenPicture, tiles: Iterator[MapTile], output: MapOutput) -> Iterator[MapTile]:
    """The same tiles; their maps and the overlay are written on the way."""
    picture, size = opened.picture.windows, opened.picture.pixel_size_nm
    result = Path(opened.source.result)
    overview = Overview(picture.shape)
    with contextlib.ExitStack() as stack:
        writers: dict[str, MapWriter] = {}
        for tile in tiles:
            for name, folder in PREDICTION_MAPS.items():
                values = getattr(tile, name)
                if values is None:
                    continue
                if name not in writers:
                    file = (output.folder / folder / result).with_name(f"{result.name}.tif")
                    writers[name] = stack.enter_context(map_file(file, picture.shape, size))
                writers[name](tile.rows, tile.columns, values)
            overview.add(tile.rows, tile.columns, picture.read(tile.rows, tile.columns), tile.potency)
            yield tile
    overview.write((output.folder / OVERLAYS / result).with_name(f"{result.name}.png"), size, output.palette)


def _predicted(
    opened: _OpenPicture, predictor: Predictor, output: MapOutput | None, progress: Progress | None
) -> Callable[[], PredictionRow]:
    """Runs the model on a picture; the call that is returned does the writing, which a large one's has behind it."""
    picture = opened.picture.windows
    progress = progress if picture.large else None
    if predictor.kind == "classifier":
        graded = _graded(opened, predictor, progress)
        return lambda: graded

    def mapped(tiles: Iterator[MapTile]) -> PredictionRow:
        return _mapped(opened, predictor, _written(opened, tiles, output) if output else tiles)

    tiles = predictor.map_tiles(picture, str(opened.source.path), progress)
    if picture.large:
        # Its map is nowhere held whole.
        row = mapped(tiles)
        return lambda: row
    held = list(tiles)
    return lambda: mapped(iter(held))


def predict_row(
    source: Source, predictor: Predictor, reading: ReadSettings, output: MapOutput | None = None
) -> PredictionRow:
    """Predicts one picture and, where asked, writes its maps.

    Args:
        source: the picture.
        predictor: the model.
        reading: settings of reading that the user gave.
        output: how a segmenter's maps are written; not at all where None.

    Raises:
        InputError: if the picture can't be read, or is smaller than the network needs.
    """
    with _opened(source, predictor, reading, None) as opened:
        return _predicted(opened, predictor, output, None)()


def predict_rows(
    sources: Iterable[Source], predictor: Predictor, reading: ReadSettings, output: MapOutput | None = None,
    progress: Progress | None = None,
) -> Generator[PredictionRow | CopperError, None, None]:  # fmt: skip
    """The rows of pictures in their order, and the error of each that has none, see `predict_row` and `prefetched`."""

    def opened(source: Source, reading_progress: Progress) -> contextlib.AbstractContextManager[_OpenPicture]:
        return _opened(source, predictor, reading, reading_progress)

    def predicted(source: Source, picture: _OpenPicture) -> Callable[[], PredictionRow]:
        return _predicted(picture, predictor, output, progress)

    return prefetched(sources, opened, predicted, lambda one: one.picture.windows.large, progress)
