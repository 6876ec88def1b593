"""Whole micrographs through a trained model, by tiles whose seams can't be seen."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from copper_tf import geometry
from copper_tf.normalisation import grey
from copper_tf.runs import Run
from copper_tf.statistics import posterior_median
from tfds_copper.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["TILE", "Prediction", "Predictor"]

# Side of a tile in px: a micrograph of 960x1280 goes through in one piece, a mosaic in bounded memory.
TILE = 1280


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a model says of one micrograph.

    Attributes:
        mask: potency map ``(height, width)`` float32, None from a classifier.
        probabilities: of each label ``(K,)``, None from a segmenter.
        scatter: standard deviation of the map over the members of an ensemble, ``(height, width)``, else None.
    """

    mask: np.ndarray | None
    probabilities: np.ndarray | None
    scatter: np.ndarray | None = None

    @property
    def potency(self) -> float:
        """m(x) of Eq. 2d."""
        if self.mask is None:
            raise ValueError("a classifier gives no potency")
        return float(self.mask.mean(dtype=np.float64))

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


class Predictor:
    """A run's model, ready for pictures of any size.

    Args:
        run: a trained run.
        tile: largest side in px of what goes through the network at once.
        model: the model to use instead of the run's best weights.

    Raises:
        RunError: if the run isn't trained or incomplete.
    """

    def __init__(self, run: Run, tile: int = TILE, model: keras.Model | None = None) -> None:
        import tensorflow as tf

        from copper_tf.models import averaged, in_two

        self.run, self.tile, self.labels = run, tile, run.labels
        self.model = model or run.load_model()
        inner = self.model
        if run.config.kind == "classifier":
            inner, self._head = in_two(self.model)
        signature = [tf.TensorSpec((1, None, None, 1), tf.float32)]
        # One trace for all sizes; training=False keeps batch norm on its moving statistics.
        network = averaged(lambda x: inner(x, training=False), run.config.turns)
        self._network = tf.function(network, input_signature=signature)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every result must say, because of how the model's data were split."""
        return self.run.caveats

    @property
    def law_note(self) -> str:
        """What every result must say of a g that was learned, empty where it wasn't."""
        return self.run.law_note

    @property
    def pixel_sizes_nm(self) -> dict[str, int]:
        """How many pictures of training, validation and test were of each pixel size; ``nan`` is unknown."""
        return dict(self.run.data["pixel_sizes_nm"])

    def predict(self, pixels: np.ndarray, bit_depth: int, name: str = "picture") -> Prediction:
        """What the model says of one micrograph.

        Args:
            pixels: raw grey values ``(height, width)``, without information bar.
            bit_depth: 8 or 16.
            name: what to call the picture in an error.

        Raises:
            InputError: if the picture is smaller than the network needs.
        """
        config = self.run.config
        self._check_size(pixels, name)
        values = self.run.normalisation.apply(grey(pixels, bit_depth))
        if config.kind == "segmenter":
            return Prediction(self.map_of(values), None)
        return Prediction(None, self._probabilities(self._framed(values)))

    def map_of(self, values: np.ndarray) -> np.ndarray:
        """A segmenter's map of a picture that is normalised already, float32 of the same shape.

        Args:
            values: normalised grey values ``(height, width)``, at least as large as the network needs.
        """
        return self._mask(self._framed(values))[: values.shape[0], : values.shape[1]]

    def _check_size(self, pixels: np.ndarray, name: str) -> None:
        need = geometry.smallest_picture(self.run.config.model.d)
        if min(pixels.shape) < need:
            size = f"{pixels.shape[1]}x{pixels.shape[0]}"
            raise InputError(f"{name}: this network needs pictures of at least {need}x{need} px. Received: {size}")

    def _framed(self, values: np.ndarray) -> np.ndarray:
        """Mirrored on to sides that are multiples of 2^d."""
        height, width = (geometry.padded_size(s, self.run.config.model.d) for s in values.shape)
        return np.pad(values, ((0, height - values.shape[0]), (0, width - values.shape[1])), mode="reflect")

    def _cuts(self, framed: np.ndarray) -> list[tuple[geometry.Tile, geometry.Tile]]:
        config = self.run.config
        rows, columns = (geometry.tiles(s, self.tile, config.reach, config.model.d) for s in framed.shape)
        return [(row, column) for row in rows for column in columns]

    def _piece(self, framed: np.ndarray, row: geometry.Tile, column: geometry.Tile) -> np.ndarray:
        window = framed[row.start : row.start + row.size, column.start : column.start + column.size]
        return self._network(np.ascontiguousarray(window)[None, ..., None]).numpy()[0]

    def _mask(self, framed: np.ndarray) -> np.ndarray:
        mask = np.empty(framed.shape, np.float32)
        for row, column in self._cuts(framed):
            piece = self._piece(framed, row, column)[..., 0]
            inner = (
                slice(row.keep_start - row.start, row.keep_stop - row.start),
                slice(column.keep_start - column.start, column.keep_stop - column.start),
            )
            mask[row.keep_start : row.keep_stop, column.keep_start : column.keep_stop] = piece[inner]
        return mask

    def _probabilities(self, framed: np.ndarray) -> np.ndarray:
        """Averages the features over the picture tile by tile, then applies the head once."""
        cell = 2**self.run.config.model.d
        total, cells = np.zeros(0), 0
        for row, column in self._cuts(framed):
            piece = self._piece(framed, row, column)
            kept = piece[
                (row.keep_start - row.start) // cell : (row.keep_stop - row.start) // cell,
                (column.keep_start - column.start) // cell : (column.keep_stop - column.start) // cell,
            ]
            total = kept.sum((0, 1), dtype=np.float64) + (total if total.size else 0)
            cells += kept.shape[0] * kept.shape[1]
        return self._head((total / cells).astype(np.float32)[None]).numpy()[0].astype(np.float64)
