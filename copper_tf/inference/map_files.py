"""Potency maps as files: a float TIFF that Fiji opens with its pixel size, and the overlay for people."""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.utils.drawing import STRENGTH, potency_picture
from tfds_copper.files import replacing
from tfds_copper.micrograph import LARGE

__all__ = ["OVERLAY_SIDE", "MapWriter", "Overview", "map_file", "write_map", "write_overlay"]

# Longest side in px of the overlay of a large picture.
OVERLAY_SIDE = 3000
# Rows of a strip of a large map.
_STRIP = 16
# The noise of a micrograph doesn't repeat: looking for runs alone takes half the time and makes a file no larger.
_PNG = {"compress_level": 1, "compress_type": zlib.Z_RLE}
# A TIFF's offsets have 32 bits; BigTIFF's have 64. Some room is left for the tags.
_CLASSIC = 2**32 - 2**25

MapWriter = Callable[[slice, slice, np.ndarray], None]


def _scale(pixel_size_nm: float) -> tuple[float, str]:
    """(px per unit, unit) as ImageJ writes them; its TIFF header holds ASCII only, so a micron is ``um``."""
    known = math.isfinite(pixel_size_nm) and pixel_size_nm > 0
    return (1000 / pixel_size_nm, "um") if known else (1.0, "pixel")


def write_map(path: Path, potency: np.ndarray, pixel_size_nm: float = math.nan) -> None:
    """Writes a map as a 32-bit float ImageJ TIFF.

    Args:
        path: a ``.tif`` file.
        potency: values in [0, 1], ``(height, width)``.
        pixel_size_nm: NaN where unknown, then Fiji counts pixels.
    """
    import tifffile

    density, unit = _scale(pixel_size_nm)
    details = {"axes": "YX", "unit": unit, "min": 0.0, "max": 1.0}
    with replacing(path) as file:
        tifffile.imwrite(file, potency.astype(np.float32), imagej=True, resolution=(density, density), metadata=details)


class _LargeMap:
    """An uncompressed float TIFF whose rows are written in any order, a part of a row at a time.

    Its strips lie one behind the other, since ImageJ opens no tiles.

    Args:
        file: where it goes; it takes its full size on the disk at once, all zeros.
        shape: height and width in px.
        pixel_size_nm: NaN where unknown.
    """

    def __init__(self, file: Path, shape: tuple[int, int], pixel_size_nm: float) -> None:
        import tifffile

        density, unit = _scale(pixel_size_nm)
        settings: dict[str, Any] = {"rowsperstrip": _STRIP, "photometric": "minisblack", "metadata": None}
        # tifffile's own way of writing for ImageJ knows no BigTIFF.
        settings |= {"description": f"ImageJ=1.54f\nunit={unit}\nmin=0.0\nmax=1.0\n", "software": "copper-tf"}
        settings |= {"resolution": (density, density), "resolutionunit": "NONE"}
        with tifffile.TiffWriter(file, bigtiff=4 * math.prod(shape) > _CLASSIC) as writer:
            writer.write(None, shape=shape, dtype=np.float32, **settings)
        with tifffile.TiffFile(file) as tiff:
            page: Any = tiff.pages[0]
            self._start, self._kind = page.dataoffsets[0], np.dtype(np.float32).newbyteorder(tiff.byteorder)
        self._width, self._stream = shape[1], file.open("r+b")

    def write(self, rows: slice, columns: slice, values: np.ndarray) -> None:
        """Writes the values of some rows and columns."""
        for row, line in zip(range(rows.start, rows.stop), values.astype(self._kind), strict=True):
            self._stream.seek(self._start + (row * self._width + columns.start) * self._kind.itemsize)
            self._stream.write(line.tobytes())

    def close(self) -> None:
        """Ends the writing."""
        self._stream.close()


@contextlib.contextmanager
def map_file(path: Path, shape: tuple[int, int], pixel_size_nm: float = math.nan) -> Iterator[MapWriter]:
    """Yields ``write(rows, columns, values)`` for the tiles of a map; the file is there once all went well.

    A map of at most `LARGE` px is the file of `write_map`, a larger one has strips, over 4 GB it is a BigTIFF.

    Args:
        path: a ``.tif`` file.
        shape: height and width in px.
        pixel_size_nm: NaN where unknown, then Fiji counts pixels.
    """
    if shape[0] * shape[1] > LARGE:
        with replacing(path) as file, contextlib.closing(_LargeMap(file, shape, pixel_size_nm)) as large:
            yield large.write
        return
    values = np.empty(shape, np.float32)

    def write(rows: slice, columns: slice, tile: np.ndarray) -> None:
        values[rows, columns] = tile

    yield write
    write_map(path, values, pixel_size_nm)


class Overview:
    """Picture and map of a large micrograph, reduced while they come tile by tile.

    Args:
        shape: height and width in px; of at most `LARGE` px nothing is reduced.

    Attributes:
        reduced: how many px along a side are averaged to one.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.reduced = math.ceil(max(shape) / OVERLAY_SIDE) if shape[0] * shape[1] > LARGE else 1
        # How many rows, and columns, each row and column of the overview is the mean of.
        self._counts = [np.bincount(np.arange(side) // self.reduced) for side in shape]
        small = [len(count) for count in self._counts]
        self._pixels, self._potency = np.zeros(small, np.float32), np.zeros(small, np.float32)

    def add(self, rows: slice, columns: slice, pixels: np.ndarray, potency: np.ndarray) -> None:
        """Adds a tile of the picture, raw grey values, and of its map."""
        if self.reduced == 1:
            self._pixels[rows, columns], self._potency[rows, columns] = pixels, potency
            return
        y, x = (np.arange(place.start, place.stop) // self.reduced for place in (rows, columns))
        first = [np.flatnonzero(np.diff(axis, prepend=-1)) for axis in (y, x)]
        down, across = slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)
        parts = np.outer(self._counts[0][down], self._counts[1][across])
        for means, tile in ((self._pixels, pixels), (self._potency, potency)):
            sums = np.add.reduceat(np.add.reduceat(tile, first[0], 0, np.float64), first[1], 1)
            means[down, across] += sums / parts

    def write(
        self, path: Path, pixel_size_nm: float = math.nan, palette: str = "paper", strength: float = STRENGTH
    ) -> None:
        """Writes the overlay once all tiles are there, see `write_overlay`."""
        write_overlay(path, self._pixels, self._potency, pixel_size_nm, palette, self.reduced, strength)


def write_overlay(
    path: Path,
    pixels: np.ndarray,
    potency: np.ndarray,
    pixel_size_nm: float = math.nan,
    palette: str = "paper",
    reduced: int = 1,
    strength: float = STRENGTH,
) -> None:
    """Writes the overlay with scale bar and colour bar as a PNG, see `drawing.potency_picture`."""
    with replacing(path) as file:
        potency_picture(pixels, potency, pixel_size_nm, palette, reduced, strength).save(file, "PNG", **_PNG)
