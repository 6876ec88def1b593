"""Image features that tell whether a micrograph is like others: brightness, saturation, sharpness, texture.

Each is a mean over small windows, so that it depends neither on the size of the picture nor on its orientation.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from scipy import fft

from copper_tf.data.normalisation import grey
from tfds_copper.micrograph import Windows

__all__ = ["GROUPS", "SIDE", "ImageFeatures", "image_features"]

# Side in px of a window, and how many of them are enough: more would hardly change their means.
SIDE, _MOST = 64, 100
# So many windows stay in a processor's cache, and are too few for threads, which would spin while others have work.
_AT_ONCE = 8
# Borders of the bands of spatial frequency, in cycles per window: half an octave each.
_EDGES = (1.5, 2.8, 4.0, 5.7, 8.0, 11.3, 16.0, 22.6, 32.01)
_BANDS, _FINE, _LEVELS = len(_EDGES) - 1, 3, 4
# Grey values from which on, and up to which, a pixel is saturated; 8 bits have steps of 0.004.
_WHITE, _BLACK = 0.998, 0.002
# A fifth of a step of 8 bits: what is smaller than that is nothing.
_LEAST = 1e-3
# Windows side by side from which on their scatter is known well enough.
_FEW = 2
# Excess of power along one direction that chance gives a small picture.
_NO_DIRECTION = 0.05

# The features by what they describe; each group can differ for another reason.
GROUPS: dict[str, tuple[str, ...]] = {
    "grey levels": ("mean", "contrast", "skewness"),
    "saturation": ("white", "black"),
    "sharpness": (*(f"band {k}" for k in range(_BANDS - _FINE, _BANDS)), "noise"),
    "texture scale": tuple(f"band {k}" for k in range(_BANDS - _FINE)),
    "structure": tuple(f"{what} {k}" for what in ("bright or dark spots", "flatness") for k in range(_LEVELS)),
    "direction": tuple(f"direction {k}" for k in range(_BANDS // 2)),
}


@dataclasses.dataclass(frozen=True, eq=False)
class ImageFeatures:
    """The features of one picture.

    Attributes:
        values: in the order of `GROUPS`, float64.
        scatter: their covariance if each window were a picture of its own, ``(features, features)``; None where there
            are too few windows.
        area: that was measured, in windows.
    """

    values: np.ndarray
    scatter: np.ndarray | None
    area: float


@functools.cache
def _bands() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights of a half spectrum for the power of each band and its two parts of direction; modes of each band."""
    rows, columns = np.fft.fftfreq(SIDE)[:, None] * SIDE, np.fft.rfftfreq(SIDE)[None] * SIDE
    # All but the outer columns of a half spectrum stand for two modes.
    twice = np.full((SIDE, SIDE // 2 + 1), 2.0)
    twice[:, [0, -1]] = 1
    band = np.digitize(np.hypot(rows, columns), _EDGES) - 1
    power = np.stack([((band == k) * twice).ravel() for k in range(_BANDS)], 1)
    angle = 2 * np.arctan2(rows, columns).ravel()[:, None]
    parts = power, power * np.cos(angle), power * np.sin(angle)
    return *(part.astype(np.float32) for part in parts), power.sum(0)


@functools.cache
def _taper() -> np.ndarray:
    """A Hann window of mean square 1."""
    side = np.hanning(SIDE + 2)[1:-1]
    taper = np.outer(side, side)
    return (taper / np.sqrt(np.mean(taper**2))).astype(np.float32)


def _origins(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """First rows and first columns of a grid of windows: half a window apart, or as many as are enough."""
    steps = [math.ceil((side - SIDE) / (SIDE // 2)) + 1 for side in shape]
    fewer = min(1.0, math.sqrt(_MOST / math.prod(steps)))
    counts = [max(1, int(count * fewer)) for count in steps]
    rows, columns = (
        np.unique(np.linspace(0, side - SIDE, n).round().astype(int)) for side, n in zip(shape, counts, strict=True)
    )
    return rows, columns


def _stack(picture: Windows) -> np.ndarray:
    """Windows of a picture as grey values, ``(windows, SIDE, SIDE)`` float32, row by row."""
    rows, columns = _origins(picture.shape)
    cut = [picture.read(slice(y, y + SIDE), slice(x, x + SIDE)) for y in rows.tolist() for x in columns.tolist()]
    return grey(np.stack(cut), picture.bit_depth)


def _edges(values: np.ndarray) -> list[np.ndarray]:
    """Of each level of a pyramid and each window: mean square, mean signed square and mean size of its curvature."""
    squares, signed, sizes = [], [], []
    for level in range(_LEVELS):
        if level:
            values = values[:, ::2] + values[:, 1::2]
            values = (values[..., ::2] + values[..., 1::2]) / 4
        around = values[:, 2:, 1:-1] + values[:, :-2, 1:-1] + values[:, 1:-1, 2:] + values[:, 1:-1, :-2]
        curved = values[:, 1:-1, 1:-1] - around / 4
        size = np.abs(curved)
        squares.append(np.mean(curved * curved, (1, 2)))
        signed.append(np.mean(curved * size, (1, 2)))
        sizes.append(size.mean((1, 2)))
    return [*squares, *signed, *sizes]


def _measured(stack: np.ndarray) -> np.ndarray:
    """What features are made of, ``(windows, quantities)``; all of it may be averaged over windows."""
    mean = stack.mean((1, 2))
    values = stack - mean[:, None, None]
    square = values * values
    power = (np.abs(fft.rfft2(values * _taper())) ** 2 / SIDE**4).reshape(len(stack), -1)
    # Differences of differences: what is left of a smooth picture is noise.
    diagonal = values[:, 1::2, 1::2] - values[:, 1::2, ::2] - values[:, ::2, 1::2] + values[:, ::2, ::2]
    columns = [mean, square.mean((1, 2)), (square * values).mean((1, 2)), np.median(np.abs(diagonal), (1, 2))]
    columns += [(stack >= _WHITE).mean((1, 2)), (stack <= _BLACK).mean((1, 2))]
    columns += [part for weights in _bands()[:3] for part in (power @ weights).T]
    return np.stack([*columns, *_edges(values)], 1).astype(np.float64)


def _features(measured: np.ndarray) -> np.ndarray:
    """The features of pictures, ``(pictures, features)``, from the means of what was measured of their windows."""
    mean, square, cube, noise, white, black, *rest = measured.T
    power, across, along = np.reshape(rest[: 3 * _BANDS], (3, _BANDS, -1))
    power = power + _LEAST**2
    squares, signed, sizes = np.reshape(rest[3 * _BANDS :], (3, _LEVELS, -1))
    sd, spread = np.sqrt(square) + _LEAST, np.sqrt(squares) + _LEAST
    bands = np.log(power / power.sum(0) / _bands()[3][:, None])
    direction = np.log(np.hypot(across, along) / power + _NO_DIRECTION).reshape(-1, 2, len(measured)).mean(1)
    return np.stack([
        mean, np.log(sd), cube / sd**3,
        # The root makes a first per cent count more than the tenth.
        np.sqrt(white), np.sqrt(black),
        *bands[-_FINE:], np.log((noise + _LEAST) / sd),
        *bands[:-_FINE],
        *signed / spread**2, *np.log(sizes / spread + _LEAST),
        *direction,
    ], 1)  # fmt: skip


def image_features(picture: Windows) -> ImageFeatures | None:
    """The features of a picture, from at most a hundred windows of it; None where it is smaller than a window.

    Args:
        picture: a micrograph without information bar.
    """
    if min(picture.shape) < SIDE:
        return None
    stack = _stack(picture)
    measured = np.concatenate([_measured(stack[k : k + _AT_ONCE]) for k in range(0, len(stack), _AT_ONCE)])
    (values,), area = _features(measured.mean(0)[None]), min(math.prod(picture.shape) / SIDE**2, float(len(measured)))
    off = _features(measured) - values
    # Windows overlap: fewer of them are independent, as many as fit side by side.
    scatter = off.T @ off / len(off) * area / (area - 1) if area >= _FEW else None
    return ImageFeatures(values, scatter, area)
