"""Several seeds as one model: the mean of their maps, and how far they lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from copper_tf.analysis.evaluation import evaluate_seeds
from copper_tf.cli.main import main
from copper_tf.inference.ensemble import Ensemble
from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.run import open_run, seed_runs
from tests.conftest import small
from tfds_copper.errors import RunError

PIXELS = np.random.default_rng(0).integers(0, 255, (48, 56), dtype=np.uint8)


@pytest.fixture(scope="module")
def trained(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two seeds, trained by the command."""
    output = tmp_path_factory.mktemp("ensemble") / "runs"
    values = {**small("segmenter", epochs=1).flat(), "seed": 3}
    asked = [
        f"--{k.replace('_', '-')}={values[k]}" for k in ("crop", "margin", "c", "d", "epochs", "batch_size", "seed")
    ]
    assert (
        main(["train", "segmenter", str(dataset.path), "-o", str(output), "--preset", "paper", "--seeds", "2", *asked])
        == 0
    )
    return output


def test_each_seed_is_a_run_of_its_own(trained: Path) -> None:
    runs = seed_runs(trained)
    assert [run.config.training.seed for run in runs] == [3, 4]
    assert [run.path.name for run in runs] == ["seed_3", "seed_4"]


@pytest.mark.slow
def test_the_map_is_the_mean_and_the_scatter_its_standard_deviation(trained: Path) -> None:
    members = [RunPredictor(run).predict(PIXELS, 8).map for run in seed_runs(trained)]
    both = Ensemble(seed_runs(trained)).predict(PIXELS, 8)
    assert both.map is not None and both.scatter is not None
    np.testing.assert_allclose(both.map, np.mean(members, 0), atol=1e-6)
    np.testing.assert_allclose(both.scatter, np.abs(members[0] - members[1]) / np.sqrt(2), atol=1e-6)
    assert both.scatter.max() > 0


def test_a_classifier_averages_probabilities(runs: dict[str, Any]) -> None:
    one = RunPredictor(runs["classifier"]).predict(PIXELS, 8).probabilities
    both = Ensemble([runs["classifier"]] * 2).predict(PIXELS, 8)
    assert one is not None and both.scatter is None
    np.testing.assert_allclose(both.probabilities, one)


@pytest.mark.slow
def test_evaluate_and_predict_take_the_folder(trained: Path, dataset: Any, tmp_path: Path) -> None:
    run, scores = evaluate_seeds(trained, seed_runs(trained))
    assert run.path == trained and scores.splits["test"].pictures == dataset.split_sizes["test"]
    assert main(["evaluate", str(trained)]) == 0
    assert (trained / "report" / "evaluation.html").is_file()
    picture = tmp_path / "a.tif"
    tifffile.imwrite(picture, PIXELS)
    assert main(["predict", str(trained), str(picture), "-o", str(tmp_path / "out")]) == 0
    table = (tmp_path / "out" / "predictions.csv").read_text(encoding="utf-8-sig").splitlines()
    scatter = tifffile.imread(tmp_path / "out" / "scatter" / "a.tif")
    assert scatter.shape == PIXELS.shape
    assert float(table[1].split(",")[table[0].split(",").index("scatter")]) == pytest.approx(scatter.mean(), rel=1e-4)


def test_members_of_other_settings_are_refused(trained: Path) -> None:
    other = trained / "seed_4" / "config.json"
    kept = other.read_text()
    other.write_text(kept.replace('"batch_size": 6', '"batch_size": 5'))
    with pytest.raises(RunError, match="must differ in their seed only"):
        seed_runs(trained)
    other.write_text(kept)
    assert open_run(trained / "seed_4").config.training.batch_size == 6
