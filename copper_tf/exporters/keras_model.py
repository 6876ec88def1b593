"""A run as one Keras model: raw grey values in, map or probabilities out, normalisation inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from copper_tf.data.normalisation import Normalisation
from copper_tf.exporters.deployed_model import mirrored, normalise
from copper_tf.inference.predictor import frame
from copper_tf.models.factory import split_head
from copper_tf.models.tta import average_over_symmetries
from copper_tf.runs.run import KERAS_MODEL, Run
from copper_tf.utils.keras_objects import PACKAGE
from tfds_copper.files import replacing

__all__ = ["MicrographModel", "ensemble_keras_model", "run_keras_model", "write_keras_model"]


@keras.saving.register_keras_serializable(package=PACKAGE)
class MicrographModel(keras.Model):
    """From raw grey values to the potency map of a segmenter, or to the probabilities of a classifier.

    The input is ``(batch, height, width, 1)``, raw grey values of any dtype, without information bar; the output is
    ``(batch, height, width, 1)`` in [0, 1], or ``(batch, K)``, float32.

    Args:
        network: the trained model, from normalised pictures.
        normalisation: fields of a `Normalisation`.
        bit_depth: of the pictures, 8 to 16; full scale is ``2**bit_depth - 1``.
        border: px by which a picture is mirrored on beyond each border, a multiple of `grid`.
        grid: the map is computed for sides that are a multiple of this many px, and cut off again.
        views: symmetric views that the result is averaged over.

    Example:
        >>> model = copper_tf.load("run").keras_model()
        >>> model(np.zeros((1, 64, 80, 1), np.uint8)).shape
        TensorShape([1, 64, 80, 1])
    """

    def __init__(
        self,
        network: keras.Model,
        normalisation: dict[str, Any],
        bit_depth: int = 8,
        border: int = 0,
        grid: int = 1,
        views: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.network, self.normalisation, self.bit_depth = network, dict(normalisation), bit_depth
        self.border, self.grid, self.views = border, grid, views
        self._head: keras.Model | None = None
        self._body = network
        if network.name == "classifier":
            self._body, self._head = split_head(network)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Normalises, mirrors the borders on, and averages over the views; always as in inference."""
        x = normalise(tf.cast(inputs, tf.float32) / (2.0**self.bit_depth - 1), Normalisation(**self.normalisation))
        height, width = tf.shape(x)[1], tf.shape(x)[2]
        padded = mirrored(x, self.border, self.grid)
        y = average_over_symmetries(lambda view: self._body(view, training=False), self.views)(padded)
        if self._head is not None:
            return self._head(tf.reduce_mean(y, (1, 2)), training=False)
        return y[:, self.border : self.border + height, self.border : self.border + width]

    def get_config(self) -> dict[str, Any]:
        """All arguments; the network as Keras serialises it."""
        names = ("normalisation", "bit_depth", "border", "grid", "views")
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> MicrographModel:
        """The inverse of `get_config`."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects=custom_objects)
        return cls(**{**config, "network": network})


def run_keras_model(run: Run, bit_depth: int = 8, model: keras.Model | None = None) -> MicrographModel:
    """A run as one Keras model.

    Args:
        run: a trained run.
        bit_depth: of the pictures, 8 to 16; full scale is ``2**bit_depth - 1``.
        model: the run's model where it is loaded already.
    """
    whole = MicrographModel(
        model or run.load_model(),
        run.normalisation.to_dict(),
        bit_depth=bit_depth,
        border=frame(run.config),
        grid=2**run.config.model.d,
        views=run.config.tta_views,
        name=f"copper_{run.config.kind}",
    )
    side = 4 * 2**run.config.model.d
    whole(tf.zeros((1, side, side, 1), tf.uint8))
    return whole


def write_keras_model(run: Run) -> Path:
    """Writes ``model.keras`` into a run, the model of its best weights from raw grey values, and returns its path.

    Full scale is that of the run's data, of the deepest where they differ.
    """
    with replacing(run.path / KERAS_MODEL) as file:
        run_keras_model(run, int(run.data.get("bit_depth", run.reading.bit_depth or 8))).save(file)
    return run.path / KERAS_MODEL


def ensemble_keras_model(runs: list[Run], bit_depth: int = 8) -> keras.Model:
    """The mean of the maps or probabilities of several runs as one Keras model, see `run_keras_model`."""
    grey = keras.Input((None, None, 1), dtype="float32", name="grey")
    results = [run_keras_model(run, bit_depth)(grey) for run in runs]
    return keras.Model(grey, keras.layers.Average(dtype="float32")(results), name="copper_ensemble")
