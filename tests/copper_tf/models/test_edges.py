"""The penalty on borders that follow no edge of the picture."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from copper_tf.config import default_config
from copper_tf.models.edges import FOLLOWED, misplaced_borders
from copper_tf.models.factory import build, build_segmenter
from copper_tf.models.functional import Segmenter
from copper_tf.models.losses import CorrelationLoss
from copper_tf.training.loop import compile_model

SIDE = 48


def _picture(noise: float = 0.2, seed: int = 0) -> np.ndarray:
    """Dark to the left, bright to the right of the middle, and grey values that scatter; ``(1, side, side, 1)``."""
    picture = np.random.default_rng(seed).normal(0, noise, (1, SIDE, SIDE, 1))
    picture[:, :, SIDE // 2 :] += 1
    return picture.astype(np.float32)


def _left(columns: int) -> np.ndarray:
    mask = np.zeros((1, SIDE, SIDE, 1), np.float32)
    mask[:, :, :columns] = 1
    return mask


def _misplaced(picture: np.ndarray, mask: np.ndarray) -> float:
    return float(misplaced_borders(tf.constant(picture), tf.constant(mask)))


def test_a_border_costs_least_at_the_edge_of_the_picture() -> None:
    at_edge = _misplaced(_picture(), _left(SIDE // 2))
    for off in (-8, -4, 4, 8):
        assert _misplaced(_picture(), _left(SIDE // 2 + off)) > 1.5 * at_edge
    # Where there is no edge anywhere, its place doesn't matter.
    even = np.zeros_like(_picture())
    assert _misplaced(even, _left(20)) == pytest.approx(_misplaced(even, _left(28)), rel=1e-5)


def test_a_hole_within_an_area_costs_more_than_none() -> None:
    holed = _left(SIDE // 2)
    holed[:, 20:28, 6:14] = 0
    assert _misplaced(_picture(), holed) > 1.3 * _misplaced(_picture(), _left(SIDE // 2))


def test_borders_without_edges_are_as_by_chance_whatever_their_length() -> None:
    noise = np.random.default_rng(0).normal(size=(1, SIDE, SIDE, 1)).astype(np.float32)
    stripes = np.tile(np.repeat([0.0, 1.0], 6), SIDE // 12)[None, None, :, None] * np.ones_like(noise)
    for mask in (_left(24), stripes.astype(np.float32), np.full_like(noise, 0.3)):
        assert _misplaced(noise, mask) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("change", [lambda p: 37 * p + 5, lambda p: -p, lambda p: p.swapaxes(1, 2)])
def test_neither_scale_nor_sign_nor_a_turn_of_both_matters(change) -> None:  # type: ignore[no-untyped-def]
    mask = _left(20)
    turned = mask.swapaxes(1, 2) if change(_picture()).mean(1).var() < 0.1 else mask
    assert _misplaced(change(_picture()), turned) == pytest.approx(_misplaced(_picture(), mask), rel=0.01)


def _compiled(weight: float) -> keras.Model:
    keras.utils.set_random_seed(0)
    config = default_config("segmenter", n=1, N=1, c=4, d=1, epochs=4, edge_weight=weight)
    model = build(config, 2)
    compile_model(model, config, (1.0, 0.0))
    return model


def test_the_model_adds_it_to_its_loss_as_far_as_maps_are_sharpened() -> None:
    labels, masks = np.array([0, 1]), np.concatenate([_left(26), _left(22)])
    pictures = np.concatenate([_picture(seed=1), _picture(seed=2)])
    model = _compiled(3.0)
    assert type(model) is Segmenter and isinstance(model.loss, CorrelationLoss)

    def loss() -> float:
        return float(model.compute_loss(pictures, labels, tf.constant(masks)))

    before = loss()
    model.loss.sharpening.assign(1.0)
    misplaced = float(misplaced_borders(pictures, masks))
    assert loss() - before == pytest.approx(3 * misplaced, abs=0.25) and 0.1 < misplaced < FOLLOWED


def test_borders_that_follow_no_edge_at_all_are_left_alone() -> None:
    model, masks = _compiled(3.0), tf.Variable(0.2 + 0.6 * np.concatenate([_left(26), _left(22)]))
    model.loss.sharpening.assign(1.0)
    noise = np.random.default_rng(0).normal(size=masks.shape).astype(np.float32)
    for pictures, follows in ((noise, False), (np.concatenate([_picture(), _picture()]), True)):
        with tf.GradientTape() as tape:
            penalty = model.loss.edge_penalty(pictures, masks)
        assert bool(np.abs(tape.gradient(penalty, masks)).max() > 0) is follows


def test_it_is_there_after_saving_and_training_a_step(tmp_path: Path) -> None:
    model = _compiled(2.5)
    model.loss.sharpening.assign(0.5)
    model.fit(np.concatenate([_picture(seed=k) for k in range(4)]), np.array([0, 1, 0, 1]), batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is Segmenter and again.loss.edge_weight == 2.5
    np.testing.assert_array_equal(again.predict(_picture(), verbose=0), model.predict(_picture(), verbose=0))
    assert type(build_segmenter(n=1, N=1, c=4, d=1)) is Segmenter


@pytest.mark.parametrize("loss", ["squared", "kl", "correlation"])
def test_every_loss_of_a_mean_takes_it(loss: str) -> None:
    config = default_config("segmenter", n=1, N=1, c=4, d=1, epochs=4, loss=loss)
    model = build(config, 2)
    compile_model(model, config, (1.0, 0.0))
    model.loss.sharpening.assign(1.0)
    labels, masks = np.array([0, 1]), tf.constant(np.concatenate([_left(27), _left(22)]))
    pictures = np.concatenate([_picture(seed=1), _picture(seed=2)])
    with_edges = float(model.compute_loss(pictures, labels, masks))
    model.loss.sharpening.assign(0.0)
    assert with_edges > float(model.compute_loss(pictures, labels, masks)) + 0.05
