"""TIFF, by tifffile: it keeps 16 bits and palette indices, which Pillow's conversions don't."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.grey import ALLOWED, Samples, check_size, palette_to_samples, spread_bits
from tfds_copper.micrograph.vendors import tiff_metadata

__all__ = ["read_tiff"]

# tifffile reports oddities of a file by logging; what matters to us becomes an error or a note.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def _check_complete(path: Path, page: Any, size: int) -> None:
    # tifffile fills missing strips with zeros, which would pass for a black picture.
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if count == 0 or offset + count > size:
            raise InputError(f"{path}: a TIFF must hold all of its pixels. Received: a truncated file of {size} bytes")
    if not page.dataoffsets:
        raise InputError(f"{path}: a TIFF must hold pixels. Received: a page without any")


def _channels_last(path: Path, page: Any) -> np.ndarray:
    values = page.asarray()
    axes = page.axes
    if axes == "SYX":
        values, axes = np.moveaxis(values, 0, -1), "YXS"
    if axes not in ("YX", "YXS"):
        raise InputError(f"{path}: {ALLOWED}. Received: a TIFF with axes {axes}")
    if axes == "YXS" and page.extrasamples:
        values = values[..., : values.shape[-1] - len(page.extrasamples)]
    return values


def _page_samples(path: Path, page: Any) -> Samples:
    photometric = getattr(page.photometric, "name", str(page.photometric))
    if photometric not in ("MINISBLACK", "MINISWHITE", "PALETTE", "RGB", "YCBCR"):
        raise InputError(f"{path}: {ALLOWED}. Received: a TIFF of kind {photometric}")
    values, bits, notes = _channels_last(path, page), page.bitspersample, []
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if photometric == "PALETTE":
        if values.dtype != np.uint8:
            raise InputError(f"{path}: a palette must have at most 256 entries. Received: {values.dtype} indices")
        colours = np.asarray(page.colormap).T
        # Some writers fill the 16 bit table with 8 bit values.
        return palette_to_samples(values, (colours // (256 if colours.max() > 255 else 1)).astype(np.uint8))
    if values.dtype == np.uint8 and bits < 8:
        values, note = spread_bits(values, bits)
        notes.append(note)
    elif values.dtype == np.uint16 and bits < 16:
        notes.append(f"{bits}-bit greys kept as they are in 16 bits")
    if photometric == "MINISWHITE" and values.dtype in (np.uint8, np.uint16):
        top = 2**bits - 1 if values.dtype == np.uint16 else 255
        values = (top - values.astype(np.int32)).astype(values.dtype)
        notes.append("white-is-zero TIFF inverted")
    return Samples(values, tuple(notes))


def read_tiff(path: Path, max_pixels: int) -> Samples:
    """The samples of the first page of a TIFF file, with what the microscope wrote into it.

    Args:
        path: the file.
        max_pixels: the largest picture that is opened.

    Raises:
        InputError: if the picture is incomplete, too large, or of a kind that holds no greys.
    """
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        check_size(path, page.imagewidth, page.imagelength, max_pixels)
        _check_complete(path, page, path.stat().st_size)
        samples = _page_samples(path, page)
        several = len(tiff.pages) > 1
        metadata = tiff_metadata(tiff)
    notes = (*samples.notes, "several pages: the first taken") if several else samples.notes
    return Samples(samples.values, notes, metadata)
