"""The paper's Figures 7 and 8 of a blind test, and all graders side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from copper_tf.report.common.style import HYPOTHESIS_COLOUR, INK, figure, tidy
from copper_tf.report.common.text import SCORE_NAMES
from copper_tf.report.evaluation.grades import grades_figure
from copper_tf.utils.drawing import SPLIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["grader_figure", "grader_title", "side_by_side"]

# Raters in the paper's yellow of Figure 7, models in its blue of Figure 8; marks tell them apart without colours.
_MARKS = {"rater": (SPLIT_COLOURS["validation"], "o"), "model": (SPLIT_COLOURS["train"], "s")}
_SHOWN = ("accuracy", "mae", "qwk")
_UNITS = {"accuracy": "share of pictures", "mae": "steps", "qwk": ""}


def grader_title(grader: dict[str, Any], rounds: int) -> str:
    """What a grader is called.

    Args:
        grader: of the results.
        rounds: of the test; the round is named only where there are two.
    """
    if grader["kind"] == "rater":
        return f"{grader['name']}, {grader['by']}" if rounds > 1 else str(grader["name"])
    return f"{grader['name']} ({grader['kind']})"


def grader_figure(found: dict[str, Any], grader: dict[str, Any]) -> Figure:
    """Figure 7 of a rater, Figure 8 of a model: regression plot with the mean per label, and confusion matrix.

    Args:
        found: the results.
        grader: one of its graders.
    """
    pictures = {**found["pictures"], "grade": grader["grades"], "split": ["test"] * len(grader["grades"])}
    splits = {"test": {"confusion": grader["confusion"]}}
    return grades_figure({"labels": found["labels"], "pictures": pictures, "splits": splits})


def side_by_side(found: dict[str, Any]) -> Figure:
    """Accuracy, MAE and QWK of every grader with their intervals, one row a grader.

    Args:
        found: the results.
    """
    graders, rounds = found["graders"], 1 + bool(found["test"]["with_map"])
    drawn = figure(10, 1.15 + 0.36 * len(graders))
    axes = drawn.subplots(1, len(_SHOWN), sharey=True)
    places = np.arange(len(graders))[::-1]
    for axis, name in zip(axes, _SHOWN, strict=True):
        for place, grader in zip(places, graders, strict=True):
            colour, mark = _MARKS["rater" if grader["kind"] == "rater" else "model"]
            value, interval = grader["scores"][name], grader["intervals"][name]
            if value is None or not np.isfinite(value):
                continue
            if interval:
                axis.plot(interval, [place, place], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=2)
            hollow = grader["kind"] == "rater" and grader["by"] != "without map"
            face = "white" if hollow else colour
            axis.plot(
                value, place, mark, markersize=7, color=colour, markerfacecolor=face, markeredgewidth=1.6, zorder=3
            )
        tidy(axis)
        axis.set_title(SCORE_NAMES[name], fontsize=10, loc="left")
        axis.set_xlabel(_UNITS[name] or "1 perfect, 0 chance", fontsize=9)
        low, high = axis.get_xlim()
        axis.set_xlim((min(0, low), max(1, high)) if name != "mae" else (0, high * 1.05))
    _levels(axes, found)
    axes[0].set_yticks(places, [grader_title(g, rounds) for g in graders], fontsize=9, color=INK)
    axes[0].set_ylim(-0.6, len(graders) - 0.4)
    return drawn


def _levels(axes: Any, found: dict[str, Any]) -> None:
    """What is reached without looking: the commonest label always, and chance."""
    label = np.array(found["pictures"]["label"])
    counts = np.bincount(label)
    middle = np.abs(label - np.round(np.median(label))).mean()
    levels = {"accuracy": counts.max() / counts.sum(), "mae": middle, "qwk": 0.0}
    for axis, name in zip(axes, _SHOWN, strict=True):
        axis.axvline(levels[name], color=HYPOTHESIS_COLOUR, linewidth=1.2, linestyle="--", zorder=1)
        right = axis.get_xlim()[1]
        axis.set_xlim(axis.get_xlim()[0], max(right, levels[name] * 1.08))
