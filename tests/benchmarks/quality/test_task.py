"""The race to a good result: what is learned, the crops, the judge, and a contestant at work."""

from __future__ import annotations

import csv
import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

import copper_tf
from benchmarks.quality import keras_peer, ours
from benchmarks.quality.__main__ import split_by_sheets, task_of
from benchmarks.quality.task import GOOD, LABELS, Clock, Crops, Task, auc, qwk, read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all labels, three sheets each."""
    made = tmp_path_factory.mktemp("quality") / "small"
    copper_tf.simulate(made, labels=LABELS, pictures=6, sheets=3, height=64, width=72, seed=0)
    split_by_sheets(made)
    return made


def _task(kind: str, folder: Path) -> Task:
    small = {"crop": 24 if kind == "segmenter" else 32, "margin": 4 if kind == "segmenter" else 0, "epochs": 2}
    return dataclasses.replace(task_of(kind, "small", folder), c=4, d=2, n=1, N=1, started=time.time(), **small)


def test_whole_sheets_are_held_out(folder: Path) -> None:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["sheet"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert [sum(row["split"] == split for row in rows) for split in ("train", "validation", "test")] == [32, 32, 32]


def test_crops_are_of_the_training_set_and_the_same_for_a_seed(folder: Path) -> None:
    task = _task("classifier", folder)
    crops = Crops(read(task, "train"), task)
    first, again, other = (list(crops.epoch(k)) for k in (0, 0, 1))
    assert len(first) == crops.steps == 4 and first[0][0].shape == (8, 32, 32, 1)
    assert sorted(np.concatenate([labels for _, labels in first])) == sorted(crops.pictures.labels)
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert not np.array_equal(first[0][0], other[0][0])
    seen = np.concatenate([batch for batch, _ in first])
    assert abs(seen.mean()) < 0.3 and 0.7 < seen.std() < 1.3


def test_the_judge_agrees_with_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(16, size=200)
    grades = np.clip(labels + draw.integers(-3, 4, size=200), 0, 15)
    assert qwk(labels, grades) == pytest.approx(cohen_kappa_score(labels, grades, weights="quadratic"))
    truth = draw.random((2, 40, 50)) < 0.4
    maps = np.clip(0.3 * truth + draw.random(truth.shape) * 0.7, 0, 1)
    assert auc(list(maps), list(truth)) == pytest.approx(roc_auc_score(truth.ravel(), maps.ravel()), abs=1e-3)


def test_being_judged_does_not_count(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    clock = Clock(dataclasses.replace(task_of("classifier", "small", tmp_path), started=time.time()))
    with clock.stopped():
        time.sleep(0.3)
    assert clock.seconds < 0.2
    assert not clock.say(1, GOOD - 0.01) and clock.say(2, GOOD)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["epoch"] for one in said] == [1, 2]


@pytest.mark.parametrize("contestant", [ours, keras_peer])
@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_contestants_say_how_good_they_are_after_each_epoch(
    contestant: object, kind: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contestant.main([_task(kind, folder).to_json()])  # type: ignore[attr-defined]
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [one["epoch"] for one in said] == [0, 1, 2]
    assert said[0]["score"] is None and all(-1 <= one["score"] <= 1 for one in said[1:])
    seconds = [one["seconds"] for one in said]
    assert seconds == sorted(seconds) and seconds[0] > 0
