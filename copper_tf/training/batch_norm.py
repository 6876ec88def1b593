"""Exact statistics for batch normalisation, in place of the moving ones of the last few batches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from copper_tf.data.crops import CropStream
from copper_tf.models.layers import FusedBatchNorm

__all__ = ["BATCHES", "Calibrator"]

# Batches that the statistics are taken over, or all of an epoch where it has fewer.
BATCHES = 16


def _normalisations(layers: list[keras.layers.Layer]) -> list[FusedBatchNorm]:
    """The batch normalisations among layers and within them that are trained; frozen ones keep what they have."""
    found = [layer for layer in layers if isinstance(layer, FusedBatchNorm) and layer.trainable]
    return found + [inner for layer in layers for inner in _normalisations(getattr(layer, "layers", []))]


class Calibrator(keras.callbacks.Callback):
    """Before each validation, sets the statistics of batch normalisation to those of many batches under fixed weights.

    The moving statistics are those of some ten batches, whichever labels happened to be in them, under weights that
    have moved on since: at inference they shift all potencies up or down together, by another step each epoch. Mean
    and variance are pooled over the batches (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3).

    Args:
        stream: the training crops; those of the epoch that is over are used.
    """

    def __init__(self, stream: CropStream) -> None:
        super().__init__()
        self.stream, self.epoch = stream, 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Makes the forward pass that gives a batch's own statistics."""
        self.layers = _normalisations(self.model.layers)
        kept = [layer.momentum for layer in self.layers]

        def batch_statistics(crops: tf.Tensor) -> list[tf.Tensor]:
            for layer in self.layers:
                layer.momentum = 0.0
            self.model(crops, training=True)
            for layer, momentum in zip(self.layers, kept, strict=True):
                layer.momentum = momentum
            return [
                tf.identity(tf.convert_to_tensor(v)) for x in self.layers for v in (x.moving_mean, x.moving_variance)
            ]

        side = self.stream.window
        self.batch_statistics = tf.function(
            batch_statistics, input_signature=[tf.TensorSpec((None, side, side, 1), tf.float32)]
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self.epoch = epoch

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Measures and sets the statistics."""
        steps, first = self.stream.steps, self.epoch * self.stream.steps
        numbers = first + np.linspace(0, steps - 1, min(steps, BATCHES)).round().astype(int)
        seen = [[v.numpy() for v in self.batch_statistics(self.stream.batch(n)[0])] for n in numbers]
        for k, layer in enumerate(self.layers):
            means, variances = (np.array([s[2 * k + j] for s in seen], np.float64) for j in (0, 1))
            mean = means.mean(0)
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign((variances + means**2).mean(0) - mean**2)
