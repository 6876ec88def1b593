"""The page of `copper calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from copper_tf.analysis.decisions.calibration import predict_strength
from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, figure, tidy
from copper_tf.reports.common.text import p_value
from copper_tf.reports.decisions.layout import Drawn, Section, Table, interval, number, write_decision
from copper_tf.utils.drawing import SPLIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["calibration_figures", "render_calibration"]

_MARKS = "os^Dv<>Ph*"
_COLOURS = (SPLIT_COLOURS["train"], SPLIT_COLOURS["test"], "#CC79A7", SPLIT_COLOURS["validation"], "#56B4E9")
_METHOD = (
    "The unit is the sheet. Its score is the mean of its pictures; what the sheet itself has is expected nearer to the "
    "mean of all sheets the fewer pictures it has (regression calibration), so errors of both variables count.",
    "The line is by least squares. The variance of a prediction adds up sheets within lots and lots, from their mean "
    "squares, with Satterthwaite's degrees of freedom: with few lots the large-sample intervals of a mixed model "
    "(REML) are too narrow. An interval is for one new sheet of a lot that was not seen.",
    "Where the resin failed, the interface holds at least what was measured: its strength is drawn above that, given "
    "all other sheets, twenty times (multiple imputation).",
    "Errors on left-out lots: each lot is predicted from all others. That the score adds to another column is tested "
    "by its slope within lots, and claimed only if left-out lots are predicted better as well. Age is taken as a mean "
    "for each age where each has three sheets, else as a curve.",
)


def _points(axes: Axes, result: Calibration) -> None:
    """One mark for each sheet, by lot; arrows where the interface holds more."""
    for k, lot in enumerate(dict.fromkeys(s.lot for s in result.sheets)):
        own = [s for s in result.sheets if s.lot == lot]
        colour = _COLOURS[k % len(_COLOURS)]
        for sheet in own:
            if sheet.cohesive:
                axes.annotate(
                    "", (sheet.score, sheet.strength * 1.05), (sheet.score, sheet.strength),
                    arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.0},
                )  # fmt: skip
        axes.scatter(
            [s.score for s in own], [s.strength for s in own], s=30, marker=_MARKS[k % len(_MARKS)], color=colour,
            alpha=0.8, linewidth=0, label=lot, zorder=3,
        )  # fmt: skip


def _line_figure(result: Calibration) -> Figure:
    drawn = figure(7.6, 4.4)
    axes = drawn.subplots()
    scores = np.linspace(*result.range, 60)
    pictures = round(float(np.median([s.pictures for s in result.sheets])))
    found = predict_strength(result, list(scores), [pictures] * len(scores))
    axes.plot(scores, [f.strength for f in found], color=INK, linewidth=1.8)
    axes.fill_between(scores, [f.low for f in found], [f.high for f in found], color=INK, alpha=0.1, linewidth=0)
    _points(axes, result)
    tidy(axes)
    measured = [s.strength for s in result.sheets]
    room = np.ptp(measured)
    axes.set_ylim(max(0, min(measured) - room), max(measured) + room)
    axes.set_xlabel(f"{result.score} of a sheet", fontsize=9)
    axes.set_ylabel(result.strength, fontsize=9)
    if len({s.lot for s in result.sheets}) <= len(_MARKS):
        axes.legend(fontsize=8, frameon=False, title="lot", title_fontsize=8, loc="upper left")
    return drawn


def _left_out_figure(result: Calibration) -> Figure | None:
    """Measured against predicted from the other lots."""
    rows = [s for s in result.sheets if s.left_out is not None]
    if not rows:
        return None
    drawn = figure(5.2, 4.4)
    axes = drawn.subplots()
    for s in rows:
        colour = HYPOTHESIS_COLOUR if s.cohesive else SPLIT_COLOURS["train"]
        axes.plot(list(s.left_out_interval or ()), [s.strength] * 2, color=colour, linewidth=1, alpha=0.5)
        axes.plot([float(s.left_out or 0)], [s.strength], "^" if s.cohesive else "o", color=colour, markersize=4.5)
    measured = [s.strength for s in rows]
    ends = [max(0.0, min(measured) - np.ptp(measured)), max(measured) + np.ptp(measured)]
    axes.plot(ends, ends, color=INK, linewidth=0.8, linestyle="--")
    tidy(axes)
    axes.set_xlim(*ends)
    axes.set_xlabel(f"predicted from other lots, {result.strength}", fontsize=9)
    axes.set_ylabel(f"measured, {result.strength}", fontsize=9)
    return drawn


def _sections(result: Calibration) -> list[Section]:
    errors = [[row.name, number(row.error, 2), str(row.sheets)] for row in result.errors]
    added = [
        [f"{result.score} beside {row.beside}", p_value(row.p), str(row.free), "yes" if row.adds else "not shown"]
        for row in result.added
    ]
    sheets = [
        [s.sheet, s.lot, str(s.pictures), number(s.score), number(s.strength) + (" or more" if s.cohesive else ""),
         number(s.left_out), interval(s.left_out_interval)]
        for s in result.sheets
    ]  # fmt: skip
    tables = [Table(f"Root mean square error on lots left out, in the unit of {result.strength}.",
                    ["predicted by", "error", "sheets"], errors)]  # fmt: skip
    if added:
        tables.append(Table("Does the picture add anything?", ["", "p", "degrees of freedom", "adds"], added))
    return [
        Section("Strength by score", figures=["line"]),
        Section("Lots that were left out", figures=["left_out"], tables=tables),
        Section("Sheet by sheet", tables=[Table(
            f"The calibration holds for scores from {number(result.range[0])} to {number(result.range[1])}.",
            ["sheet", "lot", "pictures", result.score, "measured", "from other lots", "95 % interval"], sheets)]),
    ]  # fmt: skip


def calibration_figures(result: Calibration) -> dict[str, Drawn]:
    """The figures of a calibration, by name.

    Args:
        result: of `calibrate`.
    """
    drawn = {
        "line": Drawn(
            _line_figure(result), "Measured strength over the score of every sheet, with the line and its band",
            "One mark for each sheet; arrows: the resin failed, and the interface holds more. Line: strength by score. "
            "Band: 95 % prediction interval of a sheet of a new lot.",
        ),
    }  # fmt: skip
    if (left := _left_out_figure(result)) is not None:
        drawn["left_out"] = Drawn(
            left, "Measured strength over the strength predicted from the other lots, sheet by sheet",
            "Every sheet predicted from the other lots alone, with its 95 % interval (wide where they are few); "
            "triangles are cohesive failures, whose "
            "interface holds more. A good prediction lies on the broken line.",
        )  # fmt: skip
    return drawn


def render_calibration(folder: Path, result: Calibration) -> Path:
    """Writes ``calibration.html`` and its figures as PNG beside it.

    Args:
        folder: of the output.
        result: of `calibrate`.

    Returns:
        The path of the page.
    """
    drawn = calibration_figures(result)
    files = (
        "calibration.json is what copper predict --calibration takes; calibration.xlsx holds the tables for Excel, "
        "figures/ the figures as PNG."
    )
    return write_decision(
        folder / "calibration.html", "strength calibrated", result.verdicts, result.caveats, _sections(result), drawn,
        _METHOD, files,
    )  # fmt: skip
