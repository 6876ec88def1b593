"""Baselines: features that see what they should, maps of a known area, and one command on a run's own splits."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

from copper_tf.analysis.baselines.baselines import _area, _chosen, baselines
from copper_tf.analysis.baselines.features import FEATURES, WINDOW, windows
from copper_tf.analysis.baselines.graders import grade_pictures, table
from copper_tf.analysis.baselines.maps import GradCam, at_area, gradient_energy, grey_map, ranked
from copper_tf.analysis.baselines.results import Baseline, Baselines
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.cli.main import main
from copper_tf.data.pictures import examples
from copper_tf.inference.predictor import RunPredictor
from copper_tf.reports.baselines.section import baseline_section
from copper_tf.runs.datasets import dataset_of
from tfds_copper.errors import RunError

RNG = np.random.default_rng(0)


def test_windows_cover_a_small_picture_and_sample_a_large_one() -> None:
    small = RNG.normal(size=(100, 300))
    assert [part.shape for part in windows(small)] == [small.shape]
    parts = windows(np.zeros((2000, 3000)))
    assert len(parts) == 12 and max(max(part.shape) for part in parts) <= WINDOW + WINDOW // 8


def _pictures(count: int, coarse: bool, bright: float) -> list[np.ndarray]:
    from scipy.ndimage import gaussian_filter

    noise = [gaussian_filter(RNG.normal(size=(64, 64)), 2.5 if coarse else 1.0) for _ in range(count)]
    return [bright + n / n.std() for n in noise]


@pytest.mark.parametrize(("texture", "brightness", "seen"), [(True, False, "filter bank"), (False, True, "histogram")])
def test_texture_is_seen_by_the_bank_and_brightness_by_the_histogram(
    texture: bool, brightness: bool, seen: str
) -> None:
    def split() -> Any:
        marked = [(p, k) for k in range(2) for p in _pictures(12, bool(k) and texture, k * 1.0 * brightness)]
        return table(marked)

    parts = {"train": split(), "validation": split(), "test": split()}
    grades = grade_pictures(parts, 2)
    right = {name: float(np.mean(found["test"] == parts["test"].label)) for name, found in grades.items()}
    assert right["filter_bank" if seen == "filter bank" else seen] > 0.9
    assert right["histogram" if seen == "filter bank" else "lbp"] < 0.85
    assert set(parts["test"].features) == set(FEATURES)


def test_a_map_is_cut_at_the_area_it_is_told_to_the_pixel() -> None:
    values = RNG.normal(size=(30, 40)).round(1)  # with ties
    for area in (0.0, 0.37, 1.0):
        assert at_area(values, area).sum() == round(area * values.size)
    assert values[at_area(values, 0.2)].min() >= values[~at_area(values, 0.2)].max()
    assert ranked(values).min() == 0 and ranked(values).max() == 1


def test_grey_and_gradient_maps_find_what_they_look_for() -> None:
    truth = np.zeros((64, 64), bool)
    truth[:, 32:] = True
    dark = np.where(truth, 0.2, 0.8)
    assert (at_area(grey_map(dark, bright=False), 0.5) == truth).mean() > 0.95
    assert (at_area(grey_map(dark, bright=True), 0.5) == truth).mean() < 0.05
    rough = np.where(truth, RNG.normal(size=truth.shape), 0.0)
    assert (at_area(gradient_energy(rough, 2.0), 0.5) == truth).mean() > 0.95


def test_grad_cam_covers_the_picture_and_its_mean_explains_the_grade(runs: dict[str, Any]) -> None:
    grey = RNG.random((50, 61)).astype(np.float32)
    found = GradCam(runs["classifier"]).map(grey)
    assert found.shape == grey.shape and np.isfinite(found).all() and np.ptp(found) > 0


def test_one_command_scores_all_and_the_page_shows_them(
    runs: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs["segmenter"]
    assert main(["baselines", str(run.path), "--classifier", str(runs["classifier"].path)]) == 0
    printed = capsys.readouterr().out
    assert "filter bank" in printed and "Grad-CAM" in printed and "IoU at the true area" in printed
    result = run.read(Baselines)
    assert set(result.graders) == {"histogram", "lbp", "filter_bank"}
    assert set(result.maps) == {"net", "grey", "gradient", "gradcam"} and result.truth
    assert result.maps["net"].scores["iou"] == pytest.approx(run.read(Evaluation).splits["test"].scores["iou"])
    assert (result.maps["net"].pictures, result.maps["net"].groups, result.maps["net"].resampled) == (6, 3, "sheets")
    page = (run.path / "report" / "evaluation.html").read_text(encoding="utf-8")
    assert "Beside simpler methods" in page and "Grad-CAM" in page
    assert (run.path / "report" / "figures" / "baselines.png").is_file()
    for name in ("baselines.json", "baselines.npz"):
        (run.path / "scores" / name).unlink()
    assert baseline_section(run) is None


@pytest.mark.slow
def test_processes_give_the_same_features() -> None:
    pictures = [(RNG.normal(size=(300, 530)).astype(np.float32), k % 3) for k in range(7)]
    alone, together = table(iter(pictures)), table(iter(pictures), workers=2)
    get_reusable_executor().shutdown(wait=True)
    assert alone.features.keys() == together.features.keys()
    assert alone.picture.tolist() == together.picture.tolist() == [k // 2 for k in range(14)]
    for name, values in alone.features.items():
        np.testing.assert_array_equal(values, together.features[name])
    np.testing.assert_array_equal(alone.label, together.label)


def test_graders_of_the_same_pictures_are_taken_from_the_classifier(
    runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, grades = runs["segmenter"], runs["classifier"]
    baselines(grades, dataset_of(grades))
    known = grades.read(Baselines)
    with monkeypatch.context() as none:
        none.setattr("copper_tf.analysis.baselines.baselines.score_graders", lambda *_: pytest.fail("scored again"))
        assert baselines(run, dataset_of(run), grades).graders == known.graders
    # A run of another seed has forests of its own.
    other = dataclasses.replace(run, config=run.config.replace(seed=7))
    monkeypatch.setattr("copper_tf.analysis.baselines.baselines.score_graders", lambda *_: {})
    with pytest.raises(KeyError, match="histogram"):
        baselines(other, dataset_of(run), grades)
    for one in (run, grades):
        for name in ("baselines.json", "baselines.npz"):
            (one.path / "scores" / name).unlink(missing_ok=True)


@pytest.mark.parametrize("masked", [{0, 2}, {1, 3}])
def test_true_masks_of_some_pictures_are_enough(
    masked: set[int], runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dataclasses.replace(runs["segmenter"], path=Path(shutil.copytree(runs["segmenter"].path, tmp_path / "run")))

    def some(dataset: Any, split: str) -> Any:
        for k, example in enumerate(examples(dataset, split)):
            yield example if k in masked else dataclasses.replace(example, truth=None)

    module = "copper_tf.analysis.baselines.baselines"
    monkeypatch.setattr(f"{module}.examples", some)
    histogram = Baseline(6, 3, "sheets", {"qwk": 0.0}, {}, title="histogram")
    monkeypatch.setattr(f"{module}.score_graders", lambda *_: {"histogram": histogram})
    result = baselines(run, dataset_of(run))
    assert result.truth
    for name, method in result.maps.items():
        assert set(method.scores) == {"iou_area", "auc", "agreement"} | ({"iou"} if name == "net" else set())
        # A mask of one phase has no AUC.
        assert np.isfinite(method.scores["iou_area"]) and np.isfinite(method.scores["agreement"])
    # Pictures without a mask have no part in the choice, whatever their correlation would be.
    monkeypatch.setattr(f"{module}._agreement", lambda values, example, *_: float(example.truth is None) * values[0, 0])
    assert set(_chosen(run, dataset_of(run), RunPredictor(run), None).values()) == {"bright", "2 px"}


def test_a_g_that_is_unknown_is_no_area(runs: dict[str, Any]) -> None:
    run = runs["segmenter"]
    example = dataclasses.replace(next(iter(examples(dataset_of(run), "test"))), truth=None)
    net = np.full(example.pixels.shape, 0.3, np.float32)
    assert _area(run, example, net) == run.hypothesis[example.label]
    ends_alone = dataclasses.replace(run, hypothesis=(1.0, np.nan, 0.0))
    assert _area(ends_alone, dataclasses.replace(example, label=1), net) == pytest.approx(0.3)


def test_only_a_classifier_of_the_same_data_is_explained(runs: dict[str, Any]) -> None:
    run = runs["segmenter"]
    with pytest.raises(RunError, match=r"explains a classifier\. Received: a segmenter"):
        baselines(run, dataset_of(run), run)


def test_the_alarm_says_what_brightness_reaches() -> None:
    histogram = Baseline(9, 3, "sheets", {"qwk": 0.87}, {"qwk": None}, "histogram")
    result = Baselines({"histogram": histogram}, {}, alarm=True, truth=False)
    assert "QWK of 0.87" in result.warning and not dataclasses.replace(result, alarm=False).warning


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baselines", str(tmp_path)]) == 2
    assert "must be a run folder" in capsys.readouterr().err
