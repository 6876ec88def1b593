"""The layers that Keras lacks: a convolution without invented zeros, a fused batch norm, an upsampling of any size."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from copper_tf.models.bilinear import upsample_bilinear
from copper_tf.models.fused_batch_norm import batch_norm_with_batch_statistics, batch_norm_with_moving_statistics
from copper_tf.models.picture_sizes import recomputes_border
from copper_tf.models.reflect_padding import reflect_convolution
from copper_tf.utils.keras_objects import PACKAGE
from copper_tf.utils.tensorflow import check_backend

__all__ = ["BilinearUpsampling", "Convolution", "FusedBatchNorm"]

check_backend()


@keras.saving.register_keras_serializable(package=PACKAGE)
class Convolution(keras.layers.Layer):
    """A 3x3 convolution without bias that keeps the size and mirrors the border instead of inventing zeros.

    Args:
        filters: number of output channels.
        padding: ``"reflect"`` (reflect without repeating the edge pixel) or ``"zero"``.
        **kwargs: forwarded to `keras.layers.Layer`.

    Input and output: ``(batch, height, width, channels)``; at least 2x2 px with ``"reflect"``.
    """

    def __init__(self, filters: int, padding: str = "reflect", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if padding not in ("reflect", "zero"):
            raise ValueError(f"padding must be 'reflect' or 'zero'. Received: {padding!r}")
        self.filters = filters
        self.padding = padding
        # Its border is written as numbers that XLA can't take for others.
        self.supports_jit = padding == "zero"

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel, He-initialised for the ReLU that follows."""
        shape = (3, 3, input_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="he_normal")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Applies the convolution."""
        kernel = tf.convert_to_tensor(self.kernel)
        if self.padding == "zero":
            return tf.nn.conv2d(inputs, kernel, 1, "SAME")
        if recomputes_border(*inputs.shape[1:]):
            return reflect_convolution(inputs, kernel)
        framed = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
        return tf.nn.conv2d(framed, kernel, 1, "VALID")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Same size, `filters` channels."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "filters": self.filters, "padding": self.padding}


@keras.saving.register_keras_serializable(package=PACKAGE)
class FusedBatchNorm(keras.layers.Layer):
    """Batch normalisation in one kernel: Keras' own is a chain of small operations on the TensorFlow backend.

    Scale, shift and statistics are float32 under every policy but float64. A layer that isn't trainable normalises by
    its moving statistics even while training, and keeps them, as `keras.layers.BatchNormalization` does.

    Args:
        momentum: share of the moving statistics that a training step keeps.
        epsilon: added to the variance.
        relu: whether max(x, 0) follows, which is faster here than in a layer of its own.
        **kwargs: forwarded to `keras.layers.Layer`.

    Input and output: ``(batch, height, width, channels)``.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-3, relu: bool = False, **kwargs: Any) -> None:
        super().__init__(**{"autocast": True, **kwargs})
        self.momentum = momentum
        self.epsilon = epsilon
        self.relu = relu

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes scale, shift and the moving statistics."""

        def weight(name: str, initializer: str, trainable: bool) -> keras.Variable:
            # autocast would hand the kernel bfloat16 statistics, which it refuses.
            return self.add_weight(
                name=name, shape=(input_shape[-1],), initializer=initializer, trainable=trainable,
                dtype="float64" if self.compute_dtype == "float64" else "float32", autocast=False,
            )  # fmt: skip

        self.gamma = weight("gamma", "ones", True)
        self.beta = weight("beta", "zeros", True)
        self.moving_mean = weight("moving_mean", "zeros", False)
        self.moving_variance = weight("moving_variance", "ones", False)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalises by the batch while training (and updates the moving statistics), by the moving ones else."""
        scale, offset, *moving = [
            tf.convert_to_tensor(v) for v in (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        ]
        if not (training and self.trainable):
            return batch_norm_with_moving_statistics(inputs, scale, offset, self.epsilon, moving, relu=self.relu)
        y, *batch = batch_norm_with_batch_statistics(inputs, scale, offset, self.epsilon, relu=self.relu)
        for variable, old, new in zip((self.moving_mean, self.moving_variance), moving, batch, strict=True):
            variable.assign(old * self.momentum + new * (1 - self.momentum))
        return y

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's own."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon, "relu": self.relu}


@keras.saving.register_keras_serializable(package=PACKAGE)
class BilinearUpsampling(keras.layers.Layer):
    """Doubles height and width with half-pixel centres; Keras' own needs a size to go from.

    The weighted mean of four pixels is float32 under every policy, and rounded once.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Input: ``(batch, height, width, channels)``. Output: ``(batch, 2 height, 2 width, channels)``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # As with `Convolution`, for its gradient.
        self.supports_jit = False

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Doubles it."""
        doubled = upsample_bilinear(inputs)
        doubled.set_shape(self.compute_output_shape(inputs.shape))
        return doubled

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Twice the height and width."""
        batch, height, width, channels = input_shape
        return (batch, height and 2 * height, width and 2 * width, channels)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config()}
