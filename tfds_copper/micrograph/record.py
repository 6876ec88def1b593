"""What is known of one micrograph."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

__all__ = ["Micrograph"]


@dataclasses.dataclass(frozen=True, eq=False)
class Micrograph:
    """One micrograph as it was recorded; nothing is scaled without a note.

    Args:
        pixels: the grey values, `(height, width)`, uint8 or uint16.
        bit_depth: 8 or 16, the bits of the grey values' container.
        pixel_size_nm: the side of a pixel in nm; NaN where unknown.
        notes: what was done to the file's values, one short sentence each.
    """

    pixels: np.ndarray
    bit_depth: int
    pixel_size_nm: float = math.nan
    notes: tuple[str, ...] = ()
