"""g learned as area: start, shape and end come from first maps; nothing is made up where areas don't differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from copper_tf.analysis.evaluation import evaluate
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.config import AREAS
from copper_tf.reports.evaluation.page import render_evaluation
from copper_tf.runs.records import AreaShares
from copper_tf.runs.run import FIRST_MAPS, open_run
from copper_tf.training import area_shares
from copper_tf.training.area_shares import otsu, shares_of
from copper_tf.training.hypothesis_learning import tables
from copper_tf.training.loop import train
from tests.conftest import eagerly, small
from tfds_copper.errors import InputError, SettingError


@pytest.fixture(scope="module", autouse=True)
def _untraced() -> Iterator[None]:
    with eagerly():
        yield


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first network of a few steps, whose areas hardly differ yet; they are taken all the same."""
    monkeypatch.setattr(area_shares, "_STEPS", 6)
    monkeypatch.setattr(area_shares, "MIN_VARIANCE", -1.0)


def test_a_histogram_is_cut_between_its_modes() -> None:
    draw = np.random.default_rng(0)
    two = np.histogram(np.concatenate([draw.normal(0.3, 0.02, 3000), draw.normal(0.6, 0.02, 7000)]), 400, (0, 1))[0]
    below, separability = otsu(two)
    assert 0.36 < below / 400 < 0.54 and separability > 0.95
    assert two[below:].sum() == 7000
    spread = np.histogram(draw.normal(0.5, 0.1, 100_000), 400, (0, 1))[0]
    assert otsu(spread)[1] == pytest.approx(2 / np.pi, abs=0.01)
    only = np.zeros(400)
    only[[10, 390]] = 1
    assert otsu(only)[1] == pytest.approx(1)


def test_shares_are_means_of_sheets_and_fall() -> None:
    areas = np.array([0.8, 0.6, 0.5, 0.5, 0.55, 0.2])
    labels, groups = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 2, 3, 4])
    histograms = np.zeros((6, 10))
    histograms[:, 2], histograms[:, 7] = 100 * (1 - areas), 100 * areas
    found = shares_of(histograms, labels, groups, 3)
    # The first label: one sheet of .7 and one of .5, however many pictures each has.
    assert found.shares == pytest.approx((0.6, 0.525, 0.2)) and found.pictures == 6
    assert 0.2 < found.threshold <= 0.8 and found.separability == pytest.approx(1)
    assert found.g == pytest.approx(found.shares) and found.intervals[2] is None
    low, high = found.intervals[0] or (0.0, 0.0)
    assert low < 0.5 and high > 0.7
    rising = shares_of(histograms[[5, 3, 0]], np.arange(3), np.arange(3), 3)
    assert rising.shares == pytest.approx((0.2, 0.5, 0.8)) and rising.g == pytest.approx((0.5, 0.5, 0.5))


def test_the_run_is_trained_for_the_areas(soon: None, dataset: Any, tmp_path: Path) -> None:
    run = train(small("segmenter", learn=AREAS), dataset, tmp_path / "run")
    found = run.read(AreaShares)
    assert run.hypothesis == found.g != run.initial_hypothesis == (1, 0.5, 0)
    assert found.pictures == 3 * 8 and not (run.path / FIRST_MAPS).exists()
    model = keras.models.load_model(run.last_checkpoint()[1])  # type: ignore[index]
    assert tables(model)[0].values == pytest.approx(found.g, abs=1e-6)
    assert "area share of one phase" in run.hypothesis_note
    evaluate(run, dataset)
    assert run.read(Evaluation).hypothesis.initial_g == (1, 0.5, 0)
    text = render_evaluation(run).read_text()
    assert "so the potency is an area share" in text and "Where f starts and ends was learned" in text
    assert "Potency is an index" not in text and "rough everywhere at the first t" not in text


def test_killed_on_the_way_it_goes_on_as_if_it_had_not_been(
    soon: None, dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(small("segmenter", learn=AREAS), dataset, tmp_path / "whole")
    measure = area_shares._histograms

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(area_shares, "_histograms", killed)
    with pytest.raises(KeyboardInterrupt):
        train(small("segmenter", learn=AREAS), dataset, tmp_path / "run")
    first = open_run(tmp_path / "run" / FIRST_MAPS)
    assert first.config.training.loss == "pixels" and len(first.history()) == first.config.training.epochs
    monkeypatch.setattr(area_shares, "_histograms", measure)
    run = train(small("segmenter", learn=AREAS), dataset, tmp_path / "run", resume=True)
    assert run.hypothesis == whole.hypothesis
    rows, others = ([{k: v for k, v in row.items() if k != "seconds"} for row in r.history()] for r in (run, whole))
    assert rows == others


def test_areas_that_do_not_differ_are_refused(dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(area_shares, "_STEPS", 1)
    same = AreaShares(0.5, 0.7, (0.5, 0.5, 0.49), (None,) * 3, (0.5, 0.5, 0.49), 24)
    monkeypatch.setattr(area_shares, "shares_of", lambda *_: same)
    with pytest.raises(InputError, match=r"an area of 0\.50 at the first t and of 0\.49 at the last; .*Received: "):
        train(small("segmenter", learn=AREAS), dataset, tmp_path / "run")
    assert not (tmp_path / "run" / "scores" / "area_shares.json").exists()


def test_the_hypothesis_that_it_begins_with_must_fall(dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="must fall by at least .* where learn is areas"):
        train(small("segmenter", learn=AREAS, hypothesis='{"0": 0, "1": 0.5, "2": 1}'), dataset, tmp_path / "run")
