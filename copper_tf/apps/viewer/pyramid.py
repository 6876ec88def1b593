"""An image pyramid: halved copies of a picture of any size on disk, and the region that a view needs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["COARSEST", "Pyramid", "Region", "View", "halve", "write_levels"]

# Halving ends with the first level whose longer side is no more than this many px.
COARSEST = 1024
# Rows of the finer level that are averaged at once, an even number.
_ROWS = 1024
# A region reaches this share of the view beyond each of its sides, so that a small pan shows no gap.
_MARGIN = 0.25
# Levels are averaged further only where a screen pixel holds clearly more than one of their pixels.
_RESAMPLE_ABOVE = 1.25


@dataclasses.dataclass(frozen=True)
class View:
    """The part of a picture that the screen shows, in px of the picture.

    Attributes:
        left: its left edge; any edge may lie outside the picture.
        right: its right edge.
        top: its upper edge; row 0 is the first.
        bottom: its lower edge.
        scale: px of the picture per screen px.
    """

    left: float
    right: float
    top: float
    bottom: float
    scale: float

    @classmethod
    def fit(cls, shape: tuple[int, int], width: int, height: int) -> View:
        """The whole picture in the middle of the screen.

        Args:
            shape: height and width of the picture in px.
            width: of the screen in px.
            height: of the screen in px.

        Example:
            >>> View.fit((960, 1280), 640, 480).scale
            2.0
        """
        return cls.centred(shape[1] / 2, shape[0] / 2, max(shape[0] / height, shape[1] / width), width, height)

    @classmethod
    def centred(cls, x: float, y: float, scale: float, width: int, height: int) -> View:
        """A view around a point, see `fit`."""
        return cls(x - width * scale / 2, x + width * scale / 2, y - height * scale / 2, y + height * scale / 2, scale)

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, right, upper and lower edge."""
        return self.left, self.right, self.top, self.bottom

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of its centre."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
    """A rectangle of a picture, ready for the screen.

    Attributes:
        values: uint8 ``(rows, columns)``.
        x: its left edge in px of the picture.
        y: its upper edge.
        width: in px of the picture.
        height: likewise.
    """

    values: np.ndarray
    x: int
    y: int
    width: int
    height: int


def _span(start: float, stop: float, cell: int, side: int) -> tuple[int, int]:
    """First and last cell, exclusive, that an interval of px touches."""
    cells = -(-side // cell)
    return max(0, min(math.floor(start / cell), cells)), max(0, min(math.ceil(stop / cell), cells))


@dataclasses.dataclass(frozen=True, eq=False)
class Pyramid:
    """A picture and its halved copies.

    Attributes:
        levels: the picture ``(height, width)``, then copies of half, a quarter, ... of its sides (rounded up).
        to_uint8: turns values of a level into those of the screen.
    """

    levels: Sequence[np.ndarray]
    to_uint8: Callable[[np.ndarray], np.ndarray]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.levels[0].shape
        return height, width

    def region(self, view: View) -> Region | None:
        """What to send for a view, with a margin around it; None where the view lies outside the picture."""
        level = min(int(math.log2(max(view.scale, 1))), len(self.levels) - 1)
        cell = 2**level
        margin = (view.right - view.left) * _MARGIN, (view.bottom - view.top) * _MARGIN
        left, right = _span(view.left - margin[0], view.right + margin[0], cell, self.shape[1])
        top, bottom = _span(view.top - margin[1], view.bottom + margin[1], cell, self.shape[0])
        if left >= right or top >= bottom:
            return None
        values = self.to_uint8(np.asarray(self.levels[level][top:bottom, left:right]))
        if view.scale / cell > _RESAMPLE_ABOVE:
            size = [max(1, round(side * cell / view.scale)) for side in (right - left, bottom - top)]
            values = np.asarray(Image.fromarray(values).resize((size[0], size[1]), Image.Resampling.BOX))
        return Region(values, left * cell, top * cell, (right - left) * cell, (bottom - top) * cell)

    def thumbnail(self, side: int) -> np.ndarray:
        """The whole picture, averaged to at most `side` px; uint8."""
        height, width = self.shape
        scale = max(height, width, side) / side
        region = self.region(View.fit((height, width), round(width / scale), round(height / scale)))
        return np.empty((0, 0), np.uint8) if region is None else region.values


def halve(values: np.ndarray) -> np.ndarray:
    """Means of 2x2 px, float32 ``(rows / 2, columns / 2)`` rounded up; a last odd row or column counts twice.

    Example:
        >>> import numpy as np
        >>> halve(np.array([[1, 3], [5, 7]])).tolist()
        [[4.0]]
    """
    even = np.pad(values, [(0, side % 2) for side in values.shape], mode="edge").astype(np.float32)
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def write_levels(first: Path, coarsest: int = COARSEST, scale: float = 1.0) -> int:
    """Writes the halved copies of ``STEM_0.npy`` beside it as ``STEM_1.npy``, ..., a few rows at a time.

    Args:
        first: an array ``(height, width)``; copies of floating values are uint8.
        coarsest: longest side in px of the last level, see `COARSEST`.
        scale: factor applied to floating values.

    Returns:
        The number of levels, the first included.
    """
    source, level = np.load(first, mmap_mode="r"), 0
    while max(source.shape) > coarsest:
        level += 1
        dtype = source.dtype if np.issubdtype(source.dtype, np.integer) else np.dtype(np.uint8)
        factor = 1.0 if dtype == source.dtype else scale
        file = first.with_name(first.name.replace("_0.npy", f"_{level}.npy"))
        shape = tuple(-(-side // 2) for side in source.shape)
        target = np.lib.format.open_memmap(file, "w+", dtype=dtype, shape=shape)
        for top in range(0, source.shape[0], _ROWS):
            means = halve(np.asarray(source[top : top + _ROWS])) * factor
            target[top // 2 : top // 2 + len(means)] = np.clip(np.rint(means), 0, np.iinfo(dtype).max)
        target.flush()
        source = target
    return level + 1
