"""The copper surface: a rough, micro-etched phase and the same grains levelled, and what a detector sees of both."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import fft, ndimage

from copper_tf.simulation.noise import Shape, banded, caps, gauss_response, smooth_field, spectrum_noise

__all__ = ["Appearance", "phase_signals"]

# Lengths in px at scale 1 (1 px = 100 nm).
_GRAIN, _NODULE, _LEVELLING = 26.0, 10.0, 2.4
_RIDGE, _HOLLOW = 1.6, 5.0
_MAX_SECANT = 3.5


@dataclasses.dataclass(frozen=True)
class Appearance:
    """How one picture is seen.

    Attributes:
        scale: factor on every length of the surface.
        exponent: n of the yield sec(theta)^n, 0.8 to 1.2.
        azimuth: direction of the detector in radians.
        defocus: blur of the beam in px at scale 1; it grows with the scale, or the phases' contrasts would drift apart.
    """

    scale: float
    exponent: float
    azimuth: float
    defocus: float


def _warped(rng: np.random.Generator, shape: Shape, scale: float) -> tuple[np.ndarray, np.ndarray]:
    response = gauss_response(shape, 8 * scale) * 8 + 0.9 * gauss_response(shape, 2.6 * scale)
    amplitude = np.float32(2.7 * scale)
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)[None, :]
    return (
        rows + amplitude * smooth_field(rng, shape, response),
        columns + amplitude * smooth_field(rng, shape, response),
    )


def _relief(rng: np.random.Generator, shape: Shape, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The height of the rough phase in px, and the brightness of its grains (channelling contrast)."""
    warped = _warped(rng, shape, scale)
    grains = caps(rng, warped, _GRAIN * scale, (0.78, 1.05), valued=True)
    nodules = caps(rng, warped, _NODULE * scale, (0.5, 0.95), missing=1 / 12)

    def height(
        grain: np.ndarray, level: np.ndarray, groove: np.ndarray, nodule: np.ndarray, crevice: np.ndarray
    ) -> np.ndarray:
        result = np.float32(0.35 / scale) * grain + np.float32(1.6) * level + np.float32(0.85 / scale) * nodule
        result -= np.float32(2.2) * np.exp(-((groove * np.float32(1 / (0.1 * _GRAIN * scale))) ** 2))
        result -= np.float32(1.6) * np.exp(-((crevice * np.float32(1 / (0.13 * _NODULE * scale))) ** 2))
        # Where a nodule is missing, the etch has left a pit with a sharp rim.
        result -= np.float32(2.5) * (nodule <= 0)
        return result * np.float32(scale)

    return banded(height, grains.height, grains.value, grains.gap, nodules.height, nodules.gap), grains.value


def _slope(height: np.ndarray) -> np.ndarray:
    """The central difference along the rows, wrapped round."""
    slope = np.empty_like(height)
    np.subtract(height[2:], height[:-2], out=slope[1:-1])
    slope[0], slope[-1] = height[1] - height[-1], height[0] - height[-2]
    slope *= np.float32(0.5)
    return slope


def _signal(height: np.ndarray, ridge: np.ndarray, hollow: np.ndarray, appearance: Appearance) -> np.ndarray:
    """The secondary-electron yield of a relief: edges and ridges are bright, hollows dark."""
    cosine, sine = np.float32(np.cos(appearance.azimuth)), np.float32(np.sin(appearance.azimuth))
    unit = np.float32(1 / appearance.scale)

    def signal(dy: np.ndarray, dx: np.ndarray, ridge: np.ndarray, hollow: np.ndarray) -> np.ndarray:
        square = 1 + dy * dy + dx * dx
        tilt = (cosine * dx + sine * dy) / np.sqrt(square)
        # sec(theta)^n by exp and log: float32 power is several times slower.
        result = np.exp(np.float32(appearance.exponent / 2) * np.log(np.minimum(square, np.float32(_MAX_SECANT**2))))
        result *= 1 + np.float32(0.18) * tilt
        result += np.float32(0.55) * unit * np.maximum(ridge, 0)
        return result * np.exp(np.float32(0.55) * unit * np.minimum(hollow, 0))

    return banded(signal, _slope(height), _slope(height.T).T, ridge, hollow)


def phase_signals(rng: np.random.Generator, shape: Shape, appearance: Appearance) -> tuple[np.ndarray, np.ndarray]:
    """The detector signal of a wholly rough and of a wholly smooth surface with the same grains.

    Args:
        rng: the source of randomness.
        shape: (height, width).
        appearance: how the picture is seen.

    Returns:
        Two arrays of shape (height, width), float32, in units of a flat surface's signal.
    """
    scale = appearance.scale
    relief, brightness = _relief(rng, shape, scale)
    band = gauss_response(shape, 0.8 * scale) - gauss_response(shape, 2.2 * scale)
    spectrum = fft.rfft2(relief) + np.float32(0.65 * scale) * spectrum_noise(rng, shape, band)
    levelled = spectrum * gauss_response(shape, _LEVELLING * scale)
    signals = []
    for height_spectrum in (spectrum, levelled):
        height = fft.irfft2(height_spectrum, s=shape)
        hollow = height - fft.irfft2(height_spectrum * gauss_response(shape, _HOLLOW * scale), s=shape)
        # A levelled surface has no ridges as narrow as that.
        ridge = np.zeros_like(height)
        if height_spectrum is spectrum:
            ridge = height - fft.irfft2(height_spectrum * gauss_response(shape, _RIDGE * scale), s=shape)
        signals.append(_signal(height, ridge, hollow, appearance))
    signals[1] += np.float32(0.05) * brightness
    blur = {"sigma": appearance.defocus * scale, "mode": "wrap", "truncate": 3.0}
    rough, smooth = (ndimage.gaussian_filter(signal, **blur) for signal in signals)
    return rough, smooth
