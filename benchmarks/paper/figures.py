"""The paper's Figures 3 and 5, and Figures 10 and 11 as it divides them; the others are those of the reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from copper_tf.analysis.hypotheses.results import HypothesisStudy
from copper_tf.data.pictures import Example
from copper_tf.reports.common.micrographs import show, show_scale_bar
from copper_tf.reports.common.style import figure
from copper_tf.reports.hypotheses.figures import potencies_figure
from copper_tf.runs.labels import Labels
from copper_tf.utils.drawing import grey_image

__all__ = ["hypothesis_figure", "masks_figure", "pictures_figure"]

_ZOOM = 200


def _middle(pixels: np.ndarray) -> np.ndarray:
    """The 200 x 200 px in the middle of a picture, or all of a smaller one."""
    top, left = (max(0, (side - _ZOOM) // 2) for side in pixels.shape)
    return pixels[top : top + _ZOOM, left : left + _ZOOM]


def pictures_figure(pair: Sequence[Example], labels: Labels) -> Figure:
    """Figure 3: two whole pictures above what lies in the middle of each.

    Args:
        pair: the pictures, one column each.
        labels: the stress times.
    """
    height, width = pair[0].pixels.shape
    drawn = figure(8.6, 4.3 * height / width + 4.4)
    axes = drawn.subplots(2, len(pair), squeeze=False, height_ratios=(height / width, 1.0))
    for column, example in enumerate(pair):
        for row, pixels in enumerate((example.pixels, _middle(example.pixels))):
            show(axes[row, column], grey_image(pixels))
            show_scale_bar(axes[row, column], pixels.shape, example.pixel_size_nm)
        axes[0, column].set_title(f"t = {labels.names[example.label]}", fontsize=10, loc="left")
    axes[0, 0].set_ylabel("whole picture", fontsize=9)
    axes[1, 0].set_ylabel(f"{_ZOOM} × {_ZOOM} px of it", fontsize=9)
    return drawn


def masks_figure(rows: Sequence[Sequence[Example]], labels: Labels) -> Figure:
    """Figure 5: true masks, a column for each label and two pictures of it below each other.

    Args:
        rows: pictures with a truth, those of one row of different labels.
        labels: the stress times.
    """
    height, width = rows[0][0].pixels.shape
    drawn = figure(10, len(rows) * (10 / len(rows[0]) * height / width + 0.3))
    axes = drawn.subplots(len(rows), len(rows[0]), squeeze=False)
    for of_row, row in zip(axes, rows, strict=True):
        for one, example in zip(of_row, row, strict=True):
            truth = np.asarray(example.truth)
            show(one, truth * 255)
            one.set_xlabel(f"white: {truth.mean():.2f}", fontsize=9)
    for one, example in zip(axes[0], rows[0], strict=True):
        one.set_title(f"t = {labels.names[example.label]}", fontsize=10, loc="left")
    return drawn


def hypothesis_figure(study: HypothesisStudy, names: Sequence[str]) -> Figure:
    """Figures 10 and 11: potency of every picture against t, a panel for each hypothesis.

    Args:
        study: of at least these hypotheses.
        names: of those to show.
    """
    shown = dataclasses.replace(
        study,
        hypotheses=tuple(row for row in study.hypotheses if row.name in names),
        curves=tuple(curve for curve in study.curves if curve.name in names),
    )
    return potencies_figure(shown)
