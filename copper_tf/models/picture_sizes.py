"""Sizes of pictures and maps: arithmetic on pixels, without TensorFlow."""

from __future__ import annotations

__all__ = ["padded_size", "recomputes_border", "smallest_picture"]

# Side in px of the smallest map whose border is worth recomputing.
_LARGE = 64


def recomputes_border(height: int | None, width: int | None, channels: int) -> bool:
    """Whether a convolution with reflect padding recomputes the border of a map; else it pads a copy of it first.

    Small maps are padded faster than their border is recomputed, and a micrograph has but one channel to copy.

    Args:
        height: of the map in px; None where it is not known yet.
        width: of the map in px, or None.
        channels: of the map.
    """
    if height is None or width is None:
        return channels > 1
    return channels > 1 and height * width >= _LARGE**2


def padded_size(size: int, d: int) -> int:
    """The smallest multiple of 2^d that is at least `size` (px)."""
    return -(-size // 2**d) * 2**d


def smallest_picture(d: int, margin: int = 0) -> int:
    """The smallest picture side in px that a network of d stages can take.

    Reflect padding needs two pixels at the coarsest level, and a margin must leave something to count.
    """
    return max(2 ** (d + 1), padded_size(2 * margin + 2**d, d))
