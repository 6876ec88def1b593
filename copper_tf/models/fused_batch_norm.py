"""Batch normalisation with its ReLU, each in one kernel, and a gradient as fast as TensorFlow can on a processor.

TensorFlow takes the gradient of a bfloat16 ReLU by way of float32. Whole numbers of the same bits need no way: the
number is positive where the float is (and where that is no number, which passes its gradient on).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from copper_tf.models.policy import has_gpu

__all__ = ["by_bits", "normalised", "normalised_by_batch"]

# The map, and the mean and unbiased variance of every channel.
_Normalised = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
_Gradients = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def by_bits(dtype: tf.DType) -> bool:
    """Whether a ReLU of such numbers has its gradient taken by bits: a GPU has no kernel for that, and needs none."""
    return bool(dtype == tf.bfloat16) and not has_gpu()


@tf.custom_gradient
def _passed(y: tf.Tensor, dy: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
    """`dy` where `y` is positive."""

    def refuse(*_: Any) -> Any:
        raise LookupError("a ReLU by bits has first gradients only")

    positive, coming = (tf.bitcast(x, tf.int16) for x in (y, dy))
    passed = tf.bitcast(tf.raw_ops.ReluGrad(gradients=coming, features=positive), dy.dtype)
    with tf.control_dependencies([passed]):
        # In place of either map the kernel is ten times slower: somebody has to need both after it.
        tf.raw_ops.Assert(condition=True, data=[y, dy])
    return passed, refuse


def _kernel(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, known: Sequence[tf.Tensor] = ()) -> Any:
    """Normalises by known mean and variance, or else by those of the batch."""
    mean, variance = known or (tf.zeros([0], tf.float32),) * 2
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=epsilon, is_training=not known
    )


def _with_relu_by_bits(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> _Normalised:
    @tf.custom_gradient
    def work(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[_Normalised, _Gradients]:
        found = _kernel(x, scale, offset, epsilon)
        y = tf.nn.relu(found.y)

        def gradients(dy: tf.Tensor, *_: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            slopes = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=_passed(y, dy), x=x, scale=scale, epsilon=epsilon, is_training=True,
                **{f"reserve_space_{n}": getattr(found, f"reserve_space_{n}") for n in (1, 2, 3)},
            )  # fmt: skip
            return slopes.x_backprop, slopes.scale_backprop, slopes.offset_backprop

        return (y, found.batch_mean, found.batch_variance), gradients

    result: _Normalised = work(x, scale, offset)
    return result


def normalised_by_batch(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, *, relu: bool
) -> _Normalised:
    """A batch normalised by its own statistics: the map, and mean and unbiased variance of every channel.

    Args:
        x: ``(batch, height, width, channels)``.
        scale: of every channel, float32.
        offset: of every channel, float32.
        epsilon: added to the variance.
        relu: whether a ReLU follows.
    """
    if relu and by_bits(x.dtype):
        return _with_relu_by_bits(x, scale, offset, epsilon)
    found = _kernel(x, scale, offset, epsilon)
    return tf.nn.relu(found.y) if relu else found.y, found.batch_mean, found.batch_variance


def normalised(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, known: Sequence[tf.Tensor], *, relu: bool
) -> tf.Tensor:
    """Pictures normalised by a mean and a variance of every channel that are known; else as `normalised_by_batch`."""
    y = _kernel(x, scale, offset, epsilon, known).y
    return tf.nn.relu(y) if relu else y
