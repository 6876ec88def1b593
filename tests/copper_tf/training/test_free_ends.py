"""Trained by correlation, a run learns where g starts and ends, and says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from copper_tf.analysis.evaluation import evaluate
from copper_tf.config import CORRELATION
from copper_tf.data.pictures import load_pictures
from copper_tf.inference.predictor import Prediction, RunPredictor
from copper_tf.models.losses import CorrelationLoss
from copper_tf.reports.evaluation.page import render_evaluation
from copper_tf.runs.run import Run
from copper_tf.training import finish
from copper_tf.training.callbacks import Sharpen
from copper_tf.training.finish import read_ends
from copper_tf.training.loop import train
from tests.conftest import eagerly, small
from tfds_copper.errors import InputError, SettingError


@pytest.fixture(scope="module")
def free(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        # So small a net hardly tells the labels apart yet; its ends are read off all the same.
        patch.setattr(finish, "MIN_VARIANCE", 0.0)
        config = small("segmenter", loss=CORRELATION, epochs=6, learning_rate=0.003)
        run = train(config, dataset, tmp_path_factory.mktemp("free") / "run")
        evaluate(run, dataset)
        yield run


@pytest.fixture
def any_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    """See `free`."""
    monkeypatch.setattr(finish, "MIN_VARIANCE", 0.0)


def test_start_and_end_are_those_of_held_out_potencies(any_slope: None, free: Run, dataset: Any) -> None:
    held_out = load_pictures(dataset, "validation")
    assert free.initial_hypothesis == (1, 0.5, 0) != free.hypothesis
    untold = dataclasses.replace(free, path=free.path.parent / "copy", hypothesis=free.initial_hypothesis)
    untold.checkpoints.mkdir(parents=True, exist_ok=True)
    (untold.checkpoints / "best.weights.h5").write_bytes((free.checkpoints / "best.weights.h5").read_bytes())
    again = read_ends(untold, held_out)
    assert again.hypothesis == pytest.approx(free.hypothesis, abs=1e-6)
    g = np.array(free.hypothesis)
    assert g[0] > g[1] > g[2] and g[1] == pytest.approx((g[0] + g[2]) / 2)


def test_the_penalty_grows_with_the_epochs_and_is_kept(free: Run) -> None:
    model = keras.models.load_model(free.last_checkpoint()[1])  # type: ignore[index]
    assert isinstance(model.loss, CorrelationLoss)
    sharpen = Sharpen(10)
    sharpen.set_model(model)
    seen = []
    for epoch in range(10):
        sharpen.on_epoch_begin(epoch)
        seen.append(float(model.loss.grey_weight))
    assert seen == pytest.approx([0, 0, 0, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2], abs=1e-6)


def test_pages_and_results_say_it(free: Run) -> None:
    assert "start and end of g (linear) were learned as area shares" in free.hypothesis_note
    text = render_evaluation(free).read_text()
    assert "Of g only the shape was supposed, linear" in text and "Where f starts and ends was learned" in text


def test_stopped_and_gone_on_with_it_is_the_same(any_slope: None, dataset: Any, tmp_path: Path) -> None:
    config = small("segmenter", loss=CORRELATION, epochs=6, learning_rate=0.003)
    with eagerly():
        whole = train(config, dataset, tmp_path / "whole")
        train(config, dataset, tmp_path / "parts", until=2)
        parts = train(config, dataset, tmp_path / "parts", resume=True)
    assert parts.hypothesis == whole.hypothesis
    rows, others = ([{k: v for k, v in row.items() if k != "seconds"} for row in r.history()] for r in (parts, whole))
    assert rows == others


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learn": "iterative"}, "learn must be fixed or areas where loss is correlation. Received: iterative"),
        ({"learn": "anchors"}, "learn must be fixed or areas where loss is correlation. Received: anchors"),
        ({"restarts": 2, "epochs": 9}, "restarts must be 0 where loss is correlation. Received: 2"),
        ({"patience": 3}, "patience must be 0 where loss is correlation. Received: 3"),
        ({"batch_size": 2}, "batch_size must be at least 4 where loss is correlation. Received: 2"),
    ],
)
def test_what_it_cannot_go_with_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        small("segmenter", loss=CORRELATION, **settings)


def test_the_sharpest_weights_are_kept(free: Run) -> None:
    assert free.config.training.keep == "best" and free.best_epoch() == len(free.history()) - 1


def test_potencies_that_do_not_depend_on_t_are_refused(
    free: Run, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    even = np.full((64, 80), 0.4, np.float32)
    monkeypatch.setattr(RunPredictor, "predict", lambda *_: Prediction(even, None))
    untold = dataclasses.replace(free, path=free.path.parent / "even", hypothesis=free.initial_hypothesis)
    (untold.path / "checkpoints").mkdir(parents=True)
    (untold.checkpoints / "best.weights.h5").write_bytes((free.checkpoints / "best.weights.h5").read_bytes())
    with pytest.raises(InputError, match=r"must fall with g, .* Received: 0\.40 at the first t and 0\.40 at the last"):
        read_ends(untold, load_pictures(dataset, "validation"))
