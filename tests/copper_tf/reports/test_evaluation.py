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

from copper_tf.analysis.evaluation_results import Evaluation, Gap, OutOfDistribution, PictureColumns, SplitScores
from copper_tf.analysis.grading import count_tuples
from copper_tf.config import KINDS, PAPER, default_config, unread_settings
from copper_tf.data.normalisation import Normalisation
from copper_tf.reports.common.style import figure, time_axis
from copper_tf.reports.common.text import verdict
from copper_tf.reports.evaluation.grades import _confusion
from copper_tf.reports.evaluation.page import render_evaluation, score_tables
from copper_tf.runs.labels import Labels
from copper_tf.runs.records import HypothesisRecord
from copper_tf.runs.run import Run, create_run
from tests.conftest import ROOT

SPLITS = {"train": 8, "validation": 2, "test": 3}


def _split(kind: str, labels: int, count: int, interval: bool, truth: bool) -> SplitScores:
    names = {
        "classifier": ["accuracy", "within_one", "mae", "qwk", "spearman", "median_accuracy", "median_mae"],
        "segmenter": ["mse", "nmse", "mae", "corr_g", "spearman_t", "iou", "auc", "binarity"],
    }[kind]
    summary: dict[str, Any] = {
        "pictures": count * labels,
        "groups": 6 if interval else 3,
        "resampled": "sheets",
        "scores": {n: 0.5 if truth or n not in ("iou", "auc") else math.nan for n in names},
        "intervals": dict.fromkeys(names, (0.4, 0.6) if interval else None),
    }
    if kind == "classifier":
        counts = np.eye(labels, dtype=int) * (count - 1)
        counts[:, 0] += 1
        return SplitScores(**summary, confusion=count_tuples(counts), recall=(0.5,) * labels)
    return SplitScores(
        **summary,
        mean_potency=tuple(np.linspace(0.9, 0.1, labels).tolist()),
        reanchored_curve=tuple(np.linspace(1, 0, labels).tolist()),
        curve_intervals=(None,) * labels,
    )


def _evaluation(kind: Any, labels: Labels, g: tuple[float, ...], interval: bool, truth: bool) -> Evaluation:
    """An evaluation made up by hand."""
    count = len(labels.times)
    splits = {name: _split(kind, count, n, interval, truth) for name, n in SPLITS.items()}
    rows = [(s, k) for s, n in SPLITS.items() for k in range(count) for _ in range(n)]
    answers: dict[str, Any] = {"grade": tuple(k for _, k in rows)}
    if kind == "segmenter":
        answers = {"potency": tuple(np.random.default_rng(0).random(len(rows)).tolist())}
    return Evaluation(
        kind=kind,
        labels=labels,
        hypothesis=HypothesisRecord("linear", "fixed", g),
        folds=0,
        caveats=(),
        splits=splits,
        out_of_distribution=OutOfDistribution(len(splits["test"].scores), not_compared={"not compared": 1}),
        gaps={s: {n: Gap(0.1, None) for n in splits[s].scores} for s in ("validation", "test")},
        pictures=PictureColumns(
            file=tuple(f"t{k}/{i}<script>.png" for i, (_, k) in enumerate(rows)),
            split=tuple(s for s, _ in rows),
            t=tuple(labels.times[k] for _, k in rows),
            label=tuple(k for _, k in rows),
            sheet=("",) * len(rows),
            **answers,
        ),
    )


def _run(path: Path, kind: str, labels: int = 4, interval: bool = False, truth: bool = True, maps: bool = True) -> Run:
    """A run folder with scores made up by hand."""
    draw = np.random.default_rng(0)
    config = default_config(kind, PAPER)
    times = tuple(float(t) for t in range(labels))
    g = tuple(np.linspace(1, 0, labels).tolist()) if kind == "segmenter" else ()
    data = {"path": "/data/<b>copper</b>", "fingerprint": "f" * 64, "pictures": SPLITS, "window": 296}
    run = Run(path, config, Labels(times, "h"), g, Normalisation("dataset", 0.5, 0.2, 31), data)
    create_run(run)
    second = "accuracy" if kind == "classifier" else "nmse"
    names = ("loss", second, "val_loss", f"val_{second}")
    run.write_history([{"epoch": e, **dict.fromkeys(names, 1 / e), "seconds": 1.0} for e in range(1, 6)])
    run.write(_evaluation(kind, run.labels, g, interval, truth))
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
    assert "This network sees 36 px" in text


def test_intervals_are_given_or_their_absence_explained(tmp_path: Path) -> None:
    without = render_evaluation(_run(tmp_path / "a", "classifier")).read_text()
    assert "no intervals: 3 sheets, at least 5 are needed" in without and "[0.400, 0.600]" not in without
    given = render_evaluation(_run(tmp_path / "b", "classifier", interval=True)).read_text()
    assert '<td>0.500</td><td class="interval">[0.400, 0.600]</td>' in given and "no intervals:" not in given
    assert "95 % interval 0.40 to 0.60" in given


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_scores_have_one_title(kind: str) -> None:
    labels = Labels((0.0, 1.0, 2.0), "h")
    rows = score_tables(_evaluation(kind, labels, (1.0, 0.5, 0.0), True, True))["scores"]
    titles = [title for title, _ in rows]
    assert len(set(titles)) == len(titles) > 5


def test_unknown_truth_is_a_dash(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "segmenter", truth=False)
    text = render_evaluation(run).read_text()
    unknown = '<td>–</td><td class="interval">–</td>' * 3
    assert f"IoU of the map</th>{unknown}" in text
    assert _figures(run) == {"potency", "overlay", "network", "learning"}
    assert "ROC-AUC of" not in text.split("</header>")[0]


def test_axes_have_the_times_themselves() -> None:
    labels = Labels((1000001.0, 1000002.0), "s")
    axes = figure(4, 3).subplots()
    time_axis(axes, labels)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1000001", "1000002"]
    drawn = figure(4, 3)
    _confusion(drawn.subplots(), labels, [[1, 0], [0, 1]])
    assert [text.get_text() for text in drawn.axes[0].get_yticklabels()] == ["1000001", "1000002"]


def test_without_examples_there_are_no_maps(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "segmenter", maps=False)
    render_evaluation(run)
    assert _figures(run) == {"potency", "network", "learning"}


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_every_setting_that_the_kind_reads_is_on_the_page(tmp_path: Path, kind: str) -> None:
    run = _run(tmp_path / "run", kind)
    text = render_evaluation(run).read_text()
    shown = {name for name in run.config.flat() if f'<th scope="row">{name}</th>' in text}
    assert shown == set(run.config.flat()) - {"kind", *unread_settings(kind)}


@pytest.mark.parametrize(
    ("nmse", "interval", "auc", "words"),
    [
        (1.07, None, 0.5, "does not follow the hypothesis: an NMSE of 1.07, where a constant reaches 1"),
        (0.9, (0.6, 1.2), None, "it is not certain that the potency follows the hypothesis"),
        (
            0.4,
            (0.2, 0.6),
            0.9,
            "an NMSE of 0.40 (95 % interval 0.20 to 0.60), and the maps find",
        ),
        (0.4, None, 0.51, "the maps don't find the true rough areas better than guessing"),
    ],
)
def test_the_verdict_of_a_map_says_no_more_than_its_scores(
    nmse: float, interval: tuple[float, float] | None, auc: float | None, words: str
) -> None:
    test = SplitScores(
        pictures=9,
        groups=6,
        resampled="sheets",
        scores={"nmse": nmse, "auc": math.nan if auc is None else auc},
        intervals={"nmse": interval, "auc": None},
    )
    assert words in verdict("segmenter", test, HypothesisRecord("linear", "fixed", (1.0, 0.0)))


def test_the_verdict_of_grades_stands_beside_chance() -> None:
    for low, words in ((0.2, "not clearly more than the 0.50 that always"), (0.6, "against the 0.50 that always")):
        test = SplitScores(
            pictures=8,
            groups=6,
            resampled="sheets",
            scores={"accuracy": 0.5, "median_mae": 0.5},
            intervals={"accuracy": (low, 0.9), "median_mae": None},
            confusion=((2, 2), (2, 2)),
        )
        assert words in verdict("classifier", test, HypothesisRecord("linear", "fixed", ()))


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
    assert "copper train segmenter '/data/<b>copper</b>' -o RUN --preset paper --d 3 --hypothesis '{\"0\": 1}'" in text


def test_real_runs_have_a_page(runs: dict[str, Any]) -> None:
    for run in runs.values():
        assert json.loads(run.scores_file("evaluation").read_text())["splits"]
        assert "test pictures from" in render_evaluation(run).read_text()


def test_reporting_needs_no_tensorflow() -> None:
    code = "import sys, copper_tf.reports; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
