"""Rows or columns of a map, taken out and written back in place.

Lines are a picture of their own, ``(batch, lines, length, channels)``: few and long, a shape that convolutions are fast
at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

__all__ = ["COLUMNS", "ROWS", "Number", "replace_lines", "spatial_shape", "take_lines", "wait_for"]

ROWS, COLUMNS = 1, 2
# A number where it is known: each that is not makes some ten nodes more in the graph of a training step.
Number: TypeAlias = "int | tf.Tensor"


def spatial_shape(x: tf.Tensor) -> tuple[Number, Number]:
    """Height and width."""
    height, width = (x.shape[axis] or tf.shape(x)[axis] for axis in (ROWS, COLUMNS))
    return height, width


def _exchange_axes(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Rows and columns exchanged where lines are columns."""
    return x if axis == ROWS else tf.transpose(x, (0, 2, 1, 3))


def take_lines(x: tf.Tensor, axis: int, places: Sequence[Number]) -> tf.Tensor:
    """Some rows or columns of a map."""
    return _exchange_axes(tf.gather(x, tf.stack(places), axis=axis), axis)


def _as_wide_numbers(x: tf.Tensor) -> tf.Tensor:
    """The same bytes as fewer and larger numbers, where channels allow: a line is written number by number."""
    for kind in (tf.complex128, tf.int64):
        joined = kind.size // x.dtype.size
        if joined > 1 and x.shape[3] % joined == 0:
            return tf.bitcast(tf.reshape(x, (-1, *spatial_shape(x), x.shape[3] // joined, joined)), kind)
    return x


def replace_lines(x: tf.Tensor, like: tf.Tensor, axis: int, places: Sequence[Number], new: tf.Tensor) -> tf.Tensor:
    """A map with one or two rows or columns replaced, in its own memory where nothing else reads that.

    Args:
        x: the map.
        like: another as large; asking the map itself for its size would have it copied.
        axis: rows or columns.
        places: which of them.
        new: the lines to be there.
    """
    height, width = spatial_shape(like)
    packed, values, kind = _as_wide_numbers(x), _as_wide_numbers(_exchange_axes(new, axis)), x.dtype
    channels = packed.shape[3]
    # Three axes are walked faster than four.
    count, row = (height, width * channels) if axis == ROWS else (width, channels)
    first, last, others = places[0], places[-1], 0b101
    packed = tf.raw_ops.TensorStridedSliceUpdate(
        input=tf.reshape(packed, (-1, count, row)), value=tf.reshape(values, (-1, len(places), row)),
        begin=tf.stack([0, first, 0]), end=tf.stack([0, last + 1, 0]),
        strides=tf.stack([1, last - first if len(places) > 1 else 1, 1]), begin_mask=others, end_mask=others,
    )  # fmt: skip
    if packed.dtype != kind:
        packed = tf.bitcast(tf.reshape(packed, (-1, 1)), kind)
    result = tf.reshape(packed, (-1, height, width, x.shape[3]))
    result.set_shape([*like.shape[:3], x.shape[3]])
    return result


def wait_for(x: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
    """`x` once others are there: a few lines that come first would lie where a whole map had found its place."""
    with tf.control_dependencies(others):
        return tf.identity(x)
