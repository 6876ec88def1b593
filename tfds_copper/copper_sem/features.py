"""The features of a record, in code: whoever writes and whoever reads a dataset takes them from here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfds_copper.micrograph.grey import pixels_of_file

__all__ = ["bounded_pictures", "features"]

# Where a PNG's header has its width and height, each of four bytes, the high ones first.
_SIZE, _BYTES = 16, 8


def features(labels: int | None = None) -> tfds.features.FeaturesDict:
    """The features of `copper_sem`.

    Args:
        labels: how many there are; None before pictures are known.
    """
    return tfds.features.FeaturesDict(
        {
            "picture": tfds.features.Image(shape=(None, None, 1), dtype=np.uint16, encoding_format="png"),
            "bit_depth": tfds.features.Scalar(dtype=np.int32),
            "label": tfds.features.ClassLabel(num_classes=labels),
            "t": tfds.features.Scalar(dtype=np.float32),
            "sheet": tfds.features.Text(),
            "file": tfds.features.Text(),
            "pixel_size_nm": tfds.features.Scalar(dtype=np.float32),
            "truth": tfds.features.Image(shape=(None, None, 1), dtype=np.uint8, encoding_format="png"),
            "has_truth": tfds.features.Scalar(dtype=np.bool_),
            "columns": tfds.features.Text(),
            "metadata": tfds.features.Text(),
            "bar": tfds.features.Text(),
            "notes": tfds.features.Text(),
        }
    )


def bounded_pictures(max_pixels: int) -> dict[str, Any]:
    """TFDS' decoders of ``picture`` and ``truth``, which look at the size in the header before anything is decoded.

    Args:
        max_pixels: the largest picture that is decoded.
    """

    @tfds.decode.make_decoder()
    def bounded(png: Any, feature: Any) -> Any:
        width, height = tf.unstack(
            tf.cast(tf.io.decode_raw(tf.strings.substr(png, _SIZE, _BYTES), tf.int32, little_endian=False), tf.int64),
            num=2,
        )
        size = tf.cast(tf.strings.length(png), tf.int64)
        most = tf.minimum(tf.cast(max_pixels, tf.int64), pixels_of_file(size, tf.maximum))
        said = f"a picture must have 1 to {max_pixels} pixels, and no more than its record can hold"
        with tf.control_dependencies([tf.debugging.assert_less_equal(width * height, most, said)]):
            return feature.decode_example(tf.identity(png))

    return {"picture": bounded(), "truth": bounded()}
