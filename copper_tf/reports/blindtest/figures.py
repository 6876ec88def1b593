"""The paper's Figures 7 and 8 of a blind test, and all graders side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from copper_tf.analysis.blindtest.folder import ROUNDS
from copper_tf.analysis.blindtest.results import RATER, BlindTestResult, GraderResult
from copper_tf.analysis.evaluation_results import PictureColumns
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, figure, tidy
from copper_tf.reports.common.text import SCORE_NAMES
from copper_tf.reports.evaluation.grades import grades_figure
from copper_tf.utils.drawing import SPLIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["grader_figure", "grader_title", "side_by_side_figure"]

# Raters in the paper's yellow of Figure 7, models in its blue of Figure 8; the marker tells them apart without colour.
_RATER_STYLE, _MODEL_STYLE = (SPLIT_COLOURS["validation"], "o"), (SPLIT_COLOURS["train"], "s")
_SCORES = ("accuracy", "mae", "qwk")
_UNITS = {"accuracy": "share of pictures", "mae": "steps", "qwk": ""}


def grader_title(grader: GraderResult, rounds: int) -> str:
    """The name of a grader in tables and figures.

    Args:
        grader: of the result.
        rounds: of the test; the round is named only where there are two.
    """
    if grader.kind == RATER:
        return f"{grader.name}, {grader.method}" if rounds > 1 else grader.name
    return f"{grader.name} ({grader.kind})"


def grader_figure(result: BlindTestResult, grader: GraderResult) -> Figure:
    """Figure 7 of a rater, Figure 8 of a model: regression plot with the mean per label, and confusion matrix.

    Args:
        result: of the blind test.
        grader: one of its graders.
    """
    pictures = PictureColumns(**vars(result.pictures), grade=grader.grades, split=("test",) * len(grader.grades))
    return grades_figure(result.labels, pictures, grader.confusion)


def side_by_side_figure(result: BlindTestResult) -> Figure:
    """Accuracy, MAE and QWK of every grader with their intervals, one row per grader.

    Args:
        result: of the blind test.
    """
    graders = result.graders
    plot = figure(10, 1.15 + 0.36 * len(graders))
    axes = plot.subplots(1, len(_SCORES), sharey=True)
    rows = np.arange(len(graders))[::-1]
    for axis, name in zip(axes, _SCORES, strict=True):
        for row, grader in zip(rows, graders, strict=True):
            _draw_score(axis, row, grader, name)
        tidy(axis)
        axis.set_title(SCORE_NAMES[name], fontsize=10, loc="left")
        axis.set_xlabel(_UNITS[name] or "1 perfect, 0 chance", fontsize=9)
        low, high = axis.get_xlim()
        axis.set_xlim((min(0, low), max(1, high)) if name != "mae" else (0, high * 1.05))
    _draw_baselines(axes, result)
    axes[0].set_yticks(rows, [grader_title(g, result.rounds) for g in graders], fontsize=9, color=INK)
    axes[0].set_ylim(-0.6, len(graders) - 0.4)
    return plot


def _draw_score(axis: Any, row: int, grader: GraderResult, name: str) -> None:
    colour, marker = _RATER_STYLE if grader.kind == RATER else _MODEL_STYLE
    value, interval = grader.scores[name], grader.intervals[name]
    if not np.isfinite(value):
        return
    if interval:
        axis.plot(interval, [row, row], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=2)
    with_map = grader.kind == RATER and grader.method != ROUNDS[0]
    face = "white" if with_map else colour
    axis.plot(value, row, marker, markersize=7, color=colour, markerfacecolor=face, markeredgewidth=1.6, zorder=3)


def _draw_baselines(axes: Any, result: BlindTestResult) -> None:
    """The scores of constant answers: the most frequent label (accuracy), the median label (MAE), chance (QWK)."""
    label = np.array(result.pictures.label)
    counts = np.bincount(label)
    median = np.abs(label - np.round(np.median(label))).mean()
    baselines = {"accuracy": counts.max() / counts.sum(), "mae": median, "qwk": 0.0}
    for axis, name in zip(axes, _SCORES, strict=True):
        axis.axvline(baselines[name], color=HYPOTHESIS_COLOUR, linewidth=1.2, linestyle="--", zorder=1)
        right = axis.get_xlim()[1]
        axis.set_xlim(axis.get_xlim()[0], max(right, baselines[name] * 1.08))
