"""Figure 10: potency against the hypothesis."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.config import ANCHORS
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, TEST_MEAN_COLOUR, dots, figure, tidy, time_axis
from copper_tf.runs.labels import Labels
from copper_tf.runs.records import HypothesisRecord
from copper_tf.statistics.scores import READABLE_SPAN
from copper_tf.utils.drawing import SPLIT_COLOURS

__all__ = ["draw_hypothesis", "potency_figure"]


def _legend(hypothesis: HypothesisRecord) -> str:
    """What g is called in a legend."""
    name = hypothesis.name if len(hypothesis.name) < 16 else "table"
    if hypothesis.learn == ANCHORS:
        return "g of the two ends trained on"
    return f"learned g (from {name})" if hypothesis.initial_g else f"hypothesis g ({name})"


def draw_hypothesis(axes: Axes, labels: Labels, hypothesis: HypothesisRecord, values: np.ndarray) -> None:
    """g as a line over t, and where it was learned also what it was at the start.

    Args:
        axes: where to draw.
        labels: the stress times.
        hypothesis: the g that the run was trained for.
        values: what to draw of g, one for each label, ``(K,)``.
    """
    axes.plot(
        labels.times, values, color=HYPOTHESIS_COLOUR, linewidth=1.6, marker="o", markersize=4, zorder=6,
        label=_legend(hypothesis), linestyle="none" if hypothesis.learn == ANCHORS else "-",
    )  # fmt: skip
    if hypothesis.initial_g:
        axes.plot(
            labels.times,
            hypothesis.initial_g,
            color=HYPOTHESIS_COLOUR,
            linewidth=1,
            linestyle=":",
            label="g at the start",
        )


def _every_picture(axes: Axes, evaluation: Evaluation) -> None:
    labels, hypothesis = evaluation.labels, evaluation.hypothesis
    dots(axes, labels, evaluation.pictures, np.array(evaluation.pictures.potency))
    draw_hypothesis(axes, labels, hypothesis, np.array(hypothesis.g))
    means = np.array(evaluation.splits["test"].mean_potency)
    axes.plot(
        labels.times, means, color=TEST_MEAN_COLOUR, linewidth=1.6, marker="D", markersize=4,
        label="test mean", zorder=7,
    )  # fmt: skip
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("potency m(x)", fontsize=9)
    axes.set_title("every picture", fontsize=10, loc="left")


def _split_name(split: str, apart: float) -> str:
    """A split's name, and why its curve can't be read where it can't."""
    if np.isnan(apart):
        return f"{split} (an end label has no picture)"
    return split if apart >= READABLE_SPAN else f"{split} (ends {apart:.2f} apart: noise)"


def _curves(axes: Axes, evaluation: Evaluation) -> None:
    labels, g = evaluation.labels, np.array(evaluation.hypothesis.g)
    span = g[0] - g[-1]
    if abs(span) > 1e-6:
        draw_hypothesis(axes, labels, evaluation.hypothesis, (g - g[-1]) / span)
    markers = {"train": "o", "validation": "s", "test": "D"}
    for split, part in evaluation.splits.items():
        curve = np.array(part.reanchored_curve)
        means = np.array(part.mean_potency)
        apart = means[0] - means[-1]
        # Divided by next to nothing, a curve is noise; it is shown, but so that nobody reads it as a result.
        weak = not apart >= READABLE_SPAN
        axes.plot(
            labels.times, curve, color=SPLIT_COLOURS[split], linewidth=1.3, marker=markers[split],
            markersize=4, label=_split_name(split, apart),
            linestyle=":" if weak else "-", alpha=0.5 if weak else 1.0,
        )  # fmt: skip
    axes.set_ylabel("stretched curve a(t)", fontsize=9)
    axes.set_title("estimated ageing curve: label means rescaled to 1 to 0", fontsize=10, loc="left")


def potency_figure(evaluation: Evaluation) -> Figure:
    """The paper's Figure 10, and beside it the estimated ageing curve a(t) = (m_t - m_T) / (m_0 - m_T) of each split.

    Args:
        evaluation: of a segmenter.
    """
    drawn = figure(10, 4.4)
    left, right = drawn.subplots(1, 2)
    _every_picture(left, evaluation)
    _curves(right, evaluation)
    for axes in (left, right):
        tidy(axes)
        time_axis(axes, evaluation.labels)
        axes.legend(fontsize=7.5, frameon=True, framealpha=0.9, edgecolor="none", loc="best")
    return drawn
