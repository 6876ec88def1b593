"""Predictions of whole micrographs by tiles that leave no seams; the common interface of all models."""

from __future__ import annotations

import abc
import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from copper_tf.config import Config
from copper_tf.inference.tiling import MapTile, Tile, assemble_map, cuts
from copper_tf.models import picture_sizes
from copper_tf.models.architecture import network_of
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.labels import Labels
from copper_tf.runs.run import Run
from copper_tf.statistics.scores import posterior_median
from tfds_copper.errors import InputError
from tfds_copper.micrograph import ReadSettings, Windows
from tfds_copper.micrograph.settings import AUTO
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    import keras

    from copper_tf.inference.exported.metadata import ModelMetadata

__all__ = [
    "TILE",
    "Prediction",
    "Predictor",
    "RunPredictor",
    "check_size",
    "frame",
]

Read = Callable[[slice, slice], np.ndarray]

# Side of a tile in px: a micrograph of 960x1280 goes through in one piece, a mosaic in bounded memory.
TILE = 1280


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The prediction of one micrograph.

    Attributes:
        map: potency map ``(height, width)`` float32; None from a classifier.
        probabilities: of each label ``(K,)``, None from a segmenter.
        scatter: standard deviation of the map over the members of an ensemble, ``(height, width)``, else None.
        warnings: what must be mentioned with it: in what the picture is out of distribution, and the model's caveats.
    """

    map: np.ndarray | None
    probabilities: np.ndarray | None
    scatter: np.ndarray | None = None
    warnings: tuple[str, ...] = ()

    @property
    def potency(self) -> float:
        """m(x) of Eq. 2d."""
        if self.map is None:
            raise ValueError("a classifier gives no potency")
        return float(self.map.mean(dtype=np.float64))

    @property
    def grade(self) -> int:
        """The most probable label."""
        if self.probabilities is None:
            raise ValueError("a segmenter gives no grade")
        return int(np.argmax(self.probabilities))

    @property
    def median_grade(self) -> int:
        """The label at the median of the probabilities, which errs by fewer steps on an ordinal label."""
        if self.probabilities is None:
            raise ValueError("a segmenter gives no grade")
        return int(posterior_median(self.probabilities))


class Predictor(abc.ABC):
    """Whatever grades or maps micrographs of any size: a run, an ensemble or an exported model.

    Attributes:
        config: settings of the model.
        labels: its labels, with the unit of t.
        kind: ``"classifier"`` or ``"segmenter"``.
        caveats: what every result must mention: how the model's data were split, and what speaks against its maps.
        g: the hypothesis at each label, NaN where it was left out; empty for a classifier.
        hypothesis_note: what every result must mention of a g that was learned; empty for a given hypothesis.
        pixel_sizes_nm: how many pictures of training, validation and test have each pixel size; ``nan`` is unknown.
        data_reading: how the files of its data were read.
        reference_statistics: of the pictures of training; None where there are none.
    """

    config: Config
    labels: Labels
    kind: str
    caveats: tuple[str, ...]
    hypothesis_note: str
    g: tuple[float, ...]
    pixel_sizes_nm: dict[str, int]
    data_reading: ReadSettings
    reference_statistics: ReferenceStatistics | None

    def describe(self, source: Run | ModelMetadata) -> None:
        """Takes all attributes over from a run, or from the metadata of an exported one."""
        self.config, self.labels, self.kind = source.config, source.labels, source.config.kind
        self.caveats, self.hypothesis_note = tuple(source.caveats), source.hypothesis_note
        self.pixel_sizes_nm, self.reference_statistics = dict(source.pixel_sizes_nm), source.reference_statistics
        self.data_reading = source.reading
        self.g = source.hypothesis_record.g

    def nearest_t(self, potency: float) -> float | None:
        """The t of the label whose g is nearest to a potency; None where no g is known, as with a classifier."""
        known = [pair for pair in zip(self.g, self.labels.times, strict=False) if math.isfinite(pair[0])]
        return min(known, key=lambda pair: abs(pair[0] - potency))[1] if known else None

    def reading(self, asked: ReadSettings) -> ReadSettings:
        """How new pictures are read: as those of the model's data were, in all that the user leaves open.

        Text that was cut off what a model learned from must be cut off what it is shown, and its full scale is theirs.

        Args:
            asked: settings that the user gave.
        """
        own = self.data_reading
        bar, depth = own.bar if asked.bar == AUTO else asked.bar, asked.bit_depth or own.bit_depth
        return dataclasses.replace(asked, bar=bar, bit_depth=depth)

    @property
    @abc.abstractmethod
    def identity(self) -> str:
        """SHA-256 of the weights and all that results depend on; equal for equal models, wherever they lie."""

    @abc.abstractmethod
    def map_tiles(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[MapTile]:
        """A segmenter's map, tile by tile, row by row.

        Args:
            picture: a micrograph without information bar.
            name: what to call it in an error.
            progress: called with (done, total, what) after each tile.

        Raises:
            InputError: if the picture is smaller than the network needs.
        """

    @abc.abstractmethod
    def probabilities(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """A classifier's probability of each label, ``(K,)`` float64; arguments as of `map_tiles`."""

    def predict(self, pixels: np.ndarray, bit_depth: int, name: str = "picture") -> Prediction:
        """Grades or maps one micrograph that is held whole.

        Args:
            pixels: raw grey values ``(height, width)``, without information bar.
            bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``.
            name: what to call the picture in an error.

        Raises:
            InputError: if the picture is smaller than the network needs.
        """
        return self.predict_windows(Windows.of(pixels, bit_depth), name)

    def predict_windows(self, picture: Windows, name: str = "picture") -> Prediction:
        """Grades or maps one micrograph that is read by windows; arguments as of `map_tiles`."""
        if self.kind == "classifier":
            return Prediction(None, self.probabilities(picture, name))
        potency, scatter = assemble_map(self.map_tiles(picture, name), picture.shape)
        return Prediction(potency, None, scatter)


def frame(config: Config) -> int:
    """Px by which a picture is mirrored beyond each border before it is mapped: as far as the network reaches.

    Networks trained with a margin never saw what their layers pad with; it biases the outermost pixels of a map (see
    ``benchmarks/maps/frames.py``). Zero padding, for comparison, stays as each layer makes it.
    """
    mirrored = config.kind == "segmenter" and config.model.padding == "reflect"
    return picture_sizes.padded_size(network_of(config).reach, config.model.d) if mirrored else 0


def check_size(picture: Windows, d: int, name: str) -> None:
    """Refuses a picture that is too small for a network of d stages.

    Raises:
        InputError: naming the picture and what is needed.
    """
    need = picture_sizes.smallest_picture(d)
    if min(picture.shape) < need:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise InputError(f"{name}: this network needs pictures of at least {need}x{need} px. Received: {size}")


class RunPredictor(Predictor):
    """A run's model, for pictures of any size.

    Args:
        run: a trained run.
        tile: largest side in px of what goes through the network at once.
        model: the model to use instead of the run's best weights.

    Raises:
        RunError: if the run isn't trained or incomplete.
    """

    def __init__(self, run: Run, tile: int = TILE, model: keras.Model | None = None) -> None:
        import tensorflow as tf

        from copper_tf.models.factory import split_head
        from copper_tf.models.tta import average_over_symmetries

        self.describe(run)
        self.run, self.tile, self.model = run, tile, model or run.load_model()
        inner = self.model
        if self.kind == "classifier":
            inner, self._head = split_head(self.model)
        signature = [tf.TensorSpec((1, None, None, 1), tf.float32)]
        # training=False keeps batch norm on its moving statistics. One trace for all sizes and views: views that are
        # written into one graph take four times as long until the first map, and three times the memory.
        view = tf.function(
            lambda x: inner(x, training=False), input_signature=signature, experimental_attributes={"_noinline": True}
        )
        turns = run.config.tta_views
        self._network = (
            tf.function(average_over_symmetries(view, turns), input_signature=signature) if turns > 1 else view
        )

    @functools.cached_property
    def identity(self) -> str:
        """See `Predictor.identity`."""
        told = json.dumps([self.config.flat(), dataclasses.asdict(self.run.normalisation), self.labels.names])
        total = hashlib.sha256(told.encode())
        for values in self.model.get_weights():
            total.update(np.ascontiguousarray(values).tobytes())
        return total.hexdigest()

    def map_tiles(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[MapTile]:
        """See `Predictor.map_tiles`."""
        check_size(picture, self.config.model.d, name)
        values = self.run.normalisation.by_windows(picture)
        return self._map_tiles(values, picture.shape, name, progress)

    def probabilities(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """See `Predictor.probabilities`: the features are averaged over all tiles, then the head is applied once."""
        check_size(picture, self.config.model.d, name)
        cell = 2**self.config.model.d
        total, cells = np.zeros(0), 0
        values = self.run.normalisation.by_windows(picture)
        for row, column, features in self._tiles(values, picture.shape, name, progress):
            kept = features[
                (row.keep_start - row.start) // cell : (row.keep_stop - row.start) // cell,
                (column.keep_start - column.start) // cell : (column.keep_stop - column.start) // cell,
            ]
            total = kept.sum((0, 1), dtype=np.float64) + (total if total.size else 0)
            cells += kept.shape[0] * kept.shape[1]
        probabilities: np.ndarray = self._head((total / cells).astype(np.float32)[None]).numpy()[0].astype(np.float64)
        return probabilities

    def map_of(self, values: np.ndarray) -> np.ndarray:
        """A segmenter's map of a picture that is normalised already, float32 of the same shape.

        Args:
            values: normalised grey values ``(height, width)``, at least as large as the network needs.
        """
        tiles = self._map_tiles(lambda rows, columns: values[rows, columns], values.shape, "picture", None)
        potency, _ = assemble_map(tiles, values.shape)
        return potency

    def _cuts(self, shape: tuple[int, ...]) -> list[tuple[Tile, Tile]]:
        config = self.run.config
        return cuts((shape[0], shape[1]), self.tile, network_of(config).reach, config.model.d, frame(config))

    def _map_tiles(
        self, values: Read, shape: tuple[int, ...], name: str, progress: Progress | None
    ) -> Iterator[MapTile]:
        height, width = shape
        for row, column, mask in self._tiles(values, shape, name, progress):
            yield MapTile(row.kept(height), column.kept(width), mask[row.inner(height), column.inner(width), 0])

    def _tiles(
        self, values: Read, shape: tuple[int, ...], name: str, progress: Progress | None
    ) -> Iterator[tuple[Tile, Tile, np.ndarray]]:
        """The output of the network for each tile, ``(height, width, channels)``.

        Args:
            values: normalised grey values of some rows and columns.
            shape: height and width of the picture; beyond its borders it is mirrored.
            name: of the picture.
            progress: called after each tile.
        """
        tiles = self._cuts(shape)
        for done, (row, column) in enumerate(tiles, start=1):
            window = values(row.window(shape[0]), column.window(shape[1]))
            framed = np.pad(window, (row.beyond(shape[0]), column.beyond(shape[1])), mode="symmetric")
            result = self._network(framed[None, ..., None]).numpy()[0]
            if progress:
                progress(done, len(tiles), f"tiles of {name}")
            yield row, column, result
