"""Batch normalisation with its ReLU, each in one kernel, and a gradient as fast as TensorFlow can on a processor.

TensorFlow computes the gradient of a bfloat16 ReLU by way of float32. Integers of the same bits need no such way: they
are positive where the floats are (and where those are NaN, which pass their gradient on).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from copper_tf.models.policy import has_gpu

__all__ = ["batch_norm_with_batch_statistics", "batch_norm_with_moving_statistics", "relu_gradient_as_integers"]

# The map, and the mean and unbiased variance of every channel.
_Statistics = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
_Gradients = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def relu_gradient_as_integers(dtype: tf.DType) -> bool:
    """Whether the gradient of a ReLU is computed on integers; a GPU has no kernel for that, and needs none."""
    return bool(dtype == tf.bfloat16) and not has_gpu()


@tf.custom_gradient
def _relu_gradient(y: tf.Tensor, dy: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
    """`dy` where `y` is positive."""

    def refuse(*_: Any) -> Any:
        raise LookupError("a ReLU on integers has first gradients only")

    features, gradients = (tf.bitcast(x, tf.int16) for x in (y, dy))
    gradient = tf.bitcast(tf.raw_ops.ReluGrad(gradients=gradients, features=features), dy.dtype)
    with tf.control_dependencies([gradient]):
        # In place of either map the kernel is ten times slower: somebody has to need both after it.
        tf.raw_ops.Assert(condition=True, data=[y, dy])
    return gradient, refuse


class _Normalised(NamedTuple):
    """What TensorFlow's kernel gives that anybody reads."""

    y: tf.Tensor
    batch_mean: tf.Tensor
    batch_variance: tf.Tensor


def _double_batch_norm(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, known: Sequence[tf.Tensor]
) -> _Normalised:
    """The same in float64, for which there is no kernel."""
    mean, variance = known or tf.nn.moments(x, (0, 1, 2))
    count = tf.cast(tf.size(x) // x.shape[3], x.dtype)
    unbiased = variance * count / tf.maximum(count - 1, 1)
    return _Normalised(tf.nn.batch_normalization(x, mean, variance, offset, scale, epsilon), mean, unbiased)


def _fused_batch_norm(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, known: Sequence[tf.Tensor] = ()
) -> Any:
    """Normalises by a known mean and variance, else by those of the batch."""
    if x.dtype == tf.float64:
        return _double_batch_norm(x, scale, offset, epsilon, known)
    mean, variance = known or (tf.zeros([0], tf.float32),) * 2
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=epsilon, is_training=not known
    )


def _batch_norm_relu(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> _Statistics:
    @tf.custom_gradient
    def layer(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[_Statistics, _Gradients]:
        normalised = _fused_batch_norm(x, scale, offset, epsilon)
        y = tf.nn.relu(normalised.y)

        def gradients(dy: tf.Tensor, *_: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            backprops = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=_relu_gradient(y, dy), x=x, scale=scale, epsilon=epsilon, is_training=True,
                **{f"reserve_space_{n}": getattr(normalised, f"reserve_space_{n}") for n in (1, 2, 3)},
            )  # fmt: skip
            return backprops.x_backprop, backprops.scale_backprop, backprops.offset_backprop

        return (y, normalised.batch_mean, normalised.batch_variance), gradients

    result: _Statistics = layer(x, scale, offset)
    return result


def batch_norm_with_batch_statistics(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, *, relu: bool
) -> _Statistics:
    """A batch normalised by its own statistics: the map, and mean and unbiased variance of every channel.

    Args:
        x: ``(batch, height, width, channels)``.
        scale: of every channel, float32.
        offset: of every channel, float32.
        epsilon: added to the variance.
        relu: whether a ReLU follows.
    """
    if relu and relu_gradient_as_integers(x.dtype):
        return _batch_norm_relu(x, scale, offset, epsilon)
    normalised = _fused_batch_norm(x, scale, offset, epsilon)
    return tf.nn.relu(normalised.y) if relu else normalised.y, normalised.batch_mean, normalised.batch_variance


def batch_norm_with_moving_statistics(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float, known: Sequence[tf.Tensor], *, relu: bool
) -> tf.Tensor:
    """Normalises pictures by known means and variances, else as `batch_norm_with_batch_statistics`."""
    y = _fused_batch_norm(x, scale, offset, epsilon, known).y
    return tf.nn.relu(y) if relu else y
