"""What training takes from Keras beyond its public names; its test fails when Keras renames or drops it."""

from __future__ import annotations

import io
import zipfile

import keras
from keras.src.saving import saving_lib

__all__ = ["model_files"]

# The member of a ``.keras`` file that `keras.Model.load_weights` reads.
_WEIGHTS = "model.weights.h5"


def model_files(model: keras.Model) -> tuple[bytes, bytes]:
    """What `keras.Model.save` and `keras.Model.save_weights` would write, made in memory.

    HDF5 ends the whole process where it can't close a file that a full disk has no room for.

    Returns:
        The content of a ``.keras`` file, and of a ``.weights.h5`` file.
    """
    stream = io.BytesIO()
    saving_lib.save_model(model, stream)
    with zipfile.ZipFile(stream) as archive:
        return stream.getvalue(), archive.read(_WEIGHTS)
