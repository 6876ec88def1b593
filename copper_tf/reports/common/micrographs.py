"""Figures 5 and 9: micrographs, their maps and, where known, their true masks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from copper_tf.reports.common.style import figure
from copper_tf.runs.labels import Labels
from copper_tf.statistics.scores import pixel_scores
from copper_tf.utils.arrays import read_arrays
from copper_tf.utils.drawing import colours, grey_image, overlay, scale_bar_length

__all__ = ["Patch", "colour_bar", "overlay_figure", "read_patches", "show", "show_scale_bar", "truth_figure"]


@dataclasses.dataclass(frozen=True)
class Patch:
    """A patch of a test micrograph.

    Attributes:
        label: rank of t.
        pixels: raw grey values ``(height, width)``.
        potency: the map of the same shape.
        truth: the true mask in {0, 1}, or None.
        pixel_size_nm: NaN where unknown.
        file: the micrograph it is of.
    """

    label: int
    pixels: np.ndarray
    potency: np.ndarray
    truth: np.ndarray | None
    pixel_size_nm: float
    file: str


def read_patches(path: Path, prefix: str = "") -> list[Patch]:
    """The patches that the evaluation kept, by label; none where there is no file.

    Args:
        path: of the file.
        prefix: before the names of the patches, where the file holds those of several methods.

    Raises:
        RunError: if the file is damaged.
    """
    if not path.is_file():
        return []
    arrays = read_arrays(path)
    kept = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    keys = sorted(name.removesuffix("_map") for name in kept if name.endswith("_map"))
    return [
        Patch(
            label=int(key),
            pixels=kept[f"{key}_pixels"],
            potency=kept[f"{key}_map"],
            truth=kept.get(f"{key}_truth"),
            pixel_size_nm=float(kept[f"{key}_pixel_size_nm"]),
            file=str(kept[f"{key}_file"]),
        )
        for key in keys
    ]


def show(axes: Axes, picture: np.ndarray) -> None:
    """A grey or colour picture ``(height, width[, 3])`` of values 0 to 255, without ticks."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def show_scale_bar(axes: Axes, shape: tuple[int, ...], pixel_size_nm: float, shown: float = 1.0) -> None:
    """A scale bar in the lower left corner.

    Args:
        axes: that show a picture.
        shape: height and width of what is shown.
        pixel_size_nm: of the micrograph, NaN where unknown.
        shown: px on show for one of the micrograph's, under 1 where it is reduced.
    """
    height, width = shape
    length, caption = scale_bar_length(width, pixel_size_nm, shown)
    x, y = 0.04 * width, 0.94 * height
    axes.plot([x, x + length], [y, y], color="white", linewidth=3, solid_capstyle="butt")
    box = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.5}
    axes.text(x, y - 0.04 * height, caption, color="white", fontsize=7, va="bottom", bbox=box)


def colour_bar(drawn: Figure, axes: Any, caption: str = "potency (1 = like the surface at the first t)") -> None:
    """The colours of potency, beside the axes given."""
    from matplotlib.cm import ScalarMappable

    ramp = ListedColormap(colours(np.linspace(0, 1, 256)) / 255)
    bar = drawn.colorbar(ScalarMappable(cmap=ramp), ax=axes, shrink=0.85, ticks=(0, 0.5, 1))
    bar.set_label(caption, fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _panels(patches: list[Patch], rows: int) -> Figure:
    """An empty figure for a column of pictures each; rows are as high as the highest patch."""
    height = max(patch.pixels.shape[0] / patch.pixels.shape[1] for patch in patches)
    return figure(2.6 * len(patches) + 0.9, rows * (2.45 * height + 0.4))


def overlay_figure(patches: list[Patch], labels: Labels) -> Figure:
    """The paper's Figure 9: a patch, and the model's output over it (blue 1, red 0).

    Args:
        patches: a few, at least one.
        labels: the stress times.
    """
    drawn = _panels(patches, 2)
    axes = drawn.subplots(2, len(patches), squeeze=False)
    for column, patch in enumerate(patches):
        show(axes[0, column], grey_image(patch.pixels))
        show_scale_bar(axes[0, column], patch.pixels.shape, patch.pixel_size_nm)
        axes[1, column].imshow(overlay(patch.pixels, patch.potency), interpolation="nearest")
        axes[1, column].set_xticks([])
        axes[1, column].set_yticks([])
        axes[0, column].set_title(f"t = {labels.names[patch.label]}", fontsize=10)
        axes[1, column].set_xlabel(f"potency {patch.potency.mean():.2f}", fontsize=9)
    axes[0, 0].set_ylabel("micrograph", fontsize=9)
    axes[1, 0].set_ylabel("potency map over it", fontsize=9)
    colour_bar(drawn, axes)
    return drawn


def truth_figure(patches: list[Patch], labels: Labels) -> Figure:
    """The paper's Figure 5 with known masks: patch, true mask (white 1), potency map.

    Args:
        patches: those with a truth, at least one.
        labels: the stress times.
    """
    drawn = _panels(patches, 3)
    axes = drawn.subplots(3, len(patches), squeeze=False)
    for column, patch in enumerate(patches):
        truth = np.asarray(patch.truth)
        scores = pixel_scores(patch.potency, truth)
        show(axes[0, column], grey_image(patch.pixels))
        show_scale_bar(axes[0, column], patch.pixels.shape, patch.pixel_size_nm)
        show(axes[1, column], truth * 255)
        axes[2, column].imshow(colours(patch.potency), interpolation="nearest")
        axes[2, column].set_xticks([])
        axes[2, column].set_yticks([])
        axes[0, column].set_title(f"t = {labels.names[patch.label]}", fontsize=10)
        axes[1, column].set_xlabel(f"true area {scores['true_fraction']:.2f}", fontsize=9)
        # Where there is nothing to find, no map can share any of it.
        overlap = f", IoU {scores['iou']:.2f}" if truth.any() else ""
        axes[2, column].set_xlabel(f"potency {patch.potency.mean():.2f}{overlap}", fontsize=9)
    for row, name in enumerate(("micrograph", "true mask", "potency map")):
        axes[row, 0].set_ylabel(name, fontsize=9)
    colour_bar(drawn, axes)
    return drawn
