"""Verification of candidates on the pixels: do two pictures show the same place?"""

from __future__ import annotations

import copy
import dataclasses
import functools
import math

import numpy as np
from scipy import fft, ndimage

from tfds_copper.audit.candidates import Candidate, Kind
from tfds_copper.audit.preprocessing import area_resize, high_pass, require_grey_image, scale_factor, shrink

__all__ = ["DuplicatePair", "PreparedImage", "verify"]

# The least correlation of the common area, and of what is left of it without its most alike third.
_LEAST, _LEAST_REST = 0.5, 0.4
# How far the best shift must stand out, with the correlation weighed by the root of the area: as a multiple of the
# next best, which a repeating pattern keeps near 1, and of the standard deviation over all shifts. Of 8,000 likely
# but untrue pairs of tiles of one alloy none reaches both; of true ones with noise of sd 8 added, 9 in 10 do.
_DISTINCT, _DEVIATIONS = 1.8, 9.5
# Of round particles on a flat ground one lies on another at some shift, and then the common area agrees. So the fine
# structure, between two blurs of so many thumbnail px, must agree without the three objects that agree most: by so many
# standard deviations of chance. In 2,000 simulated pictures of particles 129 pairs look alike and reach 1.4 at most; of
# 264 true overlaps of such pictures 98 in 100 reach 4, and all of textures.
_SET_ASIDE, _FINE, _BEYOND_CHANCE = 3, (0.7, 2.0), 4.0
# An object reaches down to this share of its height above the median, and a margin further. The margin of the common
# area isn't looked at, since a blur reaches beyond it. Thumbnail px.
_HEIGHT, _MARGIN, _BORDER = 0.5, 6, 3
# Objects on a flat ground agree where so many, and such a share of those of either picture, have a partner at so many
# thumbnail px whose area is half to twice theirs. In 8,000 pairs of pictures of particles that look alike at some shift
# one object has a partner there, or two.
_LEAST_OBJECTS, _LEAST_PAIRED, _APART, _SMALLEST = 4, 0.6, 1.5, 4
# Shifts so near to the best are the same peak, and so near to the voted one are what was voted for. Thumbnail px.
_PEAK, _REACH = 12, 4.0
# The smallest common area, as share of the smaller picture and in thumbnail px.
_SHARE, _AREA = 0.08, 400
_BLOCKS = 6


@dataclasses.dataclass(frozen=True, order=True)
class DuplicatePair:
    """Two pictures that show the same place.

    Attributes:
        first: number of a picture.
        second: number of a later picture.
        kind: ``copy`` (equal grey values), ``resaved`` (the whole picture again, brighter, coarser or at another
            size) or ``overlap`` (fields of view that share a part).
        share: common area as share of the smaller picture, 0 to 1.
        correlation: of the common area, high-passed, -1 to 1; 1 for a copy.
    """

    first: int
    second: int
    kind: Kind
    share: float
    correlation: float


class PreparedImage:
    """A picture prepared for comparison: its high-passed thumbnails, each made when it is first needed.

    Args:
        pixels: grey values, shape (height, width); shrunk at once, so that it stays small.

    Raises:
        InputError: if the shape is another, or empty.
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.shape = (int(require_grey_image(pixels).shape[0]), int(pixels.shape[1]))
        self.factor = scale_factor(self.shape)
        self.thumbnail = shrink(pixels, self.factor)
        self._made: dict[tuple[int, int], _Thumbnail] = {}

    def as_read(self) -> PreparedImage:
        """The same picture with nothing made yet."""
        fresh = copy.copy(self)
        fresh._made = {}
        return fresh

    def at_factor(self, factor: int) -> _Thumbnail:
        """The high-passed thumbnail at a factor of at least the picture's own."""
        key = (factor, 0)
        if key not in self._made:
            self._made[key] = _Thumbnail(shrink(self.thumbnail, factor // self.factor))
        return self._made[key]

    def at_size(self, height: int, width: int) -> _Thumbnail:
        """The high-passed thumbnail at a size, px."""
        key = (height, width)
        if key not in self._made:
            self._made[key] = _Thumbnail(area_resize(self.thumbnail, height, width))
        return self._made[key]


class _HighPassed:
    """A high-passed thumbnail, its sums of squares and its spectra."""

    def __init__(self, passed: np.ndarray) -> None:
        self.passed = passed
        energy = np.cumsum(np.cumsum(passed.astype(np.float64) ** 2, axis=0), axis=1)
        self.energy = np.pad(energy, ((1, 0), (1, 0))).astype(np.float32)
        self._spectra: dict[tuple[int, int], np.ndarray] = {}

    def spectrum(self, size: tuple[int, int]) -> np.ndarray:
        # Other threads may change what is kept meanwhile.
        found = self._spectra.get(size)
        if found is None:
            found = fft.rfft2(self.passed, size)
            self._spectra = {size: found}
        return found


class _Thumbnail(_HighPassed):
    """A thumbnail, high-passed, with its grey values; of those it keeps what tells objects and fine structure."""

    def __init__(self, grey: np.ndarray) -> None:
        super().__init__(high_pass(grey))
        self._grey = grey

    @functools.cached_property
    def height(self) -> np.ndarray:
        """How far each smoothed grey value is from the median."""
        smooth = ndimage.gaussian_filter(self._grey, 1.0)
        return np.abs(smooth - np.median(smooth))

    @functools.cached_property
    def objects(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles, ``(objects, 2)``, and areas of what is brighter than its ground, thumbnail px."""
        from skimage.filters import threshold_otsu  # slow to import

        smooth = ndimage.gaussian_filter(self._grey, 1.0)
        labels, count = ndimage.label(smooth > threshold_otsu(smooth))
        numbers, ones = np.arange(1, count + 1), np.ones_like(smooth)
        areas = ndimage.sum_labels(ones, labels, numbers)
        middles = np.array(ndimage.center_of_mass(ones, labels, numbers)).reshape(-1, 2)
        return middles[areas >= _SMALLEST], areas[areas >= _SMALLEST]

    @functools.cached_property
    def fine(self) -> np.ndarray:
        """What is left between two blurs."""
        least, most = (ndimage.gaussian_filter(self._grey, width) for width in _FINE)
        return least - most


class _Spans:
    """Shifts along an axis with enough in common, and where the common part starts and ends in either picture."""

    def __init__(self, a: int, b: int, shifts: np.ndarray) -> None:
        common = np.minimum(a, b + shifts) - np.maximum(0, shifts)
        self.shifts = shifts[common >= max(1, _SHARE * min(a, b))]
        self.here = np.maximum(0, self.shifts), np.minimum(a, b + self.shifts)
        self.there = np.maximum(0, -self.shifts), np.minimum(b, a - self.shifts)
        self.length = self.here[1] - self.here[0]


@functools.lru_cache(maxsize=64)
def _all_spans(a: int, b: int) -> _Spans:
    return _Spans(a, b, np.arange(-b + 1, a))


def _sums(table: np.ndarray, rows: tuple[np.ndarray, np.ndarray], columns: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    banded = table[rows[1]] - table[rows[0]]
    return banded[:, columns[1]] - banded[:, columns[0]]


def _products(a: _HighPassed, b: _HighPassed) -> np.ndarray:
    """The sum of products of the common parts at every shift; a negative shift counts from the end."""
    (ha, wa), (hb, wb) = a.passed.shape, b.passed.shape
    size = (fft.next_fast_len(ha + hb - 1, True), fft.next_fast_len(wa + wb - 1, True))
    return fft.irfft2(a.spectrum(size) * np.conj(b.spectrum(size)), size)


def _correlations(
    a: _HighPassed, b: _HighPassed, products: np.ndarray, down: _Spans, right: _Spans
) -> tuple[np.ndarray, ...]:
    """For each pair of shifts the correlation of the common part, and the root of its share of the smaller picture."""
    power = _sums(a.energy, down.here, right.here) * _sums(b.energy, down.there, right.there)
    area = np.outer(down.length, right.length)
    smaller = min(a.passed.size, b.passed.size)
    # Where one of the two is blank there is nothing to compare; less than 1 per 100 px is rounding.
    usable = (area >= max(_AREA, _SHARE * smaller)) & (power > (0.01 * area) ** 2)
    found = products[np.ix_(down.shifts, right.shifts)] / np.sqrt(np.maximum(power, 1e-9))
    return np.where(usable, np.clip(found, -1, 1), 0), np.sqrt(area / smaller)


def _common(a: np.ndarray, b: np.ndarray, down: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    height, width = min(a.shape[0], b.shape[0] + down), min(a.shape[1], b.shape[1] + right)
    part = a[max(0, down) : height, max(0, right) : width]
    return part, b[max(0, -down) : height - down, max(0, -right) : width - right]


def _rest(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation without the most alike third of the blocks: burnt-in text and bars lie in a few."""
    ends = [np.linspace(0, n, min(_BLOCKS, max(1, n // 8)) + 1).astype(int)[:-1] for n in a.shape]
    cross, power_a, power_b = (
        np.add.reduceat(np.add.reduceat(p, ends[0], axis=0), ends[1], axis=1).ravel() for p in (a * b, a**2, b**2)
    )
    kept = np.argsort(cross, kind="stable")[: cross.size - cross.size // 3]
    power = float(power_a[kept].sum()) * float(power_b[kept].sum())
    return float(cross[kept].sum()) / math.sqrt(power) if power > 0 else 0.0


def _object(height: np.ndarray, row: int, column: int) -> np.ndarray:
    """What is joined to the highest place near one, down to a share of its height: True there."""
    top, left = max(0, row - 4), max(0, column - 4)
    near = height[top : row + 5, left : column + 5]
    down, right = np.unravel_index(int(near.argmax()), near.shape)
    joined, _ = ndimage.label(height > _HEIGHT * near.max())
    return np.asarray(joined == joined[top + down, left + right])


def _objects_within(thumbnail: _Thumbnail, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middles, areas = thumbnail.objects
    within = ((middles >= low) & (middles < high)).all(axis=1)
    return middles[within], areas[within]


def _objects_agree(a: _Thumbnail, b: _Thumbnail, down: int, right: int) -> bool:
    """Whether the objects of the common area are the same ones: nearly all have a partner in the other picture."""
    shift, sides = np.array([down, right]), (np.array(a.passed.shape), np.array(b.passed.shape))
    low, high = np.maximum(0, shift) + _BORDER, np.minimum(sides[0], sides[1] + shift) - _BORDER
    here, areas = _objects_within(a, low, high)
    there, others = _objects_within(b, low - shift, high - shift)
    if min(len(here), len(there)) < _LEAST_OBJECTS:
        return False
    apart = np.linalg.norm(here[:, None] - (there + shift)[None], axis=2)
    nearest, back = apart.argmin(axis=1), apart.argmin(axis=0)
    first = np.arange(len(here))
    size = np.abs(np.log2(areas / others[nearest]))
    pairs = int(((back[nearest] == first) & (apart[first, nearest] <= _APART) & (size <= 1)).sum())
    return pairs >= max(_LEAST_OBJECTS, _LEAST_PAIRED * max(len(here), len(there)))


def _agree_beyond_objects(a: _Thumbnail, b: _Thumbnail, down: int, right: int) -> bool:
    """Whether the fine structure of the common area agrees without the few objects that agree most."""
    here, there = _common(a.passed, b.passed, down, right)
    alike = here * there
    heights = _common(a.height, b.height, down, right)
    left = np.ones(alike.shape, bool)
    for _ in range(_SET_ASIDE):
        smooth = ndimage.gaussian_filter(alike * left, 2.0)
        row, column = (int(n) for n in np.unravel_index(int(smooth.argmax()), smooth.shape))
        both = _object(heights[0], row, column) | _object(heights[1], row, column)
        left &= ~ndimage.binary_dilation(both, iterations=_MARGIN)
    left[:_BORDER] = left[-_BORDER:] = left[:, :_BORDER] = left[:, -_BORDER:] = False
    here, there = (fine[left] for fine in _common(a.fine, b.fine, down, right))
    if min(here.size, there.size) < 2 or not here.std() * there.std() > 0:
        return False
    # Blurred pixels are alike in an area of 4 pi sd^2; so many fewer are independent.
    independent = left.sum() / (1 + 4 * math.pi * _FINE[0] ** 2)
    return float(np.corrcoef(here, there)[0, 1]) * math.sqrt(independent) >= _BEYOND_CHANCE


def _same_place(a: _Thumbnail, b: _Thumbnail, down: int, right: int) -> bool:
    """Whether pictures that agree at a shift do so by their surface, not by marks or by a few objects."""
    # Marks that are burnt into pictures of one size lie on each other at hardly any shift.
    if a.passed.shape == b.passed.shape and math.hypot(down, right) > _REACH:
        return _agree_beyond_objects(a, b, down, right) or _objects_agree(a, b, down, right)
    rest = _rest(*_common(a.passed, b.passed, down, right))
    return rest >= _LEAST_REST and _agree_beyond_objects(a, b, down, right)


def _promising(a: _HighPassed, b: _HighPassed, products: np.ndarray, near: tuple[float, float], reach: float) -> bool:
    """Whether the pictures agree at all where they should; most chance candidates end here, at little cost."""
    spans = [
        _Spans(n, m, np.arange(math.ceil(at - reach), math.floor(at + reach) + 1))
        for n, m, at in zip(a.passed.shape, b.passed.shape, near, strict=True)
    ]
    if not all(span.shifts.size for span in spans):
        return False
    return float(_correlations(a, b, products, *spans)[0].max()) >= _LEAST


def _peak(
    a: _Thumbnail, b: _Thumbnail, near: tuple[float, float] | None, reach: float
) -> tuple[int, int, float] | None:
    """The one shift at which two thumbnails agree, as (down, right, correlation); None where there is none."""
    if not a.passed.any() or not b.passed.any():
        return None
    products = _products(a, b)
    if near and not _promising(a, b, products, near, reach):
        return None
    down, right = (_all_spans(n, m) for n, m in zip(a.passed.shape, b.passed.shape, strict=True))
    correlation, root = _correlations(a, b, products, down, right)
    score = np.arctanh(np.clip(correlation, -0.99, 0.99)) * root
    y, x = np.unravel_index(int(score.argmax()), score.shape)
    best, found = float(score[y, x]), float(correlation[y, x])
    rows, columns = down.shifts, right.shifts
    if found < _LEAST or (near and math.hypot(rows[y] - near[0], columns[x] - near[1]) > reach):
        return None
    away = (np.hypot((rows - rows[y])[:, None], (columns - columns[x])[None]) > _PEAK) & (correlation != 0)
    others = score[away] if away.any() else np.zeros(1)
    if best < max(_DISTINCT * float(others.max()), _DEVIATIONS * float(others.std())):
        return None
    at = int(rows[y]), int(columns[x])
    return (*at, found) if _same_place(a, b, *at) else None


def _as_resaved(a: PreparedImage, b: PreparedImage, candidate: Candidate) -> DuplicatePair | None:
    height, width = (min(n) for n in zip(a.thumbnail.shape, b.thumbnail.shape, strict=True))
    stretch = math.log(a.shape[0] / a.shape[1] * b.shape[1] / b.shape[0])
    # Rounding to whole px changes the sides of a small copy a little.
    if abs(stretch) > 0.02 + 1 / min(*a.shape, *b.shape) or min(height, width) < 16:
        return None
    peak = _peak(a.at_size(height, width), b.at_size(height, width), (0, 0), 1.5)
    return peak and DuplicatePair(candidate.first, candidate.second, "resaved", 1.0, round(peak[2], 4))


def _as_overlap(a: PreparedImage, b: PreparedImage, candidate: Candidate) -> DuplicatePair | None:
    factor = max(a.factor, b.factor)
    near = (candidate.shift[0] / factor, candidate.shift[1] / factor) if candidate.kind == "overlap" else None
    peak = _peak(a.at_factor(factor), b.at_factor(factor), near, _REACH)
    if peak is None:
        return None
    sides = [
        min(n, m + shift * factor) - max(0, shift * factor)
        for n, m, shift in zip(a.shape, b.shape, peak[:2], strict=True)
    ]
    share = sides[0] * sides[1] / min(math.prod(a.shape), math.prod(b.shape))
    return DuplicatePair(candidate.first, candidate.second, "overlap", round(min(1.0, share), 4), round(peak[2], 4))


def verify(a: PreparedImage, b: PreparedImage, candidate: Candidate) -> DuplicatePair | None:
    """Verifies a candidate on the pixels.

    Args:
        a: the first picture.
        b: the second.
        candidate: as the fingerprints suggest; a ``copy`` is accepted, since its digests are equal.

    Returns:
        What they share; None if they show the same place neither as copies nor by overlapping.
    """
    if candidate.kind == "copy":
        return DuplicatePair(candidate.first, candidate.second, "copy", 1.0, 1.0)
    # Like hashes may also come of fields a little apart.
    resaved = _as_resaved(a, b, candidate) if candidate.kind == "resaved" else None
    return resaved or _as_overlap(a, b, candidate)
