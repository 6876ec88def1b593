"""Figures 10 and 11 of the paper for any set of hypotheses, their errors, and the curves that all of them give."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from copper_tf.analysis.evaluation_results import PictureColumns
from copper_tf.analysis.hypotheses.results import HypothesisStudy, RankedHypothesis
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, TEST_MEAN_COLOUR, dots, figure, tidy, time_axis
from copper_tf.statistics.scores import READABLE_SPAN
from copper_tf.utils.drawing import SPLIT_COLOURS

__all__ = ["curves_figure", "errors_figure", "potencies_figure"]

# Distinguishable to colour-blind readers (Okabe and Ito), and by their markers in grey.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A6A00", "#555555")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLUMNS = 3


def potencies_figure(study: HypothesisStudy) -> Figure:
    """Potency of every picture against t, a panel for each hypothesis, the best first (paper, Figures 10 and 11).

    Args:
        study: of the runs.
    """
    ranked = {row.name: row for row in study.hypotheses}
    curves = {curve.name: curve for curve in study.curves}
    names = [*ranked, *(name for name in curves if name not in ranked)]
    rows = math.ceil(len(names) / _COLUMNS)
    columns = min(len(names), _COLUMNS)
    drawn = figure(3.6 * columns + 0.4, 2.9 * rows + 0.4)
    panels = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    times, shown = study.labels.times, study.pictures
    t = tuple(times[k] for k in shown.label)
    pictures = PictureColumns(file=shown.file, split=shown.split, t=t, label=shown.label, sheet=("",) * len(t))
    for axes, name in zip(panels, names, strict=False):
        dots(axes, study.labels, pictures, np.array(shown.potency[name]))
        axes.plot(times, curves[name].g, color=HYPOTHESIS_COLOUR, linewidth=1.6, marker="o", markersize=3.5, zorder=6,
                  label="g, supposed or learned")  # fmt: skip
        axes.plot(times, curves[name].means, color=TEST_MEAN_COLOUR, linewidth=1.4, marker="D", markersize=3.2,
                  zorder=7, label="mean, validation and test")  # fmt: skip
        error = ranked[name].nmse if name in ranked else math.nan
        axes.set_title(f"{name}: NMSE {error:.3f}" if math.isfinite(error) else name, fontsize=9.5, loc="left")
        tidy(axes)
        axes.set_ylim(-0.03, 1.03)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(names) - columns) : len(names)]:
        axes.tick_params(labelbottom=True)
        time_axis(axes, study.labels)
    for axes in panels[::columns]:
        axes.set_ylabel("potency m(x)", fontsize=9)
    handles, titles = panels[0].get_legend_handles_labels()
    # In one panel's width there is no room for all in one row.
    drawn.legend(handles, titles, loc="outside lower center", ncols=5 if columns > 1 else 2, fontsize=8, frameon=False)
    return drawn


def _error_row(axes: Axes, place: int, row: RankedHypothesis, best: bool) -> None:
    colour = SPLIT_COLOURS["test"] if best else SPLIT_COLOURS["train"]
    if row.interval:
        axes.plot(row.interval, [place, place], color=colour, linewidth=2.2, alpha=0.6, solid_capstyle="butt")
    axes.plot(row.range, [place, place], linestyle="none", marker="|", color=colour, markersize=9)
    axes.plot(row.nmse, place, marker="o", color=colour, markersize=6, zorder=4)
    axes.annotate(f"{row.nmse:.3f}", (row.nmse, place), (0, 7), textcoords="offset points", fontsize=8,
                  ha="center")  # fmt: skip


def errors_figure(study: HypothesisStudy) -> Figure:
    """Test NMSE of every hypothesis with interval and range over the seeds; below, what permuted levels reach.

    Args:
        study: of the runs, with at least one hypothesis.
    """
    rows = [row for row in study.hypotheses if math.isfinite(row.nmse)]
    levels = [level for level in study.permuted.nmse if math.isfinite(level)]
    drawn = figure(8.6, 0.46 * (len(rows) + bool(levels)) + 1.5)
    axes = drawn.subplots()
    for place, row in enumerate(rows):
        _error_row(axes, place, row, best=place == 0)
    names = [row.name for row in rows]
    if levels and study.permuted.median is not None:
        place = len(rows)
        axes.plot(levels, [place] * len(levels), linestyle="none", marker="d", color=INK, alpha=0.45, markersize=5)
        axes.plot(study.permuted.median, place, marker="|", color=INK, markersize=16, markeredgewidth=2)
        names.append(f"permuted levels ({len(levels)})")
    axes.axvline(1, color=INK, linewidth=0.9, linestyle="--")
    axes.annotate("what a constant reaches", (1, -0.55), (-4, 0), textcoords="offset points", fontsize=7.5, ha="right",
                  color=INK)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.8)
    axes.set_xscale("log")
    all_values = [*levels, *(v for row in rows for v in (*row.range, *(row.interval or ())))]
    smallest = min(all_values)
    axes.set_xlim(smallest / 1.6, max([1.35, *all_values]) * 1.15)
    ticks = [t for t in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if t > smallest / 1.6]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("NMSE on the test pictures (logarithmic; less is better)", fontsize=9)
    tidy(axes)
    return drawn


def _draw_law(axes: Axes, study: HypothesisStudy) -> None:
    """The named law, over the labels that it was fitted to, and what composites leave open of its curve."""
    fit, curve = study.named_fit, next((c for c in study.curves if c.name == study.source), None)
    times = study.labels.times
    if fit and curve and curve.without_borders:
        axes.fill_between(times, curve.without_borders, curve.curve, facecolor="none", edgecolor=INK, hatch="////",
                          linewidth=0, alpha=0.35, label=f"{study.source}: what borders add")  # fmt: skip
    if fit and len(fit.curve) == len(times):
        axes.plot(times, fit.curve, color=INK, linewidth=1.6, linestyle="--", zorder=8,
                  label=f"law of the family {fit.family}")  # fmt: skip


def curves_figure(study: HypothesisStudy) -> Figure:
    """The curves that all falling g give on one plot, with their bands and the law that was named.

    Args:
        study: of the runs.
    """
    drawn = figure(8.6, 4.6)
    axes = drawn.subplots()
    times = study.labels.times
    for k, curve in enumerate(c for c in study.curves if c.falls):
        colour, mark = _COLOURS[k % len(_COLOURS)], _MARKS[k % len(_MARKS)]
        if not math.isfinite(curve.span):
            continue
        weak = not curve.span >= READABLE_SPAN
        name = curve.name + (f" (ends {curve.span:.2f} apart: noise)" if weak else "")
        axes.plot(
            times, curve.estimate, color=colour, marker=mark, markersize=4, linewidth=1.3, label=name,
            linestyle=":" if weak else "-", alpha=0.5 if weak else 1.0,
        )  # fmt: skip
        if curve.band and not weak:
            low, high = np.array(curve.band).T
            axes.fill_between(times, low, high, color=colour, alpha=0.12, linewidth=0)
    _draw_law(axes, study)
    tidy(axes)
    time_axis(axes, study.labels)
    axes.set_ylim(-0.12, 1.12)
    axes.set_ylabel("estimated ageing curve", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper right")
    return drawn
