"""What the microscope does to a surface: gain, offset, shading, charging, line noise, jitter, shot and read noise."""

from __future__ import annotations

import dataclasses

import numpy as np

from copper_tf.simulation.noise import banded

__all__ = ["Exposure", "expose", "quantise"]

# Brightness and contrast of an ideal picture, as shares of full scale; SEM histograms lean to the bright side.
_MIDDLE, _CONTRAST, _SKEW = 0.40, 0.12, 0.22
_SHADING, _DRIFT, _LINE_NOISE, _JITTER, _READ_NOISE = 0.05, 0.016, 0.005, 0.22, 0.006


@dataclasses.dataclass(frozen=True)
class Exposure:
    """How one picture is recorded.

    Attributes:
        gain: factor on the contrast.
        offset: shift of the brightness, as a share of full scale.
        electrons: electrons per pixel at full scale, which set the shot noise.
    """

    gain: float
    offset: float
    electrons: float


def _background(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Shading, charging drift and line noise, as a profile of the rows and one of the columns; each of mean 0."""
    y, x = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    tilt = _SHADING * rng.uniform(-1, 1, 4)
    steps = np.cumsum(rng.standard_normal(height)) / np.sqrt(height)
    rows = tilt[0] * y + tilt[1] * (y**2 - 1 / 3) + _LINE_NOISE * rng.standard_normal(height) + _DRIFT * steps
    # A charged particle brightens its scan line, and the lines after it less and less.
    flashes = (rng.random(height) < 2 / height) * rng.uniform(0, 0.05, height)
    rows += np.convolve(flashes, np.exp(-np.arange(24) / 5))[:height]
    columns = tilt[2] * x + tilt[3] * (x**2 - 1 / 3)
    return (rows - rows.mean()).astype(np.float32)[:, None], (columns - columns.mean()).astype(np.float32)[None, :]


def expose(rng: np.random.Generator, scores: np.ndarray, exposure: Exposure) -> np.ndarray:
    """The recorded picture, shape (height, width), float32 as shares of full scale, not yet clipped.

    Args:
        rng: the source of randomness.
        scores: standardised brightness of the surface, shape (height, width), float32.
        exposure: how it is recorded.
    """
    height, width = scores.shape
    rows, columns = _background(rng, height, width)
    rows = rows + np.float32(_MIDDLE + exposure.offset)
    shift = np.clip(_JITTER * rng.standard_normal(height), -0.8, 0.8).astype(np.float32)[:, None]
    noise = rng.standard_normal(scores.shape, np.float32)

    def record(scores: np.ndarray, noise: np.ndarray, rows: np.ndarray, shift: np.ndarray) -> np.ndarray:
        tone = np.exp(np.float32(_SKEW) * scores)
        tone -= 1
        neighbour = np.where(shift > 0, np.roll(tone, 1, axis=1), np.roll(tone, -1, axis=1))
        tone += np.abs(shift) * (neighbour - tone)
        grey = np.float32(_CONTRAST * exposure.gain / _SKEW) * tone + rows + columns
        return grey + noise * np.sqrt(np.maximum(grey, 0) / np.float32(exposure.electrons) + np.float32(_READ_NOISE**2))

    return banded(record, scores, noise, rows, shift)


def quantise(grey: np.ndarray, bit_depth: int) -> np.ndarray:
    """Grey values of the given depth, uint8 or uint16, from shares of full scale."""
    top, kind = (255, np.uint8) if bit_depth == 8 else (65535, np.uint16)
    return (np.clip(grey, 0, 1) * np.float32(top) + np.float32(0.5)).astype(kind)
