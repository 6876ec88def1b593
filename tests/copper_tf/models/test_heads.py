"""Each head has the loss of its article, to the gradient, and survives extremes, being saved and exported."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_expit

from copper_tf import config
from copper_tf.exporters.export import export_run
from copper_tf.inference.predictor import RunPredictor
from copper_tf.models.builder import NetworkBuilder
from copper_tf.models.factory import assemble, build, keras_layer
from copper_tf.models.losses import CumulativeLoss, SoftLabelLoss, grade_loss
from copper_tf.models.network import Input, Network
from copper_tf.models.ordinal import OrderedThresholds
from copper_tf.runs.run import BEST, create_run
from copper_tf.statistics.scores import posterior_median

LABELS = 5


def head_model(head: str, features: int = 3, labels: int = LABELS) -> keras.Model:
    """A head alone, on features ``(batch, features)``."""
    network = NetworkBuilder(1, 1, features, 1)
    config.HEADS[head].build(network, network.add_layer(Input("features", (), 0, features, is_vector=True)), labels)
    return assemble(Network("head", tuple(network.layers)), lambda layer: keras_layer(layer, "float32"))


def _model(head: str, features: int = 3, labels: int = LABELS) -> keras.Model:
    keras.utils.set_random_seed(0)
    return head_model(head, features, labels)


def _layer_output(model: keras.Model, name: str, x: np.ndarray) -> np.ndarray:
    return np.asarray(keras.Model(model.input, model.get_layer(name).output)(x), np.float64)


@pytest.mark.parametrize("head", config.HEADS)
@pytest.mark.parametrize("size", [1, 30, 1e4])
def test_probabilities_sum_to_one_and_train_on_however_wrong(head: str, size: float) -> None:
    model = _model(head)
    x = tf.constant(size * np.random.default_rng(0).normal(size=(200, 3)), tf.float32)
    label = tf.constant(np.arange(200) % LABELS)
    if head == "coral" and size > 30:
        x /= 100  # past a logit of 85 its loss has reached its floor

    @tf.function
    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            p = model(x, training=True)
            value = grade_loss(head)(label, p)
        return p, value, tape.gradient(value, model.trainable_variables)

    p, value, gradients = step()
    assert p.dtype == tf.float32 and float(tf.reduce_min(p)) >= 0
    np.testing.assert_allclose(tf.reduce_sum(p, -1), 1, atol=1e-5)
    assert np.isfinite(float(value))
    assert all(np.isfinite(g).all() for g in gradients) and np.abs(gradients[0]).max() > 1e-3 * size / 100


def _coral(logits: np.ndarray, label: np.ndarray) -> float:
    """Eq. 5 of the article on its logits, in float64."""
    over = label[:, None] > np.arange(LABELS - 1)
    return float(-np.where(over, log_expit(logits), log_expit(-logits)).sum(1).mean())


def _corn(logits: np.ndarray, label: np.ndarray) -> float:
    """Eq. 6 of the article: task k sees the pictures of y >= k only; over all pairs of task and picture."""
    tasks = np.arange(LABELS - 1)
    seen, over = label[:, None] >= tasks, label[:, None] > tasks
    return float(-(np.where(over, log_expit(logits), log_expit(-logits)) * seen).sum() / seen.sum())


@pytest.mark.parametrize("size", [1, 20])
def test_losses_are_those_of_the_articles(size: float) -> None:
    draw = np.random.default_rng(1)
    x, label = size * draw.normal(size=(60, 3)).astype(np.float32), draw.integers(0, LABELS, 60)
    coral = _model("coral")
    logits = _layer_output(coral, "score", x) + np.asarray(coral.get_layer("thresholds").biases, np.float64)
    assert float(CumulativeLoss()(label, coral(x))) == pytest.approx(_coral(logits, label), rel=1e-4)
    corn = _model("corn")
    logits = _layer_output(corn, "conditions", x)
    pairs = np.minimum(label + 1, LABELS - 1).sum()
    mine = -np.take_along_axis(_exact_chain(logits), label[:, None], 1).mean()
    assert mine == pytest.approx(_corn(logits, label) * pairs / len(label), rel=1e-9)
    np.testing.assert_allclose(corn(x), np.exp(_exact_chain(logits)), rtol=1e-4, atol=1e-7)
    if size == 1:  # outside of a graph Keras clips at 1e-7
        assert float(grade_loss("corn")(label, corn(x))) == pytest.approx(mine, rel=1e-4)


def _exact_chain(logits: np.ndarray) -> np.ndarray:
    """Log probabilities by the chain rule, one label after the other."""
    labels = range(logits.shape[1] + 1)
    passed = [sum((log_expit(logits[:, j]) for j in range(k)), np.zeros(len(logits))) for k in labels]
    return np.stack([passed[k] + (log_expit(-logits[:, k]) if k < labels[-1] else 0) for k in labels], 1)


def _softened(label: np.ndarray) -> np.ndarray:
    targets = np.exp(-((np.arange(LABELS) - label[:, None]) ** 2.0))
    return targets / targets.sum(1, keepdims=True)


def test_soft_labels_fall_with_the_distance() -> None:
    label = np.array([0, 2, 4])
    flat = np.full((3, LABELS), 1 / LABELS, np.float32)
    assert float(SoftLabelLoss()(label, flat)) == pytest.approx(np.log(LABELS), rel=1e-6)
    p = np.random.default_rng(0).dirichlet(np.ones(LABELS), 3).astype(np.float32)
    expected = -(_softened(label) * np.log(p)).sum(1).mean()
    assert float(SoftLabelLoss()(label[:, None], p)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", ["soft", "coral", "corn"])
def test_gradients_are_those_of_float64(head: str) -> None:
    """Central differences of the exact loss of what enters the head's last layer."""
    draw = np.random.default_rng(2)
    x, label = 4 * draw.normal(size=(8, 3)).astype(np.float32), draw.integers(0, LABELS, 8)
    model = _model(head)
    kernel, h = model.trainable_variables[0], 1e-6
    bias = {"coral": lambda: np.asarray(model.get_layer("thresholds").biases)}.get(head, lambda: np.zeros(1))()

    def exact(weights: np.ndarray) -> float:
        logits = x.astype(np.float64) @ weights + bias.astype(np.float64)
        if head == "coral":
            return _coral(logits, label)
        if head == "corn":
            return float(-np.take_along_axis(_exact_chain(logits), label[:, None], 1).mean())
        logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return float(-(_softened(label) * logs).sum(1).mean())

    @tf.function
    def gradient() -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = grade_loss(head)(label, model(x, training=True))
        return tape.gradient(value, [kernel.value])[0]

    found, weights = gradient().numpy(), np.asarray(kernel, np.float64)
    for place in np.ndindex(weights.shape):
        step = np.zeros_like(weights)
        step[place] = h
        assert found[place] == pytest.approx(
            (exact(weights + step) - exact(weights - step)) / (2 * h), rel=2e-3, abs=2e-5
        )


def test_thresholds_fall_whatever_is_learnt() -> None:
    layer = OrderedThresholds(LABELS)
    np.testing.assert_allclose(np.exp(layer(tf.zeros((1, 1)))), 1 / LABELS, rtol=1e-4)
    layer.gaps.assign(np.random.default_rng(0).normal(0, 30, LABELS - 2))
    assert np.all(np.diff(layer.biases.numpy()) < 0)
    p = np.exp(layer(tf.constant([[-50.0], [0.0], [50.0]])))
    assert np.isfinite(p).all() and np.all(p >= 0)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="labels must be at least 2. Received: 1"):
        OrderedThresholds(1)


@pytest.mark.parametrize("labels", [2, 3, 16])
@pytest.mark.parametrize("head", ["coral", "corn"])
def test_the_median_is_the_articles_own_decoding(head: str, labels: int) -> None:
    """Both articles grade by how many of the K - 1 questions "is y > k?" are answered by yes."""
    x = 3 * np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    p = _model(head, labels=labels)(x).numpy().astype(np.float64)
    over = 1 - np.cumsum(p, 1)[:, :-1]
    sure = np.abs(over - 0.5).min(1) > 1e-4
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(posterior_median(p)[sure], (over > 0.5).sum(1)[sure])


@pytest.mark.parametrize("head", config.HEADS)
def test_a_head_and_its_loss_come_back_from_disk(head: str, tmp_path: Path) -> None:
    model, x = _model(head), np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    model.compile(keras.optimizers.Adam(0.1), grade_loss(head), jit_compile=False)
    model.train_on_batch(x, np.arange(6) % LABELS)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x), again(x))
    assert type(again.loss) is type(grade_loss(head)) and again.loss.get_config() == model.loss.get_config()


@pytest.mark.slow
@pytest.mark.parametrize("head", ["coral", "corn"])
def test_a_run_of_each_head_is_exported(head: str, runs: dict[str, Any], tmp_path: Path) -> None:
    base = runs["classifier"]
    run = dataclasses.replace(base, path=tmp_path / "run", config=base.config.replace(head=head))
    create_run(run)
    build(run.config, len(run.labels.times)).save_weights(run.checkpoints / BEST)
    assert export_run(run, tmp_path / "export").formats["savedmodel"].largest < 1e-5
    p = RunPredictor(run).predict(np.random.default_rng(0).integers(0, 255, (64, 80)).astype(np.uint8), 8).probabilities
    assert p is not None and p.shape == (3,) and p.sum() == pytest.approx(1, abs=1e-5)
