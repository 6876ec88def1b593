"""What pictures a model knows stands in evaluation, page, report and export; so do test pictures unlike them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copper_tf.analysis.evaluation import PICTURES, evaluate_with
from copper_tf.analysis.evaluation_results import Evaluation, OutOfDistribution
from copper_tf.data.pictures import examples
from copper_tf.inference.prediction_rows import OOD_COLUMN
from copper_tf.inference.predictor import RunPredictor
from copper_tf.ood.features import image_features
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.reports.common.text import out_of_distribution_text
from copper_tf.reports.evaluation.page import render_evaluation
from copper_tf.runs.run import open_run
from tfds_copper.micrograph import Windows


def _noise() -> ReferenceStatistics:
    """Of pictures that no micrograph is like."""
    draw = np.random.default_rng(0)
    found = [image_features(Windows.of(draw.integers(0, 255, (64, 80), dtype=np.uint8), 8)) for _ in range(12)]
    statistics = ReferenceStatistics.of([one for one in found if one], [0] * 12, list(range(12)))
    assert statistics is not None
    return statistics


def _table(path: Path) -> list[dict[str, str]]:
    with (path / "scores" / PICTURES).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_test_pictures_like_the_others_are_counted(runs: dict[str, Any]) -> None:
    for run in runs.values():
        found = run.read(Evaluation).out_of_distribution
        rows = [row for row in _table(run.path) if row["split"] == "test"]
        assert found.pictures == len(rows) == 6 and not found.not_compared
        assert tuple((row["file"], row[OOD_COLUMN]) for row in rows if row[OOD_COLUMN]) == found.different
        assert len(found.different) <= 2


@pytest.mark.slow
def test_a_test_picture_unlike_training_shows(runs: dict[str, Any], dataset: Any, tmp_path: Path) -> None:
    run = open_run(Path(shutil.copytree(runs["segmenter"].path, tmp_path / "run")))
    predictor = RunPredictor(run)
    predictor.reference_statistics = _noise()
    evaluate_with(run, predictor, dataset)
    files = {example.file for example in examples(dataset, "test")}
    rows = {row["file"]: row[OOD_COLUMN] for row in _table(run.path)}
    assert {file for file, text in rows.items() if text} == files
    text = out_of_distribution_text(run.read(Evaluation).out_of_distribution)
    assert text.startswith("Of 6 test pictures 6 differ from those of training: ") and "and 1 more" in text
    assert "Of 6 test pictures 6 differ from those of training" in render_evaluation(run).read_text()


@pytest.mark.slow
def test_a_page_says_what_pictures_its_run_knows(runs: dict[str, Any], tmp_path: Path) -> None:
    run = open_run(Path(shutil.copytree(runs["segmenter"].path, tmp_path / "run")))
    page = render_evaluation(run).read_text()
    assert run.reference_statistics is not None
    for name, value in run.reference_statistics.described():
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
    # The control: a run that knows nothing of its pictures says nothing of them.
    run.reference_statistics_file.unlink()
    assert "mean grey value" not in render_evaluation(run).read_text()


def test_what_is_described_is_what_the_pictures_are(runs: dict[str, Any], dataset: Any) -> None:
    told = dict(runs["segmenter"].reference_statistics.described())
    assert told["pictures"] == "24 of 12 sheets"
    low, high = map(float, told["mean grey value, of full scale"].split(" to "))
    means = [e.pixels.mean() / 255 for split in ("train", "validation") for e in examples(dataset, split)]
    assert low < np.median(means) < high and high - low < 0.5
    assert np.mean([low <= mean <= high for mean in means]) >= 0.9


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (OutOfDistribution(3), "Of 3 test pictures none differs from those of training."),
        (OutOfDistribution(3, (("a", "b"),)), "Of 3 test pictures 1 differs from those of training: a (b)."),
        (OutOfDistribution(3, (), {"not compared: why": 3}), "3 of 3 test pictures were not compared: why."),
    ],
)
def test_the_sentence_says_no_more_than_is_known(found: OutOfDistribution, text: str) -> None:
    assert out_of_distribution_text(found) == text
