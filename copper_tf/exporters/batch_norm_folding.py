"""The trained network as few operations: batch normalisation folded into kernels, symmetric views into kernels too."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from copper_tf.config import Config
from copper_tf.inference.predictor import frame
from copper_tf.models.architecture import network_of
from copper_tf.models.factory import assemble, keras_layer, split_head
from copper_tf.models.network import BatchNormReLU, BilinearUpsample, Conv3x3, Layer, Network

__all__ = ["folded_network"]

Function = Callable[[tf.Tensor], tf.Tensor]


class _FoldedConvolution(keras.layers.Layer):
    """A convolution with its batch normalisation: kernel and bias are constants."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, padding: str, name: str) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)
        self._kernel, self._bias = kernel.astype(np.float32), bias.astype(np.float32)
        self._padding = padding

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Zeros at the border need no pass of their own; runtimes fuse the rest with the ReLU behind it."""
        padding = "SAME"
        if self._padding == "reflect":
            inputs, padding = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"), "VALID"
        return tf.nn.bias_add(tf.nn.conv2d(inputs, self._kernel, 1, padding), self._bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self._kernel.shape[-1])


class _ResizedBilinear(keras.layers.Layer):
    """Bilinear x2 as the one operation that every runtime has; sizes stay dynamic."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.image.resize(inputs, 2 * tf.shape(inputs)[1:3])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], None, None, input_shape[3])


def _transformed_kernel(kernel: np.ndarray, symmetry: int) -> np.ndarray:
    """The kernel that gives for a picture what `kernel` gives for one view of it, see `models.tta.undo_symmetry`."""
    kernel = np.rot90(kernel, -(symmetry // 2) % 4)
    return kernel[:, ::-1] if symmetry % 2 else kernel


def _fold(network: Network, model: keras.Model, padding: str, symmetry: int) -> keras.Model:
    """A copy of a model for inference in float32 that sees one view of its pictures.

    Args:
        network: the description of the model.
        model: the model, or one that begins with it.
        padding: what its convolutions see beyond the border, ``"reflect"`` or ``"zero"``.
        symmetry: which of the eight views, see `models.tta.apply_symmetry`.
    """

    def folded_convolution(layer: Conv3x3) -> keras.layers.Layer:
        kernel = _transformed_kernel(np.asarray(model.get_layer(layer.name).kernel), symmetry)
        bias = np.zeros(layer.channels)
        for norm in (model.get_layer(r.name) for r in network.readers(layer) if isinstance(r, BatchNormReLU)):
            # In float64: what is rounded here once is rounded for good.
            gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            kernel, bias = kernel * scale, beta - mean * scale
        return _FoldedConvolution(kernel, bias, padding, layer.name)

    def make(layer: Layer) -> keras.layers.Layer:
        match layer:
            case Conv3x3():
                return folded_convolution(layer)
            case BatchNormReLU():
                return keras.layers.Activation("relu", name=layer.name, dtype="float32")
            case BilinearUpsample():
                return _ResizedBilinear(name=layer.name, dtype="float32")
        return keras_layer(layer, "float32")

    folded = assemble(network, make)
    for layer in folded.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return folded


def folded_network(config: Config, model: keras.Model) -> Function:
    """The network as exported: a graph without variables, from a normalised picture to mask or probabilities.

    A picture with a border of context as wide as the network's reach needs no reflect padding within, since what
    differs there is cut off again. Views of a picture become views of the kernels: a network of transformed kernels
    gives for a picture what the network gives for the view, brought back, where sides are multiples of 2^d.

    Args:
        config: of the run.
        model: its model.
    """
    padding = "zero" if frame(config) else config.model.padding
    network = network_of(config).body
    views = [_fold(network, model, padding, symmetry) for symmetry in range(config.tta_views)]
    head = split_head(model)[1] if config.kind == "classifier" else None

    def infer(x: tf.Tensor) -> tf.Tensor:
        y = tf.add_n([view(x, training=False) for view in views]) / len(views)
        return head(tf.reduce_mean(y, (1, 2)), training=False) if head else y

    traced = tf.function(infer, input_signature=[tf.TensorSpec((None, None, None, 1), tf.float32)])
    frozen = convert_variables_to_constants_v2(traced.get_concrete_function())
    return lambda x: frozen(x)[0]
