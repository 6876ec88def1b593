"""The mean-mask loss of Eq. 4 and its normalised form."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from copper_tf.losses import MeanMaskLoss, potency
from copper_tf.metrics import NMSE


def _mask(values: list[float], side: int = 8) -> tf.Tensor:
    return tf.constant(np.stack([np.full((side, side, 1), v, np.float32) for v in values]))


def test_loss_is_the_squared_error_of_the_mean() -> None:
    loss = MeanMaskLoss([1.0, 0.5, 0.0])
    assert float(loss(tf.constant([0, 2]), _mask([0.8, 0.1]))) == pytest.approx((0.2**2 + 0.1**2) / 2)


def test_margin_does_not_count() -> None:
    mask = np.ones((1, 10, 10, 1), np.float32)
    mask[:, 3:7, 3:7] = 0.25
    assert float(potency(tf.constant(mask), 3)[0]) == pytest.approx(0.25)
    assert float(MeanMaskLoss([0.25, 1.0], margin=3)(tf.constant([0]), tf.constant(mask))) == pytest.approx(0)


def test_weights_leave_labels_out() -> None:
    loss = MeanMaskLoss([1.0, 0.5, 0.0], [1.0, 0.0, 1.0])
    with tf.GradientTape() as tape:
        mask = tf.Variable(_mask([0.1]))
        value = loss(tf.constant([1]), mask)
    assert float(value) == 0
    np.testing.assert_array_equal(tape.gradient(value, mask), 0)


def test_the_mean_of_a_large_float16_mask_is_finite() -> None:
    mask = tf.cast(tf.ones((1, 960, 1280, 1)), tf.float16)
    assert float(potency(mask)[0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("g", "weights", "message"),
    [
        ([1.0, 2.0], None, r"g must be a list of values in \[0, 1\]"),
        ([1.0, 0.0], [1.0], "weights must be 2 numbers"),
        ([1.0, 0.0], [0.0, 0.0], "not all 0"),
    ],
)
def test_wrong_tables_are_named(g: list[float], weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MeanMaskLoss(g, weights)


def test_nmse_is_one_for_a_constant_and_zero_for_the_truth() -> None:
    g = [1.0, 0.6, 0.2, 0.0]
    labels = tf.constant([0, 1, 2, 3, 1, 2])
    metric = NMSE(g)
    mean = float(np.mean([g[k] for k in labels.numpy()]))
    metric.update_state(labels, _mask([mean] * 6))
    assert float(metric.result()) == pytest.approx(1, abs=1e-5)
    metric.reset_state()
    for part in (slice(0, 4), slice(4, 6)):
        metric.update_state(labels[part], _mask([g[k] for k in labels[part].numpy()]))
    assert float(metric.result()) == pytest.approx(0, abs=1e-6)


def test_nmse_of_one_label_alone_is_undefined() -> None:
    metric = NMSE([1.0, 0.0])
    metric.update_state(tf.constant([0, 0]), _mask([0.3, 0.4]))
    assert np.isnan(float(metric.result()))
