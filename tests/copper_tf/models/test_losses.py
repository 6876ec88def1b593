"""The losses of a mask: of its mean by Eq. 4 and the divergence, of its pixels, and the NMSE."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import rel_entr

from copper_tf import config
from copper_tf.models.losses import (
    CorrelationLoss,
    MeanLoss,
    MeanMaskDivergence,
    MeanMaskLoss,
    PixelLoss,
    mean_loss,
    potency,
)
from copper_tf.models.metrics import NMSE, FreeNMSE
from tfds_copper.errors import SettingError

# Those that are 0 where the mean is g.
ENDS = [name for name in config.LOSSES if name != config.CORRELATION]
ALL = pytest.mark.parametrize("kind", [config.LOSSES[name] for name in ENDS], ids=ENDS)


def _mask(values: list[float], side: int = 8) -> tf.Tensor:
    return tf.constant(np.stack([np.full((side, side, 1), v, np.float32) for v in values]))


def test_loss_is_the_squared_error_of_the_mean() -> None:
    loss = MeanMaskLoss([1.0, 0.5, 0.0])
    assert float(loss(tf.constant([0, 2]), _mask([0.8, 0.1]))) == pytest.approx((0.2**2 + 0.1**2) / 2)


def test_every_loss_that_can_be_set_is_there() -> None:
    assert tuple(config.LOSSES) == config.LOSSES.builtin == ("squared", "kl", "correlation", "pixels")
    assert config.LOSSES["squared"] is MeanMaskLoss and config.LOSSES["kl"] is MeanMaskDivergence
    assert config.LOSSES["pixels"] is PixelLoss and config.LOSSES["correlation"] is CorrelationLoss


def test_correlation_leaves_start_and_end_of_g_free() -> None:
    g, labels = [1.0, 0.7, 0.3, 0.0], tf.range(4)
    loss = CorrelationLoss(g)
    for start, end in ((1.0, 0.0), (0.7, 0.4), (0.3, 0.2)):
        means = [end + (start - end) * value for value in g]
        assert float(loss(labels, _mask(means))) == pytest.approx(0, abs=1e-3)
    assert float(loss(labels, _mask([0.1, 0.3, 0.7, 0.9]))) == pytest.approx(2, abs=0.02)
    draw = np.random.default_rng(0).random(4)
    r = np.corrcoef(draw, g)[0, 1]
    assert float(loss(labels, _mask(draw.tolist()))) == pytest.approx(1 - r * abs(r), abs=1e-4)


def test_grey_costs_and_an_even_mask_is_no_way_out() -> None:
    loss, labels = CorrelationLoss([1.0, 0.0]), tf.constant([0, 1])
    sharp = np.zeros((2, 8, 8, 1), np.float32)
    sharp[0, :6], sharp[1, :2] = 1, 1
    grey = 0.5 + 0.2 * (sharp - 0.5)
    assert float(loss(labels, tf.constant(sharp))) == pytest.approx(float(loss(labels, tf.constant(grey))), abs=1e-3)
    loss.sharpening.assign(1.0)
    assert float(loss(labels, tf.constant(sharp))) == pytest.approx(0, abs=1e-3)
    assert float(loss(labels, tf.constant(grey))) == pytest.approx(0.2 * 0.24 / 0.25, abs=1e-3)
    # All dark, there is no grey in pixels, but no share of one phase either.
    assert float(loss(labels, _mask([0.002, 0.001]))) > 0.15
    # However little there is of one phase, no grey is better than none.
    apart = CorrelationLoss([1.0, 0.0])
    assert float(loss(labels, _mask([4e-7, 2e-7]))) > float(apart(labels, _mask([4e-7, 2e-7])))


@pytest.mark.parametrize(("labels", "means"), [([0, 0], [0.2, 0.7]), ([0, 1], [0.5, 0.5]), ([2, 2], [0.1, 0.9])])
def test_a_batch_without_a_correlation_is_finite(labels: list[int], means: list[float]) -> None:
    loss = CorrelationLoss([1.0, 0.5, 0.0], [1.0, 1.0, 0.0])
    loss.sharpening.assign(1.0)
    with tf.GradientTape() as tape:
        mask = tf.Variable(_mask(means))
        value = loss(tf.constant(labels), mask)
    assert np.isfinite(float(value)) and np.isfinite(tape.gradient(value, mask).numpy()).all()


def test_the_nmse_with_free_ends_is_what_no_line_explains() -> None:
    g, draw = [1.0, 0.6, 0.2, 0.0], np.random.default_rng(0)
    labels = draw.integers(0, 4, 40)
    means = np.clip(0.3 + 0.2 * np.array(g)[labels] + draw.normal(0, 0.05, 40), 0, 1)
    metric = FreeNMSE(g)
    for part in (slice(0, 8), slice(8, 40)):
        metric.update_state(tf.constant(labels[part]), _mask(means[part].tolist()))
    line = np.polyval(np.polyfit(means, np.array(g)[labels], 1), means)
    expected = np.mean((np.array(g)[labels] - line) ** 2) / np.var(np.array(g)[labels])
    assert float(metric.result()) == pytest.approx(expected, abs=1e-4)
    metric.reset_state()
    metric.update_state(tf.constant([1, 1]), _mask([0.2, 0.3]))
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("margin", [0, 2])
def test_the_error_of_every_pixel_is_that_of_the_mean_and_the_variance(margin: int) -> None:
    draw = np.random.default_rng(0)
    mask, g = draw.random((3, 8, 12, 1)).astype(np.float32), [1.0, 0.4, 0.0]
    inner = mask[:, margin : 8 - margin, margin : 12 - margin, 0]
    expected = (inner.mean((1, 2)) - g) ** 2 + inner.var((1, 2))
    loss = PixelLoss(g, [1.0, 0.5, 0.0], margin, reduction="none")
    np.testing.assert_allclose(loss(tf.range(3), tf.constant(mask)), [1, 0.5, 0] * expected, rtol=1e-5)


def test_divergence_is_that_of_the_shares() -> None:
    g, means = [1.0, 0.5, 0.2, 0.0], np.array([0.8, 0.9, 0.2, 0.1])
    expected = rel_entr(g, means) + rel_entr(1 - np.array(g), 1 - means)
    loss = MeanMaskDivergence(g, reduction="none")
    # It adds 1e-6 to each share, whose logarithm is -14.
    np.testing.assert_allclose(loss(tf.range(4), _mask(means.tolist())), expected, atol=2e-5)


@pytest.mark.parametrize(("g", "mean"), [(0.3, 0.7), (0.9, 0.05), (1.0, 0.5), (0.0, 0.02)])
def test_divergence_has_the_gradient_of_cross_entropy(g: float, mean: float) -> None:
    def gradient(loss: Callable[[tf.Tensor], tf.Tensor]) -> float:
        given = tf.Variable(mean)
        with tf.GradientTape() as tape:
            value = loss(given)
        return float(tape.gradient(value, given))

    other = gradient(lambda m: keras.losses.binary_crossentropy(tf.constant([g]), tf.reshape(m, [1])))
    assert gradient(lambda m: MeanMaskDivergence.distance(m, tf.constant(g))) == pytest.approx(other, rel=1e-3)


@ALL
@pytest.mark.parametrize("g", [0.0, 1e-3, 0.4, 1.0])
def test_least_where_the_mean_is_g_and_no_mask_is_stuck(kind: type[MeanLoss], g: float) -> None:
    around = tf.constant([0.0, max(g - 1e-2, 0.0), g, min(g + 1e-2, 1.0), 1.0])
    with tf.GradientTape() as tape:
        tape.watch(around)
        value = kind.distance(around, tf.fill([5], g))
    slopes = tape.gradient(value, around).numpy()
    assert np.argmin(value) in np.flatnonzero(around.numpy() == np.float32(g))
    assert float(value[2]) == pytest.approx(0, abs=1e-6) and slopes[2] == pytest.approx(0, abs=2e-5)
    assert np.isfinite(value).all() and np.isfinite(slopes).all()
    # An empty or a full mask is led back.
    assert (slopes[0] < 0 or g == 0) and (slopes[-1] > 0 or g == 1)


@ALL
def test_margin_does_not_count(kind: type[MeanLoss]) -> None:
    mask = np.ones((1, 10, 10, 1), np.float32)
    mask[:, 3:7, 3:7] = 0.25
    assert float(potency(tf.constant(mask), 3)[0]) == pytest.approx(0.25)
    assert float(kind([0.25, 1.0], margin=3)(tf.constant([0]), tf.constant(mask))) == pytest.approx(0)


@pytest.mark.parametrize("name", config.LOSSES)
def test_by_itself_a_loss_counts_the_whole_mask_and_no_borders(name: str) -> None:
    masks = np.full((2, 16, 16, 1), 0.1, np.float32)
    masks[0, 0] = masks[0, -1] = 1.0
    alone, whole, inner = (
        float(config.LOSSES[name]([0.9, 0.2], **more)(tf.constant([0, 1]), tf.constant(masks)))
        for more in ({}, {"margin": 0}, {"margin": 1})
    )
    assert alone == whole != inner
    pictures = tf.constant(np.random.default_rng(0).random(masks.shape), tf.float32)
    loss = config.LOSSES[name]([0.9, 0.2])
    loss.sharpening.assign(1.0)
    assert float(loss.edge_penalty(pictures, tf.constant(masks))) == 0


def test_the_penalty_on_borders_grows_with_its_weight_and_with_sharpening() -> None:
    draw = np.random.default_rng(0)
    pictures, masks = (tf.constant(draw.random((2, 16, 16, 1)), tf.float32) for _ in range(2))

    def penalty(weight: float, sharpening: float) -> float:
        loss = MeanMaskLoss([1.0, 0.0], edge_weight=weight)
        loss.sharpening.assign(sharpening)
        return float(loss.edge_penalty(pictures, masks))

    full = penalty(1.0, 1.0)
    assert full > 0 and penalty(0.3, 1.0) == pytest.approx(0.3 * full) and penalty(1.0, 0.0) == 0
    assert penalty(0.3, 0.25) == pytest.approx(0.075 * full)


@ALL
def test_weights_leave_labels_out(kind: type[MeanLoss]) -> None:
    loss = kind([1.0, 0.5, 0.0], [1.0, 0.0, 1.0])
    with tf.GradientTape() as tape:
        mask = tf.Variable(_mask([0.1]))
        value = loss(tf.constant([1]), mask)
    assert float(value) == 0
    np.testing.assert_array_equal(tape.gradient(value, mask), 0)


def test_the_mean_of_a_large_float16_mask_is_finite() -> None:
    mask = tf.cast(tf.ones((1, 960, 1280, 1)), tf.float16)
    assert float(potency(mask)[0]) == pytest.approx(1)


@pytest.mark.parametrize("name", config.LOSSES)
def test_a_loss_comes_back_from_its_config_and_nothing_of_it_is_trained(name: str) -> None:
    loss = config.LOSSES[name]([1.0, 0.5, 0.0], [1.0, 0.0, 2.0], 2)
    loss.table.assign([0.9, 0.4, 0.1])
    again = type(loss).from_config(loss.get_config())
    for values in (again.table.g, again.table.values):
        np.testing.assert_allclose(values, [0.9, 0.4, 0.1])
    np.testing.assert_allclose(again.table.weights, [1, 0, 2])
    assert again.margin == 2 and again.get_config() == loss.get_config()
    assert not (again.table.g.trainable or again.table.weights.trainable)
    assert not again.sharpening.trainable


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


def test_a_loss_of_another_kind_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config.LOSSES, "plain", keras.losses.MeanSquaredError)
    with pytest.raises(SettingError, match="'plain' must be a subclass of .*MeanLoss .* Received: MeanSquaredError"):
        mean_loss("plain")
    assert mean_loss("squared") is MeanMaskLoss
