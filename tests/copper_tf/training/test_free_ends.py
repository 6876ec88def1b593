"""Trained by correlation, a run learns where g starts and ends, and says so."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from scipy import ndimage

from copper_tf.analysis.evaluation import evaluate
from copper_tf.config import CORRELATION
from copper_tf.data.pictures import load_pictures
from copper_tf.decay import estimation
from copper_tf.decay.hypotheses import MIN_VARIANCE
from copper_tf.inference.predictor import Prediction, RunPredictor
from copper_tf.models.losses import CorrelationLoss
from copper_tf.models.metrics import FreeNMSE
from copper_tf.reports.common.text import learned_note
from copper_tf.reports.evaluation.page import render_evaluation
from copper_tf.runs.records import FreeEnds, Restarts
from copper_tf.runs.run import Run
from copper_tf.training import free_ends
from copper_tf.training.free_ends import ShapeLearner, Sharpen, read_ends
from copper_tf.training.loop import train
from tests.conftest import eagerly, small
from tfds_copper.errors import InputError, SettingError


@pytest.fixture(scope="module")
def free(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        # So small a net hardly tells the labels apart yet; its ends are read off all the same.
        patch.setattr(free_ends, "MIN_VARIANCE", 0.0)
        config = small("segmenter", loss=CORRELATION, epochs=6, learning_rate=0.003)
        run = train(config, dataset, tmp_path_factory.mktemp("free") / "run")
        evaluate(run, dataset)
        yield run


@pytest.fixture
def any_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    """See `free`."""
    monkeypatch.setattr(free_ends, "MIN_VARIANCE", 0.0)


def _unread(run: Run, name: str) -> Run:
    """A copy whose start and end are not read off yet."""
    copy = dataclasses.replace(run, path=run.path.parent / name, hypothesis=run.initial_hypothesis)
    shutil.copytree(run.path, copy.path)
    copy.scores_file(FreeEnds.NAME).unlink()
    return copy


def test_start_and_end_are_those_of_potencies(any_slope: None, free: Run, dataset: Any) -> None:
    splits = [load_pictures(dataset, split) for split in ("train", "validation")]
    assert free.initial_hypothesis == (1, 0.5, 0) != free.hypothesis
    untold = _unread(free, "copy")
    again = read_ends(untold, splits)
    assert again.hypothesis == free.hypothesis
    g = np.array(free.hypothesis)
    assert g[0] > g[1] > g[2] and g[1] == pytest.approx((g[0] + g[2]) / 2)
    kept = free.read(FreeEnds)
    assert (kept.start, kept.end) == (g[0], g[-1]) and kept.shape == (1, 0.5, 0)
    assert kept.pictures == 24 and kept.groups == 12
    assert kept.start_interval and kept.end_interval
    assert kept.start_interval[0] < kept.start < kept.start_interval[1]
    assert kept.end_interval[0] < kept.end < kept.end_interval[1]
    # Once they are there, nothing is read again.
    assert read_ends(again, []) is again


def test_a_line_through_potencies_has_their_ends() -> None:
    shape = np.array([1, 1, 0.25, 0.25, 0, 0])
    noise = np.array([0.1, -0.1] * 3)
    found = free_ends._ends({"shape": shape, "potency": 0.3 + 0.4 * shape + noise})
    assert found == pytest.approx({"start": 0.7, "end": 0.3})


def _weights_of(sharpen: Sharpen, model: keras.Model, epochs: int, steps: int) -> list[float]:
    sharpen.set_model(model)
    sharpen.set_params({"steps": steps})
    seen = []
    for epoch in range(epochs):
        sharpen.on_epoch_begin(epoch)
        for batch in range(steps):
            sharpen.on_train_batch_begin(batch)
            seen.append(float(model.loss.sharpening))
    return seen


def test_the_penalties_grow_step_by_step_and_stay(free: Run) -> None:
    model = keras.models.load_model(free.last_checkpoint()[1])  # type: ignore[index]
    assert isinstance(model.loss, CorrelationLoss)
    whole = Sharpen(free.config.replace(epochs=5))
    assert _weights_of(whole, model, 5, 2) == pytest.approx([0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1], abs=1e-6)
    # With restarts it has grown within a try.
    tried = Sharpen(free.config.replace(epochs=5, restarts=3, restart_epochs=1))
    assert _weights_of(tried, model, 2, 5) == pytest.approx([0, 0, 0.5, 1, 1, *[1] * 5], abs=1e-6)


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
        ({"learn": "anchors"}, "learn must be fixed, iterative or areas where loss is correlation. Received: anchors"),
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
    monkeypatch.setattr(free_ends, "MIN_VARIANCE", MIN_VARIANCE)
    with pytest.raises(InputError, match=r"must fall with g, .* Received: 0\.40 at the first t and 0\.40 at the last"):
        read_ends(_unread(free, "even"), [load_pictures(dataset, "validation")])


@pytest.fixture(scope="module")
def trained(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(free_ends, "MIN_VARIANCE", 0.0)
        # Maps of so few steps have hardly different means.
        patch.setattr(estimation, "READABLE_SPAN", 0.001)
        yield train(_LEARNED, dataset, tmp_path_factory.mktemp("learned") / "run")


_LEARNED = small(
    "segmenter", loss=CORRELATION, learn="iterative", epochs=6, learning_rate=0.003, restarts=1, restart_epochs=2,
    restart_binarity=1,
)  # fmt: skip


def test_shape_and_ends_are_learned_together_from_the_best_try(trained: Run) -> None:
    kept, tries = trained.read(FreeEnds), trained.read(Restarts)
    assert len(tries.tries) == 2
    assert kept.shape[0] == 1 and kept.shape[-1] == 0 and kept.shape[1] != 0.5
    line = kept.end + (kept.start - kept.end) * np.array(kept.shape)
    assert np.clip(line, 0, 1) == pytest.approx(trained.hypothesis)
    assert trained.hypothesis_note.startswith("g was learned as the area share of one phase: ")
    assert "its shape started from linear and followed" in learned_note(trained.hypothesis_record)


def test_killed_while_it_learns_it_goes_on_to_the_same_shape(
    any_slope: None, trained: Run, dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimation, "READABLE_SPAN", 0.001)
    with eagerly():
        train(_LEARNED, dataset, tmp_path / "run", until=4)
        again = train(_LEARNED, dataset, tmp_path / "run", resume=True)
    assert again.hypothesis == trained.hypothesis and again.read(FreeEnds) == trained.read(FreeEnds)


class _Crops:
    """A model's tables and metric, without a network."""

    def __init__(self) -> None:
        self.loss = CorrelationLoss([1, 0.5, 0])
        self.metrics = [FreeNMSE([1, 0.5, 0])]

    def see(self, *potencies: tuple[int, float]) -> None:
        for label, value in potencies:
            self.metrics[0].update_state(np.array([label]), np.full((1, 4, 4, 1), value, np.float32))


class _Draws:
    """A network that draws the areas of pictures of zeros and ones, as wide as they are or wider."""

    def __init__(self, wider: float) -> None:
        self.wider = wider

    def map_of(self, values: np.ndarray) -> np.ndarray:
        return (ndimage.gaussian_filter(values, 2) > 0.5 - self.wider).astype(np.float32)


def _learner(
    free: Run, model: _Crops, steps: int, kept: tuple[list[np.ndarray], ...] = ([], [], []), wider: float = 0.0,
    **settings: Any,
) -> ShapeLearner:  # fmt: skip
    run = dataclasses.replace(free, config=free.config.replace(learn="iterative", epochs=10, **settings))
    learner = ShapeLearner(run, None)  # type: ignore[arg-type]
    learner.middles, learner.predictor = list(kept), _Draws(wider)  # type: ignore[assignment]
    learner.set_model(model)
    learner.set_params({"steps": steps})
    return learner


def test_the_shape_follows_the_label_means_of_the_last_steps(free: Run) -> None:
    model, steps = _Crops(), free_ends._STEPS
    learner = _learner(free, model, 3 * steps)
    learner.on_epoch_begin(3)
    for batch in range(2 * steps):
        # The first steps say .2 of the fall, the next .4: each update goes by its own.
        middle = 0.4 + 0.4 * (0.2 if batch < steps else 0.4)
        model.see((0, 0.8), (1, middle), (2, 0.4))
        learner.on_train_batch_end(batch)
        if batch == steps - 2:
            assert model.loss.table.values == pytest.approx([1, 0.5, 0])
    first = estimation.update(np.array([1, 0.5, 0]), np.array([0.8, 0.48, 0.4]))
    assert model.loss.table.values == pytest.approx(estimation.update(first, np.array([0.8, 0.56, 0.4])), abs=1e-5)
    assert model.metrics[0].table.values == pytest.approx(model.loss.table.values)


@pytest.mark.parametrize(("epoch", "moves"), [(2, False), (3, True), (7, True), (8, False)])
def test_it_moves_once_there_are_maps_and_not_at_the_end(free: Run, epoch: int, moves: bool) -> None:
    model = _Crops()
    learner = _learner(free, model, 1)
    learner.on_epoch_begin(epoch)
    model.see((0, 0.8), (1, 0.5), (2, 0.4))
    learner.on_train_batch_end(0)
    # One step of an epoch of one: a twentieth of the way.
    g = estimation.update(np.array([1, 0.5, 0]), np.array([0.8, 0.5, 0.4]), estimation.STEP / free_ends._STEPS)
    assert model.loss.table.values == pytest.approx(g if moves else [1, 0.5, 0], abs=1e-6)
    assert learner.first == 3 and _learner(free, model, 1, restarts=1, restart_epochs=5).first == 5


def _ends(first: float) -> tuple[list[np.ndarray], ...]:
    """Pictures of three labels: one phase at each end, the first as grey as is said, and a disc between them."""
    rows, columns = np.mgrid[:48, :48] - 24
    disc = (np.hypot(rows, columns) < 12).astype(np.float32)
    return [np.full_like(disc, first)], [disc], [np.zeros_like(disc)]


def test_what_borders_add_is_taken_away_where_each_end_is_one_phase(free: Run) -> None:
    def middle(wider: float, first: float = 1.0) -> float:
        model = _Crops()
        learner = _learner(free, model, 1, _ends(first), wider)
        learner.on_epoch_begin(3)
        model.see((0, 0.98), (1, 0.5), (2, 0.02))
        learner.on_train_batch_end(0)
        return float(model.loss.table.values[1])

    assert middle(0.0) == pytest.approx(0.5, abs=0.002)
    # A network whose areas are too wide has too high a mean between the ends.
    assert middle(0.3) < middle(0.0) - 0.002
    # Maps of a first t that aren't of one phase say nothing of borders.
    assert middle(0.3, first=0.1) == pytest.approx(middle(0.0), abs=0.002)


def test_a_label_that_was_not_seen_leaves_the_shape(free: Run) -> None:
    model = _Crops()
    learner = _learner(free, model, 1)
    learner.on_epoch_begin(5)
    model.see((0, 0.8), (2, 0.4))
    learner.on_train_batch_end(0)
    assert model.loss.table.values.tolist() == [1, 0.5, 0]
