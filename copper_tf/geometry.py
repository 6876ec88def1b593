"""Receptive fields, margins and tiles: arithmetic on pixel coordinates, without TensorFlow.

Everything is derived by walking the network backwards with intervals: which input pixels can the output pixels
``lo..hi`` (inclusive) see? Convolutions widen an interval by one, a 2x2 max pool doubles it, the bilinear x2 halves
it and widens it by one neighbour.
"""

from __future__ import annotations

import dataclasses

__all__ = ["Tile", "borders_mended", "cuts", "padded_size", "reach", "receptive_field", "smallest_picture", "tiles"]

Interval = tuple[int, int]
# Side in px of the smallest map whose borders are worth mending.
_MENDED = 64


def borders_mended(height: int | None, width: int | None, channels: int) -> bool:
    """Whether a mirrored convolution mends the borders of a map, see `models.mirror`; else it frames the map first.

    Small maps are framed faster than their borders are looked up, and a picture has but one channel to copy.

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


def padded_size(size: int, d: int) -> int:
    """The smallest multiple of 2^d that is at least `size` (px)."""
    return -(-size // 2**d) * 2**d


def smallest_picture(d: int, margin: int = 0) -> int:
    """The smallest picture side in px that a network of d stages can take.

    Mirrored borders need two pixels at the coarsest level, and a margin must leave something to count.
    """
    return max(2 ** (d + 1), padded_size(2 * margin + 2**d, d))


@dataclasses.dataclass(frozen=True)
class Tile:
    """A window along one axis and the part of it that is kept.

    Attributes:
        start: first pixel of the window, counted from the picture's edge; below 0 in front of it.
        size: pixels of the window.
        keep_start: first pixel that is kept.
        keep_stop: one past the last pixel that is kept.
    """

    start: int
    size: int
    keep_start: int
    keep_stop: int

    def window(self, length: int) -> slice:
        """The pixels of the window that lie within a picture of `length` px."""
        return slice(max(self.start, 0), min(self.start + self.size, length))

    def beyond(self, length: int) -> tuple[int, int]:
        """How many pixels of the window lie in front of the picture, and how many behind it."""
        return max(0, -self.start), max(0, self.start + self.size - length)

    def kept(self, length: int) -> slice:
        """The pixels of the picture that are kept."""
        return slice(self.keep_start, min(self.keep_stop, length))

    def inner(self, length: int) -> slice:
        """The same pixels counted from the window's edge."""
        return slice(self.keep_start - self.start, min(self.keep_stop, length) - self.start)


def tiles(length: int, size: int, margin: int, d: int) -> tuple[Tile, ...]:
    """Cuts an axis into windows whose kept parts cover it once and see the same pixels as the whole picture.

    Windows start on the 2^d grid and all have one size; a window that ends at the picture's edge mirrors there just
    as the whole picture does, every other edge has at least `margin` px that are thrown away.

    Args:
        length: px of the axis, a multiple of 2^d.
        size: px of a window at most, margins included.
        margin: px of context to throw away on inner edges (`reach` of the network).
        d: stages of the network.
    """
    grid = 2**d
    margin = padded_size(margin, d)
    size = max(padded_size(size, d), 2 * margin + grid)
    if size >= length:
        return (Tile(0, length, 0, length),)
    step = size - 2 * margin
    starts = [*range(0, length - size, step), length - size]
    cuts = [0, *(later + margin for later in starts[1:]), length]
    return tuple(Tile(s, size, lo, hi) for s, lo, hi in zip(starts, cuts[:-1], cuts[1:], strict=True))


def cuts(shape: tuple[int, int], size: int, margin: int, d: int, frame: int = 0) -> list[tuple[Tile, Tile]]:
    """The tiles of a whole picture, row by row, each as its rows and its columns.

    Args:
        shape: height and width in px.
        size: see `tiles`; a window holds at least as many pixels of the picture as lie beyond it.
        margin: see `tiles`.
        d: stages of the network.
        frame: px by which the picture goes on beyond each border, a multiple of 2^d; behind its last pixels to the
            next multiple of 2^d.
    """
    size = max(size, 2 * (max(margin, frame) + 2**d))
    rows, columns = (
        [
            Tile(t.start - frame, t.size, max(t.keep_start - frame, 0), t.keep_stop - frame)
            for t in tiles(padded_size(side, d) + 2 * frame, size, margin, d)
        ]
        for side in shape
    )
    return [(row, column) for row in rows for column in columns]
