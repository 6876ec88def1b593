"""Texture features of the classical kind, of one window of a micrograph."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.feature import local_binary_pattern

__all__ = [
    "FEATURES",
    "WINDOW",
    "filter_bank",
    "histogram",
    "local_binary_patterns",
    "processes_for",
    "texture_seconds",
    "windows",
]

# Side in px of the windows that a large picture is cut into, and how many of them are enough.
WINDOW, _MOST = 256, 12
# Pixels from which processes of their own, which take seconds to start, save time.
_WORTH_PROCESSES = 2e7

_GREYS = np.linspace(-3, 3, 25)
_RADII = (1, 2, 4)
_SCALES = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
_SLOPE_FROM, _SLOPE_TO = 0.03, 0.45


def windows(values: np.ndarray) -> list[np.ndarray]:
    """A picture cut into windows of at most `WINDOW` px that don't overlap; evenly chosen ones where there are many.

    Args:
        values: ``(height, width)``.
    """
    rows, columns = (max(1, side // WINDOW) for side in values.shape)
    cut = [part for band in np.array_split(values, rows, 0) for part in np.array_split(band, columns, 1)]
    chosen = np.unique(np.linspace(0, len(cut) - 1, min(len(cut), _MOST)).round().astype(int))
    return [cut[k] for k in chosen]


def histogram(values: np.ndarray) -> np.ndarray:
    """First-order statistics: shares of grey values, mean, standard deviation and skewness; no texture at all.

    Args:
        values: grey values relative to mean and standard deviation of the training pictures.
    """
    counts, _ = np.histogram(np.clip(values, _GREYS[0], _GREYS[-1]), _GREYS)
    mean, sd = float(values.mean()), float(values.std())
    skewness = float(((values - mean) ** 3).mean()) / max(sd, 1e-6) ** 3
    return np.array([*(counts / values.size), mean, sd, skewness])


def local_binary_patterns(values: np.ndarray) -> np.ndarray:
    """Histograms of rotation-invariant uniform patterns at three radii (Ojala, Pietikainen, Maenpaa 2002)."""
    span = max(float(np.ptp(values)), 1e-6)
    grey = ((values - values.min()) * (65535 / span)).astype(np.uint16)
    parts = []
    for radius in _RADII:
        points = 8 * radius
        pattern = local_binary_pattern(grey, points, radius, "uniform")
        parts.append(np.bincount(pattern.astype(int).ravel(), minlength=points + 2) / pattern.size)
    return np.concatenate(parts)


def _spectral_slope(values: np.ndarray) -> float:
    """Slope of log power against log spatial frequency, by least squares over the middle frequencies."""
    power = np.abs(np.fft.rfft2(values - values.mean())) ** 2
    frequency = np.hypot(np.fft.fftfreq(values.shape[0])[:, None], np.fft.rfftfreq(values.shape[1]))
    used = (frequency > _SLOPE_FROM) & (frequency < _SLOPE_TO)
    return float(np.polyfit(np.log(frequency[used]), np.log(power[used] + 1e-12), 1)[0])


def filter_bank(values: np.ndarray) -> np.ndarray:
    """Log energies of a bank of band passes and of gradients at the same scales, and the spectral slope."""
    smooth = [ndimage.gaussian_filter(values, scale) for scale in _SCALES]
    bands = [values - smooth[0], *(a - b for a, b in zip(smooth[:-1], smooth[1:], strict=True))]
    slopes = [ndimage.gaussian_gradient_magnitude(values, scale) for scale in _SCALES]
    energies = [np.log(np.mean(np.square(part)) + 1e-8) for part in (*bands, *slopes)]
    return np.array([*energies, _spectral_slope(values)])


FEATURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "histogram": histogram,
    "lbp": local_binary_patterns,
    "filter bank": filter_bank,
}


def processes_for(pixels: float) -> int:
    """How many processes are worth starting for the features of so many pixels in all."""
    return (os.cpu_count() or 1) if pixels >= _WORTH_PROCESSES else 1


def texture_seconds(pixels: float, pictures: int) -> float:
    """Seconds that all features of some pictures take on this machine: timed on a window of noise.

    Args:
        pixels: of a picture.
        pictures: how many there are.
    """
    noise = np.random.default_rng(0).standard_normal((WINDOW, WINDOW)).astype(np.float32)
    started = time.perf_counter()
    for values_of in FEATURES.values():
        values_of(noise)
    each = (time.perf_counter() - started) / WINDOW**2
    side = round(pixels**0.5)
    looked_at = sum(part.size for part in windows(np.broadcast_to(noise[:1, :1], (side, side))))
    return each * looked_at * pictures / processes_for(pixels * pictures)
