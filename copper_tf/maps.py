"""Potency maps as files: a float TIFF that Fiji opens with its pixel size, and the overlay for people."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from copper_tf.draw import potency_picture
from tfds_copper.files import replacing

__all__ = ["write_map", "write_overlay"]


def write_map(path: Path, potency: np.ndarray, pixel_size_nm: float = math.nan) -> None:
    """Writes a map as a 32-bit float ImageJ TIFF.

    Args:
        path: a ``.tif`` file.
        potency: values in [0, 1], ``(height, width)``.
        pixel_size_nm: NaN where unknown, then Fiji counts pixels.
    """
    import tifffile

    known = math.isfinite(pixel_size_nm) and pixel_size_nm > 0
    per_micron = 1000 / pixel_size_nm if known else 1.0
    # "um" is what ImageJ writes itself; its TIFF header holds ASCII only.
    details = {"axes": "YX", "unit": "um" if known else "pixel", "min": 0.0, "max": 1.0}
    with replacing(path) as file:
        tifffile.imwrite(
            file, potency.astype(np.float32), imagej=True, resolution=(per_micron, per_micron), metadata=details
        )


def write_overlay(
    path: Path, pixels: np.ndarray, potency: np.ndarray, pixel_size_nm: float = math.nan, palette: str = "paper"
) -> None:
    """Writes the overlay with scale bar and colour bar as a PNG, see `draw.potency_picture`."""
    with replacing(path) as file:
        potency_picture(pixels, potency, pixel_size_nm, palette).save(file, "PNG")
