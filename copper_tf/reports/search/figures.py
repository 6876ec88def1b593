"""Figures of an architecture search: what a configuration reaches for what it costs, and what each setting does."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from copper_tf.analysis.search_results import DONE, FAILED, INFEASIBLE, RUNNING, STATUS, STOPPED, SearchResult, Trial
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, figure, tidy
from copper_tf.reports.search.formatting import (
    cost,
    cost_text,
    known,
    objective_title,
    rated,
    searched,
    setting_title,
    span,
    value_text,
)
from copper_tf.utils.colours import MUTED
from copper_tf.utils.drawing import SPLIT_COLOURS

__all__ = ["BEST_COLOUR", "DONE_COLOUR", "FAINT", "cost_figure", "effects_figure"]

BEST_COLOUR, DONE_COLOUR, FAINT = HYPOTHESIS_COLOUR, SPLIT_COLOURS["train"], "#8a8f96"
_COLUMNS = 4
# Values of a setting stand one apart; the dots of its trials spread over this much.
_SPREAD = 0.22
# Room beyond the values, as a share of the axis.
_PAD = 0.07
# Where the triangles of what lies beyond stand, above the marks of what has no result.
_EDGE = 0.07
# Over this ratio a cost is read off a logarithmic axis.
_LOGARITHMIC = 5
# Where a number may stand beside its dot: directions tried at growing distances, in points.
# Outside the corner of the step first, and not on an interval.
_DIRECTIONS = [(math.cos(a), math.sin(a)) for a in np.radians([145, 35, 325, 215, 180, 100, 80, 0, 260, 280])]
_DISTANCES, _APART = (12, 17, 23, 30, 38, 46), 12
# The key of the front: characters in a line, and points from line to line.
_WIDEST, _LINE = 26, 11.5
# Of a longer front the key has the names alone.
_LONG = 12
# Points that its legend and the axis below take.
_LEGEND = 170


def _objective_axis(axes: Axes, result: SearchResult, ends: Sequence[float], below: float = _PAD) -> None:
    """The objective upwards, with room for intervals where they aren't much wider than all values together."""
    low, high = span(result)
    width = high - low
    low, high = max(min(low, *ends), low - width / 2), min(max(high, *ends), high + width / 2)
    limits = low - below * (high - low), high + _PAD * (high - low)
    axes.set_ylim(limits)
    # No score goes beyond its perfect value, so no mark should.
    first, last = (-math.inf, 1.0) if result.objective.better == "max" else (0.0, math.inf)
    axes.set_yticks([t for t in axes.get_yticks() if max(first, limits[0]) - 1e-9 <= t <= min(last, limits[1]) + 1e-9])
    axes.set_ylim(limits)


def _dots(axes: Axes, places: Sequence[float], values: Sequence[float], **style: Any) -> None:
    """Dots on an axis whose limits are set; those beyond it become triangles at its edge."""
    low, high = axes.get_ylim()
    edge = _EDGE * (high - low)
    axes.plot(places, values, linestyle="none", marker="o", **style)
    for mark, outside, at in (
        ("v", [v < low for v in values], low + edge),
        ("^", [v > high for v in values], high - edge),
    ):
        x = [p for p, out in zip(places, outside, strict=True) if out]
        axes.plot(x, [at] * len(x), linestyle="none", marker=mark, **{**style, "label": ""})


def _beyond(axes: Axes, result: SearchResult) -> None:
    """Names the triangles, if there are any."""
    low, high = axes.get_ylim()
    if count := sum(not low <= t.value <= high for t in rated(result, *STATUS)):
        mark = "v" if result.objective.better == "max" else "^"
        axes.plot([], [], linestyle="none", marker=mark, color=FAINT, markersize=5, label=f"beyond the axis ({count})")


def _numbered(axes: Axes, result: SearchResult, points: list[tuple[float, float]], dots: list[tuple[float, float]],
              best: int | None) -> None:  # fmt: skip
    """Numbers points, each number where it meets neither a dot nor another number."""
    side = 1 if result.objective.better == "max" else -1
    drawn = axes.figure
    drawn.canvas.draw()
    scale = 72 / drawn.dpi
    frame = axes.bbox
    left, bottom, right, top = (v * scale for v in (frame.x0 + 6, frame.y0 + 6, frame.x1 - 6, frame.y1 - 6))
    taken = [tuple(p) for p in axes.transData.transform(dots) * scale]
    for k, (point, place) in enumerate(zip(points, axes.transData.transform(points) * scale, strict=True)):
        offsets = [(r * x, r * y * side) for r in _DISTANCES for x, y in _DIRECTIONS]
        inside = [o for o in offsets if left < place[0] + o[0] < right and bottom < place[1] + o[1] < top] or offsets
        free = [min(math.dist(place + o, t) for t in taken) for o in inside]
        chosen = next((o for o, f in zip(inside, free, strict=True) if f >= _APART), inside[int(np.argmax(free))])
        taken.append(tuple(place + chosen))
        colour = BEST_COLOUR if k == best else INK
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            f"{k + 1}", point, chosen, textcoords="offset points", fontsize=8.5, ha="center", va="center", zorder=9,
            color=colour, fontweight="bold" if k == best else "normal",
            arrowprops=line if math.hypot(*chosen) > _DISTANCES[0] + 1 else None,
        )  # fmt: skip


def _lines(name: str) -> list[str]:
    """A long name in lines, broken where a setting begins."""
    return [line.replace("- ", "-") for line in textwrap.wrap(name.replace("-", "- "), _WIDEST)]


def _key_height(front: list[Trial]) -> float:
    more = 1.6 if len(front) <= _LONG else 0.15
    return _LINE * (1.7 + sum(len(_lines(t.name)) + more for t in front))


def _key(axes: Axes, result: SearchResult, front: list[Trial]) -> None:
    """The names behind the numbers, with objective and cost."""
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))

    def write(text: str, left: float, down: float, **style: Any) -> None:
        # In points, so that lines keep their distance whatever the height of the figure.
        axes.annotate(text, (0, 1), (left, -down), xycoords="axes fraction", textcoords="offset points", va="top",
                      **{"fontsize": 8.5, "color": INK, **style})  # fmt: skip

    if front:
        write("The front, from cheap to expensive:", 0, 0)
    down = 1.7 * _LINE
    for k, trial in enumerate(front):
        best = trial.name == result.best
        style = {"color": BEST_COLOUR, "fontweight": "bold"} if best else {}
        write(f"{k + 1}", 14, down, ha="right", **style)
        for line in _lines(trial.name):
            write(line, 20, down, **style)
            down += _LINE
        if len(front) > _LONG:
            down += 0.15 * _LINE
            continue
        about = f"{trial.value:.3f} at {cost_text(result, trial)}".replace("-", "−") + (" (best)" if best else "")
        write(about, 20, down, fontsize=8, color=MUTED)
        down += 1.6 * _LINE


def _front(result: SearchResult) -> list[Trial]:
    """The Pareto front from cheap to expensive, and the best where it isn't one of them."""
    trials = {t.name: t for t in result.trials}
    names = [*result.pareto, *([result.best] if result.best not in (None, *result.pareto) else [])]
    chosen = [trials[n] for n in names if n in trials]
    return [t for t in chosen if known(t.objective) is not None and cost(result, t) is not None]


def _cost_axis(axes: Axes, result: SearchResult, costs: list[float]) -> float | None:
    """The cost to the right; returns the memory limit in GB where it is to be shown."""
    against = result.against
    unit = "GB" if against.unit == "GB" else "ms"
    limit = known(result.memory.limit_bytes) if against.name == "memory" else None
    beyond = [c for t in result.trials if t.status == INFEASIBLE and (c := cost(result, t)) is not None]
    # A limit far from all that was tried would squash them.
    shown = limit is not None and (bool(beyond) or limit / 1e9 < 2 * max(costs))
    everything = [*costs, *beyond, *([limit / 1e9] if shown and limit else [])]
    title = against.title[0].upper() + against.title[1:]
    if min(everything) > 0 and max(everything) > _LOGARITHMIC * min(everything):
        axes.set_xscale("log")
        axes.set_xlim(min(everything) / 1.25, max(everything) * 1.25)
        few = max(everything) < 1000 * min(everything)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        unit += ", logarithmic"
    else:
        room = 0.08 * (max(everything) - min(everything)) or 0.1 * max(everything)
        axes.set_xlim(min(everything) - room, max(everything) + room)
    axes.set_xlabel(f"{title} ({unit}; less is better)", fontsize=9)
    return limit / 1e9 if shown and limit else None


def _best_band(axes: Axes, result: SearchResult) -> None:
    """The band of one standard error about the best, on its worse side."""
    best = result.best_trial
    error = known(result.standard_error)
    if best and error and (value := known(best.objective)) is not None:
        side = -error if result.objective.better == "max" else error
        axes.axhspan(min(value, value + side), max(value, value + side), color=BEST_COLOUR, alpha=0.1, linewidth=0,
                     label="within one standard error\nof the best", zorder=0.5)  # fmt: skip


def _without_objective(axes: Axes, result: SearchResult) -> None:
    """What has a cost but no objective, as marks on the axis of costs."""
    for state, mark in ((FAILED, "x"), (INFEASIBLE, "+")):
        costs = [c for t in result.trials if t.status == state and (c := cost(result, t)) is not None]
        if costs:
            axes.plot(costs, [0.03] * len(costs), linestyle="none", marker=mark, color=FAINT, markersize=6,
                      transform=axes.get_xaxis_transform(), label=f"{STATUS[state]} ({len(costs)})")  # fmt: skip


def _trial_dots(axes: Axes, result: SearchResult) -> None:
    styles: dict[str, dict[str, Any]] = {
        DONE: {"color": DONE_COLOUR, "markersize": 5, "alpha": 0.75, "markeredgewidth": 0},
        STOPPED: {"color": FAINT, "markersize": 4.5, "alpha": 0.7, "markerfacecolor": "white"},
        RUNNING: {"color": FAINT, "markersize": 3, "alpha": 0.7},
    }
    for state, style in styles.items():
        trials = [(c, t.value) for t in rated(result, state) if (c := cost(result, t)) is not None]
        if trials:
            costs, values = zip(*trials, strict=True)
            _dots(axes, costs, values, label=f"{STATUS[state]} ({len(trials)})", zorder=3, **style)


def _step(axes: Axes, result: SearchResult) -> list[tuple[float, float]]:
    """The front as steps, each trial with its interval; its corners."""
    front = _front(result)
    points = [(cost(result, t) or 0.0, t.value) for t in front]
    line = [p for t, p in zip(front, points, strict=True) if t.name in result.pareto]
    if line:
        x, y = zip(*[*line, (axes.get_xlim()[1], line[-1][1])], strict=True)
        axes.step(x, y, where="post", color=INK, linewidth=1.2, zorder=4, label="Pareto front")
    sure = [(p, t.interval) for p, t in zip(points, front, strict=True) if t.interval]
    for k, ((x0, _), interval) in enumerate(sure):
        axes.plot([x0, x0], interval, color=INK, linewidth=1, alpha=0.35, zorder=2.5, solid_capstyle="butt",
                  label="" if k else "95 % interval")  # fmt: skip
    for point, trial in zip(points, front, strict=True):
        if trial.name == result.best:
            axes.plot(*point, linestyle="none", marker="*", color=BEST_COLOUR, markersize=13, zorder=6, label="best",
                      markeredgecolor="white", markeredgewidth=0.8)  # fmt: skip
        else:
            axes.plot(*point, linestyle="none", marker="o", color=DONE_COLOUR, markersize=6.5, zorder=5,
                      markeredgecolor=INK, markeredgewidth=1)  # fmt: skip
    return points


def cost_figure(result: SearchResult) -> Figure | None:
    """Objective against cost: a dot for each trial, the Pareto front numbered, its names beside.

    Args:
        result: of the search.

    Returns:
        The figure, None where no trial has both.
    """
    dots = [(c, t.value) for t in rated(result, *STATUS) if (c := cost(result, t)) is not None]
    if not dots:
        return None
    front = _front(result)
    height = (_key_height(front) + _LEGEND) / 72
    drawn = figure(9.6, max(4.6, height))
    axes, key = drawn.subplots(1, 2, width_ratios=(2.9, 1))
    ends = [v for t in front if t.interval for v in t.interval]
    _objective_axis(axes, result, ends or dots[0][1:], below=2 * _PAD)
    limit = _cost_axis(axes, result, [c for c, _ in dots])
    _trial_dots(axes, result)
    _without_objective(axes, result)
    _beyond(axes, result)
    points = _step(axes, result)
    _best_band(axes, result)
    if limit is not None:
        axes.axvline(limit, color=INK, linewidth=0.9, linestyle="--", label=f"memory limit, {limit:g} GB")
    tidy(axes)
    axes.set_ylabel(objective_title(result), fontsize=9)
    _key(key, result, front)
    key.legend(*axes.get_legend_handles_labels(), loc="lower left", bbox_to_anchor=(-0.02, 0), borderaxespad=0,
               fontsize=8, frameon=False)  # fmt: skip
    if points:
        place = next((k for k, t in enumerate(front) if t.name == result.best), None)
        _numbered(axes, result, points, dots, place)
    return drawn


def _effect_panel(axes: Axes, result: SearchResult, name: str, values: list[Any]) -> None:
    rng = np.random.default_rng(0)
    places = {value: k for k, value in enumerate(values)}
    style = {"color": DONE_COLOUR, "markersize": 3.6, "alpha": 0.4, "markeredgewidth": 0}
    label = f"a trial after {result.shared_epochs} epochs"
    trials = [t for t in result.trials if known(t.shared) is not None and t.settings.get(name) in places]
    side = rng.uniform(-_SPREAD, _SPREAD, len(trials))
    x = [places[t.settings[name]] + s for t, s in zip(trials, side, strict=True)]
    _dots(axes, x, [t.shared or 0.0 for t in trials], zorder=2, label=label, **style)
    for place, trial in zip(x, trials, strict=True):
        if trial.name == result.best:
            axes.plot(place, trial.shared or 0.0, linestyle="none", marker="*", color=BEST_COLOUR, markersize=9,
                      zorder=6, label="best", markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    means = [(places[e.value], e) for e in result.effects.get(name, ()) if e.value in places]
    means = sorted((m for m in means if known(m[1].mean) is not None), key=lambda m: m[0])
    numbers = all(isinstance(v, int | float) for v in values)
    axes.plot([p for p, _ in means], [e.mean for _, e in means], color=INK, marker="D", markersize=5, zorder=5,
              linewidth=1.2 if numbers else 0, label="mean, with its 95 % interval")  # fmt: skip
    for place, effect in means:
        if effect.interval:
            axes.plot([place] * 2, effect.interval, color=INK, linewidth=2, zorder=4, alpha=0.8)
    counts = {p: e.count for p, e in means}
    slanted = not numbers and max(len(value_text(v)) for v in values) * len(values) > 18
    between = " " if slanted else "\n"
    ticks = [value_text(v) + (f"{between}({counts[k]})" if k in counts else "") for k, v in enumerate(values)]
    turn: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(range(len(values)), ticks, **turn)
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_xlabel(setting_title(name), fontsize=9)
    tidy(axes)
    axes.grid(visible=False, axis="x")


def effects_figure(result: SearchResult) -> Figure | None:
    """The effect of each searched setting: mean and interval at each value, the trials behind, one panel each.

    Args:
        result: of the search.

    Returns:
        The figure, None where no trial has an objective.
    """
    if not rated(result, DONE, STOPPED):
        return None
    space = searched(result)
    columns = min(len(space), _COLUMNS)
    rows = math.ceil(len(space) / columns)
    drawn = figure(max(2.35 * columns + 0.3, 5.2), 2.7 * rows + 0.5)
    panels = drawn.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    ends = [v for name in space for e in result.effects.get(name, ()) for v in e.interval or ()]
    _objective_axis(panels[0], result, ends or span(result))
    for axes, (name, values) in zip(panels, space.items(), strict=False):
        _effect_panel(axes, result, name, values)
    for axes in panels[len(space) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel("\n".join(textwrap.wrap(objective_title(result), 34)), fontsize=9)
    _beyond(panels[0], result)
    # Not every panel has trials of every kind.
    entries = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if "best" in entries:
        entries["best"] = entries.pop("best")
    drawn.legend(
        entries.values(),
        entries.keys(),
        loc="outside lower center",
        ncols=5 if columns > 2 else 2,
        fontsize=8,
        frameon=False,
    )
    return drawn
