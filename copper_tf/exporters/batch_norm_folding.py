"""The trained network as few operations: batch normalisation folded into the convolutions, views into kernels."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from copper_tf.config import Config
from copper_tf.inference.predictor import frame
from copper_tf.models.classifier import split_head
from copper_tf.models.layers import BilinearUpsampling, Convolution, FusedBatchNorm

__all__ = ["folded_network"]

Network = Callable[[tf.Tensor], tf.Tensor]
_CONVOLUTION, _NORM = "_conv", "_norm"


class _Folded(keras.layers.Layer):
    """A convolution with its batch normalisation: kernel and bias are constants."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, padding: str, name: str) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)
        self._kernel, self._bias = kernel.astype(np.float32), bias.astype(np.float32)
        self._padding = padding

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Zeros at the border need no pass of their own; runtimes fuse the rest with the ReLU behind it."""
        how = "SAME"
        if self._padding == "reflect":
            inputs, how = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"), "VALID"
        return tf.nn.bias_add(tf.nn.conv2d(inputs, self._kernel, 1, how), self._bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self._kernel.shape[-1])


class _Doubled(keras.layers.Layer):
    """Bilinear x2 as the one operation that every runtime has; sizes stay dynamic."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.image.resize(inputs, 2 * tf.shape(inputs)[1:3])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], None, None, input_shape[3])


def _turned_kernel(kernel: np.ndarray, turn: int) -> np.ndarray:
    """The kernel that does to a picture what `kernel` does to its view `turn`, turned back (see `models.views`)."""
    turned = np.rot90(kernel, -(turn // 2) % 4)
    return turned[:, ::-1] if turn % 2 else turned


def _folded(model: keras.Model, padding: str, turn: int) -> keras.Model:
    """A copy of a network for inference in float32, which sees its pictures turned.

    Args:
        model: the network.
        padding: what its convolutions see beyond the border, ``"reflect"`` or ``"zero"``.
        turn: which of the eight symmetries, see `models.views.turned`.
    """

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, Convolution):
            norm = model.get_layer(layer.name.removesuffix(_CONVOLUTION) + _NORM)
            # In float64: what is rounded here once is rounded for good.
            gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            kernel = _turned_kernel(np.asarray(layer.kernel), turn) * scale
            return _Folded(kernel, beta - mean * scale, padding, layer.name)
        if isinstance(layer, FusedBatchNorm):
            return keras.layers.Activation("relu" if layer.relu else "linear", name=layer.name, dtype="float32")
        if isinstance(layer, BilinearUpsampling):
            return _Doubled(name=layer.name, dtype="float32")
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copied = keras.models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        if layer.weights and not isinstance(layer, Convolution | FusedBatchNorm):
            copied.get_layer(layer.name).set_weights(layer.get_weights())
    return copied


def folded_network(config: Config, model: keras.Model) -> Network:
    """The network as exported: a graph without variables, from a normalised picture to mask or probabilities.

    A picture that is framed by as much as the network reaches needs no mirrored borders within, since what differs
    there is cut off again. Views of a picture become views of the kernels: a network of turned kernels says of a
    picture what the network says of the turned picture, turned back, where sides are multiples of 2^d.

    Args:
        config: of the run.
        model: its model.
    """
    padding = "zero" if frame(config) else config.model.padding
    body, head = split_head(model) if config.kind == "classifier" else (model, None)
    views = [_folded(body, padding, turn) for turn in range(config.tta_views)]

    def network(x: tf.Tensor) -> tf.Tensor:
        y = tf.add_n([view(x, training=False) for view in views]) / len(views)
        return head(tf.reduce_mean(y, (1, 2)), training=False) if head else y

    traced = tf.function(network, input_signature=[tf.TensorSpec((None, None, None, 1), tf.float32)])
    frozen = convert_variables_to_constants_v2(traced.get_concrete_function())
    return lambda x: frozen(x)[0]
