"""From a file's grey values to the micrograph's own: information bar, pixel size, resampling."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.record import BOTTOM, TOP, Bar, Metadata
from tfds_copper.micrograph.settings import KEEP, ReadSettings
from tfds_copper.micrograph.vendors.scale import Scale

__all__ = ["averaged", "cut_bar", "edges", "own_pixel_size", "resampling"]

# Two pixel sizes closer than this share are one: vendors round theirs.
_SAME_SIZE = 0.002
# A bar is a strip: what is taller than this share of a file is a sign of wrong metadata.
_TALLEST = 0.45


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
    path: Path, shape: tuple[int, int], find_bar: Callable[[], Bar | None], metadata: Metadata, settings: ReadSettings
) -> tuple[Bar | None, tuple[str, ...], bool]:
    """The information bar, the notes on it, and whether the metadata are of another size than the picture.

    What the metadata say of the picture's height decides; else the picture does.

    Args:
        path: for messages.
        shape: height and width of the whole picture in the file.
        find_bar: finds the bar in the picture.
        metadata: what the microscope wrote.
        settings: what the user overrules.

    Raises:
        InputError: if the user wants more rows cut off than the picture has.
    """
    height, width = shape
    why = _contradiction((height, width), metadata)
    notes = (why,) if why else ()
    if settings.bar == KEEP:
        return None, notes, bool(why)
    above, below = settings.bar_rows
    if above or below:
        if above + below >= height:
            raise InputError(f"{path}: bar must be less than the picture's {height} rows. Received: {settings.bar}")
        cut = f"rows cut off as asked: {above} at the top, {below} at the bottom"
        return Bar(BOTTOM, below, above) if below else Bar(TOP, above), (*notes, cut), bool(why)
    if not why and metadata.height and metadata.height < height:
        return Bar(BOTTOM, height - metadata.height), notes, False
    visible = find_bar()
    if metadata.bar_rows and (visible is None or visible.rows != metadata.bar_rows):
        # The tag outlives a crop; only what is visible is cut.
        rows = visible.rows if visible else "none"
        notes = (*notes, f"metadata tell of a bar of {metadata.bar_rows} rows, seen: {rows}")
    return visible, notes, bool(why)


def _with_scale(metadata: Metadata, scale: Scale | None, contradicted: bool) -> tuple[Metadata, tuple[str, ...]]:
    """What is known of a picture once the scale counts that a program wrote after the microscope did, and notes.

    A program that has a scale of its own keeps it right where it crops or rescales.

    Args:
        metadata: what the microscope wrote.
        scale: what the program wrote; None where none did.
        contradicted: whether the metadata are of another size than the picture.
    """
    if scale is None:
        return metadata, ()
    dropped, size = (*metadata.dropped, *scale.metadata.dropped), scale.metadata.pixel_size_nm
    if not math.isfinite(size):
        return dataclasses.replace(metadata, dropped=dropped), ()
    known, notes = metadata.pixel_size_nm, (f"pixel size as {scale.program} wrote it",)
    if math.isfinite(known) and not contradicted:
        if abs(size / known - 1) <= _SAME_SIZE:
            return dataclasses.replace(metadata, dropped=dropped), ()
        notes = (f"pixel size {size:g} nm as {scale.program} wrote it, not {known:g} nm as the microscope did",)
    return dataclasses.replace(metadata, dropped=dropped, pixel_size_nm=size), notes


def own_pixel_size(
    metadata: Metadata, scale: Scale | None, contradicted: bool, listed: float, settings: ReadSettings
) -> tuple[Metadata, float, tuple[str, ...]]:
    """What is known of a picture, its pixel size in nm, and notes.

    The pixel size is the user's own, else labels.csv's, else that of the program that wrote the file, else the
    microscope's where its metadata fit; else NaN.

    Args:
        metadata: what the microscope wrote.
        scale: what a program wrote after it; None where none did.
        contradicted: whether the metadata are of another size than the picture.
        listed: what labels.csv says; NaN where it doesn't.
        settings: what the user overrules.
    """
    written, notes = _with_scale(metadata, scale, contradicted)
    if settings.pixel_size:
        return written, settings.pixel_size, ()
    if math.isfinite(listed):
        return written, listed, ()
    unfit = contradicted and not notes
    return written, math.nan if unfit else written.pixel_size_nm, notes


def edges(side: int, count: int) -> np.ndarray:
    """Where the pixels begin that are averaged to each of `count` pixels, and the end; ``(count + 1,)``.

    A pixel counts where its centre lies, so that parts of a picture are averaged as the whole is.
    """
    return (2 * np.arange(count + 1) * side + count) // (2 * count)


def averaged(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Means of the rectangles between `edges`, rounded, of the same type.

    Args:
        pixels: whole numbers, ``(height, width)``.
        rows: edges from 0 to height.
        columns: edges from 0 to width.
    """
    sums = np.add.reduceat(np.add.reduceat(pixels, rows[:-1], 0, np.int64), columns[:-1], 1)
    return np.rint(sums / np.outer(np.diff(rows), np.diff(columns))).astype(pixels.dtype)


def resampling(
    path: Path, shape: tuple[int, int], size: float, target: float
) -> tuple[tuple[int, int], float, tuple[str, ...]]:
    """What averaging a picture to a larger pixel size makes of it.

    Args:
        path: for messages.
        shape: its height and width in px.
        size: its pixel size in nm.
        target: the pixel size asked for in nm; 0 for none.

    Returns:
        Height and width, the pixel size in nm, and what is done.

    Raises:
        InputError: if the pixel size is unknown, or larger than the target: detail can't be made up.
    """
    if not target or abs(size / target - 1) <= _SAME_SIZE:
        return shape, size, ()
    if not size < target:
        what = f"{size:g} nm" if math.isfinite(size) else "an unknown one"
        raise InputError(f"{path}: pixel size must be known and at most {target:g} nm to resample. Received: {what}")
    height, width = (max(1, round(side * size / target)) for side in shape)
    return (height, width), target, (f"resampled from {size:g} to {target:g} nm per pixel",)
