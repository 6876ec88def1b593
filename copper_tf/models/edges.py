"""Areas end where the grey values of their picture change: a penalty on borders of a mask elsewhere.

A mean alone leaves open where within a picture a mask goes wrong. With this, holes in the middle of an area cost
something, and borders beside the visible ones. Pairs of pixels are weighted as in interactive graph cuts (Boykov and
Jolly 2001, Eq. 3), whose term is also known as a regularised loss (Tang et al. 2018, "On regularized losses for
weakly-supervised CNN segmentation"); here it is divided by what it is by chance.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["FOLLOWED", "misplaced_borders"]

# Borders that lie between alike pixels less often than this, by chance being 1, follow edges of their picture. On the
# superalloy true ones have .15 to .3, and maps found without edges .37 to .47; on simulated copper, whose phases have
# the same grey values, both have .9 to 1.
FOLLOWED = 0.7
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


def misplaced_borders(pictures: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """How often borders lie between pixels that are alike, over how often they would by chance.

    Borders that know nothing of the edges have 1, whatever their length: long ones don't cost more than short ones, so
    small areas aren't closed. An even mask has 1, too.

    Args:
        pictures: ``(batch, height, width, 1)``, in any scale.
        masks: ``(batch, height, width, 1)`` in [0, 1].

    Returns:
        A scalar, float32, of all pictures together; 0 where all borders lie on edges.
    """
    pictures, masks = tf.cast(pictures, tf.float32), tf.cast(masks, tf.float32)
    smooth = tf.nn.avg_pool2d(pictures, _BOX, 1, "SAME")
    smooth /= _EDGE * (tf.math.reduce_std(smooth, axis=(1, 2, 3), keepdims=True) + _TINY)
    ratios = []
    for distance in _DISTANCES:
        for rows, columns in ((0, distance), (distance, 0), (distance, distance), (distance, -distance)):
            a, b = _pairs(smooth, rows, columns)
            alike = tf.stop_gradient(tf.exp(-tf.square(a - b) / 2))
            inside, outside = _pairs(masks, rows, columns)
            border, often = tf.abs(inside - outside), tf.reduce_mean(alike)
            together = tf.reduce_mean(alike * border) + _TINY * often
            ratios.append(together / (often * (tf.reduce_mean(border) + _TINY)))
    return tf.add_n(ratios) / len(ratios)
