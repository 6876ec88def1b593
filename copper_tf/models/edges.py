"""Areas end where the grey values of their picture change: a penalty on borders of a mask elsewhere.

The contrast-sensitive term of interactive graph cuts (Boykov and Jolly 2001, Eq. 3), as a regularised loss (Tang et al.
2018, "On regularized losses for weakly-supervised CNN segmentation"). A mean alone leaves open where within a picture a
mask goes wrong; holes in the middle of an area, or a border beside the visible one, then cost something.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["border_length"]

# How far apart in px the pairs of pixels lie that are compared, along rows, columns and both diagonals.
_DISTANCES = (4, 8)
# Side in px of the box over which grey values are averaged first, since noise is no edge.
_BOX = 5
# A difference of grey values that counts as an edge, in standard deviations of the smoothed picture.
_EDGE = 0.5
_TINY = 1e-3


def _pairs(values: tf.Tensor, rows: int, columns: int) -> tuple[tf.Tensor, tf.Tensor]:
    """All pairs of pixels that lie so far apart, each as ``(batch, height', width', 1)``; `columns` may be negative."""
    height, width = tf.shape(values)[1] - rows, tf.shape(values)[2] - abs(columns)
    left, right = (0, columns) if columns >= 0 else (-columns, 0)
    first = values[:, :height, left : left + width]
    return first, values[:, rows : rows + height, right : right + width]


def border_length(pictures: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """The share of pairs of alike pixels that a border lies between, the mean over pairs of a few distances.

    Args:
        pictures: ``(batch, height, width, 1)``, in any scale.
        masks: ``(batch, height, width, 1)`` in [0, 1].

    Returns:
        One number per picture, ``(batch,)`` float32; 0 for even masks, and small for those whose areas end at edges.
    """
    pictures, masks = tf.cast(pictures, tf.float32), tf.cast(masks, tf.float32)
    smooth = tf.nn.avg_pool2d(pictures, _BOX, 1, "SAME")
    smooth /= _EDGE * (tf.math.reduce_std(smooth, axis=(1, 2, 3), keepdims=True) + _TINY)
    shares = []
    for distance in _DISTANCES:
        for rows, columns in ((0, distance), (distance, 0), (distance, distance), (distance, -distance)):
            a, b = _pairs(smooth, rows, columns)
            alike = tf.stop_gradient(tf.exp(-tf.square(a - b) / 2))
            inside, outside = _pairs(masks, rows, columns)
            shares.append(tf.reduce_mean(alike * tf.abs(inside - outside), axis=(1, 2, 3)))
    return tf.add_n(shares) / len(shares)
