"""Averaging over symmetric views: each turn has its inverse, and a result no longer depends on how a picture lies."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from copper_tf.config import SYMMETRIES
from copper_tf.data.crops import _turn
from copper_tf.inference.predictor import RunPredictor
from copper_tf.models.tta import apply_symmetry, average_over_symmetries, undo_symmetry

VALUES = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("turn", range(8))
def test_a_view_is_the_turn_of_training_crops_and_has_an_inverse(turn: int) -> None:
    seen = apply_symmetry(tf.constant(VALUES), turn)
    np.testing.assert_array_equal(seen[0, ..., 0], _turn(VALUES[0, ..., 0], turn))
    np.testing.assert_array_equal(undo_symmetry(seen, turn), VALUES)


@pytest.mark.parametrize("turns", SYMMETRIES.values())
def test_the_mean_over_views_follows_the_picture(turns: int) -> None:
    def network(x: tf.Tensor) -> tf.Tensor:  # leans to one side, as no fair map does
        return x * tf.cast(tf.range(tf.shape(x)[2]), tf.float32)[:, None]

    mean = average_over_symmetries(network, turns)
    plain = mean(tf.constant(VALUES)).numpy()
    for turn in range(turns):
        np.testing.assert_allclose(
            mean(apply_symmetry(tf.constant(VALUES), turn)), apply_symmetry(plain, turn), rtol=1e-5
        )
    assert (turns > 1) == (not np.allclose(plain, network(tf.constant(VALUES))))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_a_run_with_all_views_gives_a_turned_picture_the_same_result(runs: dict[str, Any], kind: str) -> None:
    run = runs[kind]
    many = dataclasses.replace(run, config=run.config.replace(tta="all"))
    pixels = np.random.default_rng(1).integers(0, 255, (64, 80), dtype=np.uint8)
    one, other = (RunPredictor(many).predict(p, 8) for p in (pixels, np.rot90(pixels)))
    plain, aside = (RunPredictor(run).predict(p, 8) for p in (pixels, np.rot90(pixels)))
    if kind == "classifier":
        np.testing.assert_allclose(np.log(one.probabilities), np.log(other.probabilities), atol=1e-4)
        # In logs, since a sure classifier differs in its smallest probabilities only.
        assert np.abs(np.log(plain.probabilities) - np.log(aside.probabilities)).max() > 1e-3
    else:
        np.testing.assert_allclose(np.rot90(one.map), other.map, atol=1e-5)
        assert np.abs(np.rot90(plain.map) - aside.map).max() > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_the_exported_model_averages_the_same_views(runs: dict[str, Any], kind: str, tmp_path: Path) -> None:
    from copper_tf.exporters.export import export_run

    run = runs[kind]
    many = dataclasses.replace(run, config=run.config.replace(tta="all", symmetry="mirror"))
    assert export_run(many, tmp_path / "model", ["savedmodel", "onnx"]).formats["onnx"].largest < 1e-5
