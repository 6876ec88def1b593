"""The page stands alone, says what it must, and hides nothing."""

from __future__ import annotations

import html
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from copper_tf.config import default_config
from copper_tf.data.normalisation import Normalisation
from copper_tf.report.common.text import verdict
from copper_tf.report.evaluation.page import render_evaluation
from copper_tf.runs.labels import Labels
from copper_tf.runs.run import Run, create_run
from tests.conftest import ROOT

SPLITS = {"train": 8, "validation": 2, "test": 3}


def _split(kind: str, labels: int, count: int, interval: bool, truth: bool) -> dict[str, Any]:
    names = {
        "classifier": ["accuracy", "within_one", "mae", "qwk", "spearman", "median_accuracy", "median_mae"],
        "segmenter": ["mse", "nmse", "mae", "corr_g", "spearman_t", "iou", "auc", "binarity"],
    }[kind]
    scores = {n: 0.5 if truth or n not in ("iou", "auc") else math.nan for n in names}
    part: dict[str, Any] = {
        "pictures": count * labels,
        "groups": 6 if interval else 3,
        "resampled": "sheets",
        "scores": scores,
        "intervals": {n: [0.4, 0.6] if interval else None for n in names},
    }
    if kind == "classifier":
        counts = np.eye(labels, dtype=int) * (count - 1)
        counts[:, 0] += 1
        return part | {"confusion": counts.tolist(), "recall": [0.5] * labels}
    fall = np.linspace(0.9, 0.1, labels).tolist()
    return part | {"mean_potency": fall, "reanchored_curve": np.linspace(1, 0, labels).tolist(), "binarity_middle": 0.7}


def _run(path: Path, kind: str, labels: int = 4, interval: bool = False, truth: bool = True, maps: bool = True) -> Run:
    """A run folder with scores made up by hand."""
    draw = np.random.default_rng(0)
    config = default_config(kind)
    times = tuple(float(t) for t in range(labels))
    g = tuple(np.linspace(1, 0, labels)) if kind == "segmenter" else ()
    data = {"path": "/data/<b>copper</b>", "fingerprint": "f" * 64, "pictures": SPLITS, "window": 296}
    run = Run(path, config, Labels(times, "h"), g, Normalisation("dataset", 0.5, 0.2, 31), data)
    create_run(run)
    second = "accuracy" if kind == "classifier" else "nmse"
    names = ("loss", second, "val_loss", f"val_{second}")
    run.write_history([{"epoch": e, **dict.fromkeys(names, 1 / e), "seconds": 1.0} for e in range(1, 6)])
    splits = {name: _split(kind, labels, count, interval, truth) for name, count in SPLITS.items()}
    gaps = {s: {n: {"gap": 0.1, "interval": None} for n in p["scores"]} for s, p in splits.items() if s != "train"}
    rows = [(s, k) for s, count in SPLITS.items() for k in range(labels) for _ in range(count)]
    pictures: dict[str, Any] = {
        "file": [f"t{k}/{i}<script>.png" for i, (_, k) in enumerate(rows)],
        "split": [s for s, _ in rows],
        "t": [times[k] for _, k in rows],
        "label": [k for _, k in rows],
        "sheet": ["" for _ in rows],
    }
    answer = [k for _, k in rows] if kind == "classifier" else draw.random(len(rows)).tolist()
    pictures["grade" if kind == "classifier" else "potency"] = answer
    hypothesis = {"name": "linear", "g": list(g)}
    scores = {"kind": kind, "labels": {"times": times, "unit": "h"}, "hypothesis": hypothesis, "splits": splits}
    run.write_scores("evaluation", {**scores, "gaps": gaps, "pictures": pictures})
    if maps and kind == "segmenter":
        patch = {"pixels": draw.integers(0, 255, (50, 60)), "map": draw.random((50, 60)), "pixel_size_nm": np.nan}
        patch |= {"truth": draw.integers(0, 2, (50, 60))} if truth else {}
        kept = {f"000_{n}": np.asarray(v) for n, v in {**patch, "file": "t0/1<script>.png"}.items()}
        np.savez(run.path / "scores" / "examples.npz", allow_pickle=False, **kept)
    return run


def _figures(run: Run) -> set[str]:
    names = set()
    for path in (run.path / "report" / "figures").glob("*.png"):
        picture = np.asarray(Image.open(path).convert("L"))
        assert picture.shape[1] >= 700 and picture.std() > 5, path
        names.add(path.stem)
    return names


@pytest.mark.parametrize("labels", [2, 16])
@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_the_page_stands_alone(tmp_path: Path, kind: str, labels: int) -> None:
    run = _run(tmp_path / "run", kind, labels)
    text = render_evaluation(run).read_text()
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)", text) and "<script" not in text
    assert "@import" not in text and "url(" not in text
    expected = {"grades"} if kind == "classifier" else {"potency", "overlay", "truth"}
    assert _figures(run) == expected | {"network", "learning"}
    assert text.count("<img ") == len(expected) + 2
    assert all(re.findall(r'<img alt="([^"]{20,})"', text))
    assert "<b>copper</b>" not in text and "&lt;b&gt;copper" in text


def test_a_segmenters_page_says_what_potency_is_not(tmp_path: Path) -> None:
    text = render_evaluation(_run(tmp_path / "run", "segmenter")).read_text()
    assert "index relative to the end labels of this run, neither adhesion itself nor comparable between runs" in text
    assert "resemblance to the surface at the first t, 0 h" in text
    assert "f = 1" in text and "two phases" in text
    assert "This network sees 36 px." in text


def test_intervals_are_given_or_their_absence_explained(tmp_path: Path) -> None:
    without = render_evaluation(_run(tmp_path / "a", "classifier")).read_text()
    assert "no intervals: 3 sheets, at least 5 are needed" in without and "[0.400, 0.600]" not in without
    given = render_evaluation(_run(tmp_path / "b", "classifier", interval=True)).read_text()
    assert '<td>0.500</td><td class="interval">[0.400, 0.600]</td>' in given and "no intervals:" not in given
    assert "95 % interval 0.40 to 0.60" in given


def test_unknown_truth_is_a_dash(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "segmenter", truth=False)
    text = render_evaluation(run).read_text()
    unknown = '<td>–</td><td class="interval">–</td>' * 3
    assert f"IoU of the map</th>{unknown}" in text
    assert _figures(run) == {"potency", "overlay", "network", "learning"}
    assert "ROC-AUC of" not in text.split("</header>")[0]


def test_without_examples_there_are_no_maps(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "segmenter", maps=False)
    render_evaluation(run)
    assert _figures(run) == {"potency", "network", "learning"}


def test_every_setting_is_on_the_page(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "classifier")
    text = render_evaluation(run).read_text()
    for name in run.config.flat():
        assert name == "kind" or f'<th scope="row">{name}</th>' in text


@pytest.mark.parametrize(
    ("nmse", "interval", "auc", "words"),
    [
        (1.07, None, 0.5, "does not follow the hypothesis: an NMSE of 1.07, where a constant reaches 1"),
        (0.9, [0.6, 1.2], None, "it is not sure that the potency follows the hypothesis"),
        (
            0.4,
            [0.2, 0.6],
            0.9,
            "an NMSE of 0.40 (95 % interval 0.20 to 0.60), and the maps find",
        ),
        (0.4, None, 0.51, "the maps don't find the true rough areas better than guessing"),
    ],
)
def test_the_verdict_of_a_map_says_no_more_than_its_scores(
    nmse: float, interval: list[float] | None, auc: float | None, words: str
) -> None:
    test = {"groups": 6, "pictures": 9, "resampled": "sheets", "scores": {"nmse": nmse, "auc": auc}}
    test["intervals"] = {"nmse": interval, "auc": None}
    assert words in verdict({"kind": "segmenter", "splits": {"test": test}})


def test_the_verdict_of_grades_stands_beside_chance() -> None:
    test = {"groups": 6, "pictures": 8, "resampled": "sheets", "confusion": [[2, 2], [2, 2]]}
    scores = {"accuracy": 0.5, "median_mae": 0.5}
    for low, words in ((0.2, "not clearly more than the 0.50 of always"), (0.6, "against the 0.50 of always")):
        test |= {"scores": scores, "intervals": {"accuracy": [low, 0.9], "median_mae": None}}
        assert words in verdict({"kind": "classifier", "splits": {"test": test}})


@pytest.mark.parametrize(("n", "N", "c", "d"), [(2, 1, 8, 2), (1, 2, 5, 3)])
def test_parameters_by_arithmetic_are_those_of_the_nets(n: int, N: int, c: int, d: int) -> None:
    from copper_tf.models.architecture import network_of
    from copper_tf.models.factory import build

    for kind in ("classifier", "segmenter"):
        config = default_config(kind, n=n, N=N, c=c, d=d)
        assert network_of(config, 7).parameters == build(config, 7).count_params()


def test_the_command_on_the_page_gives_the_run_again(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "segmenter")
    changed = Run(**{**vars(run), "config": run.config.replace(d=3, hypothesis='{"0": 1}')})
    text = html.unescape(render_evaluation(changed).read_text())
    assert "copper train segmenter '/data/<b>copper</b>' -o RUN --d 3 --hypothesis '{\"0\": 1}'" in text


def test_real_runs_have_a_page(runs: dict[str, Any]) -> None:
    for run in runs.values():
        assert json.loads(run.scores_file("evaluation").read_text())["splits"]
        assert "test pictures from" in render_evaluation(run).read_text()


def test_reporting_needs_no_tensorflow() -> None:
    code = "import sys, copper_tf.report; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
