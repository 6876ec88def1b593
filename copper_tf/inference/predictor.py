"""Whole micrographs through a trained model, by tiles whose seams can't be seen."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from copper_tf.config import Config
from copper_tf.inference.tiling import Tile, cuts
from copper_tf.models import geometry
from copper_tf.ood.features import SIDE, traits
from copper_tf.ood.reference import Familiar
from copper_tf.runs.run import Run
from copper_tf.statistics.scores import posterior_median
from tfds_copper.errors import InputError
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    import keras

__all__ = [
    "TILE",
    "ByPieces",
    "Caution",
    "Piece",
    "Prediction",
    "Predictor",
    "caution",
    "check_size",
    "frame",
    "other_scale",
    "scale_text",
    "trained_scale",
]

Read = Callable[[slice, slice], np.ndarray]

# Side of a tile in px: a micrograph of 960x1280 goes through in one piece, a mosaic in bounded memory.
TILE = 1280
# Pixel sizes that differ by no more than this share are one scale.
_SAME_SCALE = 0.05


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


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """A rectangle of a map; those of a map cover it once.

    Attributes:
        rows: its rows in the picture.
        columns: its columns.
        potency: the map there, ``(height, width)`` float32.
        scatter: see `Prediction`.
    """

    rows: slice
    columns: slice
    potency: np.ndarray
    scatter: np.ndarray | None = None


class ByPieces:
    """What grades or maps a picture without holding it whole.

    Attributes:
        kind: ``"classifier"`` or ``"segmenter"``.
    """

    kind: str

    def pieces(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[Piece]:
        """A segmenter's map, piece by piece, row by row.

        Args:
            picture: a micrograph without information bar.
            name: what to call it in an error.
            progress: called with (done, total, what) after each tile.

        Raises:
            InputError: if the picture is smaller than the network needs.
        """
        raise NotImplementedError

    def grades(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """A classifier's probability of each label, ``(K,)``, see `pieces`."""
        raise NotImplementedError

    def predict(self, pixels: np.ndarray, bit_depth: int, name: str = "picture") -> Prediction:
        """What the model says of one micrograph that is held whole.

        Args:
            pixels: raw grey values ``(height, width)``, without information bar.
            bit_depth: 8 or 16.
            name: what to call the picture in an error.

        Raises:
            InputError: if the picture is smaller than the network needs.
        """
        picture = Windows.of(pixels, bit_depth)
        if self.kind == "classifier":
            return Prediction(None, self.grades(picture, name))
        mask, scatter = np.empty(pixels.shape, np.float32), None
        for piece in self.pieces(picture, name):
            mask[piece.rows, piece.columns] = piece.potency
            if piece.scatter is not None:
                scatter = np.empty_like(mask) if scatter is None else scatter
                scatter[piece.rows, piece.columns] = piece.scatter
        return Prediction(mask, None, scatter)


def frame(config: Config) -> int:
    """Px by which a picture is mirrored on beyond each border before it is mapped, as far as the network reaches.

    What each layer mirrors for itself is nothing that it was trained on where a margin does not count: it biases the
    outermost pixels of a map (see ``benchmarks/maps/frames.py``). Zeros, for comparison, stay as each layer makes them.
    """
    mirrored = config.kind == "segmenter" and config.model.padding == "reflect"
    return geometry.padded_size(geometry.reach_of(config), config.model.d) if mirrored else 0


def trained_scale(pixel_sizes_nm: Mapping[str, int]) -> tuple[float, float] | None:
    """The smallest and the largest pixel size in nm of a model's data; None where some are unknown.

    Args:
        pixel_sizes_nm: see `Predictor.pixel_sizes_nm`.
    """
    known = [float(size) for size in pixel_sizes_nm if math.isfinite(float(size))]
    return (min(known), max(known)) if known and len(known) == len(pixel_sizes_nm) else None


def other_scale(pixel_size_nm: float, scale: tuple[float, float] | None) -> bool:
    """Whether a picture is known to be of another scale than a model's data, so that results mean nothing.

    Args:
        pixel_size_nm: of the picture; NaN where unknown.
        scale: of `trained_scale`.
    """
    if scale is None or not math.isfinite(pixel_size_nm):
        return False
    return not scale[0] * (1 - _SAME_SCALE) <= pixel_size_nm <= scale[1] * (1 + _SAME_SCALE)


@dataclasses.dataclass(frozen=True)
class Caution:
    """Why what a model says of a picture is to be taken with caution.

    Attributes:
        reasons: in what it is unlike the pictures of training; none where it is like them.
        untold: why that can't be said, else empty.
        other_scale: whether one of the reasons is its pixel size.
    """

    reasons: tuple[str, ...]
    untold: str = ""
    other_scale: bool = False

    @property
    def text(self) -> str:
        """All of it; empty where there is nothing to say."""
        return "; ".join(filter(None, (*self.reasons, self.untold)))

    def __str__(self) -> str:
        """As a cell of a table."""
        return self.text


def caution(
    picture: Windows, pixel_size_nm: float, familiar: Familiar | None, scale: tuple[float, float] | None
) -> Caution:
    """Whether a picture is like those that a model was trained on.

    Args:
        picture: a micrograph without information bar.
        pixel_size_nm: NaN where unknown.
        familiar: what pictures the model knows; None where it keeps no statistics of them.
        scale: of `trained_scale`.
    """
    other = scale is not None and other_scale(pixel_size_nm, scale)
    reasons = [f"pixel size {pixel_size_nm:g} nm, trained on {scale_text(scale)}"] if scale and other else []
    if familiar is None:
        return Caution(tuple(reasons), "not compared: the model keeps no statistics of its pictures", other)
    found = traits(picture)
    if found is None:
        return Caution(tuple(reasons), f"not compared: smaller than {SIDE}x{SIDE} px", other)
    reasons += filter(None, [familiar.likeness(found).reason])
    return Caution(tuple(reasons), "", other)


def scale_text(scale: tuple[float, float]) -> str:
    """Pixel sizes as `trained_scale` gives them, in words."""
    low, high = (f"{size:g}" for size in scale)
    return f"{low} nm" if low == high else f"{low} to {high} nm"


def check_size(picture: Windows, d: int, name: str) -> None:
    """Refuses a picture that a network of d stages can't take.

    Raises:
        InputError: naming the picture and what is needed.
    """
    need = geometry.smallest_picture(d)
    if min(picture.shape) < need:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise InputError(f"{name}: this network needs pictures of at least {need}x{need} px. Received: {size}")


class Predictor(ByPieces):
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

        from copper_tf.models.classifier import split_head
        from copper_tf.models.tta import average_over_symmetries

        self.run, self.tile, self.labels, self.kind = run, tile, run.labels, run.config.kind
        self.model = model or run.load_model()
        inner = self.model
        if run.config.kind == "classifier":
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

    @functools.cached_property
    def familiar(self) -> Familiar | None:
        """See `Run.familiar`."""
        return self.run.familiar

    def pieces(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[Piece]:
        """See `ByPieces.pieces`."""
        check_size(picture, self.run.config.model.d, name)
        values = self.run.normalisation.by_windows(picture)
        return self._pieces(values, picture.shape, name, progress)

    def grades(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """See `ByPieces.grades`: the features are averaged over all tiles, then the head is applied once."""
        check_size(picture, self.run.config.model.d, name)
        cell = 2**self.run.config.model.d
        total, cells = np.zeros(0), 0
        values = self.run.normalisation.by_windows(picture)
        for row, column, features in self._tiles(values, picture.shape, name, progress):
            kept = features[
                (row.keep_start - row.start) // cell : (row.keep_stop - row.start) // cell,
                (column.keep_start - column.start) // cell : (column.keep_stop - column.start) // cell,
            ]
            total = kept.sum((0, 1), dtype=np.float64) + (total if total.size else 0)
            cells += kept.shape[0] * kept.shape[1]
        found: np.ndarray = self._head((total / cells).astype(np.float32)[None]).numpy()[0].astype(np.float64)
        return found

    def map_of(self, values: np.ndarray) -> np.ndarray:
        """A segmenter's map of a picture that is normalised already, float32 of the same shape.

        Args:
            values: normalised grey values ``(height, width)``, at least as large as the network needs.
        """
        mask = np.empty(values.shape, np.float32)
        for piece in self._pieces(lambda rows, columns: values[rows, columns], values.shape, "picture", None):
            mask[piece.rows, piece.columns] = piece.potency
        return mask

    def _cuts(self, shape: tuple[int, ...]) -> list[tuple[Tile, Tile]]:
        config = self.run.config
        return cuts((shape[0], shape[1]), self.tile, geometry.reach_of(config), config.model.d, frame(config))

    def _pieces(self, values: Read, shape: tuple[int, ...], name: str, progress: Progress | None) -> Iterator[Piece]:
        height, width = shape
        for row, column, mask in self._tiles(values, shape, name, progress):
            yield Piece(row.kept(height), column.kept(width), mask[row.inner(height), column.inner(width), 0])

    def _tiles(
        self, values: Read, shape: tuple[int, ...], name: str, progress: Progress | None
    ) -> Iterator[tuple[Tile, Tile, np.ndarray]]:
        """What the network makes of each tile, ``(height, width, channels)``.

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
