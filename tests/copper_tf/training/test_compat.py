"""Checkpoints are made in memory by a name of Keras that isn't public: it is there, and writes what Keras writes."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from copper_tf.training.compat import model_files


def test_files_made_in_memory_are_those_that_keras_reads(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    whole, weights = model_files(model)
    (tmp_path / "last.keras").write_bytes(whole)
    (tmp_path / "best.weights.h5").write_bytes(weights)
    loaded = keras.models.load_model(tmp_path / "last.keras")
    other = keras.models.clone_model(model)
    other.load_weights(tmp_path / "best.weights.h5")
    for copy in (loaded, other):
        for mine, theirs in zip(model.get_weights(), copy.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert int(loaded.optimizer.iterations) == 1
