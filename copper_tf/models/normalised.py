"""Batch normalisation of a training step with its ReLU, each in one kernel and its gradient as fast as TensorFlow can.

TensorFlow takes the gradient of a bfloat16 ReLU by way of float32. Whole numbers of the same bits need no way: the
number is positive where the float is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["Normalised", "normalised"]

# The map, and the mean and unbiased variance of every channel.
Normalised = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
_Gradients = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def _passed(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """`dy` where `y` is positive."""
    positive, coming = (tf.bitcast(x, tf.int16) for x in (y, dy))
    passed = tf.bitcast(tf.raw_ops.ReluGrad(gradients=coming, features=positive), dy.dtype)
    with tf.control_dependencies([passed]):
        # In place of either map the kernel is ten times slower: somebody has to need both after it.
        tf.raw_ops.Assert(condition=True, data=[y, dy])
    return tf.raw_ops.PreventGradient(input=passed, message="a ReLU by bits has first gradients only")


def _kernel(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> Any:
    none = tf.zeros([0], tf.float32)
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=none, variance=none, epsilon=epsilon, is_training=True
    )


def _by_bits(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> Normalised:
    @tf.custom_gradient
    def work(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[Normalised, _Gradients]:
        found = _kernel(x, scale, offset, epsilon)
        y = tf.nn.relu(found.y)

        def gradients(dy: tf.Tensor, *_: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            slopes = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=_passed(y, dy), x=x, scale=scale, epsilon=epsilon, is_training=True,
                **{f"reserve_space_{n}": getattr(found, f"reserve_space_{n}") for n in (1, 2, 3)},
            )  # fmt: skip
            return slopes.x_backprop, slopes.scale_backprop, slopes.offset_backprop

        return (y, found.batch_mean, found.batch_variance), gradients

    result: Normalised = work(x, scale, offset)
    return result


def normalised(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, *, relu: bool) -> Normalised:
    """A batch normalised by its own statistics.

    Args:
        x: ``(batch, height, width, channels)``.
        scale: of every channel, float32.
        offset: of every channel, float32.
        epsilon: added to the variance.
        relu: whether a ReLU follows.
    """
    # A GPU has no such kernel for whole numbers, and needs none.
    if relu and x.dtype == tf.bfloat16 and not tf.config.list_physical_devices("GPU"):
        return _by_bits(x, scale, offset, epsilon)
    found = _kernel(x, scale, offset, epsilon)
    return tf.nn.relu(found.y) if relu else found.y, found.batch_mean, found.batch_variance
