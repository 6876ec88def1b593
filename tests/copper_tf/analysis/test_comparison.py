"""Graders side by side: tests against other people's implementations, controls, and the command."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from copper_tf.analysis import comparison as cp
from copper_tf.analysis.comparison_results import ScoreDifference
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.cli.main import main
from tfds_copper.errors import RunError
from tfds_copper.files import write_json


def _grader(name: str, error: float, seed: int, sheets: int = 30, runs: int = 1, **settings: Any) -> cp.Grader:
    """Grades of 16 labels off by a normal error, four pictures a sheet."""
    draw = np.random.default_rng(seed)
    label = np.repeat(np.arange(sheets) % 16, 4)
    grades = np.clip(np.rint(label[:, None] + draw.normal(0, error, (label.size, runs))), 0, 15).astype(int)
    file = np.array([f"{k:03d}.png" for k in range(label.size)])
    pictures = {"file": file, "sheet": np.array([f"s{k // 4}" for k in range(label.size)]), "label": label}
    times = tuple(float(t) for t in range(16))
    return cp.Grader(name, "classifier", "median", (name,) * runs, settings, "f", pictures, grades, times)


def test_holm_by_hand() -> None:
    assert cp.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert cp.holm([0.5, 0.9]) == [1, 1] and cp.holm([]) == []


def test_mcnemar_is_a_fair_coin_on_what_differs() -> None:
    first = np.array([True] * 9 + [False] * 2 + [True] * 20)
    second = np.array([False] * 9 + [True] * 2 + [True] * 20)
    found = cp.mcnemar(first, second)
    assert (found.only_first, found.only_second) == (9, 2)
    assert found.p == pytest.approx(2 * stats.binom.cdf(2, 11, 0.5))
    assert cp.mcnemar(first, first).p == 1


def test_wilcoxon_is_exact_for_few_and_scipys_for_many() -> None:
    # All of 6 differ to one side: 2 of 2^6 signs.
    assert cp.wilcoxon(np.zeros(10), np.array([1, 1, 2, 3, 1, 1, 0, 0, 0, 0])).p == pytest.approx(2 / 64)
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=80), draw.normal(0.3, 1, 80)
    assert cp.wilcoxon(a, b).p == pytest.approx(stats.wilcoxon(a, b, method="asymptotic").pvalue)
    assert cp.wilcoxon(a, a).p == 1


def test_a_real_difference_is_found_and_none_is_not_invented() -> None:
    found: Any = cp.compare([_grader("a", 0.4, 0), _grader("worse", 1.2, 1), _grader("same", 0.4, 2)])
    worse, same = found.differences
    mae: Any = worse.scores["mae"]
    assert mae.interval[0] > 0 and mae.p_holm < 0.05 and worse.mcnemar.p_holm < 0.05
    assert worse.wilcoxon.p_holm < 0.05 and mae.detectable < mae.difference
    low, high = same.scores["mae"].interval
    assert low < 0 < high and same.scores["mae"].p_holm > 0.05 and same.mcnemar.p_holm > 0.05
    values = [g.scores["mae"] for g in found.graders]
    assert mae.difference == pytest.approx(values[1] - values[0])


def test_differences_are_paired() -> None:
    """Two graders that are wrong on the same pictures differ by far less than their own intervals are wide."""
    first = _grader("a", 1.0, 0)
    grades = first.grades.copy()
    grades[:4] = first.pictures["label"][:4, None]
    found: Any = cp.compare([first, dataclasses.replace(first, name="b", grades=grades)])
    low, high = found.differences[0].scores["accuracy"].interval
    own = found.graders[0].intervals["accuracy"]
    assert high - low < 0.7 * (own[1] - own[0])
    same = cp.compare([first, dataclasses.replace(first, name="b")]).differences[0]
    assert same.scores["mae"] == ScoreDifference(difference=0, interval=(0, 0), p=1, detectable=0, p_holm=1)


def test_a_test_at_five_per_cent_errs_in_about_five() -> None:
    """Without a true difference, p under .05 is rare; with one of the detectable size, usual."""
    low = found = 0
    for seed in range(12):
        a, b, c = (_grader("x", e, 100 + 3 * seed + k, sheets=20) for k, e in enumerate((0.6, 0.6, 1.0)))
        differences: Any = cp.compare([a, b, c]).differences
        low += differences[0].scores["mae"].p < 0.05
        found += differences[1].scores["mae"].p < 0.05
    assert low <= 3 and found >= 9


def test_few_sheets_give_no_interval() -> None:
    found: Any = cp.compare([_grader("a", 0.4, 0, sheets=4), _grader("b", 0.4, 1, sheets=4)])
    assert found.graders[0].intervals["mae"] is None
    mae = found.differences[0].scores["mae"]
    assert mae.interval is mae.p is mae.detectable is mae.p_holm is None
    assert found.differences[0].mcnemar.p_holm <= 1


def test_seeds_are_grouped_by_their_settings() -> None:
    graders = [
        _grader(f"{head}{seed}", 0.5, seed, head=head, d=3) for head in ("softmax", "corn") for seed in (0, 1, 2)
    ]
    groups = cp.group_seeds(graders)
    assert [g.name for g in groups] == ["classifier head=softmax", "classifier head=corn"]
    assert [g.grades.shape[1] for g in groups] == [3, 3] and groups[1].paths == ("corn0", "corn1", "corn2")
    found = cp.compare(groups)
    each = [np.abs(g.grades[:, 0] - g.pictures["label"]).mean() for g in graders[:3]]
    first = found.graders[0]
    assert first.scores["mae"] == pytest.approx(np.mean(each))
    assert first.ranges["mae"] == pytest.approx([min(each), max(each)])
    assert found.differences[0].mcnemar is None and found.differences[0].wilcoxon.p <= 1


def test_what_cannot_be_compared_is_named() -> None:
    a = _grader("a", 0.4, 0)
    with pytest.raises(RunError, match="at least two graders. Received: 1"):
        cp.compare([a])
    with pytest.raises(RunError, match="b: must be of the dataset of a. Received: another one"):
        cp.compare([a, dataclasses.replace(a, paths=("b",), fingerprint="g")])
    other = dataclasses.replace(a, paths=("b",), pictures={**a.pictures, "file": a.pictures["file"][::-1]})
    with pytest.raises(RunError, match="must be evaluated on the test pictures of a. Received: others"):
        cp.compare([a, other])


def test_the_command(runs: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(runs[kind].path) for kind in ("classifier", "segmenter")]
    assert main(["compare", *paths, "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "too few for intervals" in printed and "map" in printed
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [g["decoding"] for g in found["graders"]] == ["median", "map"] and found["pictures"] == 6
    scores = runs["classifier"].read(Evaluation).splits["test"].scores
    assert found["graders"][0]["scores"]["mae"] == pytest.approx(scores["median_mae"])
    assert main(["compare", *paths, "-o", str(tmp_path / "out")]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    again = ["compare", *paths, "-o", str(tmp_path / "out"), "--force", "--decoding", "argmax"]
    assert main(again) == 0
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert found["graders"][0]["scores"]["mae"] == pytest.approx(scores["mae"])


def test_runs_evaluated_by_another_version_are_named(
    runs: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Path(shutil.copytree(runs["segmenter"].path, tmp_path / "segmenter"))
    scores = json.loads((old / "scores" / "evaluation.json").read_text())
    scores["format"] = "copper-evaluation 0"
    write_json(old / "scores" / "evaluation.json", scores)
    assert main(["compare", str(old), str(runs["classifier"].path), "-o", str(tmp_path / "out")]) == 2
    assert (
        f"segmenter/scores/evaluation.json: this version of copper-tf reads {Evaluation.FORMAT!r}"
        in capsys.readouterr().err
    )
    assert [g.name for g in cp.read_graders([runs["segmenter"].path, runs["classifier"].path])] == [
        "segmenter",
        "classifier",
    ]
    twice = cp.read_graders([runs["segmenter"].path] * 2)
    assert twice[0].name == str(runs["segmenter"].path)
