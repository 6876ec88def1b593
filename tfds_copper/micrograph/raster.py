"""PNG, BMP and JPEG, by Pillow."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.grey import ALLOWED, Samples, check_size, palette_to_samples, scans_of, spread_bits
from tfds_copper.micrograph.orientation import UPRIGHT, Orientation, orientation_of
from tfds_copper.micrograph.png import png_depth, png_metadata, remarks

__all__ = ["read_raster"]

_ORIENTATION = 274
_CHANNELS = {"RGB": 3, "RGBA": 3, "LA": 1, "RGBX": 3}
# PNG's number of a colour type and its channels.
_DEEP = {"RGB;16B": (2, 3), "LA;16B": (4, 2), "RGBA;16B": (6, 4)}
# Of each of Adam7's passes: first column and row, step between columns and rows.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def _opened(path: Path, kind: str) -> Any:
    # The format's own class: Image.open would judge by its own limits and try every other format.
    from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin

    openers: dict[str, Any] = {
        "PNG": PngImagePlugin.PngImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
    }
    # Pillow warns of damaged remarks, which we don't use; set anew because others reset filters.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(Png|Tiff)ImagePlugin")
    return openers[kind](str(path))


def _raw_mode(image: Any) -> str:
    args = image.tile[0][3] if image.tile else ""
    args = args[0] if isinstance(args, (tuple, list)) and args else args
    return args if isinstance(args, str) else ""


def _held(image: Any, raw: str) -> int:
    """Bytes of a decoded pixel."""
    # A palette is decoded to its colours.
    channels = 3 if image.mode == "P" else _DEEP[raw][1] if raw in _DEEP else len(image.getbands())
    return channels * (2 if "16" in f"{raw}{image.mode}" else 1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _packed_pixels(data: bytes) -> bytes:
    """The pixels in a PNG's chunks, still packed."""
    parts, at = [], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"IDAT":
            parts.append(data[at + 8 : at + 8 + size])
        at += 12 + size
    return b"".join(parts)


def _deep_colour(path: Path, image: Any, raw: str) -> Samples:
    # Pillow cuts colour PNGs of 16 bit down to 8; libpng prints on oddities, so it gets the bare pixels, pass by pass.
    import imagecodecs

    colour, channels = _DEEP[raw]
    values = np.zeros((image.height, image.width, channels), np.uint16)
    passes = _ADAM7 if image.info.get("interlace") else ((0, 0, 1, 1),)
    parts = [part for x, y, dx, dy in passes if (part := values[y::dy, x::dx]).size]
    packed, unpack = _packed_pixels(path.read_bytes()), zlib.decompressobj()
    for part in parts:
        height, width = part.shape[:2]
        rows = unpack.decompress(packed, height * (1 + 2 * channels * width))
        packed = unpack.unconsumed_tail
        header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
        chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 1)), _chunk(b"IEND", b""))
        part[...] = imagecodecs.png_decode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return Samples(values[..., : 3 if channels >= 3 else 1])


def _from_image(path: Path, image: Any, raw: str) -> Samples:
    mode = image.mode
    if raw in _DEEP:
        return _deep_colour(path, image, raw)
    if mode == "1":
        grey, note = spread_bits(np.asarray(image, dtype=np.uint8), 1)
        return Samples(grey, (note,))
    if mode == "L":
        # Pillow itself stretches 2 and 4 bits.
        bits = raw.partition(";")[2]
        return Samples(np.asarray(image), (f"{bits}-bit greys stretched to 0..255",) if bits in ("2", "4") else ())
    if mode == "I;16":
        return Samples(np.asarray(image).astype(np.uint16, copy=False))
    if mode == "P":
        palette = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        return palette_to_samples(np.asarray(image), palette)
    if mode in _CHANNELS:
        return Samples(np.asarray(image)[..., : _CHANNELS[mode]])
    raise InputError(f"{path}: {ALLOWED}. Received: Pillow mode {mode}")


def _orientation(image: Any) -> Orientation:
    """How EXIF, or XMP in its place, says that the picture is to be turned."""
    try:
        return orientation_of(image.getexif().get(_ORIENTATION))
    except Exception:  # Pillow fails in any way on damaged remarks
        return UPRIGHT


def read_raster(path: Path, kind: str, max_pixels: int) -> Samples:
    """The samples of a PNG, BMP or JPEG file.

    Args:
        path: the file.
        kind: ``PNG``, ``BMP`` or ``JPEG``, as its first bytes say.
        max_pixels: the largest picture that is opened.

    Raises:
        InputError: if the picture is too large or of a kind that holds no greys.
    """
    with _opened(path, kind) as image:
        raw = _raw_mode(image)  # decoding forgets it
        scans = scans_of(path.read_bytes()) if kind == "JPEG" else 1
        check_size(path, image.width, image.height, max_pixels, _held(image, raw), scans)
        image.load()
        samples, orientation = _from_image(path, image, raw), _orientation(image)
    chunks = remarks(path) if kind == "PNG" else {}
    return Samples(
        samples.values,
        (*samples.notes, *(("JPEG: lossy",) if kind == "JPEG" else ()), *orientation.notes),
        png_metadata(chunks),
        declared=png_depth(chunks, samples.values),
        orientation=orientation,
    )
