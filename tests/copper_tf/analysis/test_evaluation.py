"""Scores of a run, as files."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copper_tf.analysis.evaluation import PICTURES
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.example_maps import EXAMPLES
from copper_tf.analysis.trust.results import Trust
from copper_tf.cli.main import main
from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import Run, open_run
from tfds_copper.errors import RunError


def _table(run: Run) -> list[dict[str, str]]:
    with (run.path / "scores" / PICTURES).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_scores_can_be_repeated_from_the_table(runs: dict[str, Any]) -> None:
    run = runs["segmenter"]
    scores = json.loads(run.scores_file(Evaluation.NAME).read_text())
    rows = [r for r in _table(run) if r["split"] == "test"]
    m, g = (np.array([float(r[name]) for r in rows]) for name in ("potency", "g"))
    assert scores["splits"]["test"]["scores"]["nmse"] == pytest.approx(np.mean((m - g) ** 2) / np.var(g))
    rows = [r for r in _table(runs["classifier"]) if r["split"] == "test"]
    right = np.mean([r["grade"] == r["label"] for r in rows])
    test = runs["classifier"].read(Evaluation).splits["test"]
    assert test.scores["accuracy"] == pytest.approx(right)
    assert sum(map(sum, test.confusion)) == len(rows)


def test_further_columns_travel_along(runs: dict[str, Any]) -> None:
    for run in runs.values():
        rows = _table(run)
        assert len(rows) == 30 and {"lot", "area_drawn"} <= set(rows[0])
        assert all(row["lot"] for row in rows)


def test_whole_pictures_are_scored(runs: dict[str, Any], sem_folder: Any) -> None:
    from tfds_copper.micrograph import read

    run = runs["segmenter"]
    row = _table(run)[0]
    picture = read(sem_folder / row["file"])
    prediction = RunPredictor(run).predict(picture.pixels, picture.bit_depth)
    assert prediction.potency == pytest.approx(float(row["potency"]), abs=1e-6)


def test_true_areas_are_those_drawn(runs: dict[str, Any]) -> None:
    for row in _table(runs["segmenter"]):
        assert float(row["true_fraction"]) == pytest.approx(float(row["area_drawn"]), abs=1e-4)


def test_gaps_compare_with_training(runs: dict[str, Any]) -> None:
    scores = runs["segmenter"].read(Evaluation)
    train, test = (scores.splits[s].scores["mae"] for s in ("train", "test"))
    assert scores.gaps["test"]["mae"].gap == pytest.approx(test - train)
    # Three sheets of test pictures: no interval; nine of training ones: one.
    assert scores.splits["test"].intervals["mae"] is None
    assert scores.splits["train"].intervals["mae"] is not None


def test_examples_are_kept_for_figures(runs: dict[str, Any]) -> None:
    with np.load(runs["segmenter"].path / "scores" / EXAMPLES) as kept:
        names = [n for n in kept.files if n.endswith("_map")]
        assert len(names) == 3
        assert kept["000_map"].shape == kept["000_pixels"].shape == kept["000_truth"].shape


def test_a_dataset_that_is_gone_or_changed_is_named(runs: dict[str, Any], tmp_path: Any) -> None:
    run = runs["segmenter"]
    gone = Run(**{**vars(run), "data": {**run.data, "path": str(tmp_path / "gone")}})
    with pytest.raises(RunError, match="its dataset must still be there"):
        dataset_of(gone)
    changed = Run(**{**vars(run), "data": {**run.data, "fingerprint": "0"}})
    with pytest.raises(RunError, match="must be the one of training.* has changed"):
        dataset_of(changed)


def test_scores_that_are_missing_are_named(runs: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="no scores/trust.json yet"):
        runs["segmenter"].read(Trust)


@pytest.mark.slow
def test_folds_are_trained_in_turn_and_pooled(
    sem_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, runs = str(tmp_path / "data"), tmp_path / "runs"
    assert main(["build", str(sem_folder), "-o", data, "--folds", "3"]) == 0
    short = ["--crop", "48", "--c", "4", "--d", "2", "--batch-size", "6", "--epochs", "1"]
    assert main(["train", "classifier", data, "-o", str(runs), *short]) == 0
    assert sorted(p.name for p in runs.iterdir()) == ["fold_1", "fold_2", "fold_3"]
    assert main(["train", "classifier", data, "-o", str(tmp_path / "one"), "--fold", "2", *short]) == 0
    assert open_run(tmp_path / "one").data["fold"] == 2
    assert main(["evaluate", str(runs)]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1])
    assert "each by the one of 3 folds that was not trained on it" in page.read_text()
    pooled = json.loads((runs / "scores" / "evaluation.json").read_text())
    tested = [f for f, s in zip(pooled["pictures"]["file"], pooled["pictures"]["split"], strict=True) if s == "test"]
    assert sorted(tested) == sorted(p.relative_to(sem_folder).as_posix() for p in sem_folder.glob("t*/*.png"))
    parts = [json.loads((runs / f"fold_{k}" / "scores" / "evaluation.json").read_text()) for k in (1, 2, 3)]
    right = sum(p["splits"]["test"]["scores"]["accuracy"] * p["splits"]["test"]["pictures"] for p in parts)
    assert pooled["splits"]["test"]["scores"]["accuracy"] == pytest.approx(right / len(tested))
    shutil.rmtree(runs / "fold_2")
    assert main(["evaluate", str(runs)]) == 2
    assert "must hold the runs of all 3 folds. Received: 2" in capsys.readouterr().err
