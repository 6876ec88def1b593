"""PNG, BMP and JPEG, by Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.micrograph.grey import ALLOWED, Samples, check_size, palette_to_samples, spread_bits

__all__ = ["read_raster"]

_CHANNELS = {"RGB": 3, "RGBA": 3, "LA": 1, "RGBX": 3}


def _opened(path: Path, kind: str) -> Any:
    # The format's own class: Image.open would judge by its own limits and try every other format.
    from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin

    openers: dict[str, Any] = {
        "PNG": PngImagePlugin.PngImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
    }
    return openers[kind](str(path))


def _raw_mode(image: Any) -> str:
    args = image.tile[0][3] if image.tile else ""
    args = args[0] if isinstance(args, (tuple, list)) and args else args
    return args if isinstance(args, str) else ""


def _deep_colour(path: Path) -> Samples:
    # Pillow cuts colour PNGs of 16 bit down to 8.
    import imagecodecs

    values = imagecodecs.png_decode(path.read_bytes())
    return Samples(values[..., : 3 if values.shape[-1] >= 3 else 1])


def _from_image(path: Path, image: Any, raw: str) -> Samples:
    mode = image.mode
    if mode in _CHANNELS and "16" in raw:
        return _deep_colour(path)
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
        check_size(path, image.width, image.height, max_pixels)
        raw = _raw_mode(image)  # decoding forgets it
        image.load()
        samples = _from_image(path, image, raw)
    return Samples(samples.values, (*samples.notes, "JPEG: lossy") if kind == "JPEG" else samples.notes)
