"""Lines of a map, rows or columns: taken out, and written back in place.

Lines are a picture of their own, ``(batch, lines, length, channels)``: few and long, a shape that convolutions are fast
at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

__all__ = ["COLUMNS", "ROWS", "Number", "after", "lines", "sides", "written"]

ROWS, COLUMNS = 1, 2
# A number where it is known: each that is not makes some ten nodes more in the graph of a training step.
Number: TypeAlias = "int | tf.Tensor"


def sides(x: tf.Tensor) -> tuple[Number, Number]:
    """Height and width."""
    height, width = (x.shape[axis] or tf.shape(x)[axis] for axis in (ROWS, COLUMNS))
    return height, width


def _turned(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Rows and columns exchanged where lines are columns."""
    return x if axis == ROWS else tf.transpose(x, (0, 2, 1, 3))


def lines(x: tf.Tensor, axis: int, places: Sequence[Number]) -> tf.Tensor:
    """Some rows or columns of a map."""
    return _turned(tf.gather(x, tf.stack(places), axis=axis), axis)


def _wide(x: tf.Tensor) -> tf.Tensor:
    """The same bytes as fewer and larger numbers, where channels allow: a line is written number by number."""
    for kind in (tf.complex128, tf.int64):
        joined = kind.size // x.dtype.size
        if joined > 1 and x.shape[3] % joined == 0:
            return tf.bitcast(tf.reshape(x, (-1, *sides(x), x.shape[3] // joined, joined)), kind)
    return x


def written(x: tf.Tensor, like: tf.Tensor, axis: int, places: Sequence[Number], new: tf.Tensor) -> tf.Tensor:
    """A map with one or two rows or columns replaced, in its own memory where nothing else reads that.

    Args:
        x: the map.
        like: another as large; asking the map itself for its size would have it copied.
        axis: rows or columns.
        places: which of them.
        new: the lines to be there.
    """
    height, width = sides(like)
    wide, told, kind = _wide(x), _wide(_turned(new, axis)), x.dtype
    channels = wide.shape[3]
    # Three axes are walked faster than four.
    count, row = (height, width * channels) if axis == ROWS else (width, channels)
    first, last, others = places[0], places[-1], 0b101
    wide = tf.raw_ops.TensorStridedSliceUpdate(
        input=tf.reshape(wide, (-1, count, row)), value=tf.reshape(told, (-1, len(places), row)),
        begin=tf.stack([0, first, 0]), end=tf.stack([0, last + 1, 0]),
        strides=tf.stack([1, last - first if len(places) > 1 else 1, 1]), begin_mask=others, end_mask=others,
    )  # fmt: skip
    if wide.dtype != kind:
        wide = tf.bitcast(tf.reshape(wide, (-1, 1)), kind)
    result = tf.reshape(wide, (-1, height, width, x.shape[3]))
    result.set_shape([*like.shape[:3], x.shape[3]])
    return result


def after(x: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
    """`x` once others are there: a few lines that come first would lie where a whole map had found its place."""
    with tf.control_dependencies(others):
        return tf.identity(x)
