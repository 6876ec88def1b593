"""Micrographs too large to be held whole, read by windows; the values are those of `read`."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.micrograph.bar import find_bar_at_ends
from tfds_copper.micrograph.depth import Bits, depth_of
from tfds_copper.micrograph.grey import coloured, grey_notes, refuse_colours
from tfds_copper.micrograph.pages import declared_depth, page_orientation, picture_page
from tfds_copper.micrograph.preprocessing import averaged, cut_bar, edges, own_pixel_size, resampling
from tfds_copper.micrograph.reading import decoding_errors, kind_of, name_notes, one_line_errors, read
from tfds_copper.micrograph.record import Bar
from tfds_copper.micrograph.segments import KEPT, Segments
from tfds_copper.micrograph.settings import ReadSettings
from tfds_copper.micrograph.tiff import check_page, page_notes, page_samples, page_scale
from tfds_copper.micrograph.vendors.registry import picture_metadata, tiff_metadata
from tfds_copper.progress import Progress

__all__ = ["LARGE", "Opened", "Windows", "open_windows"]

# A picture of more pixels is large: a TIFF is read by windows, and what is made of it is written by windows.
LARGE = 4000 * 4000
# Side in px of the windows in which a whole picture is looked through.
_BLOCK = 2048

Read = Callable[[slice, slice], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """The grey values of a micrograph, without information bar, read by windows.

    Attributes:
        shape: height and width in px.
        bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``.
        read: the values of some rows and columns, both from a start to a stop within the picture, uint8 or uint16.
    """

    shape: tuple[int, int]
    bit_depth: int
    read: Read

    @classmethod
    def of(cls, pixels: np.ndarray, bit_depth: int) -> Windows:
        """Those of a picture that is held whole, ``(height, width)``."""
        height, width = pixels.shape
        return cls((height, width), bit_depth, lambda rows, columns: pixels[rows, columns])

    @property
    def large(self) -> bool:
        """Whether the picture is too large to hold a map of it."""
        return self.shape[0] * self.shape[1] > LARGE

    def blocks(self) -> Iterator[np.ndarray]:
        """All of the picture, piece by piece."""
        return (self.read(*block) for block in _blocks(self.shape))


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """A micrograph that is open for reading; what is known of it is that of `Micrograph`.

    Attributes:
        windows: its grey values.
        pixel_size_nm: the side of a pixel in nm; NaN where unknown.
        notes: what is done to the file's values, one short sentence each.
    """

    windows: Windows
    pixel_size_nm: float
    notes: tuple[str, ...]


def _blocks(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    down, across = ([slice(a, min(a + _BLOCK, side)) for a in range(0, side, _BLOCK)] for side in shape)
    return [(rows, columns) for rows in down for columns in across]


class _Greys:
    """The grey values of a whole TIFF page, bar included, by windows, turned upright.

    Args:
        path: the file.
        page: a page of `tifffile` that `check_page` has passed.
        declared: the depth that the file declares for containers of 16 bits; 0 for none.
        wanted: what the user says of it; 0 for nothing.
        progress: called where all of the picture must be looked through first.
    """

    def __init__(self, path: Path, page: Any, declared: int, wanted: int, progress: Progress | None) -> None:
        self.path, self.segments, self._page = path, Segments(page), page
        self._orientation = page_orientation(page)
        self.shape = self._orientation.shape(self.segments.height, self.segments.width)
        corner = slice(0, 1), slice(0, 1)
        first = page_samples(path, page, self.segments.read(*corner))
        kind, one_channel = first.values.dtype, first.values.ndim == 2 or first.values.shape[-1] == 1
        on_grey = grey_notes(path, first.values)
        # Eight bits of one channel hide nothing that a pass over the picture would show.
        full = kind == np.uint8 and one_channel
        self._bits = Bits(255, 255) if full else self._looked_through(progress)
        self._depth = depth_of(path, kind, self._bits, declared, wanted)
        self.bit_depth = self._depth.bits
        before = (*first.notes, *page_notes(page.parent, page), *name_notes(path, "TIFF"), *on_grey)
        self.notes = (*before, *self._depth.notes)

    def _stored(self, rows: slice, columns: slice) -> np.ndarray:
        with one_line_errors(), np.errstate(all="ignore"), decoding_errors(self.path, "TIFF"):
            stored = self.segments.read(*self._orientation.stored(rows, columns, self.shape))
            return self._orientation.turned(page_samples(self.path, self._page, stored).values)

    def _looked_through(self, progress: Progress | None) -> Bits:
        """Which bits the values use; refuses colours."""
        bits, colours, blocks = Bits(), 0, _blocks(self.shape)
        for done, block in enumerate(blocks, start=1):
            values = self._stored(*block)
            colours += coloured(values)
            bits |= Bits.of(values)
            if progress:
                progress(done, len(blocks), f"looking through {self.path.name}")
        refuse_colours(self.path, colours, self.shape[0] * self.shape[1])
        return bits

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """The values of some rows and columns."""
        values = self._stored(rows, columns)
        return self._depth.stored(values if values.ndim == 2 else values[..., 0])

    def bar(self) -> Bar | None:
        """The information bar, found by looking."""
        height, width = self.shape
        brightest, across = 255 if self.bit_depth == 8 else self._bits.top, slice(0, width)
        return find_bar_at_ends(
            self.shape,
            brightest,
            lambda rows: self.read(slice(0, rows), across),
            lambda rows: self.read(slice(height - rows, height), across)[::-1],
        )


def _costs(segments: Segments) -> tuple[str, ...]:
    large = segments.largest > KEPT
    return (f"strips or tiles of {segments.largest / 2**20:.0f} MB each, decoded whole",) if large else ()


def _resampled(grey: Read, shape: tuple[int, int], target: tuple[int, int]) -> Read:
    down, across = (edges(*sides) for sides in zip(shape, target, strict=True))

    def read_(rows: slice, columns: slice) -> np.ndarray:
        y, x = down[rows.start : rows.stop + 1], across[columns.start : columns.stop + 1]
        return averaged(grey(slice(int(y[0]), int(y[-1])), slice(int(x[0]), int(x[-1]))), y - y[0], x - x[0])

    return read_


def _open(path: Path, tiff: Any, settings: ReadSettings, listed: float, progress: Progress | None) -> Opened:
    """The steps of `read`, each prepared instead of done."""
    page = picture_page(tiff)
    check_page(path, page, settings.max_pixels)
    scale = page_scale(tiff, page)
    declared = declared_depth(page) or (scale.bits if scale else 0)
    greys = _Greys(path, page, declared, settings.bit_depth, progress)
    metadata = picture_metadata(path, tiff_metadata(tiff))
    bar, on_bar, contradicted = cut_bar(path, greys.shape, greys.bar, metadata, settings)
    above, below = (bar.above, bar.below) if bar else (0, 0)
    shape = greys.shape[0] - above - below, greys.shape[1]
    _, size, on_scale = own_pixel_size(metadata, scale, contradicted, listed, settings)
    target, size, on_size = resampling(path, shape, size, settings.resample)

    def cropped(rows: slice, columns: slice) -> np.ndarray:
        return greys.read(slice(rows.start + above, rows.stop + above), columns)

    values = _resampled(cropped, shape, target) if on_size else cropped
    notes = (*greys.notes, *on_bar, *on_scale, *on_size, *_costs(greys.segments))
    return Opened(Windows(target, greys.bit_depth, values), size, notes)


def _is_large(tiff: Any) -> bool:
    page = picture_page(tiff)
    return bool(page.imagewidth * page.imagelength > LARGE)


@contextlib.contextmanager
def open_windows(
    path: str | PathLike[str],
    settings: ReadSettings | None = None,
    listed_pixel_size_nm: float = math.nan,
    progress: Progress | None = None,
) -> Iterator[Opened]:
    """Opens one micrograph for reading by windows, as `read` reads it whole.

    A TIFF of more than `LARGE` px is read by its strips or tiles; any other file is held whole. Memory then grows with
    the width of a strip, never with the area, unless the file has few large strips, which a note says.

    Args:
        path: the file.
        settings: what the user overrules; nothing where None.
        listed_pixel_size_nm: what labels.csv says.
        progress: called with (done, total, what) where all of a large picture must be looked through first.

    Raises:
        InputError: if the file is missing, damaged, too large, no picture, or a colour picture; damage inside a large
            picture shows when it is read.
    """
    path, settings = Path(path), settings or ReadSettings()
    with contextlib.ExitStack() as stack:
        opened = None
        with one_line_errors():
            if kind_of(path) == "TIFF":
                import tifffile

                with np.errstate(all="ignore"), decoding_errors(path, "TIFF"):
                    tiff = stack.enter_context(tifffile.TiffFile(path))
                    if _is_large(tiff):
                        opened = _open(path, tiff, settings, listed_pixel_size_nm, progress)
        if opened is None:
            whole = read(path, settings, listed_pixel_size_nm)
            windows = Windows.of(whole.pixels, whole.bit_depth)
            held = (f"{kind_of(path)} held whole",) if windows.large else ()
            opened = Opened(windows, whole.pixel_size_nm, (*whole.notes, *held))
        yield opened
