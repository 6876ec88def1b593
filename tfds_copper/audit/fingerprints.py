"""What is kept of a picture to know it again: its hashes and the marks of the place it shows; some kB."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
from scipy import fft

from tfds_copper.audit.keypoints import Marks, find_marks
from tfds_copper.audit.preprocessing import area_resize, checked, factor_of, high_pass, shrink

__all__ = ["Print", "print_of"]

# Scales per picture: its own and coarser ones, at which it meets larger pictures of the same pixel size.
_SCALES = 3
_HASH_SIDE, _HASH_KEPT = 32, 8


@dataclasses.dataclass(frozen=True, eq=False)
class Print:
    """What is kept of one picture; 5 to 14 kB, and it can be pickled.

    Attributes:
        digest: SHA-256 of size and grey values, whatever the bit depth; 32 bytes.
        shape: (height, width), px.
        flat: whether all grey values are equal; then only the digest counts.
        look: the perceptual hash, 64 bits.
        marks: the marks of the place at one scale each, finest first.
    """

    digest: bytes
    shape: tuple[int, int]
    flat: bool
    look: int
    marks: tuple[Marks, ...]

    @property
    def factor(self) -> int:
        """The factor of the finest scale, px per thumbnail px."""
        return factor_of(self.shape)


def _digest(pixels: np.ndarray) -> bytes:
    kind = "<u2" if pixels.dtype.kind in "bu" and pixels.dtype.itemsize <= 2 else "<f8"
    return hashlib.sha256(f"{pixels.shape}{kind}".encode() + np.ascontiguousarray(pixels, kind).data).digest()


def _perceptual(thumb: np.ndarray) -> int:
    """The signs about their median of the lowest frequencies of the picture at 32x32 px, 64 bits."""
    small = area_resize(thumb, _HASH_SIDE, _HASH_SIDE)
    low = fft.dctn(small, norm="ortho")[:_HASH_KEPT, :_HASH_KEPT].ravel()
    # The mean grey value says nothing; 0 in its place keeps 64 bits.
    low[0] = 0
    return int.from_bytes(np.packbits(low > np.median(low[1:])).tobytes(), "big")


def print_of(pixels: np.ndarray) -> Print:
    """What is kept of one picture.

    Args:
        pixels: grey values, shape (height, width), uint8 or uint16; without an information bar if possible.

    Raises:
        InputError: if the shape is another, or empty.
    """
    shape = (int(checked(pixels).shape[0]), int(pixels.shape[1]))
    factor = factor_of(shape)
    flat = bool(pixels.min() == pixels.max())
    if flat:
        return Print(_digest(pixels), shape, True, 0, ())
    thumb = shrink(pixels, factor)
    look = _perceptual(thumb if min(thumb.shape) >= _HASH_SIDE else pixels)
    marks = []
    for scale in range(_SCALES):
        found = find_marks(high_pass(thumb), factor << scale)
        if not len(found.look):
            break
        marks.append(found)
        thumb = shrink(thumb, 2)
    return Print(_digest(pixels), shape, False, look, tuple(marks))
