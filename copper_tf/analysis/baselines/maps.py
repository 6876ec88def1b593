"""Maps without a segmenter: grey threshold, gradient energy, and Grad-CAM of a classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from scipy import ndimage

from copper_tf.models import picture_sizes

if TYPE_CHECKING:
    from copper_tf.runs.run import Run

__all__ = ["GradCam", "at_area", "gradient_energy", "grey_map", "ranked"]

# Against single noisy pixels: a threshold on grey values is never used without it.
_SMOOTHING = 1.0


def ranked(values: np.ndarray) -> np.ndarray:
    """Values replaced by their rank, evenly from 0 to 1, so that any map can be scored as one in [0, 1]."""
    order = np.empty(values.size, np.float32)
    order[np.argsort(values, axis=None, kind="stable")] = np.linspace(0, 1, values.size, dtype=np.float32)
    return order.reshape(values.shape)


def at_area(values: np.ndarray, area: float) -> np.ndarray:
    """The mask of a given area share that holds the highest values.

    Args:
        values: any map, ``(height, width)``.
        area: share of the pixels, in [0, 1].

    Returns:
        Booleans of the same shape, as many true as the share says, to the pixel.
    """
    count = round(float(area) * values.size)
    found = np.zeros(values.size, bool)
    found[np.argsort(values, axis=None, kind="stable")[values.size - count :]] = True
    return found.reshape(values.shape)


def grey_map(values: np.ndarray, bright: bool) -> np.ndarray:
    """Lightly smoothed grey values, turned round where dark is what is sought."""
    smooth = ndimage.gaussian_filter(values.astype(np.float32), _SMOOTHING)
    return smooth if bright else -smooth


def gradient_energy(values: np.ndarray, scale: float) -> np.ndarray:
    """The squared gradient, averaged by a Gaussian.

    Args:
        values: grey values ``(height, width)``.
        scale: standard deviation of the average, in px.
    """
    slope = ndimage.gaussian_gradient_magnitude(values.astype(np.float32), _SMOOTHING)
    return ndimage.gaussian_filter(np.square(slope), scale)


class GradCam:
    """Where a classifier finds what speaks for the first t (Selvaraju et al. 2017).

    The relevance of a cell of the last map is the sum over channels of the channel's weight times its value, the
    weight being the gradient of minus the expected rank with respect to the channel's mean: an ordinal label has no
    one class to explain. Without Grad-CAM's ReLU, since what speaks for the last t counts too.

    Args:
        run: a trained classifier.

    Raises:
        RunError: if the run isn't trained or incomplete.
    """

    def __init__(self, run: Run) -> None:
        import tensorflow as tf

        from copper_tf.models.factory import split_head

        self.run = run
        body, head = split_head(run.load_model())

        @tf.function(input_signature=[tf.TensorSpec((1, None, None, 1), tf.float32)])
        def relevance(x: Any) -> Any:
            cells = body(x, training=False)
            means = tf.reduce_mean(cells, (1, 2))
            with tf.GradientTape() as tape:
                tape.watch(means)
                shares = head(means, training=False)
                rank = tf.reduce_sum(shares * tf.range(tf.shape(shares)[1], dtype=shares.dtype), -1)
            return -tf.reduce_sum(cells * tape.gradient(rank, means)[:, None, None], -1)

        self._relevance = relevance

    def map(self, grey: np.ndarray) -> np.ndarray:
        """The relevance at each pixel, ``(height, width)``, interpolated between the cells of the last map.

        Args:
            grey: grey values in [0, 1], ``(height, width)``.
        """
        values = self.run.normalisation.apply(grey)
        sides = [picture_sizes.padded_size(s, self.run.config.model.d) for s in values.shape]
        framed = np.pad(values, [(0, p - s) for p, s in zip(sides, values.shape, strict=True)], mode="reflect")
        cells = self._relevance(framed[None, ..., None]).numpy()[0]
        image = Image.fromarray(cells).resize((sides[1], sides[0]), Image.Resampling.BILINEAR)
        return np.asarray(image)[: grey.shape[0], : grey.shape[1]]
