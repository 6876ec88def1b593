"""A number that tells rough from smooth whatever the brightness and contrast."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

__all__ = ["fine_coarse"]


def _mean_gradient(picture: np.ndarray) -> float:
    dy, dx = np.gradient(picture)
    return float(np.hypot(dy, dx).mean())


def fine_coarse(pixels: np.ndarray, sigma: float = 2.0) -> float:
    """Mean gradient of what a Gaussian blur takes away, over the mean gradient of what it leaves.

    Args:
        pixels: a picture of shape (height, width), any scale of grey.
        sigma: standard deviation of the blur in px.
    """
    picture = np.asarray(pixels, np.float32)
    coarse = gaussian_filter(picture, sigma)
    return _mean_gradient(picture - coarse) / max(_mean_gradient(coarse), 1e-12)
