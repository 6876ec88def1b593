"""Receptive fields, margins and tiles: arithmetic on pixel coordinates, without TensorFlow.

Everything is derived by walking the network backwards with intervals: which input pixels can the output pixels
``lo..hi`` (inclusive) see? Convolutions widen an interval by one, a 2x2 max pool doubles it, the bilinear x2 halves
it and widens it by one neighbour.
"""

from __future__ import annotations

from copper_tf.config import Config

__all__ = [
    "padded_size",
    "reach",
    "reach_of",
    "receptive_field",
    "receptive_field_of",
    "recomputes_border",
    "smallest_picture",
]

Interval = tuple[int, int]
# Side in px of the smallest map whose border is worth recomputing.
_MENDED = 64


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
    return channels > 1 and height * width >= _MENDED**2


def _through_convolutions(span: Interval, count: int) -> Interval:
    return span[0] - count, span[1] + count


def _through_pool(span: Interval) -> Interval:
    return 2 * span[0], 2 * span[1] + 1


def _through_upsampling(span: Interval) -> Interval:
    # Output 2i mixes inputs i-1 and i; output 2i+1 mixes i and i+1 (half-pixel centres).
    lo, hi = span
    return (lo // 2 - 1 if lo % 2 == 0 else lo // 2), (hi // 2 if hi % 2 == 0 else hi // 2 + 1)


def _down_from(span: Interval, level: int, n: int, N: int, stages: int) -> Interval:
    """From `span` in front of down-stage `level` (its input) back to the picture."""
    for _ in range(level):
        span = _through_convolutions(_through_pool(span), n * N)
    return _through_convolutions(span, 1) if stages else span


def _seen(pixel: int, kind: str, n: int, N: int, d: int) -> Interval:
    """The input pixels, along one axis, that can change output pixel `pixel`."""
    if kind == "classifier":
        return _down_from((pixel, pixel), d, n, N, d)
    span: Interval = (pixel, pixel)
    lowest, highest = pixel, pixel
    for level in range(d):
        span = _through_convolutions(span, n * N)
        # The sum skip joins here: the map of the down-stage of this level, before its pool.
        skip = _down_from(_through_convolutions(span, n * N), level, n, N, d)
        lowest, highest = min(lowest, skip[0]), max(highest, skip[1])
        span = _through_upsampling(span)
    bottom = _down_from(span, d, n, N, d)
    return min(lowest, bottom[0]), max(highest, bottom[1])


def receptive_field(kind: str, n: int, N: int, d: int) -> int:
    """Width in px of the square of input pixels that one output value sees, at full input resolution.

    A segmenter's output pixels see slightly different widths by their place on the 2^d grid; this is their mean.
    A classifier's is that of one cell of its last feature map.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``.
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        d: stages.
    """
    phases = range(2**d) if kind == "segmenter" else range(1)
    widths = [hi - lo + 1 for lo, hi in (_seen(p, kind, n, N, d) for p in phases)]
    return round(sum(widths) / len(widths))


def reach(kind: str, n: int, N: int, d: int) -> int:
    """The largest distance in px from an output pixel (or cell's edge) to an input pixel it sees."""
    if kind == "classifier":
        lo, hi = _seen(0, kind, n, N, d)
        return max(-lo, hi - (2**d - 1))
    return max(max(p - lo, hi - p) for p in range(2**d) for lo, hi in [_seen(p, kind, n, N, d)])


def receptive_field_of(config: Config) -> int:
    """Width in px of the normalised picture that one output value of a run's network sees, see `receptive_field`.

    What `Config.normalised_over` says comes on top: of that, mean and spread are all that reaches the network.
    """
    return receptive_field(config.kind, config.model.n, config.model.N, config.model.d)


def reach_of(config: Config) -> int:
    """The largest distance in px from an output pixel to a normalised pixel that it sees, see `reach`."""
    return reach(config.kind, config.model.n, config.model.N, config.model.d)


def padded_size(size: int, d: int) -> int:
    """The smallest multiple of 2^d that is at least `size` (px)."""
    return -(-size // 2**d) * 2**d


def smallest_picture(d: int, margin: int = 0) -> int:
    """The smallest picture side in px that a network of d stages can take.

    Mirrored borders need two pixels at the coarsest level, and a margin must leave something to count.
    """
    return max(2 ** (d + 1), padded_size(2 * margin + 2**d, d))
