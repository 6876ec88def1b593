"""Find the information bar that a microscope burns into a picture, by looking.

A bar is a strip over the whole width whose background is one grey value, with glyphs on it and a straight, sharp
boundary. Sensor noise never leaves one value over the whole width; pores, resin and saturated regions have either no
straight boundary or nothing written on them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tfds_copper.micrograph.record import BOTTOM, TOP, Bar

__all__ = ["find_bar", "find_bar_at_ends"]

Rows = Callable[[int], np.ndarray]

# All grey values below are of 0..255. A bar has 10 rows or more, and is no taller than this part of the picture.
_TALLEST, _THINNEST, _SMALLEST = 0.45, 10, 32
# Zeiss leaves the last row and the outermost columns to the picture; others draw a border there.
_BORDER_ROWS, _BORDER_COLUMNS = 3, 2
# This part of a row is background: of a row between glyphs, of one about which a JPEG rings, of one through glyphs.
_CLEAN, _RINGING, _WRITTEN = 0.8, 0.45, 0.2
# A ringing row is nearly all within this of the background.
_NEAR, _NEARLY_ALL = 32, 0.93
# A drawn line: so many rows, of one value up to what a JPEG does, that is none of the picture's.
_LINE_ROWS, _LINE_SPREAD, _LINE_PART, _LINE_JUMP, _SMALL_JUMP = 3, 8, 0.8, 12, 5
# With the rows that a JPEG spoils beside it.
_LINE_MOST = 5
# A line that a JPEG left alone.
_CONSTANT, _LOOSER, _JUMPING = 0.85, 0.2, 0.75
# A JPEG moves the rows beside a line by this much, all of them alike.
_SHIFT, _TIGHT, _TIGHT_PART = 8, 3, 0.8
# Beyond the boundary the background may be a grey value of the picture as well, but no frequent one.
_INSIDE, _DROP, _STEP, _SHARP = 0.7, 0.45, 0.3, 0.3
# Where the picture beside it has that value: how much the background's part drops, of so many edges the largest, the
# part of every column just inside, and the columns, parts of the width and rows in which the picture has other values.
_LEAST_DROP, _EDGES, _ENDING, _OTHER_COLUMNS, _OTHER_PARTS, _OTHER_ROWS = 0.08, 6, 0.9, 32, 3, 4
# So few values beyond the boundary are a mask's, in which everything is sharp.
_MASK_VALUES = 4
# Glyphs: contrast to the background, and how much of them there must and may be.
_CONTRAST, _FEWEST_INK, _MOST_INK, _FEWEST_GLYPHS = 36, 24, 0.5, 2
# Of frame lines, of the rows inside the boundary, and of the pixels between ink and background.
_FRAME, _MARGIN, _MOST_BETWEEN, _FAINT = 0.9, 0.6, 4.0, 8
# The background reaches from side to side: every such part of the row inside the boundary has some,
# but for a logo.
_PARTS, _LOGO_PARTS, _SOME = 16, 3, 0.15
# Ways to look, in turn: with some ringing, with so much about small text that this is the tolerance, with none.
_RINGED, _SMEARED, _PLAIN = range(3)
_SOFT = 12
# Rows that are searched first, and those beyond the background that decide: a mosaic is never searched whole.
_FIRST_LOOK, _BEYOND = 128, 40


@dataclasses.dataclass(frozen=True, eq=False)
class _End:
    """One end of a picture, its outermost row first.

    Args:
        values: `(rows, columns)`, int16, 0..255, without the border columns.
        ground: the value that most of the outermost rows have.
        tolerance: how far its noise goes.
        share: the part of every row that has it, to the tolerance.
        clean: whether a row is background but for a few pixels, or but for a JPEG's ringing.
    """

    values: np.ndarray
    ground: int
    tolerance: int
    share: np.ndarray
    clean: np.ndarray


def _levels(pixels: np.ndarray, shift: int) -> np.ndarray:
    part = pixels[:, _BORDER_COLUMNS:-_BORDER_COLUMNS]
    return (part >> shift).astype(np.int16)


def _part(values: np.ndarray, centre: np.ndarray | int, tolerance: int) -> np.ndarray:
    """The part of every row within the tolerance of the centre."""
    return np.count_nonzero(np.abs(values - centre) <= tolerance, axis=1) / values.shape[1]


def _background(values: np.ndarray, way: int) -> tuple[int, int] | None:
    """The most frequent value and its noise, 1 to 3 or `_SOFT`; None where no value is frequent."""
    counts = np.bincount(values.ravel(), minlength=256)
    # Noise spreads the background over a few neighbouring values.
    width = _SOFT if way == _SMEARED else 4
    peak = int(np.convolve(counts, np.ones(5, int), "same").argmax())
    low = max(0, peak - width)
    around = counts[low : peak + width + 1]
    if around.sum() < _RINGING * values.size:
        return None
    ground = low + int(np.searchsorted(np.cumsum(around), around.sum() / 2))
    if way == _SMEARED:
        return ground, _SOFT
    off = np.abs(np.arange(low, low + len(around)) - ground)
    return ground, next(n for n in (1, 2, 3) if n == 3 or around[off <= n].sum() >= 0.9 * around.sum())


def _end(rows: np.ndarray, shift: int, way: int) -> _End | None:
    """The first rows of a picture in figures; None where they have no background."""
    found = _background(_levels(rows[_BORDER_ROWS : _THINNEST + _BORDER_ROWS], shift), way)
    if found is None:
        return None
    ground, tolerance = found
    values = _levels(rows, shift)
    share = _part(values, ground, tolerance)
    clean = share >= _CLEAN
    if way == _RINGED:
        clean |= (share >= _RINGING) & (_part(values, ground, _NEAR) >= _NEARLY_ALL)
    return _End(values, ground, tolerance, share, clean)


def _is_line(end: _End, row: int) -> bool:
    """Whether a row is of one value."""
    values = end.values[row]
    return float(np.mean(np.abs(values - np.median(values)) <= _LINE_SPREAD)) >= _LINE_PART


def _is_shifted(end: _End, row: int) -> bool:
    """Whether a row is the background but for what a JPEG makes of a line beside it."""
    values = end.values[row]
    middle = np.median(values)
    if abs(float(middle) - end.ground) > _SHIFT:
        return False
    return float(np.mean(np.abs(values - middle) <= _TIGHT)) >= _TIGHT_PART


def _extent(end: _End) -> tuple[int, bool]:
    """Rows up to the last one that is background, across rows with glyphs and lines, and whether it surely ends."""
    last, strange = 0, 0
    for row, share in enumerate(end.share):
        if end.clean[row] or _is_shifted(end, row):
            last, strange = row + 1, 0
        elif share < _WRITTEN and row >= _BORDER_ROWS:
            strange += 1
            if strange > _LINE_ROWS or not _is_line(end, row):
                return last, True
    return last, False


def _with_line(end: _End, inner: int) -> int:
    """Rows with the line between bar and picture, if there is one."""
    middles = np.median(end.values[inner : inner + _LINE_MOST + 17], axis=1)
    tight = _part(
        end.values[inner : inner + _LINE_MOST + 1], middles[: _LINE_MOST + 1, None], min(end.tolerance, _TIGHT)
    )
    jumps = np.abs(np.diff(middles))
    # A dark line beside a dark picture: a small jump, but far larger than any between the picture's rows.
    small = max(_SMALL_JUMP, 3 * float(jumps[_LINE_MOST:].max()))
    rows = inner
    for k in range(_LINE_MOST):
        if not _is_line(end, inner + k):
            if abs(middles[k] - end.ground) > _SHIFT:
                break
            continue
        # Beside a saturated picture a line differs only by having no exceptions.
        constant = tight[k] >= _CONSTANT and tight[k + 1] <= _CONSTANT - _LOOSER
        if constant or jumps[k] >= _LINE_JUMP or (jumps[k] >= small and tight[k] >= _JUMPING):
            rows = inner + k + 1
    return rows


def _is_sharp(end: _End, inner: int, rows: int) -> bool:
    """Whether the background ends at once, over the whole width."""
    beyond = slice(rows + 2, rows + 12)
    if len(np.unique(end.values[beyond])) <= _MASK_VALUES:
        return False
    usual = float(np.median(end.share[beyond]))
    first = float(end.share[rows : rows + 2].max())
    inside = float(end.share[:inner].max())
    if inside < _INSIDE or usual > inside - (_STEP if rows > inner else _DROP):
        return False
    # A natural border fades over some rows, even where it is nearly straight.
    usual = min(usual, float(np.median(end.share[rows + 2 : rows + 6])))
    last = float(end.share[inner - 1])
    return first <= last - _STEP and first - usual <= _SHARP * (last - usual)


def _is_whole(end: _End, inner: int) -> bool:
    """Whether the background goes from side to side just inside the boundary, but for a logo."""
    rows = np.abs(end.values[inner - 2 : inner] - end.ground) <= end.tolerance
    parts = [float(part.mean(axis=1).max()) >= _SOME for part in np.array_split(rows, _PARTS, axis=1)]
    return parts[0] and parts[-1] and sum(parts) >= _PARTS - _LOGO_PARTS


def _has_glyphs(end: _End, inner: int) -> bool:
    """Whether something is written on the first rows."""
    from scipy import ndimage

    rows = end.values[_BORDER_ROWS:inner]
    contrast = np.abs(rows[end.share[_BORDER_ROWS:inner] >= _WRITTEN] - end.ground)
    ink = contrast > _CONTRAST
    columns = np.count_nonzero(ink, axis=0) < _FRAME * len(ink)
    ink, contrast = ink[:, columns], contrast[:, columns]
    count = np.count_nonzero(ink)
    if not _FEWEST_INK <= count <= _MOST_INK * ink.size:
        return False
    # What shows through a saturated region is mostly faint, and goes on to the boundary.
    if np.count_nonzero(contrast > _FAINT) - count > _MOST_BETWEEN * count:
        return False
    if ink[-2:].mean(axis=1).min() > _MARGIN * ink.mean():
        return False
    return int(ndimage.label(ink)[1]) >= _FEWEST_GLYPHS


def _is_sharp_beside(end: _End, inner: int, rows: int) -> bool:
    """Whether the background ends at once wherever the picture beside it has another value.

    Args:
        end: of the picture.
        inner: rows of background.
        rows: the same with the line between bar and picture.
    """
    off = np.abs(end.values[: rows + 12] - end.ground)
    ground, beyond = off <= end.tolerance, slice(rows + 1, rows + 1 + _OTHER_ROWS)
    other = ~ground[beyond].any(axis=0)
    parts = sum(float(part.mean()) >= _SOME for part in np.array_split(other, _PARTS))
    if parts < _OTHER_PARTS or np.count_nonzero(other) < _OTHER_COLUMNS:
        return False
    if len(np.unique(end.values[rows + 2 : rows + 12])) <= _MASK_VALUES:
        return False
    inside = ground[:inner, other].mean(axis=1)
    if float(inside[-2:].min()) < _ENDING or float(np.median(inside)) < _INSIDE:
        return False
    # Nothing fades into the background, neither in how many columns nor in how far they are from it.
    usual = float(np.median(off[beyond, :][:, other]))
    first = off[rows, other]
    return float(np.mean(first <= end.tolerance)) <= _SHARP and float(np.median(first)) >= usual / 2


def _usual_rows(end: _End, height: int) -> int:
    """Rows of a bar whose background is no frequent value of the picture beside it; 0 for none."""
    inner = _extent(end)[0]
    if not _THINNEST <= inner <= _TALLEST * height:
        return 0
    rows = _with_line(end, inner)
    return rows if _is_sharp(end, inner, rows) and _is_whole(end, inner) and _has_glyphs(end, inner) else 0


def _rows_beside(end: _End, height: int) -> int:
    """Rows of a bar whose background is a frequent value of the picture beside it as well; 0 for none."""
    most = min(int(_TALLEST * height), len(end.share) - 12)
    drops = np.where(end.clean[:-1], end.share[:-1] - end.share[1:], 0)
    for inner in (np.argsort(-drops, kind="stable")[:_EDGES] + 1).tolist():
        if not _THINNEST <= inner <= most or drops[inner - 1] < _LEAST_DROP:
            continue
        rows = _with_line(end, inner)
        if _is_sharp_beside(end, inner, rows) and _is_whole(end, inner) and _has_glyphs(end, inner):
            return rows
    return 0


# What is looked for, by which ways: beside the bar's own value ringing can't be told from the picture.
_SEARCHES = ((_usual_rows, (_RINGED, _SMEARED, _PLAIN)), (_rows_beside, (_SMEARED, _PLAIN)))


def _seen(first: Rows, height: int, shift: int, way: int) -> _End | None:
    """So many rows of one end of a picture of `height` as decide; None where they have no background."""
    most = round(_TALLEST * height) + 16
    count = min(most, _FIRST_LOOK)
    while True:
        end = _end(first(count), shift, way)
        if end is None:
            return None
        inner, ends = _extent(end)
        if count == most or (ends and inner + _BEYOND <= count):
            return end
        count = min(most, 2 * count)


def find_bar_at_ends(shape: tuple[int, int], brightest: int, first: Rows, last: Rows) -> Bar | None:
    """The information bar of a picture of which only the rows at its ends are looked at, see `find_bar`.

    Args:
        shape: height and width in px.
        brightest: the picture's largest grey value.
        first: gives so many rows from the top, `(rows, width)`.
        last: gives so many rows from the bottom, the last one first.
    """
    if min(shape) < _SMALLEST:
        return None
    shift = max(0, brightest.bit_length() - 8)
    for search, ways in _SEARCHES:
        for way in ways:
            for side, outermost in ((BOTTOM, last), (TOP, first)):
                end = _seen(outermost, shape[0], shift, way)
                rows = search(end, shape[0]) if end is not None else 0
                if rows:
                    return Bar(side, rows)
    return None


def find_bar(pixels: np.ndarray) -> Bar | None:
    """The information bar at the bottom or the top: glyphs on one grey value, with a straight boundary.

    Args:
        pixels: grey values, `(height, width)`, uint8 or uint16, of which any number of bits may be used.

    Returns:
        The bar with its border and separating lines; None where nothing is surely a bar.
    """
    height, width = pixels.shape
    brightest = int(pixels.max(initial=0))
    return find_bar_at_ends((height, width), brightest, lambda n: pixels[:n], lambda n: pixels[::-1][:n])
