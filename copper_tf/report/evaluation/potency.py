"""Figure 10: potency against the hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from copper_tf.config import ANCHORS
from copper_tf.report.common.style import HYPOTHESIS_COLOUR, TEST_MEAN_COLOUR, dots, figure, tidy, time_axis
from copper_tf.statistics.scores import READABLE_SPAN
from copper_tf.utils.drawing import SPLIT_COLOURS

__all__ = ["draw_hypothesis", "potency_figure"]


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], float)


def _law(law: dict[str, Any]) -> str:
    """What g is called in a legend."""
    name = law["name"] if len(law["name"]) < 16 else "table"
    if law.get("learn") == ANCHORS:
        return "g of the two ends trained on"
    return f"learned g (from {name})" if "start" in law else f"hypothesis g ({name})"


def draw_hypothesis(axes: Axes, scores: dict[str, Any], values: np.ndarray) -> None:
    """g as a line over t, and where it is learnt also what it was at the start.

    Args:
        axes: where to draw.
        scores: the evaluation of a segmenter.
        values: of each label, ``(K,)``.
    """
    law, times = scores["hypothesis"], scores["labels"]["times"]
    axes.plot(
        times, values, color=HYPOTHESIS_COLOUR, linewidth=1.6, marker="o", markersize=4, label=_law(law), zorder=6,
        linestyle="none" if law.get("learn") == ANCHORS else "-",
    )  # fmt: skip
    if "start" in law:
        axes.plot(times, law["start"], color=HYPOTHESIS_COLOUR, linewidth=1, linestyle=":", label="g at the start")


def _every_picture(axes: Axes, scores: dict[str, Any]) -> None:
    dots(axes, scores, np.array(scores["pictures"]["potency"], float))
    draw_hypothesis(axes, scores, _numbers(scores["hypothesis"]["g"]))
    means = _numbers(scores["splits"]["test"]["mean_potency"])
    axes.plot(
        scores["labels"]["times"], means, color=TEST_MEAN_COLOUR, linewidth=1.6, marker="D", markersize=4,
        label="test mean", zorder=7,
    )  # fmt: skip
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("potency m(x)", fontsize=9)
    axes.set_title("every picture", fontsize=10, loc="left")


def _name(split: str, apart: float) -> str:
    """A split's name, and why its curve can't be read where it can't."""
    if np.isnan(apart):
        return f"{split} (an end label has no picture)"
    return split if apart >= READABLE_SPAN else f"{split} (ends {apart:.2f} apart: noise)"


def _curves(axes: Axes, scores: dict[str, Any]) -> None:
    g = _numbers(scores["hypothesis"]["g"])
    span = g[0] - g[-1]
    if abs(span) > 1e-6:
        draw_hypothesis(axes, scores, (g - g[-1]) / span)
    markers = {"train": "o", "validation": "s", "test": "D"}
    for split, part in scores["splits"].items():
        curve = _numbers(part["reanchored_curve"])
        means = _numbers(part["mean_potency"])
        apart = means[0] - means[-1]
        # Divided by next to nothing, a curve is noise; it is shown, but so that nobody reads it as a result.
        weak = not apart >= READABLE_SPAN
        axes.plot(
            scores["labels"]["times"], curve, color=SPLIT_COLOURS[split], linewidth=1.3, marker=markers[split],
            markersize=4, label=_name(split, apart),
            linestyle=":" if weak else "-", alpha=0.5 if weak else 1.0,
        )  # fmt: skip
    axes.set_ylabel("re-anchored curve a(t)", fontsize=9)
    axes.set_title("estimate of the ageing curve: label means put on 1 to 0", fontsize=10, loc="left")


def potency_figure(scores: dict[str, Any]) -> Figure:
    """The paper's Figure 10, and beside it the estimated ageing curve a(t) = (m_t - m_T) / (m_0 - m_T) of each split.

    Args:
        scores: the evaluation of a segmenter.
    """
    drawn = figure(10, 4.4)
    left, right = drawn.subplots(1, 2)
    _every_picture(left, scores)
    _curves(right, scores)
    for axes in (left, right):
        tidy(axes)
        time_axis(axes, scores["labels"])
        axes.legend(fontsize=7.5, frameon=True, framealpha=0.9, edgecolor="none", loc="best")
    return drawn
