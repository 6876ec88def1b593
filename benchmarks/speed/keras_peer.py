"""Both networks of Keras' own layers, as a peer: normalisation and upsampling as they come."""

from __future__ import annotations

from typing import Any

import keras

from copper_tf.config import Config

__all__ = ["plain_model"]


def _stage(x: Any, config: Config, policy: str) -> Any:
    """N residual blocks."""
    for _ in range(config.model.N):
        y = x
        for _ in range(config.model.n):
            y = _unit(y, config, policy)
        x = keras.layers.Add(dtype=policy)([x, y])
    return x


def _unit(x: Any, config: Config, policy: str) -> Any:
    """3x3 convolution, batch normalisation, ReLU."""
    padding = "same"
    if config.model.padding == "reflect":
        # Keras has no layer for it.
        x, padding = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect"), "valid"
    x = keras.layers.Conv2D(
        config.model.c, 3, padding=padding, use_bias=False, kernel_initializer="he_normal", dtype=policy
    )(x)
    return keras.layers.ReLU(dtype=policy)(keras.layers.BatchNormalization(dtype=policy)(x))


def plain_model(config: Config, labels: int, policy: str) -> keras.Model:
    """The network of a config as one would write it down in Keras.

    Args:
        config: the run's config.
        labels: number K of labels (classifier only).
        policy: Keras dtype policy.
    """
    picture = keras.Input((None, None, 1))
    x, skips = _unit(picture, config, policy), []
    for _ in range(config.model.d):
        x = _stage(x, config, policy)
        skips.append(x)
        x = keras.layers.MaxPooling2D(dtype=policy)(x)
    if config.kind == "classifier":
        x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
        return keras.Model(picture, keras.layers.Dense(labels, activation="softmax", dtype="float32")(x))
    for skip in reversed(skips):
        x = keras.layers.UpSampling2D(interpolation="bilinear", dtype=policy)(x)
        x = _stage(keras.layers.Add(dtype=policy)([x, skip]), config, policy)
    return keras.Model(picture, keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x))
