"""Read one picture file by what is in it, not by what it is called."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.grey import Samples, to_grey
from tfds_copper.micrograph.raster import read_raster
from tfds_copper.micrograph.record import Micrograph
from tfds_copper.micrograph.tiff import read_tiff

__all__ = ["EXTENSIONS", "LOSSLESS_EXTENSIONS", "read", "read_mask"]

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


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise InputError(f"{path}: a picture must be a readable file. Received: {error.strerror or error}") from error
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    what = f"a file that begins with {head!r}" if head else "an empty file"
    raise InputError(f"{path}: a picture must be a PNG, TIFF, BMP or JPEG file. Received: {what}")


def _decode(path: Path) -> Samples:
    kind = _kind(path)
    try:
        samples = read_tiff(path) if kind == "TIFF" else read_raster(path, kind)
    except (InputError, ImportError):
        raise
    except Exception as error:  # decoders raise anything at all on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: a {kind} file must be complete and intact. Received: {reason}") from error
    if _USUAL.get(path.suffix.lower(), kind) != kind:
        return Samples(samples.values, (*samples.notes, f"named {path.suffix.lower()}, read as {kind}"))
    return samples


def read(path: str | PathLike[str]) -> Micrograph:
    """Reads one micrograph: PNG, TIFF, BMP or JPEG, grey, 8 or 16 bit.

    Args:
        path: the file; its first bytes, not its extension, decide how it is read.

    Raises:
        InputError: if the file is missing, damaged, no picture, or a colour picture.
    """
    path = Path(path)
    pixels, notes = to_grey(path, _decode(path))
    return Micrograph(np.ascontiguousarray(pixels), 8 * pixels.dtype.itemsize, notes=notes)


def read_mask(path: str | PathLike[str]) -> np.ndarray:
    """Reads one true mask, `(height, width)`, uint8: 1 where the file is not black, else 0.

    Raises:
        InputError: if the file is missing, damaged or no picture.
    """
    values = _decode(Path(path)).values
    return np.any(values > 0, axis=-1).astype(np.uint8) if values.ndim == 3 else (values > 0).astype(np.uint8)
