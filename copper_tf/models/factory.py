"""The one place that unpacks a config into a Keras model."""

from __future__ import annotations

from typing import Any

import keras

from copper_tf.config import Config
from copper_tf.models.classifier import build_classifier
from copper_tf.models.segmenter import build_segmenter
from tfds_copper.errors import SettingError

__all__ = ["build"]


def build(config: Config, labels: int, policy: str = "float32") -> keras.Model:
    """The model of a config, with fresh weights.

    Args:
        config: the run's config.
        labels: number K of labels (classifier only).
        policy: Keras dtype policy, already resolved (never ``"auto"``).

    Raises:
        SettingError: if the config names an unknown head or decoder.
    """
    m = config.model
    shared: dict[str, Any] = {"n": m.n, "N": m.N, "c": m.c, "d": m.d, "padding": m.padding, "policy": policy}
    try:
        if config.kind == "classifier":
            return build_classifier(**shared, labels=labels, head=m.head)
        return build_segmenter(**shared, decoder=m.decoder)
    except ValueError as error:
        raise SettingError(str(error)) from None
