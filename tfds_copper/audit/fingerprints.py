"""Fingerprints of pictures: their hashes and the keypoints of the place that they show; some kB each.

The perceptual hash is that of ``imagehash.phash`` but for the resizing: by area, on raw grey values of 8 or 16 bits and
without the mean grey value. The two differ in up to 9 bits of 64 where the limit for a copy is 10.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
from scipy import fft

from tfds_copper.audit.constellations import describe_objects
from tfds_copper.audit.keypoints import Keypoints, find_keypoints
from tfds_copper.audit.objects import find_objects
from tfds_copper.audit.preprocessing import area_resize, high_pass, require_grey_image, scale_factor, shrink

__all__ = ["Fingerprint", "fingerprint"]

# Scales per picture: its own and coarser ones, at which it meets larger pictures of the same pixel size.
_SCALES = 3
_HASH_SIDE, _HASH_KEPT = 32, 8


@dataclasses.dataclass(frozen=True, eq=False)
class Fingerprint:
    """What a picture is recognised by; 5 to 14 kB, picklable.

    Attributes:
        digest: SHA-256 of size and grey values, whatever the bit depth; 32 bytes.
        shape: (height, width), px.
        flat: whether all grey values are equal; then only the digest counts.
        perceptual_hash: of the grey values, 64 bits.
        keypoints: of one scale each, finest first.
        objects: those on a flat ground, at the finest scale, see `describe_objects`; none on a texture.
    """

    digest: bytes
    shape: tuple[int, int]
    flat: bool
    perceptual_hash: int
    keypoints: tuple[Keypoints, ...]
    objects: np.ndarray

    @property
    def factor(self) -> int:
        """The factor of the finest scale, px per thumbnail px."""
        return scale_factor(self.shape)


def _digest(pixels: np.ndarray) -> bytes:
    kind = "<u2" if pixels.dtype.kind in "bu" and pixels.dtype.itemsize <= 2 else "<f8"
    return hashlib.sha256(f"{pixels.shape}{kind}".encode() + np.ascontiguousarray(pixels, kind).data).digest()


def _perceptual_hash(thumbnail: np.ndarray) -> int:
    """The signs about their median of the lowest frequencies of the picture at 32x32 px, 64 bits."""
    small = area_resize(thumbnail, _HASH_SIDE, _HASH_SIDE)
    low = fft.dctn(small, norm="ortho")[:_HASH_KEPT, :_HASH_KEPT].ravel()
    # The mean grey value says nothing; 0 in its place keeps 64 bits.
    low[0] = 0
    return int.from_bytes(np.packbits(low > np.median(low[1:])).tobytes(), "big")


def fingerprint(pixels: np.ndarray) -> Fingerprint:
    """The fingerprint of one picture.

    Args:
        pixels: grey values, shape (height, width), uint8 or uint16; without an information bar if possible.

    Raises:
        InputError: if the shape is another, or empty.
    """
    shape = (int(require_grey_image(pixels).shape[0]), int(pixels.shape[1]))
    factor = scale_factor(shape)
    flat = bool(pixels.min() == pixels.max())
    if flat:
        return Fingerprint(_digest(pixels), shape, True, 0, (), np.zeros((0, 4), np.float32))
    thumbnail = shrink(pixels, factor)
    perceptual_hash = _perceptual_hash(thumbnail if min(thumbnail.shape) >= _HASH_SIDE else pixels)
    objects = describe_objects(find_objects(thumbnail))
    keypoints = []
    for scale in range(_SCALES):
        found = find_keypoints(high_pass(thumbnail), factor << scale)
        if not len(found.descriptors):
            break
        keypoints.append(found)
        thumbnail = shrink(thumbnail, 2)
    return Fingerprint(_digest(pixels), shape, False, perceptual_hash, tuple(keypoints), objects)
