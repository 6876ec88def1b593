"""The figures of a report's first page: potency by picture and sheet, and two micrographs with their maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from copper_tf.reports.common.micrographs import colour_bar, show, show_scale_bar
from copper_tf.reports.common.style import INK, TEST_MEAN_COLOUR, dots, figure, tidy, time_axis
from copper_tf.reports.evaluation.potency import draw_hypothesis
from copper_tf.utils.drawing import SPLIT_COLOURS, grey_image, overlay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from copper_tf.analysis.evaluation_results import Evaluation
    from copper_tf.reports.full.examples import ExampleImage
    from copper_tf.reports.full.results import ExamplePicture, SheetMean
    from copper_tf.runs.labels import Labels

__all__ = ["answer_text", "examples_figure", "sheets_figure"]

# In steps of the label: where the dots of test pictures lie, and how wide the sheets of one label are spread there.
_ASIDE, _SPREAD = 0.28, 0.24


def _sheets(axes: Axes, means: Sequence[SheetMean], times: np.ndarray) -> None:
    """The means of sheets side by side, each with its interval."""
    step = float(np.diff(times).min()) if len(times) > 1 else 1.0
    place, mean, low, high = [], [], [], []
    for k in sorted({row.label for row in means}):
        of_label = [row for row in means if row.label == k]
        for number, row in enumerate(of_label):
            aside = 0.0 if len(of_label) == 1 else number / (len(of_label) - 1) - 0.5
            place.append(times[k] + (_ASIDE + aside * _SPREAD) * step)
            mean.append(row.mean)
            ends = row.interval or (row.mean, row.mean)
            low.append(max(ends[0], 0.0))
            high.append(min(ends[1], 1.0))
    size = 6 if len(place) <= 30 else 3.2
    # Over the dots: what they say together is what counts.
    axes.vlines(place, low, high, color=TEST_MEAN_COLOUR, linewidth=1.3 if size > 5 else 0.9, zorder=8)
    axes.plot(place, mean, linestyle="none", marker="D", markersize=size, markerfacecolor="white",
              markeredgecolor=TEST_MEAN_COLOUR, markeredgewidth=1.3 if size > 5 else 0.8, zorder=9,
              label="test sheet: mean, 95 % interval")  # fmt: skip


def sheets_figure(evaluation: Evaluation, means: Sequence[SheetMean]) -> Figure:
    """Potency against t: every picture a dot, every test sheet its mean with an interval, and the hypothesis.

    Args:
        evaluation: of a segmenter.
        means: of the sheets of the test pictures; empty where sheets are unknown.
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


def answer_text(picture: ExamplePicture, labels: Labels, kind: str) -> str:
    """The answer of the model to a picture beside what it should be.

    Args:
        picture: of `choose_examples`.
        labels: stress times and their unit.
        kind: ``"classifier"`` or ``"segmenter"``.
    """
    if kind == "segmenter":
        return f"potency {picture.answer:.2f}, g {picture.target:.2f}"
    return f"graded t = {labels.names[round(picture.answer)]}"


def examples_figure(
    images: Sequence[ExampleImage], pictures: Sequence[ExamplePicture], labels: Labels, kind: str
) -> Figure:
    """The typical, the best and the worst test micrograph, whole, each above its map.

    Args:
        images: of `map_examples`, at least one.
        pictures: of `choose_examples`, in the same order.
        labels: stress times and their unit.
        kind: ``"classifier"`` (no maps) or ``"segmenter"``.
    """
    maps = kind == "segmenter"
    height = max(image.pixels.shape[0] / image.pixels.shape[1] for image in images)
    rows = 2 if maps else 1
    # As wide as the page for three, so that one alone isn't blown up; each row as high as its pictures.
    drawn = figure(10, rows * (min(3.1 * height, 4.0) + 0.5))
    axes = drawn.subplots(rows, 3, squeeze=False)
    for column, (image, picture) in enumerate(zip(images, pictures, strict=True)):
        above = axes[0][column]
        show(above, grey_image(image.pixels))
        show_scale_bar(above, image.pixels.shape, image.pixel_size_nm, 1 / image.reduction)
        above.set_title(f"{image.role}: t = {labels.names[image.label]}", fontsize=10, loc="left", color=INK)
        answer = answer_text(picture, labels, kind)
        if image.potency is None:
            above.set_xlabel(answer, fontsize=9)
            continue
        below = axes[1][column]
        below.imshow(overlay(image.pixels, image.potency), interpolation="nearest")
        below.set_xticks([])
        below.set_yticks([])
        below.set_title(answer, fontsize=9.5, loc="left", color=SPLIT_COLOURS["train"])
    for column in axes.T[len(images) :]:
        for empty in column:
            empty.set_axis_off()
    if maps:
        colour_bar(drawn, list(axes.flat), "potency")
    return drawn
