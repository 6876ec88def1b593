"""The chimera: half a picture of the first t joined to half a picture of the last; a local map doesn't notice.

A network that is local maps each half as it maps the whole picture; one that recognises t from the whole picture, and
then paints a map of it, can't: it has never seen a picture of two times.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from copper_tf.inference.surround import MapFunction
from copper_tf.statistics.scores import pixel_scores

__all__ = ["Chimera", "MapFunction", "Sample", "chimeras", "join_halves", "side_scores"]


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """A picture as the network sees it.

    Attributes:
        values: normalised grey values ``(height, width)``.
        mask: its map.
        file: its name.
    """

    values: np.ndarray
    mask: np.ndarray
    file: str

    def cut(self, shape: tuple[int, ...], map_of: MapFunction) -> Sample:
        """The upper left part of that shape, mapped anew where that isn't the whole."""
        if self.values.shape == shape:
            return self
        values = self.values[: shape[0], : shape[1]]
        return Sample(values, map_of(values), self.file)


@dataclasses.dataclass(frozen=True, eq=False)
class Chimera:
    """Two halves of pictures, joined.

    Attributes:
        values: the joined pictures ``(height, width)``.
        mask: the map of it.
        expected: the maps of the two whole pictures, joined in the same way.
        like_first: where the picture of the first t is, bool.
        axis: along which they are joined: 0 one above the other, 1 side by side.
    """

    values: np.ndarray
    mask: np.ndarray
    expected: np.ndarray
    like_first: np.ndarray
    axis: int

    @property
    def error(self) -> float:
        """By how much m of the chimera misses the mean that its halves have in their own pictures."""
        return abs(float(self.mask.mean(dtype=np.float64) - self.expected.mean(dtype=np.float64)))


def join_halves(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
    """The first half of one array and the second half of another; what is joined stays in its place.

    Args:
        first: ``(height, width)``.
        second: of the same shape.
        axis: 0 for the upper and the lower half, 1 for the left and the right one.
    """
    half = first.shape[axis] // 2
    return np.concatenate([np.split(first, [half], axis)[0], np.split(second, [half], axis)[1]], axis)


def chimeras(first: Sample, last: Sample, map_of: MapFunction) -> Iterator[Chimera]:
    """The four chimeras of two pictures: side by side and one above the other, in both orders.

    Args:
        first: a picture of the first t.
        last: a picture of the last t; both are cut to the size they share.
        map_of: gives the map of a normalised picture.
    """
    height, width = (min(pair) for pair in zip(first.values.shape, last.values.shape, strict=True))
    first, last = (sample.cut((height, width), map_of) for sample in (first, last))
    ones, zeros = np.ones((height, width), bool), np.zeros((height, width), bool)
    for axis in (1, 0):
        for a, b, sides in ((first, last, (ones, zeros)), (last, first, (zeros, ones))):
            values = join_halves(a.values, b.values, axis)
            yield Chimera(values, map_of(values), join_halves(a.mask, b.mask, axis), join_halves(*sides, axis), axis)


def side_scores(composites: Iterable[Chimera], rising: bool = False) -> dict[str, float]:
    """How the maps of chimeras add up, and how well they separate the sides.

    Args:
        composites: the chimeras, read once; without any, all scores are NaN.
        rising: whether the last t has the higher g.

    Returns:
        ``additivity``: mean abs(m(chimera) - mean of the halves' m in the two whole pictures). ``side_auc``: ROC-AUC
        of the map for the side of the first t. ``whole_auc``: what the maps of the two whole pictures, joined, reach;
        where the end labels are no pure phases it is under 1 for the best of maps. ``side_kept``: the share of
        whole_auc, over the .5 of guessing, that is left in the chimera.
    """

    def auc(one: Chimera, name: str) -> float:
        return pixel_scores(getattr(one, name), one.like_first != rising)["auc"]

    rows = [(one.error, auc(one, "mask"), auc(one, "expected")) for one in composites]
    error, side, whole = np.mean(rows, 0).tolist() if rows else [math.nan] * 3
    return {
        "additivity": error,
        "side_auc": side,
        "whole_auc": whole,
        # Where not even the whole pictures can be told apart there is nothing to keep.
        "side_kept": (side - 0.5) / (whole - 0.5) if whole > 0.6 else math.nan,
    }
