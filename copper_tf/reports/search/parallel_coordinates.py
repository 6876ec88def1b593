"""Figures of an architecture search: all settings of every trial beside its objective, and how the trials learned."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from copper_tf.analysis.search_results import DONE, FAILED, INFEASIBLE, RUNNING, STATUS, STOPPED, SearchResult, Trial
from copper_tf.reports.common.style import INK, figure, tidy
from copper_tf.reports.search.figures import BEST_COLOUR, DONE_COLOUR, FAINT
from copper_tf.reports.search.formatting import (
    known,
    monitor_title,
    objective_title,
    rated,
    searched,
    setting_title,
    span,
    value_text,
)

__all__ = ["curves_figure", "settings_figure"]

# The palest yellows can't be seen on white.
_PALEST = 0.93
# The lines of one value fan out over this share of its room.
_FAN = 0.55
_PLATE = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.85, "linewidth": 0}
_HALO = [Stroke(linewidth=3, foreground="white"), Normal()]
_WIDE_HALO = [Stroke(linewidth=5.6, foreground="white"), Normal()]
# So many lines hide each other.
_CROWD = 60
_STROKES = {DONE: "-", STOPPED: "--", RUNNING: "-.", FAILED: ":", INFEASIBLE: ":"}
# Over this ratio curves are read off a logarithmic axis.
_LOGARITHMIC = 10


def _ramp(result: SearchResult) -> ListedColormap:
    """Colours for any eye (viridis), dark where better."""
    steps = np.linspace(0, _PALEST, 256)
    shades = mpl.colormaps["viridis"](steps)
    return ListedColormap(shades if result.objective.better == "min" else shades[::-1])


def _height(result: SearchResult, value: float) -> float:
    """Where a value stands on the axis of the objective: the better above, whatever its direction."""
    low, high = span(result)
    share = (min(max(value, low), high) - low) / (high - low)
    return share if result.objective.better == "max" else 1 - share


def _heights(trials: list[Trial], name: str, values: list[Any]) -> np.ndarray:
    """Where each line meets a setting's axis: its value's step, fanned out in the order of the trials."""
    heights = np.zeros(len(trials))
    for k, value in enumerate(values):
        chosen = [i for i, t in enumerate(trials) if t.settings.get(name) == value]
        fan = np.linspace(-0.5, 0.5, len(chosen)) if len(chosen) > 1 else np.zeros(len(chosen))
        heights[chosen] = (k + 0.5 + _FAN * fan) / len(values)
    return heights


def _line(heights: np.ndarray) -> Path:
    """A smooth line through one height on each axis, level at each."""
    corners, codes = [(0.0, heights[0])], [Path.MOVETO]
    for k in range(len(heights) - 1):
        corners += [(k + 0.4, heights[k]), (k + 0.6, heights[k + 1]), (k + 1.0, heights[k + 1])]
        codes += [Path.CURVE4] * 3
    return Path(corners, codes)


def _setting_axis(axes: Axes, place: int, name: str, values: list[Any]) -> None:
    axes.plot([place, place], [0, 1], color=INK, linewidth=0.8, zorder=3)
    for k, value in enumerate(values):
        middle, half = (k + 0.5) / len(values), 0.5 * _FAN / len(values)
        axes.plot([place] * 2, [middle - half, middle + half], color=INK, linewidth=3.5, zorder=4,
                  solid_capstyle="round")  # fmt: skip
        axes.annotate(value_text(value), (place, middle), (-6, 0), textcoords="offset points", fontsize=8.5, ha="right",
                      va="center", color=INK, zorder=10, bbox=_PLATE)  # fmt: skip
    axes.annotate("\n".join(textwrap.wrap(setting_title(name), 14)), (place, 0), (0, -8), textcoords="offset points",
                  fontsize=8.5, ha="center", va="top", color=INK, annotation_clip=False)  # fmt: skip


def _value_axis(axes: Axes, place: int, result: SearchResult) -> None:
    low, high = span(result)
    axes.plot([place, place], [0, 1], color=INK, linewidth=0.8, zorder=3)
    ticks = MaxNLocator(6).tick_values(low, high)
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    for tick in ticks:
        if low <= tick <= high:
            height = _height(result, tick)
            axes.plot([place, place + 0.03], [height] * 2, color=INK, linewidth=0.8, zorder=3)
            text = f"{tick:.{digits}f}".replace("-", "−")
            axes.annotate(text, (place + 0.03, height), (3, 0), textcoords="offset points", fontsize=8, va="center",
                          color=INK)  # fmt: skip
    title = "\n".join(textwrap.wrap(result.objective.title, 14))
    axes.annotate(title, (place, 0), (0, -8), textcoords="offset points", fontsize=8.5, ha="center", va="top",
                  color=INK, annotation_clip=False)  # fmt: skip


def settings_figure(result: SearchResult) -> Figure | None:
    """Parallel coordinates: a line for each trial through all its settings to its objective.

    Args:
        result: of the search.

    Returns:
        The figure, None where no trial has an objective.
    """
    trials = rated(result, DONE, STOPPED)
    if not trials:
        return None
    # The worst first, so that the best of each value runs on top of its fan and over the others.
    sign = 1 if result.objective.better == "max" else -1
    trials.sort(key=lambda t: sign * t.value)
    space = searched(result)
    low, high = span(result)
    norm, ramp = Normalize(low, high, clip=True), _ramp(result)
    values = np.array([t.value for t in trials])
    heights = [_heights(trials, name, given) for name, given in space.items()]
    table = np.array([*heights, [_height(result, v) for v in values]]).T
    thin = 0.85 if len(trials) < _CROWD else 0.6
    drawn = figure(max(6.0, min(1.75 * (len(space) + 1) + 1.2, 11)), 4.6)
    axes = drawn.subplots()
    for k, trial in enumerate(trials):
        best = trial.name == result.best
        faint = trial.status == STOPPED
        axes.add_patch(PathPatch(
            _line(table[k]), facecolor="none", edgecolor=ramp(norm(values[k])), linewidth=3.2 if best else 1.1,
            linestyle="--" if faint else "-", alpha=1.0 if best else 0.6 * thin if faint else thin, capstyle="round",
            zorder=8 if best else 2, path_effects=_WIDE_HALO if best else None,
        ))  # fmt: skip
        if best:
            text = axes.annotate("best", (len(space), table[k][-1]), (-5, 5), textcoords="offset points", fontsize=9,
                                 fontweight="bold", ha="right", va="bottom", color=INK, zorder=10)  # fmt: skip
            text.set_path_effects(_HALO)
    for place, (name, given) in enumerate(space.items()):
        _setting_axis(axes, place, name, given)
    _value_axis(axes, len(space), result)
    axes.set_xlim(-0.35, len(space) + 0.25)
    axes.set_ylim(-0.02, 1.06)
    axes.set_axis_off()
    worst, top = values.min() < low, values.max() > high
    bar = drawn.colorbar(ScalarMappable(norm, ramp), ax=axes, shrink=0.85, pad=0.02,
                         extend="min" if worst else "max" if top else "neither")  # fmt: skip
    bar.set_label(objective_title(result), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    if sign < 0:
        bar.ax.invert_yaxis()
    return drawn


def _curve(axes: Axes, trial: Trial, **style: Any) -> None:
    points = [(epoch, value) for epoch, value in trial.curve if known(value) is not None]
    epochs, values = zip(*points, strict=True)
    axes.plot(epochs, values, **style)
    # A curve that ends early should be seen to end.
    axes.plot(epochs[-1], values[-1], marker="o", markersize=4.5 if style["label"] == "best" else 2.2,
              color=style["color"], alpha=style["alpha"], zorder=style["zorder"])  # fmt: skip


def curves_figure(result: SearchResult) -> Figure | None:
    """Learning curves of all trials, the best one strong.

    Args:
        result: of the search.

    Returns:
        The figure, None where no trial has a curve.
    """
    trials = [t for t in result.trials if any(known(v) is not None for _, v in t.curve)]
    if not trials:
        return None
    drawn = figure(9.6, 4.2)
    axes = drawn.subplots()
    seen: set[str] = set()
    states = [t.status for t in trials]
    for trial in trials:
        done = trial.status == DONE
        if trial.name == result.best:
            style = {"color": BEST_COLOUR, "linewidth": 2.4, "alpha": 1.0, "zorder": 5, "label": "best"}
        else:
            style = {"color": DONE_COLOUR if done else FAINT, "linewidth": 0.9, "alpha": 0.4 if done else 0.6,
                     "zorder": 3 if done else 2, "linestyle": _STROKES[trial.status],
                     "label": f"{STATUS[trial.status]} ({states.count(trial.status)})"}  # fmt: skip
        if style["label"] in seen:
            style["label"] = ""
        seen.add(str(style["label"]))
        _curve(axes, trial, **style)
    values = [v for t in trials for _, v in t.curve if known(v) is not None]
    if min(values) > 0 and max(values) > _LOGARITHMIC * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
    tidy(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", fontsize=9)
    axes.set_ylabel(monitor_title(result), fontsize=9)
    axes.set_xlim(left=0.5)
    drawn.legend(loc="outside right upper", fontsize=8, frameon=False)
    return drawn
