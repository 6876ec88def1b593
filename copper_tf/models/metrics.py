"""Metrics that are watched while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from copper_tf.models.layers import PACKAGE
from copper_tf.models.losses import LabelTable, potency

__all__ = ["NMSE"]


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

    def __init__(
        self, g: Sequence[float], weights: Sequence[float] | None = None, margin: int = 0, name: str = "nmse",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        self.table = LabelTable(g, weights)
        self.margin = margin
        names = ("squared_error", "sum_g", "sum_g2", "count")
        self.sums = {n: self.add_weight(name=n, initializer="zeros", dtype="float32") for n in names}

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> None:
        """Adds a batch of labels ``(batch,)`` and masks ``(batch, height, width, 1)``."""
        g, weights = self.table.look_up(y_true)
        counts = tf.cast(weights > 0, tf.float32)
        if sample_weight is not None:
            counts *= tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
        error = tf.square(potency(y_pred, self.margin) - g)
        for name, value in (("squared_error", error), ("sum_g", g), ("sum_g2", g * g), ("count", tf.ones_like(g))):
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
