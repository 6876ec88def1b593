"""Read one picture file: grey values, bit depth, pixel size and what was done to get them."""

from __future__ import annotations

from tfds_copper.micrograph.reading import EXTENSIONS, LOSSLESS_EXTENSIONS, read, read_mask
from tfds_copper.micrograph.record import Bar, Metadata, Micrograph
from tfds_copper.micrograph.settings import AUTO, ReadSettings
from tfds_copper.micrograph.windows import LARGE, Opened, Windows, open_windows

__all__ = [
    "AUTO",
    "EXTENSIONS",
    "LARGE",
    "LOSSLESS_EXTENSIONS",
    "Bar",
    "Metadata",
    "Micrograph",
    "Opened",
    "ReadSettings",
    "Windows",
    "open_windows",
    "read",
    "read_mask",
]
