"""What checking exports takes from TensorFlow beyond its public names; its test fails when TensorFlow drops it."""

from __future__ import annotations

from typing import Any

__all__ = ["saved_model_proto"]


def saved_model_proto(folder: str) -> Any:
    """What `tf.saved_model.load` would read of a folder: a message ``SavedModel``, nothing of which was run.

    Args:
        folder: of the SavedModel.
    """
    import tensorflow as tf

    return tf.__internal__.saved_model.parse_saved_model(folder)
