"""TIFF, by tifffile: it keeps 16 bits and palette indices, which Pillow's conversions don't."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.grey import ALLOWED, Samples, check_size, palette_to_samples, scans_of, spread_bits
from tfds_copper.micrograph.pages import declared_depth, page_orientation, picture_page
from tfds_copper.micrograph.vendors.registry import tiff_metadata
from tfds_copper.micrograph.vendors.scale import Scale, software_scale

__all__ = ["check_page", "page_notes", "page_samples", "page_scale", "read_tiff"]

# tifffile reports oddities of a file by logging; what matters to us becomes an error or a note.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

# None, CCITT, LZW, JPEG, deflate, packbits, LZMA, zstd; not those that unpack to a size of the strip's own choosing.
_PACKINGS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000)
_JPEG = 7
# Of a tile against its picture, of bytes per pixel in all channels, and of strips or tiles.
_SMALL_TILE, _LARGER, _MOST_BYTES, _MOST_PARTS = 2**24, 4, 16, 2**18


def _check_layout(path: Path, page: Any) -> None:
    """Refuses what would take far more memory or time than its pixels need."""
    pixels = page.imagewidth * page.imagelength
    if page.compression not in _PACKINGS:
        raise InputError(
            f"{path}: {ALLOWED}. Received: a TIFF packed by {getattr(page.compression, 'name', 'unknown')}"
        )
    if page.is_tiled and page.tilewidth * page.tilelength > max(_SMALL_TILE, _LARGER * pixels):
        raise InputError(
            f"{path}: a TIFF's tiles must fit its picture of {page.imagewidth} x {page.imagelength}. "
            f"Received: tiles of {page.tilewidth} x {page.tilelength}"
        )
    if page.nbytes > _MOST_BYTES * pixels:
        raise InputError(f"{path}: {ALLOWED}. Received: a TIFF of {page.nbytes // pixels} bytes per pixel")
    if len(page.dataoffsets) > _MOST_PARTS:
        raise InputError(
            f"{path}: a TIFF must have at most {_MOST_PARTS} strips or tiles. Received: {len(page.dataoffsets)}"
        )


def _jpeg_sides(data: bytes) -> tuple[int, int]:
    """Height and width that a JPEG's frame header claims; 0 where there is none."""
    at = 2
    while at + 9 <= len(data):
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
        # Fill bytes, and markers without a length.
        alone = marker == 0xFF or 0xD0 <= marker <= 0xD8
        at += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(data[at + 2 : at + 4])
    return 0, 0


def _check_jpegs(path: Path, page: Any, max_pixels: int) -> None:
    # A JPEG has a size of its own, and is decoded whole before the two are compared.
    allowed = (page.tilelength, page.tilewidth) if page.is_tiled else (page.imagelength, page.imagewidth)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        stream = page.parent.filehandle
        stream.seek(offset)
        jpeg = stream.read(count)
        height, width = _jpeg_sides(jpeg)
        check_size(path, max(width, 1), max(height, 1), max_pixels, scans=scans_of(jpeg))
        if height > allowed[0] + 16 or width > allowed[1] + 16:
            raise InputError(
                f"{path}: a TIFF's JPEGs must be no larger than its strips or tiles. Received: {width} x {height}"
            )


def _check_complete(path: Path, page: Any, size: int) -> None:
    # tifffile fills missing strips with zeros, which would pass for a black picture.
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if count == 0 or offset + count > size:
            raise InputError(f"{path}: a TIFF must hold all of its pixels. Received: a truncated file of {size} bytes")
    if not page.dataoffsets:
        raise InputError(f"{path}: a TIFF must hold pixels. Received: a page without any")
    parts = math.prod(page.chunked)
    if len(page.dataoffsets) < parts:
        raise InputError(
            f"{path}: a TIFF must hold all of its pixels. Received: {len(page.dataoffsets)} of {parts} strips or tiles"
        )


def _check_kind(path: Path, page: Any) -> None:
    photometric = getattr(page.photometric, "name", str(page.photometric))
    if photometric not in ("MINISBLACK", "MINISWHITE", "PALETTE", "RGB", "YCBCR"):
        raise InputError(f"{path}: {ALLOWED}. Received: a TIFF of kind {photometric}")
    if page.axes not in ("YX", "YXS", "SYX"):
        raise InputError(f"{path}: {ALLOWED}. Received: a TIFF with axes {page.axes}")


def check_page(path: Path, page: Any, max_pixels: int) -> None:
    """Refuses a page by its tags, before anything is decoded.

    Args:
        path: for messages.
        page: a page of `tifffile`.
        max_pixels: the largest picture that is opened.

    Raises:
        InputError: if the picture is incomplete, too large, or of a kind that holds no greys.
    """
    held = page.samplesperpixel * -(-page.bitspersample // 8)
    check_size(path, page.imagewidth, page.imagelength, max_pixels, held)
    _check_layout(path, page)
    _check_complete(path, page, path.stat().st_size)
    if page.compression == _JPEG:
        _check_jpegs(path, page, max_pixels)
    _check_kind(path, page)


def page_samples(path: Path, page: Any, values: np.ndarray) -> Samples:
    """What a part of a page shows, or all of it.

    Args:
        path: for messages.
        page: a page of `tifffile` that `check_page` has passed.
        values: as stored, `(height, width)` or `(height, width, channels)`.

    Raises:
        InputError: if there is nothing but extra samples, or a palette too large.
    """
    if values.ndim == 3 and page.extrasamples:
        values = values[..., : values.shape[-1] - len(page.extrasamples)]
    if not values.size:
        raise InputError(f"{path}: {ALLOWED}. Received: a TIFF of shape {values.shape}")
    photometric, bits, notes = getattr(page.photometric, "name", ""), page.bitspersample, []
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
    if photometric == "MINISWHITE" and values.dtype in (np.uint8, np.uint16):
        top = 2 ** (declared_depth(page) or 16) - 1 if values.dtype == np.uint16 else 255
        values = (top - values.astype(np.int32)).astype(values.dtype)
        notes.append("white-is-zero TIFF inverted")
    return Samples(values, tuple(notes))


def page_notes(tiff: Any, page: Any) -> tuple[str, ...]:
    """What is said of a file of several pages, and of how the picture's page is turned."""
    several = len(tiff.pages) > 1 or page is not tiff.pages[0]
    which = "the first taken" if page is tiff.pages[0] else "the first that is no thumbnail taken"
    return (*((f"several pages: {which}",) if several else ()), *page_orientation(page).notes)


def page_scale(tiff: Any, page: Any) -> Scale | None:
    """What a program other than the microscope's wrote about the pixels of a page."""
    return software_scale(page, tuple(dict.fromkeys(one.description for one in (page, tiff.pages[0]))))


def read_tiff(path: Path, max_pixels: int) -> Samples:
    """The samples of a TIFF file's first full-size page, with what is written about it.

    Args:
        path: the file.
        max_pixels: the largest picture that is opened.

    Raises:
        InputError: if the picture is incomplete, too large, or of a kind that holds no greys.
    """
    import tifffile

    # tifffile calculates with whatever a damaged tag holds.
    with np.errstate(all="ignore"), tifffile.TiffFile(path) as tiff:
        page: Any = picture_page(tiff)
        check_page(path, page, max_pixels)
        values = page.asarray()
        values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
        # Of damaged pages tifffile makes empty ones.
        if values.shape[:2] != (page.imagelength, page.imagewidth):
            raise InputError(f"{path}: {ALLOWED}. Received: a TIFF of shape {values.shape}")
        samples, scale = page_samples(path, page, values), page_scale(tiff, page)
        return Samples(
            samples.values,
            (*samples.notes, *page_notes(tiff, page)),
            tiff_metadata(tiff),
            scale,
            declared_depth(page) or (scale.bits if scale else 0),
            page_orientation(page),
        )
