"""Keras models from descriptions of networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import keras

from copper_tf.config import Config
from copper_tf.models import network as description
from copper_tf.models.architecture import FEATURES, classifier_network, network_of, segmenter_network
from copper_tf.models.functional import Classifier, Segmenter
from copper_tf.models.layers import BilinearUpsampling, Convolution, FusedBatchNorm
from copper_tf.models.network import Layer, Network
from tfds_copper.errors import RunError
from tfds_copper.text import first_line

__all__ = ["assemble", "build", "build_classifier", "build_segmenter", "keras_layer", "load_weights", "split_head"]

Policy: TypeAlias = str | keras.DTypePolicy
# Of pictures, whatever keras.json says.
_LAYOUT = "channels_last"


def keras_layer(layer: Layer, policy: Policy) -> keras.layers.Layer:
    """The Keras layer of a description, with fresh weights.

    Args:
        layer: any but the input.
        policy: Keras dtype policy.
    """
    name = layer.name
    match layer:
        case description.Conv3x3():
            return Convolution(layer.channels, layer.padding, dtype=policy, name=name)
        case description.BatchNormReLU():
            return FusedBatchNorm(relu=True, dtype=policy, name=name)
        case description.Add():
            return keras.layers.Add(dtype=policy, name=name)
        case description.MaxPool():
            return keras.layers.MaxPooling2D(2, data_format=_LAYOUT, dtype=policy, name=name)
        case description.BilinearUpsample():
            return BilinearUpsampling(dtype=policy, name=name)
        case description.GlobalAverage():
            return keras.layers.GlobalAveragePooling2D(data_format=_LAYOUT, dtype="float32", name=name)
        case description.Activation():
            return keras.layers.Activation(layer.activation, dtype="float32", name=name)
        case description.Dense():
            return keras.layers.Dense(
                layer.channels, layer.activation, use_bias=layer.use_bias, dtype="float32", name=name
            )
        case description.Conv1x1():
            # Initialisers take their seeds when they are made: only the one that is needed is made.
            stddev = layer.stddev
            initial = "glorot_uniform" if stddev is None else keras.initializers.RandomNormal(stddev=stddev)
            return keras.layers.Conv2D(
                layer.channels, 1, activation=layer.activation, kernel_initializer=initial, data_format=_LAYOUT,
                dtype="float32" if layer.float32 else policy, name=name,
            )  # fmt: skip
        case description.CustomLayer(make=make) if make is not None:
            return make(policy, name)
    raise TypeError(f"layer must be one that Keras models are made of. Received: {layer!r}")


def assemble(
    network: Network, make: Callable[[Layer], keras.layers.Layer], model: type[keras.Model] = keras.Model
) -> keras.Model:
    """The functional model of a network.

    Args:
        network: its description.
        make: the Keras layer of each layer but the input.
        model: the class of the model.
    """
    first, *rest = network.layers
    shape = (first.channels,) if first.is_vector else (None, None, first.channels)
    outputs = {first: keras.Input(shape, dtype="float32", name=first.name)}
    for layer in rest:
        inputs = [outputs[read] for read in layer.inputs]
        outputs[layer] = make(layer)(inputs[0] if len(inputs) == 1 else inputs)
    return model(outputs[first], outputs[network.output], name=network.name)


def build(config: Config, labels: int, policy: str = "float32") -> keras.Model:
    """The model of a config, with fresh weights.

    Args:
        config: the run's config.
        labels: number K of labels (classifier only).
        policy: Keras dtype policy, already resolved (never ``"auto"``).

    Raises:
        SettingError: if the config names an unknown head or decoder.
    """
    return _build(network_of(config, labels), policy, Segmenter if config.kind == "segmenter" else Classifier)


def load_weights(model: keras.Model, file: Path) -> None:
    """Gives a model the weights of a file.

    Args:
        model: of the same settings.
        file: of the weights.

    Raises:
        RunError: if the file is damaged, or of another model.
    """
    try:
        model.load_weights(file)
    except Exception as error:  # Keras raises what it likes for a damaged file
        reason = first_line(error)
        raise RunError(f"{file}: must be the weights of this run's config. Received: {reason}") from None


def _build(network: Network, policy: str, model: type[keras.Model]) -> keras.Model:
    shared = keras.DTypePolicy(policy)
    return assemble(network, lambda layer: keras_layer(layer, shared), model)


def build_classifier(
    *, n: int, N: int, c: int, d: int, labels: int, padding: str = "reflect", head: str = "softmax",
    policy: str = "float32",
) -> keras.Model:  # fmt: skip
    """The residual classifier (paper, section 3.2 and Figure 4), with D = d n N + 1 convolutions.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages, each followed by a 2x2 max pool.
        labels: number K of labels.
        padding: ``"reflect"`` or ``"zero"``.
        head: a name in `HEADS`.
        policy: Keras dtype policy; pooling over the picture and the head are float32 under each.

    Returns:
        A functional model from ``(batch, height, width, 1)``, sides of at least 2^(d + 1) px, to ``(batch, K)``
        float32.

    Raises:
        SettingError: if the head is unknown.

    Example:

    >>> from copper_tf.models import build_classifier
    >>> model = build_classifier(n=1, N=1, c=4, d=2, labels=3)
    >>> model.output_shape
    (None, 3)
    """
    network = classifier_network(n=n, N=N, c=c, d=d, labels=labels, padding=padding, head=head)
    return _build(network, policy, Classifier)


def build_segmenter(
    *, n: int, N: int, c: int, d: int, padding: str = "reflect", decoder: str = "unet", policy: str = "float32"
) -> keras.Model:
    """The sum-skip U-Net (paper, section 3.4 and Figure 6): the segmenter M of Eq. 2a.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages down, and as many up.
        padding: ``"reflect"`` or ``"zero"``.
        decoder: a name in `DECODERS`.
        policy: Keras dtype policy; the mask is float32 under each.

    Returns:
        A functional model from ``(batch, height, width, 1)``, sides multiples of 2^d, to a mask of the same shape in
        [0, 1], float32.

    Raises:
        SettingError: if the decoder is unknown.

    Example:

    >>> import numpy as np
    >>> from copper_tf.models import build_segmenter
    >>> model = build_segmenter(n=1, N=1, c=4, d=2)
    >>> model(np.zeros((1, 32, 48, 1), "float32")).shape.as_list()
    [1, 32, 48, 1]
    """
    return _build(segmenter_network(n=n, N=N, c=c, d=d, padding=padding, decoder=decoder), policy, Segmenter)


def split_head(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """A classifier cut where the picture is averaged.

    Args:
        model: of `build_classifier`.

    Returns:
        The model from picture to last map ``(batch, height / 2^d, width / 2^d, c)``, and the one from the mean of that
        map ``(batch, c)`` to probabilities ``(batch, K)``.
    """
    body = keras.Model(model.input, model.get_layer(FEATURES).output)
    return body, keras.Model(model.get_layer("average").output, model.output)
