"""Read one picture file: grey values, bit depth, pixel size and what was done to get them."""

from __future__ import annotations

from tfds_copper.micrograph.reading import EXTENSIONS, LOSSLESS_EXTENSIONS, read, read_mask
from tfds_copper.micrograph.record import Micrograph

__all__ = ["EXTENSIONS", "LOSSLESS_EXTENSIONS", "Micrograph", "read", "read_mask"]
