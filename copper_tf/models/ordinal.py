"""Keras layers for ordered labels: log probabilities from conditions or from thresholds."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from copper_tf.utils.keras_objects import PACKAGE

__all__ = ["ConditionalChain", "OrderedThresholds"]

# The least distance in logits between two thresholds: equal ones would leave a label without any probability.
_LEAST_GAP = 1e-4


@keras.saving.register_keras_serializable(package=PACKAGE)
class ConditionalChain(keras.layers.Layer):
    """Log probabilities of K labels from K - 1 conditions P(y > k | y >= k), by the chain rule.

    log P(y = k) = sum over j < k of log sigma(x_j), plus log sigma(-x_k) (CORN: Shi, Cao and Raschka 2021, Eq. 4 and
    5). Labels are ranks from 0.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Input: logits of the conditions, ``(batch, K - 1)``. Output: ``(batch, K)``.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The chain, in logs so that nothing vanishes."""
        end = tf.zeros_like(inputs[:, :1])
        passed = tf.concat([end, tf.cumsum(tf.math.log_sigmoid(inputs), axis=1)], axis=1)
        return passed + tf.concat([tf.math.log_sigmoid(-inputs), end], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, int]:
        """One label more than there are conditions."""
        return input_shape[0], input_shape[1] + 1

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config()}


@keras.saving.register_keras_serializable(package=PACKAGE)
class OrderedThresholds(keras.layers.Layer):
    """Log probabilities of K labels from one score and K - 1 biases: P(y > k) = sigma(x + b_k).

    This is the output of CORAL (Cao, Mirjalili and Raschka 2020, Eq. 3 and 4). Its theorem says that the biases fall
    with k at the optimum; here they fall at every step, so that no label ever has a probability under 0. They start
    where all labels are equally likely for a score of 0.

    Args:
        labels: number K of labels, at least 2.
        **kwargs: forwarded to `keras.layers.Layer`.

    Input: ``(batch, 1)``. Output: ``(batch, K)``.

    Raises:
        ValueError: if there are fewer than 2 labels.
    """

    def __init__(self, labels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if labels < 2:
            raise ValueError(f"labels must be at least 2. Received: {labels}")
        self.labels = labels

    def build(self, input_shape: tuple[int | None, int]) -> None:
        """Makes the first bias and the K - 2 distances from each to the next."""
        above = np.arange(self.labels - 1, 0, -1) / self.labels
        biases = np.log(above / (1 - above))
        # The inverse of the softplus that keeps the distances positive.
        gaps = np.log(np.expm1(-np.diff(biases) - _LEAST_GAP))
        for name, values in (("first", biases[:1]), ("gaps", gaps)):
            start = keras.initializers.Constant(values.astype(np.float32))
            setattr(self, name, self.add_weight(name=name, shape=values.shape, initializer=start))

    def _distances(self) -> tf.Tensor:
        return tf.math.softplus(tf.convert_to_tensor(self.gaps)) + _LEAST_GAP

    @property
    def biases(self) -> tf.Tensor:
        """b_k of every threshold, falling, ``(K - 1,)``."""
        first = tf.convert_to_tensor(self.first)
        return tf.concat([first, first - tf.cumsum(self._distances())], axis=0)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The difference of neighbouring sigmoids as a product, so that small ones keep their digits."""
        logits = inputs + self.biases
        above, below = tf.math.log_sigmoid(logits), tf.math.log_sigmoid(-logits)
        # sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - exp(b - a)).
        between = above[:, :-1] + below[:, 1:] + tf.math.log(-tf.math.expm1(-self._distances()))
        return tf.concat([below[:, :1], between, above[:, -1:]], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, int]:
        """K log probabilities for each score."""
        return input_shape[0], self.labels

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "labels": self.labels}
