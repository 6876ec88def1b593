"""Exact statistics of batch normalisation before each validation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from copper_tf.data.crops import CropStream
from copper_tf.data.pictures import load_pictures
from copper_tf.models.factory import build
from copper_tf.models.layers import FusedBatchNorm
from copper_tf.training import batch_norm as calibration
from tests.conftest import small


@pytest.fixture(scope="module")
def stream(dataset: Any, runs: dict[str, Any]) -> CropStream:
    run = runs["segmenter"]
    return CropStream(load_pictures(dataset, "train"), run.config, run.normalisation, augment=True)


def _calibrated(model: keras.Model, stream: CropStream, epoch: int) -> None:
    callback = calibration.Calibrator(stream)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(epoch)
    callback.on_test_begin()


@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_statistics_are_those_of_all_pixels_of_the_batches(stream: CropStream, kind: str) -> None:
    keras.utils.set_random_seed(0)
    model = build(small(kind), 3)
    trained = [w.numpy() for w in model.trainable_variables]
    _calibrated(model, stream, 1)
    crops = np.concatenate([stream.batch(n)[0] for n in range(stream.steps, 2 * stream.steps)])
    seen = keras.Model(model.input, model.get_layer("stem_conv").output)(crops).numpy().astype(np.float64)
    norm = model.get_layer("stem_norm")
    np.testing.assert_allclose(norm.moving_mean.numpy(), seen.mean((0, 1, 2)), atol=1e-5)
    # The kernel divides by one less than the number of values of a batch.
    np.testing.assert_allclose(norm.moving_variance.numpy(), seen.var((0, 1, 2)), rtol=2e-3)
    # Nothing else is touched, and the layers go on as they were.
    for before, after in zip(trained, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(before, after.numpy())
    assert {layer.momentum for layer in model.layers if isinstance(layer, FusedBatchNorm)} == {0.9}


def test_few_batches_of_a_long_epoch_are_looked_at(stream: CropStream, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    whole = stream.batch
    monkeypatch.setattr(stream, "batch", lambda n: asked.append(int(n)) or whole(n))
    monkeypatch.setattr(calibration, "BATCHES", 2)
    _calibrated(build(small("segmenter"), 3), stream, 3)
    assert asked == [3 * stream.steps, 4 * stream.steps - 1]


def test_normalisations_within_layers_are_found() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 2)), FusedBatchNorm()])
    outer = keras.Sequential([keras.Input((8, 8, 2)), inner, FusedBatchNorm()])
    assert len(calibration._normalisations(outer.layers)) == 2
