"""The figures of a report's first page: potency by picture and sheet, and two micrographs with their maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from copper_tf.report.common.micrographs import colour_bar, show, show_scale_bar
from copper_tf.report.common.style import INK, TEST_MEAN_COLOUR, dots, figure, tidy, time_axis
from copper_tf.report.evaluation.potency import draw_hypothesis
from copper_tf.report.full.examples import TYPICAL
from copper_tf.utils.drawing import SPLIT_COLOURS, grey_image, overlay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from copper_tf.analysis.results import Evaluation
    from copper_tf.report.full.examples import Exhibit

__all__ = ["answer_text", "exhibits_figure", "sheets_figure"]

_ROLES = {TYPICAL: "typical", "worst": "worst"}
# In steps of the label: where the dots of test pictures lie, and how wide the sheets of one label are spread there.
_ASIDE, _SPREAD = 0.28, 0.24


def _sheets(axes: Axes, means: Sequence[dict[str, Any]], times: np.ndarray) -> None:
    """The means of sheets side by side, each with its interval."""
    step = float(np.diff(times).min()) if len(times) > 1 else 1.0
    place, mean, low, high = [], [], [], []
    for k in sorted({row["label"] for row in means}):
        of_label = [row for row in means if row["label"] == k]
        for number, row in enumerate(of_label):
            aside = 0.0 if len(of_label) == 1 else number / (len(of_label) - 1) - 0.5
            place.append(times[k] + (_ASIDE + aside * _SPREAD) * step)
            mean.append(row["mean"])
            ends = row["interval"] or [row["mean"]] * 2
            low.append(max(ends[0], 0.0))
            high.append(min(ends[1], 1.0))
    size = 6 if len(place) <= 30 else 3.2
    # Over the dots: what they say together is what counts.
    axes.vlines(place, low, high, color=TEST_MEAN_COLOUR, linewidth=1.3 if size > 5 else 0.9, zorder=8)
    axes.plot(place, mean, linestyle="none", marker="D", markersize=size, markerfacecolor="white",
              markeredgecolor=TEST_MEAN_COLOUR, markeredgewidth=1.3 if size > 5 else 0.8, zorder=9,
              label="test sheet: mean, 95 % interval")  # fmt: skip


def sheets_figure(evaluation: Evaluation, means: Sequence[dict[str, Any]]) -> Figure:
    """Potency against t: every picture a dot, every test sheet its mean with an interval, and the hypothesis.

    Args:
        evaluation: of a segmenter.
        means: of `statistics.sheet_means` on the test pictures; empty where sheets are unknown.
    """
    drawn = figure(10, 3.6)
    axes = drawn.subplots()
    labels, hypothesis = evaluation.labels, evaluation.hypothesis
    dots(axes, labels, evaluation.pictures, np.array(evaluation.pictures.potency))
    draw_hypothesis(axes, labels, hypothesis, np.array(hypothesis.g))
    if means:
        _sheets(axes, means, np.array(labels.times))
    tidy(axes)
    time_axis(axes, labels)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("potency m(x)", fontsize=9)
    drawn.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return drawn


def answer_text(row: dict[str, Any], labels: dict[str, Any], kind: str) -> str:
    """What the model says of a picture beside what it should say.

    Args:
        row: of `exhibits.chosen`.
        labels: times and unit.
        kind: ``"classifier"`` or ``"segmenter"``.
    """
    if kind == "segmenter":
        return f"potency {row['answer']:.2f}, g {row['wanted']:.2f}"
    graded = f"{labels['times'][round(row['answer'])]:g} {labels['unit']}".strip()
    return f"graded t = {graded}"


def exhibits_figure(
    shown: Sequence[Exhibit], rows: Sequence[dict[str, Any]], labels: dict[str, Any], kind: str
) -> Figure:
    """The typical and the worst test micrograph, whole, each beside its map.

    Args:
        shown: the pictures, at least one.
        rows: of `exhibits.chosen`, in the same order.
        labels: times and unit.
        kind: ``"classifier"`` (no maps) or ``"segmenter"``.
    """
    maps = kind == "segmenter"
    height = max(e.pixels.shape[0] / e.pixels.shape[1] for e in shown)
    each = 2 if maps else 1
    wide = 4.4 * len(shown) + 0.6 if maps else 3.4 * len(shown)
    drawn = figure(wide, min((1.95 if maps else 3.2) * height, 4.4) + 0.5)
    # A gap between the two pictures, none between a picture and its map.
    ratios = [*[1.0] * each, 0.06] * len(shown)
    axes = drawn.subplots(1, (each + 1) * len(shown), squeeze=False, width_ratios=ratios)[0]
    for gap in axes[each :: each + 1]:
        gap.set_axis_off()
    for place, (exhibit, row) in enumerate(zip(shown, rows, strict=True)):
        left = axes[place * (each + 1)]
        show(left, grey_image(exhibit.pixels))
        show_scale_bar(left, exhibit.pixels.shape, exhibit.pixel_size_nm, 1 / exhibit.reduced)
        t = f"{labels['times'][exhibit.label]:g} {labels['unit']}".strip()
        left.set_title(f"{_ROLES[exhibit.role]}: t = {t}", fontsize=10, loc="left", color=INK)
        told = answer_text(row, labels, kind)
        if exhibit.potency is None:
            left.set_xlabel(told, fontsize=9)
            continue
        right = axes[place * (each + 1) + 1]
        right.imshow(overlay(exhibit.pixels, exhibit.potency), interpolation="nearest")
        right.set_xticks([])
        right.set_yticks([])
        right.set_title(told, fontsize=9.5, loc="left", color=SPLIT_COLOURS["train"])
    if maps:
        colour_bar(drawn, list(axes), "potency")
    return drawn
