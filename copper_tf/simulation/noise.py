"""Random fields: seeded generators, Gaussian fields by their spectrum, and caps on a jittered grid (Worley noise)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import fft

__all__ = ["Caps", "banded", "caps", "gauss_response", "generator", "smooth_field", "spectrum_noise", "stratified"]

Shape = tuple[int, int]

# The jittered grid is searched in 3 x 3 cells; more jitter would let the nearest centre lie outside them.
_JITTER = 0.9
# Rows per band of `banded`.
_BAND = 16


def generator(*key: int) -> np.random.Generator:
    """A random generator that depends on nothing but its key, so pictures can be drawn in any order."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(list(key))))


def stratified(index: int, count: int, *key: int) -> float:
    """The draw of one of `count` members, uniform in [0, 1), such that all members together cover it evenly.

    Args:
        index: the member, 0 .. count - 1.
        count: how many members share the range.
        key: the seed of the shuffle.
    """
    rng = generator(*key)
    place = int(rng.permutation(count)[index])
    return (place + float(rng.random(count)[index])) / count


def banded(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Applies a pixel-wise function band by band, which stays in the processor's cache: three times faster.

    Args:
        function: takes as many arrays as are given and returns one of their shape.
        arrays: of shape (height, width), float32.
    """
    result = np.empty_like(arrays[0])
    for top in range(0, len(result), _BAND):
        rows = slice(top, top + _BAND)
        result[rows] = function(*(array[rows] for array in arrays))
    return result


def _frequencies(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    rows = 2 * np.pi * np.fft.fftfreq(shape[0]).astype(np.float32)
    columns = 2 * np.pi * np.fft.rfftfreq(shape[1]).astype(np.float32)
    return rows[:, None], columns[None, :]


def gauss_response(shape: Shape, sigma: float) -> np.ndarray:
    """The Fourier response of a Gaussian blur, shape (height, width // 2 + 1), float32."""
    rows, columns = _frequencies(shape)
    return np.exp(-0.5 * (sigma * rows) ** 2) * np.exp(-0.5 * (sigma * columns) ** 2)


def spectrum_noise(rng: np.random.Generator, shape: Shape, response: np.ndarray) -> np.ndarray:
    """The half spectrum of a periodic Gaussian field of unit variance with the given response, complex64.

    Args:
        rng: the source of randomness.
        shape: (height, width) of the field.
        response: amplitude over the half spectrum, shape (height, width // 2 + 1).
    """
    # Only the band that matters: a smooth field needs a few thousand random numbers, not a million.
    rows, columns = np.flatnonzero(response.max(axis=1) > 1e-4), np.flatnonzero(response.max(axis=0) > 1e-4)
    band = response[np.ix_(rows, columns)]
    values = rng.standard_normal((band.shape[0], 2 * band.shape[1]), np.float32).view(np.complex64)
    values *= band
    # The column of zero frequency keeps its real part alone, hence half its power.
    values[:, columns == 0] *= np.float32(np.sqrt(2))
    power = 4 * float(np.vdot(response, response))
    values *= np.float32(shape[0] * shape[1] / np.sqrt(power))
    spectrum = np.zeros(response.shape, np.complex64)
    spectrum[np.ix_(rows, columns)] = values
    spectrum[0, 0] = 0
    return spectrum


def smooth_field(rng: np.random.Generator, shape: Shape, response: np.ndarray) -> np.ndarray:
    """A periodic Gaussian field of mean 0 and variance 1, shape (height, width), float32."""
    return fft.irfft2(spectrum_noise(rng, shape, response), s=shape)


@dataclasses.dataclass(frozen=True)
class Caps:
    """A periodic layer of spherical caps on a jittered grid.

    Attributes:
        height: height of the union of caps over its base, in px, shape (height, width), float32.
        gap: how far a pixel lies inside its own cap, 0 on the border between two; in px, same shape.
        value: a random number of the cap, uniform in [-1, 1], same shape; all 0 where not asked for.
    """

    height: np.ndarray
    gap: np.ndarray
    value: np.ndarray


def caps(
    rng: np.random.Generator,
    warped: tuple[np.ndarray, np.ndarray],
    size: float,
    radii: tuple[float, float],
    *,
    missing: float = 0.0,
    valued: bool = False,
) -> Caps:
    """Draws a layer of caps: the power diagram of random centres, after a domain warp.

    Args:
        rng: the source of randomness.
        warped: warped row and column coordinates, each of shape (height, width), float32.
        size: mean distance of the centres in px.
        radii: smallest and largest radius as a multiple of `size`.
        missing: share of the centres that carry no cap.
        valued: whether to draw a value for each cap.
    """
    shape = warped[0].shape
    counts = (max(3, round(shape[0] / size)), max(3, round(shape[1] / size)))
    cell = (shape[0] / counts[0], shape[1] / counts[1])
    layers = _columns(rng, shape[1], counts, cell, (size * radii[0], size * radii[1]), missing)
    first, second = np.full(shape, -np.inf, np.float32), np.full(shape, -np.inf, np.float32)
    value = np.zeros(shape, np.float32)
    band_of = (np.arange(shape[0]) / cell[0]).astype(int)
    for band in range(counts[0]):
        rows = slice(*np.searchsorted(band_of, (band, band + 1)))
        state = (first[rows], second[rows], value[rows])
        buffers = (np.empty_like(state[0]), np.empty_like(state[0]))
        for row in range(band - 1, band + 2):
            # Wrapped centres keep their distance: those above the top lie one height further up.
            lift = np.float32((row - row % counts[0]) * cell[0])
            for centre_y, centre_x, *cap in layers[:, :, row % counts[0]]:
                _raise(state, buffers, (warped[0][rows], warped[1][rows]), (centre_y + lift, centre_x, *cap), valued)
    gap = (first - second) / np.float32(size)
    return Caps(np.sqrt(np.maximum(first, 0)), gap, value)


def _columns(
    rng: np.random.Generator,
    width: int,
    counts: Shape,
    cell: tuple[float, float],
    radii: tuple[float, float],
    missing: float,
) -> np.ndarray:
    """Centre row, centre column, squared radius and value of the 3 caps beside each column, (3, 4, rows, width)."""
    centres = 0.5 + _JITTER * (rng.random((2, *counts), np.float32) - 0.5)
    power = rng.uniform(*radii, counts).astype(np.float32) ** 2
    power *= rng.random(counts) >= missing
    values = rng.uniform(-1, 1, counts).astype(np.float32)
    # Every second row is moved by half a cell, as bricks are: columns of centres would show.
    moved = (np.arange(counts[0]) % 2 / 2)[:, None]
    column = np.floor(np.arange(width) / cell[1] - moved).astype(int)
    row = np.arange(counts[0])[:, None]
    layers = np.empty((3, 4, counts[0], width), np.float32)
    for layer, shift in zip(layers, (-1, 0, 1), strict=True):
        source = (row, (column + shift) % counts[1])
        layer[0] = (centres[0][source] + row) * cell[0]
        layer[1] = (centres[1][source] + column + shift + moved) * cell[1]
        layer[2] = power[source]
        layer[3] = values[source]
    return layers


def _raise(
    state: tuple[np.ndarray, ...],
    buffers: tuple[np.ndarray, ...],
    at: tuple[np.ndarray, ...],
    layer: tuple[np.ndarray, ...],
    valued: bool,
) -> None:
    """Updates the highest and second highest cap of every pixel, in place."""
    (first, second, value), (level, other) = state, buffers
    np.subtract(at[0], layer[0], out=level)
    np.multiply(level, level, out=level)
    np.subtract(at[1], layer[1], out=other)
    np.multiply(other, other, out=other)
    np.add(level, other, out=level)
    np.subtract(layer[2], level, out=level)
    if valued:
        np.copyto(value, layer[3], where=level > first)
    np.minimum(first, level, out=other)
    np.maximum(second, other, out=second)
    np.maximum(first, level, out=first)
