"""Metrics that are watched while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from copper_tf.models.layers import PACKAGE
from copper_tf.models.losses import LabelTable, potency

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
        self.sums = {n: self.add_weight(name=n, initializer="zeros", dtype="float32") for n in self._SUMS}

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> None:
        """Adds a batch of labels ``(batch,)`` and masks ``(batch, height, width, 1)``."""
        g, weights = self.table.look_up(y_true)
        counts = tf.cast(weights > 0, tf.float32)
        if sample_weight is not None:
            counts *= tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
        for name, value in self._values(potency(y_pred, self.margin), g).items():
            self.sums[name].assign_add(tf.reduce_sum(counts * value))

    def _values(self, mean: tf.Tensor, g: tf.Tensor) -> dict[str, tf.Tensor]:
        """What is summed over the pictures, ``(batch,)`` each."""
        return {"squared_error": tf.square(mean - g), "sum_g": g, "sum_g2": g * g, "count": tf.ones_like(g)}

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

    Arguments as of `NMSE`.
    """

    _SUMS = ("sum_m", "sum_m2", "sum_mg", "sum_g", "sum_g2", "count")

    def _values(self, mean: tf.Tensor, g: tf.Tensor) -> dict[str, tf.Tensor]:
        # About one half: squares of values near it would lose the digits that their variance needs.
        m, g = mean - 0.5, g - 0.5
        return {"sum_m": m, "sum_m2": m * m, "sum_mg": m * g, "sum_g": g, "sum_g2": g * g, "count": tf.ones_like(g)}

    def result(self) -> tf.Tensor:
        """The NMSE so far; NaN while all pictures share one g or one potency."""
        count = tf.convert_to_tensor(self.sums["count"])
        m, m2, mg, g, g2 = (tf.convert_to_tensor(self.sums[name]) / count for name in self._SUMS[:-1])
        spread = (m2 - m * m) * (g2 - g * g)
        r = (mg - m * g) / tf.sqrt(tf.maximum(spread, 1e-20))
        return tf.where(spread > 1e-12, 1 - r * tf.abs(r), tf.constant(float("nan")))
