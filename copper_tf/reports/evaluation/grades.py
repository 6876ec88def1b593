"""Figure 8: what a classifier grades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from copper_tf.analysis.evaluation_results import PictureColumns
from copper_tf.reports.common.style import INK, TEST_MEAN_COLOUR, dots, figure, tidy, time_axis
from copper_tf.runs.labels import Labels
from tfds_copper.folder.times import time_text

__all__ = ["grades_figure"]


def _regression(axes: Axes, labels: Labels, pictures: PictureColumns) -> None:
    times = np.array(labels.times, float)
    graded = times[np.array(pictures.grade, int)]
    axes.plot(times[[0, -1]], times[[0, -1]], color=INK, linewidth=1, linestyle="--", label="graded = true", zorder=1)
    dots(axes, labels, pictures, graded, both=True)
    test, label = np.array(pictures.split) == "test", np.array(pictures.label)
    present = [k for k in range(len(times)) if (test & (label == k)).any()]
    means = [graded[test & (label == k)].mean() for k in present]
    line: dict[str, Any] = {"color": TEST_MEAN_COLOUR, "linewidth": 1.6, "marker": "D", "markersize": 4}
    axes.plot(times[present], means, label="test mean", zorder=6, **line)
    tidy(axes)
    time_axis(axes, labels)
    unit = f" ({labels.unit})" if labels.unit else ""
    axes.set_ylabel(f"graded t{unit}", fontsize=9)
    if axes.get_xticks().size == len(times):
        axes.set_yticks(times, [time_text(t) for t in times])
    axes.legend(fontsize=7.5, frameon=True, framealpha=0.9, edgecolor="none", loc="best")
    axes.set_title("every picture", fontsize=10, loc="left")


def _confusion(axes: Axes, labels: Labels, confusion: Sequence[Sequence[int]]) -> None:
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [time_text(t) for t in labels.times]
    step = max(1, len(names) // 16)
    places = range(0, len(names), step)
    axes.set_xticks(places, names[::step], fontsize=8)
    axes.set_yticks(places, names[::step], fontsize=8)
    size = 9 if len(names) <= 8 else max(4.5, 9 - len(names) / 4)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=size, color=colour)
    unit = f" ({labels.unit})" if labels.unit else ""
    axes.set_xlabel(f"graded t{unit}", fontsize=9)
    axes.set_ylabel(f"true t{unit}", fontsize=9)
    axes.set_title(f"{counts.sum()} test pictures, counts", fontsize=10, loc="left")
    _grid(axes, len(names))
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("share of the pictures of the true label", fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _grid(axes: Axes, labels: int) -> None:
    """Fine lines between the cells, and the diagonal's cells framed: what is right."""
    edges = np.arange(labels + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="#e3e3e3", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for k in range(labels):
        axes.add_patch(Rectangle((k - 0.5, k - 0.5), 1, 1, fill=False, edgecolor="#777777", linewidth=0.7))


def grades_figure(labels: Labels, pictures: PictureColumns, confusion: Sequence[Sequence[int]]) -> Figure:
    """The paper's Figure 8: regression plot of all splits, confusion matrix of the test pictures.

    Args:
        labels: the stress times.
        pictures: with their grades.
        confusion: counts of the test pictures, ``(K, K)``.
    """
    drawn = figure(10, 4.6)
    left, right = drawn.subplots(1, 2)
    _regression(left, labels, pictures)
    _confusion(right, labels, confusion)
    return drawn
