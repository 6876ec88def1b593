"""Read one picture file by what is in it, not by what it is called."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import stat
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from tfds_copper.errors import CopperError, InputError
from tfds_copper.micrograph.bar import find_bar
from tfds_copper.micrograph.depth import Bits, depth_of
from tfds_copper.micrograph.grey import Samples, to_grey
from tfds_copper.micrograph.preprocessing import averaged, cut_bar, edges, own_pixel_size, resampling
from tfds_copper.micrograph.raster import read_raster
from tfds_copper.micrograph.record import Micrograph
from tfds_copper.micrograph.settings import ReadSettings
from tfds_copper.micrograph.tiff import read_tiff
from tfds_copper.micrograph.vendors.registry import picture_metadata
from tfds_copper.micrograph.vendors.values import printable

__all__ = [
    "EXTENSIONS",
    "LOSSLESS_EXTENSIONS",
    "decoding_errors",
    "kind_of",
    "name_notes",
    "one_line_errors",
    "read",
    "read_mask",
]

LOSSLESS_EXTENSIONS = (".bmp", ".png", ".tif", ".tiff")
EXTENSIONS = (*LOSSLESS_EXTENSIONS, ".jpeg", ".jpg")

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
)
_USUAL = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".jpg": "JPEG", ".jpeg": "JPEG"}


# Of each half of a message: names and cells are of any length.
_LONGEST = 480


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[1 - _LONGEST // 2 :]}"


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Makes every `CopperError` one line of at most 1000 printable characters, whatever names and cells are in it."""
    try:
        yield
    except CopperError as error:
        before, received, behind = printable(str(error)).rpartition("Received:")
        text = _shortened(before) + received + _shortened(behind)
        if text == str(error):
            raise
        raise type(error)(text) from error


def kind_of(path: Path) -> str:
    """PNG, TIFF, BMP or JPEG, by a file's first bytes.

    Raises:
        InputError: if it is none of them, or can't be read.
    """
    try:
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(os.stat(path).st_mode) and not path.is_dir():
            raise InputError(f"{path}: a picture must be a readable file. Received: a pipe or device")
        with path.open("rb") as stream:
            head = stream.read(8)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: a picture must be a readable file. Received: {reason}") from error
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    what = f"a file that begins with {head!r}" if head else "an empty file"
    raise InputError(f"{path}: a picture must be a PNG, TIFF, BMP or JPEG file. Received: {what}")


@contextlib.contextmanager
def decoding_errors(path: Path, kind: str) -> Iterator[None]:
    """Makes whatever a decoder raises on a damaged file an `InputError`."""
    try:
        yield
    except (InputError, ImportError):
        raise
    except Exception as error:  # decoders raise anything at all on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: a {kind} file must be complete and intact. Received: {reason}") from error


def name_notes(path: Path, kind: str) -> tuple[str, ...]:
    """What is said of a file whose ending is another kind's."""
    usual = _USUAL.get(path.suffix.lower(), kind)
    return () if usual == kind else (f"named {path.suffix.lower()}, read as {kind}",)


def _decode(path: Path, max_pixels: int) -> Samples:
    kind = kind_of(path)
    with decoding_errors(path, kind):
        samples = read_tiff(path, max_pixels) if kind == "TIFF" else read_raster(path, kind, max_pixels)
    values = samples.orientation.turned(samples.values)
    return dataclasses.replace(samples, values=values, notes=(*samples.notes, *name_notes(path, kind)))


@one_line_errors()
def read(
    path: str | PathLike[str], settings: ReadSettings | None = None, listed_pixel_size_nm: float = math.nan
) -> Micrograph:
    """Reads one micrograph: PNG, TIFF, BMP or JPEG, grey, 8 or 16 bit, with what its microscope wrote about it.

    Args:
        path: the file; its first bytes, not its extension, decide how it is read. A Hitachi or JEOL ``.txt`` or a
            Tescan ``.hdr`` of the same stem beside it is read too.
        settings: what the user overrules; nothing where None.
        listed_pixel_size_nm: what labels.csv says; overrules the file, and is overruled by the settings.

    Raises:
        InputError: if the file is missing, damaged, too large, no picture, or a colour picture.
    """
    path, settings = Path(path), settings or ReadSettings()
    samples = _decode(path, settings.max_pixels)
    whole, notes = to_grey(path, samples)
    depth = depth_of(path, whole.dtype, Bits.of(whole), samples.declared, settings.bit_depth)
    whole = depth.stored(whole)
    metadata = picture_metadata(path, samples.metadata)
    bar, on_bar, contradicted = cut_bar(path, whole.shape, lambda: find_bar(whole), metadata, settings)
    pixels = whole if bar is None else bar.crop(whole)
    metadata, size, on_scale = own_pixel_size(metadata, samples.scale, contradicted, listed_pixel_size_nm, settings)
    shape, size, on_size = resampling(path, pixels.shape, size, settings.resample)
    if on_size:
        pixels = averaged(pixels, *(edges(*sides) for sides in zip(pixels.shape, shape, strict=True)))
    return Micrograph(
        np.ascontiguousarray(pixels),
        depth.bits,
        size,
        (*notes, *depth.notes, *on_bar, *on_scale, *on_size),
        metadata,
        bar,
        whole.shape,
    )


@one_line_errors()
def read_mask(path: str | PathLike[str], picture: Micrograph | None = None) -> np.ndarray:
    """Reads one true mask, `(height, width)`, uint8: 1 where the file is not black, else 0.

    Args:
        path: the file.
        picture: the micrograph that it is the mask of; a mask as large as that one's file is cut and resampled as
            the picture was.

    Raises:
        InputError: if the file is missing, damaged, no picture, or of another size than its picture.
    """
    values = _decode(Path(path), ReadSettings().max_pixels).values
    mask = (np.any(values > 0, axis=-1) if values.ndim == 3 else values > 0).astype(np.uint8)
    if picture is None or mask.shape == picture.pixels.shape:
        return mask
    rows = picture.recorded[0] - (picture.bar.above + picture.bar.below if picture.bar else 0)
    if mask.shape == picture.recorded and picture.bar is not None:
        mask = picture.bar.crop(mask)
    if mask.shape == (rows, picture.recorded[1]):
        height, width = picture.pixels.shape
        if mask.shape == (height, width):
            return np.ascontiguousarray(mask)
        from PIL import Image

        share = Image.fromarray(mask.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
        return (np.asarray(share) >= 0.5).astype(np.uint8)
    height, width = picture.pixels.shape
    raise InputError(
        f"{path}: a true mask must have its picture's size, {width} x {height}. "
        f"Received: {mask.shape[1]} x {mask.shape[0]}"
    )
