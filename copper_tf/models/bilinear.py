"""Bilinear upsampling by two, whose gradient is one convolution: TensorFlow's own is float32 and has one thread."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from copper_tf.models.line_ops import COLUMNS, ROWS, replace_lines, spatial_shape, take_lines, wait_for
from copper_tf.models.picture_sizes import recomputes_border

__all__ = ["upsample_bilinear"]

# What a pixel gives to each of the four that it reaches along one axis; a pixel at the end gives its neighbour's too.
_SHARES = np.array([0.25, 0.75, 0.75, 0.25])
_Gradient = Callable[[tf.Tensor], tf.Tensor]


def _gathered(dy: tf.Tensor, along_rows: np.ndarray = _SHARES) -> tf.Tensor:
    """Every second sum of neighbours with these shares, zeros beyond the border; a side of 1 stays one."""
    taps = np.outer(along_rows, _SHARES)[:, :, None, None]
    kernel = tf.cast(tf.tile(tf.constant(taps), (1, 1, dy.shape[3], 1)), dy.dtype)
    return tf.nn.depthwise_conv2d(dy, kernel, [1, 2, 2, 1], "SAME")


def _ends(dy: tf.Tensor, axis: int) -> tf.Tensor:
    """What the first and the last pixel along an axis give in place of the neighbour that they lack."""
    side, length = spatial_shape(dy)[axis - 1], spatial_shape(dy)[2 - axis]
    outer = take_lines(dy, axis, (0, side - 1))
    if axis == ROWS:
        # The corners belong to the rows: their own ends count once and a third.
        more = tf.one_hot((0, length - 1), length, dtype=dy.dtype)
        outer *= 1 + tf.reduce_sum(more, 0)[:, None] / 3
    gathered = _gathered(tf.reshape(outer, (-1, 1, length, dy.shape[3])), _SHARES[:1])
    return tf.reshape(gathered, (-1, 2, length // 2, dy.shape[3]))


def _gradient(x: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """The matrix of the upsampling, turned over."""
    dx = _gathered(dy)
    seen = wait_for(dy, dx)
    for axis in (ROWS, COLUMNS):
        places = (0, spatial_shape(x)[axis - 1] - 1)
        dx = replace_lines(dx, x, axis, places, take_lines(dx, axis, places) + _ends(seen, axis))
    return dx


def _doubled(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.image.resize(x, 2 * tf.shape(x)[1:3]), x.dtype)


@tf.custom_gradient
def _by_one_convolution(x: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
    return _doubled(x), lambda dy: _gradient(x, dy)


def upsample_bilinear(x: tf.Tensor) -> tf.Tensor:
    """Twice the height and width, half-pixel centres, the edge repeated; float32 inside, rounded once.

    Args:
        x: ``(batch, height, width, channels)``.
    """
    # One row or column has no two ends to mend; training crops say their size, and others need no gradient.
    mended = min(x.shape[1] or 0, x.shape[2] or 0) > 1 and recomputes_border(*x.shape[1:])
    # Processors sum float16 in float16.
    return _by_one_convolution(x) if mended and x.dtype != tf.float16 else _doubled(x)
