"""The functional models of both networks: as Keras' own, but a picture that doesn't fit is refused at the entrance."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from copper_tf.models.losses import MeanLoss
from copper_tf.models.picture_sizes import smallest_picture
from copper_tf.utils.keras_objects import PACKAGE

__all__ = ["Classifier", "Segmenter"]


def _checked_sides(inputs: Any, least: int, grid: int) -> Any:
    """Pictures that can go through a network.

    Args:
        inputs: ``(batch, height, width, 1)``; sides that aren't known yet are checked when they are.
        least: the smallest side in px.
        grid: what every side must be a multiple of, in px.

    Returns:
        The same; in a graph nothing is done with them before they are checked.

    Raises:
        ValueError: if they can't.
    """
    shape = tuple(getattr(inputs, "shape", ()))
    if len(shape) != 4:
        return inputs
    multiples = f" and multiples of {grid} px" if grid > 1 else ""
    needs = f"sides of pictures must be at least {least} px{multiples}; copper_tf.load(RUN).keras_model() takes any"
    if any(side is not None and (side < least or side % grid) for side in shape[1:3]):
        raise ValueError(f"{needs}. Received: {shape[1]}x{shape[2]} px")
    if None in shape[1:3] and tf.is_tensor(inputs):
        sides = tf.shape(inputs)[1:3]
        fits = tf.logical_and(sides >= least, sides % grid == 0)
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fits), [f"{needs}. Received:", sides])]):
            return tf.identity(inputs)
    return inputs


def _stages(model: keras.Model) -> int:
    """Number d of stages, each of which ends in a pool."""
    return sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers)


@keras.saving.register_keras_serializable(package=PACKAGE)
class Classifier(keras.Model):
    """A functional model from picture to probabilities, whose sides are at least 2^(d + 1) px.

    Raises:
        ValueError: from a call with smaller pictures.
    """

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The probabilities of pictures ``(batch, height, width, 1)``."""
        inputs = _checked_sides(inputs, smallest_picture(_stages(self)), 1)
        return super().__call__(inputs, *args, **kwargs)


@keras.saving.register_keras_serializable(package=PACKAGE)
class Segmenter(keras.Model):
    """A functional model from picture to mask that shows its loss the picture, too, where that asks for it.

    Raises:
        ValueError: from a call with pictures whose sides are less than 2^(d + 1) px or no multiples of 2^d px.
    """

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The masks of pictures ``(batch, height, width, 1)``."""
        inputs = _checked_sides(inputs, smallest_picture(_stages(self)), 2 ** _stages(self))
        return super().__call__(inputs, *args, **kwargs)

    def compute_loss(
        self, x: tf.Tensor = None, y: tf.Tensor = None, y_pred: tf.Tensor = None, sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:  # fmt: skip
        """The loss of a batch: that of its masks and, by a `MeanLoss`, that of their borders."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if isinstance(self.loss, MeanLoss) and self.loss.edge_weight:
            # Keras sums losses in floatx.
            loss = tf.cast(loss, tf.float32) + self.loss.edge_penalty(x, y_pred)
        return loss
