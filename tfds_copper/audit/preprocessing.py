"""Thumbnails by area averaging, and high-pass filtered thumbnails of even contrast."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from scipy import ndimage

from tfds_copper.errors import InputError

__all__ = ["area_resize", "high_pass", "require_grey_image", "scale_factor", "shrink"]

# The side of the square that a thumbnail has at most the area of.
_SIDE = 300
# Shading and charging go, what tells two places apart stays: the standard deviation of the finer blur, and the sides
# of the squares of the coarser one and of the evening of the contrast, each used twice. Thumbnail px.
_FINE, _COARSE, _EVEN = 0.8, 19, 39
# Grey values beyond it are burnt-in text, dust or glare, which may not outweigh the surface. Standard deviations.
_CLIP = 3.0


def require_grey_image(pixels: np.ndarray) -> np.ndarray:
    """Returns the pixels if they are one picture of grey values.

    Raises:
        InputError: if they are not of shape (height, width), or empty.
    """
    if pixels.ndim != 2 or not pixels.size:
        raise InputError(f"pixels must have the shape (height, width), neither of them 0. Received: {pixels.shape}")
    return pixels


def scale_factor(shape: tuple[int, ...]) -> int:
    """The factor that a picture is shrunk by, a power of two, so that pictures of unlike sizes have some in common.

    Args:
        shape: (height, width) of the picture, px.
    """
    return 2 ** max(0, math.ceil(math.log2(math.sqrt(shape[0] * shape[1]) / _SIDE)))


def shrink(pixels: np.ndarray, factor: int) -> np.ndarray:
    """The means over squares of factor x factor px; what is left over at the right and the bottom is dropped.

    Args:
        pixels: grey values, shape (height, width).
        factor: px per thumbnail px.

    Returns:
        Shape (height // factor, width // factor), float32; empty where the picture is smaller than the factor.
    """
    height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
    whole = pixels[: height * factor, : width * factor]
    # Rows first: whole rows add up fast, and only a fraction of them is left for the slower sum along the rows.
    rows = whole.reshape(height, factor, whole.shape[1]).sum(axis=1, dtype=np.float32)
    return rows.reshape(height, width, factor).sum(axis=2, dtype=np.float32) / np.float32(factor**2)


def area_resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size, each px the mean of the area it covers.

    Args:
        pixels: grey values, shape (rows, columns).
        height: rows wanted.
        width: columns wanted.

    Returns:
        Shape (height, width), float32.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32)


def _broad(values: np.ndarray, side: int) -> np.ndarray:
    return ndimage.uniform_filter(ndimage.uniform_filter(values, side), side)


def high_pass(thumbnail: np.ndarray) -> np.ndarray:
    """What of a thumbnail tells places apart: without shading, of even contrast, clipped.

    Args:
        thumbnail: grey values, shape (height, width), float32.

    Returns:
        The same shape, float32, of a standard deviation near 1; all 0 where the thumbnail is constant.
    """
    if not thumbnail.size or thumbnail.min() == thumbnail.max():
        return np.zeros(thumbnail.shape, np.float32)
    level = thumbnail - np.float32(thumbnail.mean(dtype=np.float64))
    passed = ndimage.gaussian_filter(level, _FINE, truncate=3) - _broad(level, _COARSE)
    spread = float(passed.std(dtype=np.float64))
    # The rounding of float32 is no structure.
    if spread <= 1e-5 * float(np.abs(thumbnail).max()):
        return np.zeros(thumbnail.shape, np.float32)
    around = _broad(passed**2, _EVEN)
    even = passed / np.sqrt(np.maximum(around, 0) + np.float32((0.3 * spread) ** 2))
    return np.clip(even, -_CLIP, _CLIP)
