"""What a screen needs of a picture of any size: halved copies on disk, and the part that is looked at."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["LEAST", "Levels", "View", "Window", "halve", "level_files"]

# Halving ends with the first copy whose longer side is no more than this many px.
LEAST = 1024
# Rows of the finer copy that are averaged at once, an even number.
_ROWS = 1024
# A window reaches this share of the view beyond each of its sides, so that moving a little shows no gap.
_BEYOND = 0.25
# Copies are averaged further only where a screen pixel holds clearly more than one of their pixels.
_COARSER = 1.25

Shade = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class View:
    """The part of a picture that a screen shows, in px of the picture.

    Attributes:
        left: its left edge; may lie outside the picture, as all may.
        right: its right edge.
        top: its upper edge, row 0 being the first.
        bottom: its lower edge.
        scale: px of the picture in one of the screen.
    """

    left: float
    right: float
    top: float
    bottom: float
    scale: float

    @classmethod
    def whole(cls, shape: tuple[int, int], across: int, down: int) -> View:
        """All of a picture in the middle of a screen.

        Args:
            shape: height and width in px.
            across: width of the screen in px.
            down: its height.
        """
        return cls.at(shape[1] / 2, shape[0] / 2, max(shape[0] / down, shape[1] / across), across, down)

    @classmethod
    def at(cls, x: float, y: float, scale: float, across: int, down: int) -> View:
        """A view round a place, see `whole`."""
        return cls(x - across * scale / 2, x + across * scale / 2, y - down * scale / 2, y + down * scale / 2, scale)

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, right, upper and lower."""
        return self.left, self.right, self.top, self.bottom

    @property
    def middle(self) -> tuple[float, float]:
        """x and y of its middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclasses.dataclass(frozen=True, eq=False)
class Window:
    """A part of a picture, ready to be drawn.

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
    """First and last cell, exclusive, that a stretch of px touches."""
    cells = -(-side // cell)
    return max(0, min(math.floor(start / cell), cells)), max(0, min(math.ceil(stop / cell), cells))


@dataclasses.dataclass(frozen=True, eq=False)
class Levels:
    """A picture and its halved copies.

    Attributes:
        arrays: the picture ``(height, width)``, then copies of half, a quarter, ... of its sides (rounded up).
        shade: makes uint8 values for the screen of those of an array.
    """

    arrays: Sequence[np.ndarray]
    shade: Shade

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.arrays[0].shape
        return height, width

    def window(self, view: View) -> Window | None:
        """What to send for a view, and a little beyond it; None where the view lies outside the picture."""
        level = min(int(math.log2(max(view.scale, 1))), len(self.arrays) - 1)
        cell = 2**level
        more = (view.right - view.left) * _BEYOND, (view.bottom - view.top) * _BEYOND
        left, right = _span(view.left - more[0], view.right + more[0], cell, self.shape[1])
        top, bottom = _span(view.top - more[1], view.bottom + more[1], cell, self.shape[0])
        if left >= right or top >= bottom:
            return None
        values = self.shade(np.asarray(self.arrays[level][top:bottom, left:right]))
        if view.scale / cell > _COARSER:
            size = [max(1, round(side * cell / view.scale)) for side in (right - left, bottom - top)]
            values = np.asarray(Image.fromarray(values).resize((size[0], size[1]), Image.Resampling.BOX))
        return Window(values, left * cell, top * cell, (right - left) * cell, (bottom - top) * cell)

    def small(self, side: int) -> np.ndarray:
        """The whole picture, averaged to at most `side` px; uint8."""
        height, width = self.shape
        scale = max(height, width, side) / side
        found = self.window(View.whole((height, width), round(width / scale), round(height / scale)))
        return np.empty((0, 0), np.uint8) if found is None else found.values


def halve(values: np.ndarray) -> np.ndarray:
    """Means of 2x2 px, float32 ``(rows / 2, columns / 2)`` rounded up; a last odd row or column counts twice."""
    even = np.pad(values, [(0, side % 2) for side in values.shape], mode="edge").astype(np.float32)
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def level_files(first: Path, least: int = LEAST, scale: float = 1.0) -> int:
    """Writes the halved copies of ``STEM_0.npy`` beside it as ``STEM_1.npy``, ..., some rows at a time.

    Args:
        first: an array ``(height, width)``; floating values are kept as uint8 in the copies.
        least: see `LEAST`.
        scale: what floating values are multiplied with.

    Returns:
        How many levels there are, the first counted.
    """
    source, level = np.load(first, mmap_mode="r"), 0
    while max(source.shape) > least:
        level += 1
        kind = source.dtype if np.issubdtype(source.dtype, np.integer) else np.dtype(np.uint8)
        by = 1.0 if kind == source.dtype else scale
        file = first.with_name(first.name.replace("_0.npy", f"_{level}.npy"))
        shape = tuple(-(-side // 2) for side in source.shape)
        target = np.lib.format.open_memmap(file, "w+", dtype=kind, shape=shape)
        for top in range(0, source.shape[0], _ROWS):
            means = halve(np.asarray(source[top : top + _ROWS])) * by
            target[top // 2 : top // 2 + len(means)] = np.clip(np.rint(means), 0, np.iinfo(kind).max)
        target.flush()
        source = target
    return level + 1
