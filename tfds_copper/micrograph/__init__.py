"""Read one picture file: grey values, bit depth, pixel size and what was done to get them."""

from __future__ import annotations

from tfds_copper.micrograph.options import ReadSettings
from tfds_copper.micrograph.reading import EXTENSIONS, LOSSLESS_EXTENSIONS, read, read_mask
from tfds_copper.micrograph.record import Bar, Metadata, Micrograph

__all__ = [
    "EXTENSIONS",
    "LOSSLESS_EXTENSIONS",
    "Bar",
    "Metadata",
    "Micrograph",
    "ReadSettings",
    "read",
    "read_mask",
]
