"""From decoded samples to grey values, without guessing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.orientation import UPRIGHT, Orientation
from tfds_copper.micrograph.record import Metadata
from tfds_copper.micrograph.vendors.scale import Scale

__all__ = [
    "ALLOWED",
    "Samples",
    "check_size",
    "coloured",
    "grey_notes",
    "palette_to_samples",
    "pixels_of_file",
    "refuse_colours",
    "scans_of",
    "spread_bits",
    "to_grey",
]

ALLOWED = "allowed are grey pictures of 8 or 16 bit as PNG, TIFF, BMP or JPEG"

# A file of fewer bytes can't hold more pixels than this unless it lies; no format packs zeros more densely.
_SMALL, _PIXELS_A_BYTE = 2**25, 2**15

# A grey value has up to 16 bits. Progressive JPEGs have some ten scans, each of which goes over all of the picture.
_GREY_BYTES, _USUAL_SCANS, _MOST_SCANS = 2, 10, 100

# Zeiss lays a few annotation colours over an otherwise plain ramp: 27 of 256 entries in a real file.
_RAMP_SHARE = 0.8


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """Decoded samples before they are known to be grey.

    Args:
        values: `(height, width)` or `(height, width, channels)`, alpha removed, uint8 or uint16.
        notes: what was done so far.
        metadata: what the microscope wrote into the file; None where it has no such tag.
        scale: what another program wrote about the pixels; None where none did.
        declared: the depth that the file declares for its container of 16 bits; 0 for none.
        orientation: how the values are to be turned.
    """

    values: np.ndarray
    notes: tuple[str, ...] = ()
    metadata: Metadata | None = None
    scale: Scale | None = None
    declared: int = 0
    orientation: Orientation = UPRIGHT


def scans_of(jpeg: bytes) -> int:
    """How many scans a JPEG has at most, by the markers that begin one."""
    return jpeg.count(b"\xff\xda")


def pixels_of_file(size: Any, largest: Callable[[Any, Any], Any] = max) -> Any:
    """The most pixels that a file can hold.

    Args:
        size: bytes of the file.
        largest: of two numbers; for numbers that aren't Python's.
    """
    return largest(_PIXELS_A_BYTE * size, _SMALL)


def check_size(path: Path, width: int, height: int, max_pixels: int, held: int = 1, scans: int = 1) -> None:
    """Refuses a picture by its header, before anything is decoded.

    Args:
        path: of the file.
        width: in px.
        height: in px.
        max_pixels: the largest picture that is opened, grey values of 16 bits.
        held: bytes of a pixel once it is decoded, of all channels.
        scans: how often the decoder goes over the picture.

    Raises:
        InputError: if the picture is empty, takes more than `max_pixels` pixels do, of which a file can't hold so many,
            or is gone over too often.
    """
    if width <= 0 or height <= 0 or width * height > max_pixels:
        raise InputError(f"{path}: a picture must have 1 to {max_pixels} pixels. Received: {width} x {height}")
    if width * height * held > max_pixels * _GREY_BYTES:
        raise InputError(
            f"{path}: a picture must take at most {max_pixels * _GREY_BYTES} bytes, all channels together. Received: "
            f"{width} x {height} pixels of {held} bytes"
        )
    if scans > _MOST_SCANS or scans * width * height > _USUAL_SCANS * max_pixels:
        raise InputError(
            f"{path}: a JPEG must have at most {_MOST_SCANS} scans, {_USUAL_SCANS} where it is large. "
            f"Received: {scans} of {width} x {height} pixels"
        )
    size = path.stat().st_size
    if width * height > pixels_of_file(size):
        raise InputError(
            f"{path}: a picture must be complete. Received: {width} x {height} pixels claimed by a file of {size} bytes"
        )


def spread_bits(values: np.ndarray, bits: int) -> tuple[np.ndarray, str]:
    """Values of fewer than 8 bits stretched to 0..255, with the note that says so."""
    wide = (values.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
    return wide, f"{bits}-bit greys stretched to 0..255"


def palette_to_samples(index: np.ndarray, palette: np.ndarray) -> Samples:
    """Grey values of a palette picture, or its colours where the palette is no grey one.

    Args:
        index: `(height, width)`, uint8.
        palette: `(entries, 3)`, uint8.

    Returns:
        The index itself where the palette is a ramp of greys with at most a few annotation colours, else
        what the palette shows, `(height, width, 3)`.
    """
    ramp = np.arange(len(palette), dtype=np.uint8)[:, None]
    if len(palette) == 256 and np.mean(np.all(palette == ramp, axis=1)) >= _RAMP_SHARE:
        return Samples(index, ("palette: index taken as grey value",))
    full = np.zeros((256, 3), np.uint8)
    full[: len(palette)] = palette[:256]
    return Samples(full[index], ("palette: mapped through its colours",))


def grey_notes(path: Path, values: np.ndarray) -> tuple[str, ...]:
    """What making greys of samples of this type and shape means, if anything.

    Raises:
        InputError: if they are of another type.
    """
    if values.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: {ALLOWED}, unsigned whole numbers. Received: {values.dtype} pixels")
    return ("grey saved as colour: one channel taken",) if values.ndim == 3 and values.shape[-1] > 1 else ()


def coloured(values: np.ndarray) -> int:
    """How many pixels are not grey, of `(height, width)` or `(height, width, channels)`."""
    return 0 if values.ndim == 2 else int(np.count_nonzero(np.any(values != values[..., :1], axis=-1)))


def refuse_colours(path: Path, count: int, pixels: int) -> None:
    """Stops where any pixel is not grey.

    Raises:
        InputError: saying how many of all `pixels` aren't.
    """
    if count:
        raise InputError(
            f"{path}: {ALLOWED}. Received: a colour picture, {100 * count / pixels:.3g}% of its pixels not grey"
        )


def to_grey(path: Path, samples: Samples) -> tuple[np.ndarray, tuple[str, ...]]:
    """The grey values, `(height, width)`, and the notes so far.

    Raises:
        InputError: if the samples are of another type, or the picture has colours.
    """
    values, notes = samples.values, grey_notes(path, samples.values)
    if values.ndim == 2:
        return values, samples.notes
    refuse_colours(path, coloured(values), values.shape[0] * values.shape[1])
    return np.ascontiguousarray(values[..., 0]), (*samples.notes, *notes)
