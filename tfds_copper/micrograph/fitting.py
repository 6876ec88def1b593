"""From a file's grey values to the micrograph's own: bits, information bar, pixel size, resampling."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.bar import find_bar
from tfds_copper.micrograph.options import KEEP, ReadSettings
from tfds_copper.micrograph.record import BOTTOM, Bar, Metadata

__all__ = ["cut_bar", "narrow_bits", "own_pixel_size", "resampled"]

# Two pixel sizes closer than this share are one: vendors round theirs.
_SAME_SIZE = 0.002
# A bar is a strip: what is taller than this share of a file is a sign of wrong metadata.
_TALLEST = 0.45


def narrow_bits(pixels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """8-bit values that were saved in 16 bits, as 8 bits again; nothing is lost.

    Args:
        pixels: `(height, width)`, uint8 or uint16.

    Returns:
        The pixels, uint8 where 8 bits hold them all, and a note that says so.
    """
    if pixels.dtype != np.uint16 or not pixels.any():
        return pixels, ()
    top = int(pixels.max())
    if top <= 255:
        return pixels.astype(np.uint8), ("8-bit values in 16 bits: stored in 8",)
    high, low = pixels >> 8, pixels & 255
    if not low.any():
        return high.astype(np.uint8), ("8-bit values times 256 in 16 bits: stored in 8",)
    if np.array_equal(high, low):
        return high.astype(np.uint8), ("8-bit values times 257 in 16 bits: stored in 8",)
    return pixels, ()


def _contradiction(shape: tuple[int, int], metadata: Metadata) -> str:
    """Why the metadata can't be of this picture; empty where they can."""
    height, width = shape
    if metadata.width and metadata.width != width:
        found, said = f"{width} px wide", f"{metadata.width} px"
    elif metadata.height and not metadata.height <= height <= metadata.height / (1 - _TALLEST):
        found, said = f"{height} px high", f"{metadata.height} px"
    else:
        return ""
    return f"{found}, though its metadata say {said}: cut or rescaled since, so its recorded pixel size is not used"


def cut_bar(
    path: Path, pixels: np.ndarray, metadata: Metadata, settings: ReadSettings
) -> tuple[Bar | None, tuple[str, ...], bool]:
    """The information bar, the notes on it, and whether the metadata are of another size than the picture.

    What the metadata say of the picture's height decides; else the picture does.

    Args:
        path: for messages.
        pixels: the whole file's grey values, `(height, width)`.
        metadata: what the microscope wrote.
        settings: what the user overrules.

    Raises:
        InputError: if the user wants more rows cut off than the picture has.
    """
    height, width = pixels.shape
    why = _contradiction((height, width), metadata)
    notes = (why,) if why else ()
    if settings.bar == KEEP:
        return None, notes, bool(why)
    if settings.bar_rows:
        if settings.bar_rows >= height:
            raise InputError(f"{path}: bar must be less than the picture's {height} rows. Received: {settings.bar}")
        return Bar(BOTTOM, settings.bar_rows), notes, bool(why)
    if not why and metadata.height and metadata.height < height:
        return Bar(BOTTOM, height - metadata.height), notes, False
    seen = find_bar(pixels)
    if metadata.bar_rows and (seen is None or seen.rows != metadata.bar_rows):
        # The tag outlives a crop; only what is seen is cut.
        notes = (*notes, f"metadata tell of a bar of {metadata.bar_rows} rows, seen: {seen.rows if seen else 'none'}")
    return seen, notes, bool(why)


def own_pixel_size(metadata: Metadata, contradicted: bool, listed: float, settings: ReadSettings) -> float:
    """The pixel size in nm: the user's own, else labels.csv's, else the microscope's where it fits; else NaN."""
    if settings.pixel_size:
        return settings.pixel_size
    if math.isfinite(listed):
        return listed
    return math.nan if contradicted else metadata.pixel_size_nm


def resampled(path: Path, pixels: np.ndarray, size: float, target: float) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """The picture averaged to a larger pixel size.

    Args:
        path: for messages.
        pixels: `(height, width)`.
        size: its pixel size in nm.
        target: the pixel size asked for in nm; 0 for none.

    Returns:
        The pixels, their size in nm, and what was done.

    Raises:
        InputError: if the pixel size is unknown, or larger than the target: detail can't be made up.
    """
    if not target or abs(size / target - 1) <= _SAME_SIZE:
        return pixels, size, ()
    if not size < target:
        what = f"{size:g} nm" if math.isfinite(size) else "an unknown one"
        raise InputError(f"{path}: pixel size must be known and at most {target:g} nm to resample. Received: {what}")
    from PIL import Image

    shape = tuple(max(1, round(side * size / target)) for side in pixels.shape)
    image = Image.fromarray(pixels.astype(np.float32))
    small = np.asarray(image.resize(shape[::-1], Image.Resampling.BOX))
    note = f"resampled from {size:g} to {target:g} nm per pixel"
    return np.rint(small).astype(pixels.dtype), target, (note,)
