"""Metrics that are watched while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from copper_tf.models.losses import LabelTable, potency
from copper_tf.utils.keras_objects import PACKAGE

__all__ = ["NMSE", "FreeNMSE"]


@keras.saving.register_keras_serializable(package=PACKAGE)
class NMSE(keras.metrics.Metric):
    """MSE of the potency over the variance of g(t), both over the same pictures; 1 is what a constant reaches.

    Raw MSE rewards a flat hypothesis (a constant g has none at all); labels of weight 0 don't count.

    Args:
        g: g(t) of each label, K values in [0, 1].
        weights: weight of each label; all 1 by default.
        margin: px of context on each side of the mask that don't count.
        name: name of the metric.
        **kwargs: forwarded to `keras.metrics.Metric`.
    """

    _SUMS: tuple[str, ...] = ("squared_error", "sum_g", "sum_g2", "count")

    def __init__(
        self, g: Sequence[float], weights: Sequence[float] | None = None, margin: int = 0, name: str = "nmse",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        self.table = LabelTable(g, weights)
        self.margin = margin
        shape = self._shape(g)
        self.sums = {n: self.add_weight(shape=shape, name=n, initializer="zeros", dtype="float32") for n in self._SUMS}

    def _shape(self, g: Sequence[float]) -> tuple[int, ...]:
        """Of each sum: one number, whatever the labels."""
        return ()

    def _counts(self, y_true: tf.Tensor, sample_weight: Any) -> tf.Tensor:
        """How much each picture counts, ``(batch,)``."""
        counts = tf.cast(self.table.look_up(y_true)[1] > 0, tf.float32)
        return counts if sample_weight is None else counts * tf.reshape(tf.cast(sample_weight, tf.float32), [-1])

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> None:
        """Adds a batch of labels ``(batch,)`` and masks ``(batch, height, width, 1)``."""
        g, counts = self.table.look_up(y_true)[0], self._counts(y_true, sample_weight)
        error = tf.square(potency(y_pred, self.margin) - g)
        for name, value in {"squared_error": error, "sum_g": g, "sum_g2": g * g, "count": tf.ones_like(g)}.items():
            self.sums[name].assign_add(tf.reduce_sum(counts * value))

    def result(self) -> tf.Tensor:
        """The NMSE so far; NaN while all pictures share one g."""
        total = {name: tf.convert_to_tensor(v) for name, v in self.sums.items()}
        variance = total["sum_g2"] / total["count"] - tf.square(total["sum_g"] / total["count"])
        nan = tf.constant(float("nan"))
        return tf.where(variance > 1e-7, total["squared_error"] / total["count"] / variance, nan)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, g as it stands now."""
        return {**super().get_config(), **self.table.to_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package=PACKAGE)
class FreeNMSE(NMSE):
    """The NMSE that is left where g's start and end are chosen best: 1 - r |r| of potency and g; 1 for no correlation.

    It is summed up label by label, so it holds for the g that stands in its table when it is asked for.

    Arguments as of `NMSE`.
    """

    _SUMS = ("sum_m", "sum_m2", "count")

    def _shape(self, g: Sequence[float]) -> tuple[int, ...]:
        return (len(g),)

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> None:
        """Adds a batch of labels ``(batch,)`` and masks ``(batch, height, width, 1)``."""
        counts = self._counts(y_true, sample_weight)
        # About one half: squares of values near it would lose the digits that their variance needs.
        m = potency(y_pred, self.margin) - 0.5
        labels = tf.reshape(tf.cast(y_true, tf.int32), [-1])
        for name, value in {"sum_m": m, "sum_m2": m * m, "count": tf.ones_like(m)}.items():
            sums = self.sums[name]
            sums.assign_add(tf.math.unsorted_segment_sum(counts * value, labels, sums.shape[0]))

    @property
    def label_sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Sum of the potency, and count, of each label so far, both ``(K,)``."""
        count = np.asarray(self.sums["count"], np.float64)
        return np.asarray(self.sums["sum_m"], np.float64) + 0.5 * count, count

    def result(self) -> tf.Tensor:
        """The NMSE so far; NaN while all pictures share one g or one potency."""
        sum_m, sum_m2, counts = (tf.convert_to_tensor(self.sums[name]) for name in self._SUMS)
        count = tf.reduce_sum(counts)
        m, shape = tf.reduce_sum(sum_m) / count, tf.convert_to_tensor(self.table.g)
        g = shape - tf.reduce_sum(counts * shape) / count
        spread = (tf.reduce_sum(sum_m2) / count - m * m) * tf.reduce_sum(counts * g * g) / count
        r = tf.reduce_sum(sum_m * g) / count / tf.sqrt(tf.maximum(spread, 1e-20))
        return tf.where(spread > 1e-12, 1 - r * tf.abs(r), tf.constant(float("nan")))
