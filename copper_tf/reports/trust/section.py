"""The trust tests on a page: their table, and figures of what they did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from copper_tf.analysis.trust.results import Trust, TrustTestResult
from copper_tf.analysis.trust.verdict import EXAMPLES, FAILED, PASSED, UNKNOWN
from copper_tf.reports.common.micrographs import colour_bar, show
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, figure
from copper_tf.reports.common.text import format_score
from copper_tf.utils.arrays import read_arrays
from copper_tf.utils.drawing import SPLIT_COLOURS, colours, grey_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from copper_tf.runs.run import Run

__all__ = ["trust_figures", "trust_section"]

# Any eye can separate blue from vermilion, and the markers differ too.
_MARKS = {PASSED: (SPLIT_COLOURS["train"], "o"), FAILED: (HYPOTHESIS_COLOUR, "X"), UNKNOWN: ("#777777", "D")}
# The chart ends so many times the width of the open zone beyond each limit.
_BEYOND = 1.5
_NORMALISED = {
    "dataset": "All pictures are normalised by the constants of the training set, joined ones too.",
    "picture": "Each picture is normalised as it is, by its own mean and spread, and joined then: what is tested is "
    "the network. A surface that is joined in reality would be normalised by the mean of both.",
    "local": "Each picture is normalised as it is, and joined then: what is tested is the network. The window of the "
    "normalisation passes on only mean and spread, so it doesn't count in the receptive field.",
}


def _detail(name: str, values: dict[str, float]) -> str:
    """What else was measured with a test's value; empty where one of the numbers is unknown."""
    details = {
        "reach_ratio": (
            "{:.0f} px over areas of {:.0f} px; the receptive field is {:.0f} px",
            ("reach_px", "mean_chord_px", "receptive_field_px"),
        ),
        "side_auc": ("{:.3f} in the joined pictures, {:.3f} in the whole pictures", ("side_auc_measured", "whole_auc")),
        "deletion_error": ("m falls by {:.2f} of the potency pasted over", ("deletion_ratio",)),
        "seed_correlation": ("IoU of the areas {:.2f}", ("seed_iou",)),
    }
    text, names = details.get(name, ("", ()))
    numbers = [values.get(n, math.nan) for n in names]
    return text.format(*numbers) if all(map(math.isfinite, numbers)) else ""


def trust_section(run: Run) -> dict[str, Any] | None:
    """What the template shows, None where `copper trust` was not run.

    Args:
        run: the run.
    """
    if not run.has(Trust):
        return None
    trust = run.read(Trust)
    rows = [
        (test, format_score(test.value, None)[0], _detail(test.name, trust.values), *test.limits)
        for test in trust.tests
    ]
    return {"result": trust, "rows": rows, "normalised": _NORMALISED[trust.normalisation]}


def _map(axes: Axes, mask: np.ndarray, caption: str) -> None:
    show(axes, colours(mask))
    axes.set_xlabel(f"{caption}: m = {mask.mean():.2f}", fontsize=8.5)


def _grey(axes: Axes, values: np.ndarray, caption: str) -> None:
    show(axes, grey_image(values))
    axes.set_xlabel(caption, fontsize=8.5)


def _chimera_figure(kept: dict[str, np.ndarray], names: tuple[str, ...]) -> Figure:
    """A chimera, its map, and the halves of the maps of the two whole pictures."""
    drawn = figure(9.6, 3.5)
    axes = drawn.subplots(1, 3)
    _grey(axes[0], kept["chimera_values"], "two halves, joined")
    _map(axes[1], kept["chimera_map"], "map of the joined picture")
    _map(axes[2], kept["chimera_expected"], "maps of the whole pictures")
    height, width = kept["chimera_map"].shape
    for axis in axes:
        axis.plot([width / 2 - 0.5] * 2, [-0.5, height - 0.5], color=INK, linewidth=1.6)
        axis.plot([width / 2 - 0.5] * 2, [-0.5, height - 0.5], color="white", linewidth=0.9, linestyle=(0, (4, 4)))
        for x, name in ((0.25, names[0]), (0.75, names[-1])):
            axis.text(x, 1.02, f"t = {name}", transform=axis.transAxes, ha="center", va="bottom", fontsize=9)
    colour_bar(drawn, axes)
    return drawn


def _deletion_figure(kept: dict[str, np.ndarray]) -> Figure:
    """A picture and its map before and after texture of the last t is pasted over its best areas."""
    drawn = figure(7.2, 6.4)
    axes = drawn.subplots(2, 2)
    _grey(axes[0, 0], kept["before_values"], "before")
    _grey(axes[0, 1], kept["after_values"], "after: texture of the last t within the lines")
    _map(axes[1, 0], kept["before_map"], "map before")
    _map(axes[1, 1], kept["after_map"], "map after")
    for axis in axes.ravel():
        axis.contour(kept["pasted"].astype(float), levels=(0.5,), colors=(INK,), linewidths=1.8)
        axis.contour(kept["pasted"].astype(float), levels=(0.5,), colors=("white",), linewidths=0.7)
    colour_bar(drawn, axes)
    return drawn


def _position(test: TrustTestResult) -> float:
    """Where a value lies: up to 0 it passes, from 1 on it fails."""
    passes, value = test.passes, test.value
    width = test.fails - passes
    if math.isclose(passes, test.fails):
        far = value / passes - 1
        return far if far <= 0 else 1 + far
    return (value - passes) / width


def _limits_figure(tests: Sequence[TrustTestResult]) -> Figure:
    """Every value between its limits, drawn to one scale."""
    known = [test for test in tests if math.isfinite(test.value)][::-1]
    drawn = figure(9.6, 0.34 * len(known) + 1.3)
    axes = drawn.subplots()
    low, high = -_BEYOND, 1 + _BEYOND
    for span, outcome in (((low - 0.2, 0), PASSED), ((0, 1), UNKNOWN), ((1, high + 0.2), FAILED)):
        axes.axvspan(*span, color=_MARKS[outcome][0], alpha=0.12, linewidth=0)
    for row, test in enumerate(known):
        colour, mark = _MARKS[test.outcome]
        position = _position(test)
        inside = min(max(position, low), high)
        axes.plot([inside], [row], marker=mark, color=colour, markersize=7.5, linestyle="none")
        if inside != position:
            beyond = "<" if position < low else ">"
            axes.plot([inside + math.copysign(0.12, position)], [row], marker=beyond, color=colour, markersize=5)
        passes, fails = test.limits
        text = f"{test.value:.3f}   passes {passes}, fails {fails}"
        axes.text(1.01, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_yticks(range(len(known)), [test.title for test in known], fontsize=8.5)
    for label, test in zip(axes.get_yticklabels(), known, strict=True):
        label.set_fontweight("bold" if test.decisive else "normal")
    axes.set_xticks([0, 1], ["limit to pass", "limit to fail"], fontsize=8.5)
    axes.set_xlim(low - 0.2, high + 0.2)
    axes.set_ylim(-0.6, len(known) - 0.4)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    handles = [Line2D([], [], color=c, marker=m, linestyle="none", label=o) for o, (c, m) in _MARKS.items()]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8.5)
    return drawn


def trust_figures(run: Run) -> dict[str, Figure]:
    """The figures of the trust report; none where `copper trust` was not run.

    Args:
        run: the run.
    """
    if not run.has(Trust):
        return {}
    drawn = {"limits": _limits_figure(run.read(Trust).tests)}
    kept = read_arrays(run.path / "scores" / EXAMPLES)
    if "chimera_map" in kept:
        drawn["chimera"] = _chimera_figure(kept, run.labels.names)
    if "pasted" in kept:
        drawn["deletion"] = _deletion_figure(kept)
    return drawn
