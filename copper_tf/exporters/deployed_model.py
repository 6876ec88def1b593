"""The exported computation: raw pictures in, named results out, normalisation inside."""

from __future__ import annotations

import keras
import tensorflow as tf

from copper_tf.data.normalisation import LOCAL_FLOOR, Normalisation
from copper_tf.exporters.batch_norm_folding import folded_network
from copper_tf.inference.exported.metadata import INPUT, MASK, POTENCY, PROBABILITIES
from copper_tf.inference.predictor import frame
from copper_tf.runs.run import Run

__all__ = ["DeployedModel", "mirrored", "normalise"]

# The name that TensorFlow's message begins with where a picture has another shape.
_SHAPE = "must_be_batch_height_width_1"


def mirrored(x: tf.Tensor, around: int, grid: int = 1) -> tf.Tensor:
    """A picture that goes on beyond its borders, where it is mirrored, the edge repeated, as often as need be.

    Args:
        x: ``(batch, height, width, 1)``.
        around: px beyond each border.
        grid: behind the last pixels it goes on to a multiple of this many px.
    """
    for axis in (1, 2):
        x = tf.gather(x, _places(tf.shape(x)[axis], around, grid), axis=axis)
    return x


def _places(side: tf.Tensor, around: int, grid: int) -> tf.Tensor:
    """Which pixel stands at each place of the mirrored axis; all is positive, as ONNX' remainder is another below 0."""
    period = 2 * side
    ahead = period * (around // side + 1)
    behind = around + tf.math.floormod(grid - tf.math.floormod(side, grid), grid)
    place = tf.math.floormod(tf.range(ahead - around, ahead + side + behind), period)
    return tf.minimum(place, period - 1 - place)


def _window_mean(x: tf.Tensor, window: int) -> tf.Tensor:
    """Mean over a square window with the border mirrored, one axis after the other."""
    x = mirrored(x, window // 2)
    return tf.nn.avg_pool2d(tf.nn.avg_pool2d(x, (window, 1), 1, "VALID"), (1, window), 1, "VALID")


def normalise(x: tf.Tensor, how: Normalisation) -> tf.Tensor:
    """The TensorFlow twin of `Normalisation.apply`.

    Args:
        x: grey values in [0, 1], ``(batch, height, width, 1)`` float32.
        how: the run's normalisation.
    """
    if how.mode == "dataset":
        return (x - how.mean) / how.sd
    if how.mode == "picture":
        mean, variance = tf.nn.moments(x, (1, 2, 3), keepdims=True)
        return (x - mean) / tf.maximum(tf.sqrt(variance), LOCAL_FLOOR * how.sd)
    centred = x - how.mean
    mean = _window_mean(centred, how.window)
    variance = tf.maximum(_window_mean(tf.square(centred), how.window) - tf.square(mean), 0.0)
    return (centred - mean) / tf.sqrt(variance + (LOCAL_FLOOR * how.sd) ** 2)


class DeployedModel(tf.Module):
    """A run's model as other programs call it.

    Args:
        run: the trained run.
        model: its float32 model.
    """

    def __init__(self, run: Run, model: keras.Model) -> None:
        super().__init__(name="copper")
        self._network = folded_network(run.config, model)
        self._kind, self._grid, self._frame = run.config.kind, 2**run.config.model.d, frame(run.config)
        self._normalisation = run.normalisation
        self._times = run.labels.times

    def _infer(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Results for grey values in [0, 1], ``(batch, height, width, 1)``."""
        # A loaded signature doesn't check what it is given, and TensorFlow's convolution ends the whole process of a
        # caller who forgets an axis (tensorflow/tensorflow#111453).
        values = tf.ensure_shape(values, (None, None, None, 1), name=_SHAPE)
        x = normalise(values, self._normalisation)
        height, width = tf.shape(x)[1], tf.shape(x)[2]
        y = self._network(mirrored(x, self._frame, self._grid))
        if self._kind == "segmenter":
            mask = y[:, self._frame : self._frame + height, self._frame : self._frame + width]
            return {MASK: mask, POTENCY: tf.reduce_mean(mask, axis=(1, 2, 3))}
        best = tf.argmax(y, -1, tf.int32)
        below = tf.cumsum(y, -1)
        median = tf.argmax(tf.cast(below >= 0.5 * below[:, -1:] - 1e-9, tf.int32), -1, tf.int32)
        return {PROBABILITIES: y, "grade": best, "median_grade": median, "t": tf.gather(tf.constant(self._times), best)}

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), tf.float32, name=INPUT)])
    def grey(self, grey: tf.Tensor) -> dict[str, tf.Tensor]:
        """Results for grey values over full scale, ``(batch, height, width, 1)``; the one call of every format."""
        return self._infer(grey)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), tf.uint8, name="picture")])
    def uint8(self, picture: tf.Tensor) -> dict[str, tf.Tensor]:
        """Results for 8-bit pictures ``(batch, height, width, 1)``."""
        return self._infer(tf.cast(picture, tf.float32) / 255.0)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), tf.uint16, name="picture")])
    def uint16(self, picture: tf.Tensor) -> dict[str, tf.Tensor]:
        """Results for pictures ``(batch, height, width, 1)`` of 16 full bits; those of 12 go to `grey`, over 4095."""
        return self._infer(tf.cast(picture, tf.float32) / 65535.0)

    @tf.function(input_signature=[tf.TensorSpec((), tf.string, name="png")])
    def png(self, png: tf.Tensor) -> dict[str, tf.Tensor]:
        """Results for the bytes of one PNG file that fills its 8 or 16 bits, batch of 1."""
        # An 8-bit PNG read as uint16 comes out times 257, so full scale is full scale either way.
        picture = tf.io.decode_png(png, channels=1, dtype=tf.uint16)
        return self._infer(tf.cast(picture, tf.float32)[None] / 65535.0)
