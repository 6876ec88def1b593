"""Compact objects on a picture, such as particles on a flat ground, and how surely two pictures show the same ones.

Two independent pictures of round particles always have a shift at which one particle lies on another, and where it is
far brighter than the rest, that alone makes their common area correlate. One object fixes the shift and says nothing;
what counts is that the others then agree as well. So every object of the common area is looked for in the whole of the
other picture: the share of all places that suit it at least as well as the one where it ought to be is a p value, and
those of all objects are combined by Fisher's method.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from scipy import fft, ndimage, special

__all__ = ["Objects", "find_objects", "ground", "log_chance"]

# Objects kept per picture, the strongest, and the peaks looked at for them.
_MOST, _PEAKS = 48, 160
# The blur before objects are looked for, standard deviation, thumbnail px.
_BLUR = 1.0
# An object stands out from the ground by so many standard deviations of the noise, and by a share of the strongest.
_STANDS_OUT, _SHARE = 5.0, 0.04
# How much of a picture must be ground, within so many standard deviations of the noise, to call it flat.
_FLAT, _WITHIN = 0.4, 3.0
# The largest half side of an object, and what of its surroundings is looked for with it. Thumbnail px.
_HALF, _MARGIN = 32, 3
# The side of the squares over which the ground is levelled, thumbnail px, and where its grey values are clipped, sd.
_LEVELLED, _CLIP = 19, 3.0
# Where thirds of the common area begin, each of which the objects must agree without.
_THIRDS = (0, 1 / 6, 1 / 3, 1 / 2, 2 / 3)
# So many of the strongest objects must agree a little before others are looked for; few unlike pictures get further.
_FIRST, _HOPELESS = 4, -8.0
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Objects:
    """The compact objects of a picture, the strongest first; thumbnail px.

    Attributes:
        smooth: the picture that they were found in, blurred a little, shape (height, width), float32.
        centres: (row, column) of the middle of each, shape (objects, 2), float32.
        boxes: first row, end row, first column, end column of each at half its height, shape (objects, 4), int.
        heights: grey value above the ground, negative for dark ones, shape (objects,), float32.
        flat: whether they lie on a flat ground; else they are the strongest extremes of a texture.
    """

    smooth: np.ndarray
    centres: np.ndarray
    boxes: np.ndarray
    heights: np.ndarray
    flat: bool


def _noise(thumbnail: np.ndarray) -> float:
    """Standard deviation of white noise once blurred, from the median of a Laplacian that smooth surfaces pass."""
    rough = np.abs(ndimage.convolve(thumbnail, _LAPLACIAN))
    return float(np.median(rough)) / 0.6745 / 6 / (2 * math.sqrt(math.pi) * _BLUR)


def _box(height: np.ndarray, row: int, column: int, taken: np.ndarray) -> tuple[int, int, int, int] | None:
    """The box of what stands connected above half a peak; None where it belongs to a higher peak."""
    top, left = max(0, row - _HALF), max(0, column - _HALF)
    window = np.s_[top : row + _HALF + 1, left : column + _HALF + 1]
    labels, _ = ndimage.label(height[window] > 0.5 * height[row, column])
    region = labels == labels[row - top, column - left]
    if (taken[window] & region).any():
        return None
    taken[row, column] = True
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return top + int(rows[0]), top + int(rows[-1]) + 1, left + int(columns[0]), left + int(columns[-1]) + 1


def find_objects(thumbnail: np.ndarray) -> Objects:
    """The compact objects of a picture: bright and dark peaks that nothing higher is joined to at half their height.

    Args:
        thumbnail: grey values, shape (height, width), float32.
    """
    smooth = ndimage.gaussian_filter(thumbnail, _BLUR, truncate=3)
    level = smooth - np.float32(np.median(smooth))
    strength = np.abs(level)
    noise = max(_noise(thumbnail), 1e-3 * float(strength.max()), 1e-6)
    least = max(_STANDS_OUT * noise, _SHARE * float(strength.max()))
    peaks = np.argwhere((strength == ndimage.maximum_filter(strength, 5)) & (strength > least))
    peaks = peaks[np.argsort(-strength[tuple(peaks.T)], kind="stable")[:_PEAKS]]
    sides = {1: (level, np.zeros(level.shape, bool)), -1: (-level, np.zeros(level.shape, bool))}
    found: list[tuple[int, int, int, int]] = []
    heights: list[float] = []
    for row, column in peaks.tolist():
        box = _box(*(side := sides[1 if level[row, column] > 0 else -1])[:1], row, column, side[1])
        if box:
            found.append(box)
            heights.append(float(level[row, column]))
        if len(found) == _MOST:
            break
    boxes = np.array(found, int).reshape(-1, 4)
    centres = np.stack([boxes[:, :2].mean(axis=1), boxes[:, 2:].mean(axis=1)], axis=1) - 0.5
    flat = float(np.mean(strength < _WITHIN * noise)) >= _FLAT
    return Objects(smooth, centres.astype(np.float32), boxes, np.array(heights, np.float32), flat)


def ground(thumbnail: np.ndarray, objects: Objects) -> np.ndarray:
    """What lies between the objects: levelled, 0 where an object and its surroundings are, of a spread near 1.

    Args:
        thumbnail: grey values, shape (height, width), float32.
        objects: found in it.
    """
    open_ground = np.ones(thumbnail.shape, np.float32)
    for top, bottom, left, right in objects.boxes.tolist():
        down, across = (round(0.75 * n) + _MARGIN for n in (bottom - top, right - left))
        open_ground[max(0, top - down) : bottom + down, max(0, left - across) : right + across] = 0
    values = ndimage.gaussian_filter(thumbnail, 0.8, truncate=3) - np.float32(np.median(thumbnail))
    share = ndimage.uniform_filter(open_ground, _LEVELLED)
    mean = ndimage.uniform_filter(values * open_ground, _LEVELLED) / np.maximum(share, 1e-3)
    levelled = (values - mean) * open_ground
    spread = math.sqrt(float((levelled**2).sum()) / max(1.0, float(open_ground.sum())))
    return np.clip(levelled / max(spread, 1e-6), -_CLIP, _CLIP).astype(np.float32)


class _Lookup:
    """Looks for patches in the whole of a picture."""

    def __init__(self, smooth: np.ndarray, gain: float) -> None:
        self.level = smooth - np.float32(smooth.mean())
        self.size = tuple(fft.next_fast_len(n, True) for n in smooth.shape)
        self.gain = gain

    @functools.cached_property
    def _spectrum(self) -> np.ndarray:
        return np.asarray(fft.rfft2(self.level, self.size))

    @functools.cached_property
    def _tables(self) -> list[np.ndarray]:
        wide = self.level.astype(np.float64)
        return [np.pad(p.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))) for p in (wide, wide**2)]

    def chance(self, patch: np.ndarray, row: int, column: int) -> float:
        """The share of all places that suit a patch at least as well as one does; 1 where that one doesn't at all."""
        height, width = patch.shape
        mean, square = (
            (t[height:, width:] - t[:-height, width:] - t[height:, :-width] + t[:-height, :-width]) / patch.size
            for t in self._tables
        )
        patch = patch - patch.mean()
        products = fft.irfft2(self._spectrum * np.conj(fft.rfft2(patch, self.size)), self.size)
        alike = products[: mean.shape[0], : mean.shape[1]] / patch.size
        # A correlation that is lowered by any difference in contrast too.
        alike /= np.maximum(self.gain * float(patch.var()), np.maximum(square - mean**2, 0) / self.gain + 1e-9)
        here = float(alike[row, column])
        return float(np.mean(alike >= here - 1e-6)) if here > 0 else 1.0


def _chances(a: Objects, b: Objects, down: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each object of the first picture in the common area: where it is, 0 to 1, and the log of its chance."""
    top, left = max(0, down), max(0, right)
    bottom, far = (min(n, m + s) for n, m, s in zip(a.smooth.shape, b.smooth.shape, (down, right), strict=True))
    here, there = a.smooth[top:bottom, left:far], b.smooth[top - down : bottom - down, left - right : far - right]
    lookup = _Lookup(b.smooth, float(there.std()) / max(float(here.std()), 1e-6) or 1.0)
    places, chances = [], []
    for (row, column), (first, end, start, stop) in zip(a.centres.tolist(), a.boxes.tolist(), strict=True):
        if not (top <= row < bottom and left <= column < far):
            continue
        first, end = max(top, first - _MARGIN), min(bottom, end + _MARGIN)
        start, stop = max(left, start - _MARGIN), min(far, stop + _MARGIN)
        if min(end - first, stop - start) > _MARGIN:
            chances.append(lookup.chance(a.smooth[first:end, start:stop], first - down, start - right))
            places.append(((row - top) / (bottom - top), (column - left) / (far - left)))
        if len(chances) == _FIRST and _combined(np.log(chances)) > _HOPELESS:
            break
    return np.array(places).reshape(-1, 2), np.log(chances)


def _combined(chances: np.ndarray) -> float:
    """Fisher's method: minus the sum of the logarithms of n p values has the gamma distribution of shape n.

    The logarithm of its tail, since that is far below what a float holds.
    """
    count, total = len(chances), -float(chances.sum())
    if total <= 0:
        return 0.0
    terms = np.arange(count) * math.log(total) - special.gammaln(np.arange(count) + 1.0)
    return min(0.0, float(special.logsumexp(terms)) - total)


def log_chance(a: Objects, b: Objects, down: int, right: int) -> tuple[float, float]:
    """How likely the objects of two unlike pictures would agree as well as these do, as natural logarithms.

    Args:
        a: objects of the first picture.
        b: those of the second.
        down: rows by which the second picture's corner lies below the first one's, thumbnail px.
        right: the same for columns.

    Returns:
        0 or less, and above -8 as soon as the strongest objects disagree: of all objects in the common area, the worse
        of either picture's looked for in the other one; and the same without those of whichever third of its rows or
        columns leaves the least, since burnt-in text and bars lie in one.
    """
    whole, rest = -math.inf, -math.inf
    for places, chances in (_chances(a, b, down, right), _chances(b, a, -down, -right)):
        whole = max(whole, _combined(chances))
        if whole > _HOPELESS:
            return whole, whole
        outside = [(places[:, axis] < at) | (places[:, axis] > at + 1 / 3) for axis in (0, 1) for at in _THIRDS]
        rest = max(rest, *(_combined(chances[kept]) for kept in outside))
    return whole, rest
