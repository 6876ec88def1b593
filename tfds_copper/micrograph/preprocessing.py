"""From a file's grey values to the micrograph's own: bits, information bar, pixel size, resampling."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.record import BOTTOM, TOP, Bar, Metadata
from tfds_copper.micrograph.settings import KEEP, ReadSettings

__all__ = ["Bits", "averaged", "cut_bar", "edges", "own_pixel_size", "resampling"]

# Two pixel sizes closer than this share are one: vendors round theirs.
_SAME_SIZE = 0.002
# A bar is a strip: what is taller than this share of a file is a sign of wrong metadata.
_TALLEST = 0.45


@dataclasses.dataclass(frozen=True)
class Bits:
    """Which bits the values of a 16-bit picture use, so that 8-bit ones saved in 16 become 8 bits; nothing is lost.

    Args:
        top: the largest value.
        low: whether any value uses its low byte.
        repeated: whether the two bytes of every value are the same.
    """

    top: int = 0
    low: bool = False
    repeated: bool = True

    @classmethod
    def of(cls, pixels: np.ndarray) -> Bits:
        """Those of a picture or of a part of one, any shape, uint8 or uint16; 8-bit pictures count as full ones."""
        if pixels.dtype != np.uint16:
            return cls(int(pixels.max(initial=0)), True, False)
        low = pixels & 255
        return cls(int(pixels.max(initial=0)), bool(low.any()), np.array_equal(pixels >> 8, low))

    def __or__(self, other: Bits) -> Bits:
        """Those of two parts together."""
        return Bits(max(self.top, other.top), self.low or other.low, self.repeated and other.repeated)

    def notes(self, kind: np.dtype) -> tuple[str, ...]:
        """What is done to a picture of that type, if anything."""
        if kind != np.uint16 or not self.top:
            return ()
        if self.top <= 255:
            return ("8-bit values in 16 bits: stored in 8",)
        factor = "256" if not self.low else "257" if self.repeated else ""
        return (f"8-bit values times {factor} in 16 bits: stored in 8",) if factor else ()

    def narrowed(self, pixels: np.ndarray) -> np.ndarray:
        """A picture, or a part of it, in 8 bits where they hold all of the picture's values."""
        if not self.notes(pixels.dtype):
            return pixels
        return (pixels if self.top <= 255 else pixels >> 8).astype(np.uint8)


def _contradiction(shape: tuple[int, int], metadata: Metadata) -> str:
    """Why the metadata can't be of this picture; empty where they can."""
    height, width = shape
    if metadata.width and metadata.width != width:
        found, said = f"{width} px wide", f"{metadata.width} px"
    elif metadata.height and not metadata.height <= height <= metadata.height / (1 - _TALLEST):
        found, said = f"{height} px high", f"{metadata.height} px"
    else:
        return ""
    return f"{found}, though its metadata say {said}: cut or rescaled since, so its recorded pixel size is not used"


def cut_bar(
    path: Path, shape: tuple[int, int], find_bar: Callable[[], Bar | None], metadata: Metadata, settings: ReadSettings
) -> tuple[Bar | None, tuple[str, ...], bool]:
    """The information bar, the notes on it, and whether the metadata are of another size than the picture.

    What the metadata say of the picture's height decides; else the picture does.

    Args:
        path: for messages.
        shape: height and width of the whole picture in the file.
        find_bar: finds the bar in the picture.
        metadata: what the microscope wrote.
        settings: what the user overrules.

    Raises:
        InputError: if the user wants more rows cut off than the picture has.
    """
    height, width = shape
    why = _contradiction((height, width), metadata)
    notes = (why,) if why else ()
    if settings.bar == KEEP:
        return None, notes, bool(why)
    above, below = settings.bar_rows
    if above or below:
        if above + below >= height:
            raise InputError(f"{path}: bar must be less than the picture's {height} rows. Received: {settings.bar}")
        cut = f"rows cut off as asked: {above} at the top, {below} at the bottom"
        return Bar(BOTTOM, below, above) if below else Bar(TOP, above), (*notes, cut), bool(why)
    if not why and metadata.height and metadata.height < height:
        return Bar(BOTTOM, height - metadata.height), notes, False
    visible = find_bar()
    if metadata.bar_rows and (visible is None or visible.rows != metadata.bar_rows):
        # The tag outlives a crop; only what is visible is cut.
        rows = visible.rows if visible else "none"
        notes = (*notes, f"metadata tell of a bar of {metadata.bar_rows} rows, seen: {rows}")
    return visible, notes, bool(why)


def own_pixel_size(metadata: Metadata, contradicted: bool, listed: float, settings: ReadSettings) -> float:
    """The pixel size in nm: the user's own, else labels.csv's, else the microscope's where it fits; else NaN."""
    if settings.pixel_size:
        return settings.pixel_size
    if math.isfinite(listed):
        return listed
    return math.nan if contradicted else metadata.pixel_size_nm


def edges(side: int, count: int) -> np.ndarray:
    """Where the pixels begin that are averaged to each of `count` pixels, and the end; ``(count + 1,)``.

    A pixel counts where its centre lies, so that parts of a picture are averaged as the whole is.
    """
    return (2 * np.arange(count + 1) * side + count) // (2 * count)


def averaged(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Means of the rectangles between `edges`, rounded, of the same type.

    Args:
        pixels: whole numbers, ``(height, width)``.
        rows: edges from 0 to height.
        columns: edges from 0 to width.
    """
    sums = np.add.reduceat(np.add.reduceat(pixels, rows[:-1], 0, np.int64), columns[:-1], 1)
    return np.rint(sums / np.outer(np.diff(rows), np.diff(columns))).astype(pixels.dtype)


def resampling(
    path: Path, shape: tuple[int, int], size: float, target: float
) -> tuple[tuple[int, int], float, tuple[str, ...]]:
    """What averaging a picture to a larger pixel size makes of it.

    Args:
        path: for messages.
        shape: its height and width in px.
        size: its pixel size in nm.
        target: the pixel size asked for in nm; 0 for none.

    Returns:
        Height and width, the pixel size in nm, and what is done.

    Raises:
        InputError: if the pixel size is unknown, or larger than the target: detail can't be made up.
    """
    if not target or abs(size / target - 1) <= _SAME_SIZE:
        return shape, size, ()
    if not size < target:
        what = f"{size:g} nm" if math.isfinite(size) else "an unknown one"
        raise InputError(f"{path}: pixel size must be known and at most {target:g} nm to resample. Received: {what}")
    height, width = (max(1, round(side * size / target)) for side in shape)
    return (height, width), target, (f"resampled from {size:g} to {target:g} nm per pixel",)
