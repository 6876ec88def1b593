"""Find the information bar that a microscope burns into a picture, by looking.

A bar is a strip over the whole width whose background is one grey value, with glyphs on it and a straight, sharp
boundary. Sensor noise never leaves one value over the whole width; pores, resin and saturated regions have either no
straight boundary or nothing written on them.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfds_copper.micrograph.record import BOTTOM, TOP, Bar

__all__ = ["find_bar"]

# All grey values below are of 0..255. A bar has 10 rows or more, and is no taller than this part of the picture.
_TALLEST, _THINNEST = 0.45, 10
# Zeiss leaves the last row and the outermost columns to the picture; others draw a border there.
_BORDER_ROWS, _BORDER_COLUMNS = 3, 2
# This part of a row is background: of a row between glyphs, of one about which a JPEG rings, of one through glyphs.
_CLEAN, _RINGING, _WRITTEN = 0.8, 0.3, 0.12
# A ringing row is nearly all within this of the background.
_NEAR, _NEARLY_ALL = 32, 0.93
# A drawn line: so many rows, of one value up to what a JPEG does, that is none of the picture's.
_LINE_ROWS, _LINE_SPREAD, _LINE_PART, _LINE_JUMP = 3, 8, 0.9, 12
# Beyond the boundary the background may be a grey value of the picture as well, but no frequent one.
_BEYOND, _SHARP = 0.6, 0.25
# Glyphs: contrast to the background, and how much of them there must and may be.
_CONTRAST, _FEWEST_INK, _MOST_INK, _FEWEST_GLYPHS = 36, 24, 0.5, 3
_PEAK_WIDTH, _PEAK = 12, 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class _End:
    """One end of a picture, its outermost row first.

    Args:
        values: `(rows, columns)`, int16, 0..255, without the border columns.
        ground: the value that most of the outermost rows have.
        share: the part of every row that has it, to the noise.
        near: the part of every row that may have had it before a JPEG.
        line: whether a row is of one value, and another one than `ground`.
    """

    values: np.ndarray
    ground: int
    share: np.ndarray
    near: np.ndarray
    line: np.ndarray


def _levels(pixels: np.ndarray, shift: int) -> np.ndarray:
    part = pixels[:, _BORDER_COLUMNS:-_BORDER_COLUMNS]
    return (part >> shift).astype(np.int16)


def _part(values: np.ndarray, centre: np.ndarray | int, tolerance: int) -> np.ndarray:
    """The part of every row within the tolerance of the centre."""
    return np.count_nonzero(np.abs(values - centre) <= tolerance, axis=1) / values.shape[1]


def _background(values: np.ndarray) -> tuple[int, int] | None:
    """The most frequent value and its noise, 1 to 3; None where no value is frequent."""
    counts = np.bincount(values.ravel(), minlength=256)
    # Noise spreads the background over a few neighbouring values.
    peak = int(np.convolve(counts, np.ones(5, int), "same").argmax())
    low = max(0, peak - 4)
    around = counts[low : peak + 5]
    if around.sum() < _RINGING * values.size:
        return None
    ground = low + int(np.searchsorted(np.cumsum(around), around.sum() / 2))
    off = np.abs(np.arange(low, low + len(around)) - ground)
    return ground, next(n for n in (1, 2, 3) if n == 3 or around[off <= n].sum() >= 0.9 * around.sum())


def _end(pixels: np.ndarray, shift: int) -> _End | None:
    """The first rows of `pixels` in figures; None where they have no background."""
    found = _background(_levels(pixels[_BORDER_ROWS : _THINNEST + _BORDER_ROWS], shift))
    if found is None:
        return None
    ground, noise = found
    values = _levels(pixels[: round(_TALLEST * len(pixels)) + 16], shift)
    share = _part(values, ground, noise)
    line = np.zeros(len(values), bool)
    (other,) = np.nonzero(share < 1 - _LINE_PART)
    middle = np.median(values[other], axis=1, keepdims=True).astype(np.int16)
    line[other] = _part(values[other], middle, _LINE_SPREAD) >= _LINE_PART
    return _End(values, ground, share, _part(values, ground, _NEAR), line)


def _extent(end: _End) -> int:
    """Rows up to the last one that is background, across rows with glyphs and lines."""
    clean = (end.share >= _CLEAN) | ((end.share >= _RINGING) & (end.near >= _NEARLY_ALL))
    passable = clean | end.line | (end.share >= _WRITTEN)
    passable[:_BORDER_ROWS] = True
    stop = len(passable) if passable.all() else int(passable.argmin())
    (rows,) = np.nonzero(clean[:stop])
    return int(rows[-1]) + 1 if len(rows) else 0


def _with_line(end: _End, rows: int) -> int:
    """Rows with the line between bar and picture, if there is one."""
    middles = np.median(end.values[rows : rows + _LINE_ROWS + 8], axis=1)
    beyond = np.median(middles[_LINE_ROWS:])
    drawn = end.line[rows : rows + _LINE_ROWS] & (np.abs(middles[:_LINE_ROWS] - beyond) >= _LINE_JUMP)
    return rows + (len(drawn) if drawn.all() else int(drawn.argmin()))


def _is_sharp(end: _End, rows: int) -> bool:
    """Whether the background ends at once, over the whole width."""
    usual = float(np.median(end.share[rows + 2 : rows + 12]))
    return usual <= _BEYOND and float(end.share[rows : rows + 2].max()) <= usual + _SHARP


def _has_glyphs(end: _End, rows: int) -> bool:
    """Whether something is written on the first rows."""
    inner = end.values[_BORDER_ROWS:rows][~end.line[_BORDER_ROWS:rows]]
    ink = np.abs(inner - end.ground) > _CONTRAST
    count = np.count_nonzero(ink)
    if not _FEWEST_INK <= count <= _MOST_INK * ink.size:
        return False
    columns = ink.any(axis=0)
    if np.count_nonzero(np.diff(columns.astype(np.int8)) == 1) + int(columns[0]) < _FEWEST_GLYPHS:
        return False
    # Ink has a value or two of its own; what shows through a saturated region has all.
    counts = np.bincount(inner[ink], minlength=256)
    return int(np.convolve(counts, np.ones(2 * _PEAK_WIDTH + 1, int), "same").max()) >= _PEAK * count


def _rows(pixels: np.ndarray, shift: int) -> int:
    """Rows of the bar at the first rows of `pixels`; 0 for none."""
    end = _end(pixels, shift)
    if end is None:
        return 0
    inner = _extent(end)
    if not _THINNEST <= inner <= _TALLEST * len(pixels) or not _has_glyphs(end, inner):
        return 0
    rows = _with_line(end, inner)
    return rows if _is_sharp(end, rows) else 0


def find_bar(pixels: np.ndarray) -> Bar | None:
    """The information bar at the bottom or the top: glyphs on one grey value, with a straight boundary.

    Args:
        pixels: grey values, `(height, width)`, uint8 or uint16, of which any number of bits may be used.

    Returns:
        The bar with its border and separating lines; None where nothing is surely a bar.
    """
    if min(pixels.shape) < 2 * _THINNEST:
        return None
    shift = max(0, int(pixels.max()).bit_length() - 8)
    for side, rows_first in ((BOTTOM, pixels[::-1]), (TOP, pixels)):
        rows = _rows(rows_first, shift)
        if rows:
            return Bar(side, rows)
    return None
