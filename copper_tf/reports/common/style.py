"""What all figures share: size, type and colours."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from copper_tf.analysis.evaluation_results import PictureColumns
from copper_tf.runs.labels import Labels
from copper_tf.utils.colours import INK
from copper_tf.utils.drawing import SPLIT_COLOURS
from tfds_copper.folder.times import time_text
from tfds_copper.splits.assign import SPLITS

__all__ = ["HYPOTHESIS_COLOUR", "INK", "TEST_MEAN_COLOUR", "dots", "figure", "png", "tidy", "time_axis"]

# The paper draws the hypothesis in red; this one keeps its distance from green for any eye.
HYPOTHESIS_COLOUR = "#D55E00"
# A darker shade of the test split's own colour.
TEST_MEAN_COLOUR = "#005C43"
_DPI = 200
_JITTER = 0.28


class _PlainFigure(Figure):
    """A figure that shows its texts as they are: in a name or a unit a ``$`` begins no formula."""

    def draw(self, renderer: RendererBase) -> None:
        """Draws it."""
        own = set()
        for axis in (axis for axes in self.axes for axis in (axes.xaxis, axes.yaxis)):
            labels = [*axis.get_majorticklabels(), *axis.get_minorticklabels()]
            # Powers of ten are formulas of matplotlib's own.
            if any(isinstance(f, LogFormatter) for f in (axis.get_major_formatter(), axis.get_minor_formatter())):
                own |= set(labels)
        for text in set(self.findobj(Text)) - own:
            text.set_parse_math(False)
        super().draw(renderer)


def figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, independent of any global style."""
    made = _PlainFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def tidy(axes: Axes) -> None:
    """Removes lines and boxes that carry no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)


def time_axis(axes: Axes, labels: Labels) -> None:
    """Marks the stress times; every one where there is room, else what matplotlib finds fit."""
    times = labels.times
    if len(times) <= 16 and min(np.diff(times), default=1) > (times[-1] - times[0]) / 40:
        axes.set_xticks(times, [time_text(t) for t in times])
    axes.set_xlabel(labels.axis, fontsize=9)


def dots(axes: Axes, labels: Labels, pictures: PictureColumns, values: np.ndarray, both: bool = False) -> None:
    """One dot per picture in the colour of its split, shifted a little sideways so that none hides another.

    Args:
        axes: where to draw.
        labels: the stress times.
        pictures: give t and split.
        values: what to draw over t, one per picture.
        both: shift upwards too, for values that are steps themselves.
    """
    times = np.array(pictures.t, float)
    steps = np.diff(np.array(labels.times, float))
    spread = _JITTER * (steps.min() if steps.size else 1.0)
    random = np.random.default_rng(0)
    for k, split in enumerate(SPLITS):
        chosen = np.array(pictures.split) == split
        if not chosen.any():
            continue
        side = (k - 1) * spread + random.uniform(-0.42, 0.42, chosen.sum()) * spread
        # Grades lie on the labels' grid: wider upwards, so that many equal ones show as many.
        up = random.uniform(-1.1, 1.1, chosen.sum()) * spread if both else 0.0
        size = 20 if len(chosen) < 150 else 9 if chosen.sum() < 400 else 6
        axes.scatter(
            times[chosen] + side, values[chosen] + up, s=size, alpha=0.65, linewidth=0, color=SPLIT_COLOURS[split],
            label=f"{split} ({chosen.sum()})", zorder=2 + k,
        )  # fmt: skip


def png(drawn: Figure) -> bytes:
    """The figure as a PNG for paper and screen."""
    stream = io.BytesIO()
    drawn.savefig(stream, format="png", dpi=_DPI, facecolor="white")
    return stream.getvalue()
