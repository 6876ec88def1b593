"""The page of `copper chart`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.dates import date2num

from copper_tf.analysis.decisions.chart import LINE, MICROSCOPE
from copper_tf.analysis.decisions.chart_results import ChartLimits, ControlChart
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, figure, tidy
from copper_tf.reports.decisions.layout import Drawn, Section, Table, number, write_decision
from copper_tf.statistics.control_chart import NOMINAL, WEIGHT, limit_factor
from copper_tf.utils.drawing import SPLIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["render_chart"]

# The table of the page shows so many of the last days.
_SHOWN = 60


def _method(result: ControlChart) -> list[str]:
    factors = ""
    if result.line:
        shewhart, moving = (limit_factor(rule, result.baseline) for rule in ("Shewhart", "EWMA"))
        factors = f" Here they are {shewhart:.2f} (Shewhart) and {moving:.2f} (EWMA) standard deviations."
    return [
        "A point is a day: the mean score of its sheets, every sheet counting once. Where a reference sheet is imaged "
        "each time, what it differs by from its own baseline is the microscope's, and is taken off the line. So a "
        "drift of the microscope moves the lower chart alone, and a drift of the line the upper one.",
        "Shewhart's rule looks at single points and finds large shifts; the exponentially weighted moving average "
        f"(EWMA, weight {WEIGHT:g}) finds small ones that last.",
        f"Limits are such that each rule gives one false alarm in {NOMINAL:.0f} days on average, which for known "
        "centre and scatter are three standard deviations. That both are estimates from the baseline is counted."
        + factors,
    ]


def _draw(axes: Axes, result: ControlChart, of: str, limits: ChartLimits | None) -> None:
    name = "line" if of == LINE else "reference"
    points = [p for p in result.points if getattr(p, name) is not None]
    days = [float(date2num(datetime.date.fromisoformat(p.date))) for p in points]
    values = [getattr(p, name) for p in points]
    moving = [(d, m) for d, m in zip(days, (getattr(p, f"{name}_ewma") for p in points), strict=True) if m is not None]
    axes.plot(days, values, "o-", color=SPLIT_COLOURS["train"], markersize=3.5, linewidth=0.7, alpha=0.8, label="day")
    if limits:
        axes.plot([d for d, _ in moving], [m for _, m in moving], color=INK, linewidth=1.6, label="moving average")
        axes.axhline(limits.centre, color=INK, linewidth=0.7)
        for sign in (1, -1):
            axes.axhline(
                limits.centre + sign * limits.shewhart, color=SPLIT_COLOURS["train"], linewidth=1, linestyle="--"
            )
            axes.axhline(limits.centre + sign * limits.ewma, color=INK, linewidth=1, linestyle=":")
        axes.axvspan(days[0], days[result.baseline - 1], color="#000000", alpha=0.05, linewidth=0)
    alarms = {alarm.date for alarm in result.alarms if alarm.of == of}
    marked = [(d, v) for d, v, p in zip(days, values, points, strict=True) if p.date in alarms]
    if marked:
        axes.plot(
            [d for d, _ in marked], [v for _, v in marked], "s", color=HYPOTHESIS_COLOUR, markersize=6, label="alarm"
        )
    tidy(axes)
    axes.xaxis_date()
    axes.legend(fontsize=8, frameon=False, loc="upper left", ncols=3)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.18 * (high - low))


def _figure(result: ControlChart) -> Figure:
    both = bool(result.reference)
    drawn = figure(9, 5.6 if both else 3.2)
    axes = drawn.subplots(2 if both else 1, 1, sharex=True, squeeze=False)[:, 0]
    _draw(axes[0], result, LINE, result.line)
    axes[0].set_ylabel(f"line, {result.score}", fontsize=9)
    if both:
        _draw(axes[1], result, MICROSCOPE, result.microscope)
        axes[1].set_ylabel("reference sheet", fontsize=9)
    axes[-1].tick_params(axis="x", rotation=30)
    return drawn


def _sections(result: ControlChart) -> list[Section]:
    alarms = [[a.date, a.of, a.rule, a.direction] for a in reversed(result.alarms)]
    points = [
        [p.date, str(p.sheets), number(p.line), number(p.line_ewma), number(p.reference), number(p.reference_ewma)]
        for p in reversed(result.points[-_SHOWN:])
    ]
    tables = [Table("The latest first.", ["date", "moved", "rule", "direction"], alarms)] if alarms else []
    days = Table(
        f"The last {len(points)} days, the latest first. The line is without what the microscope has drifted.",
        ["date", "sheets", "line", "moving average", "reference", "moving average"], points,
    )  # fmt: skip
    none = [] if alarms else ["There was none."]
    return [Section("Chart", figures=["chart"]), Section("Alarms", none, tables=tables), Section("Days", tables=[days])]


def render_chart(folder: Path, result: ControlChart) -> Path:
    """Writes ``chart.html`` and its figure as PNG beside it.

    Args:
        folder: of the output.
        result: of `chart`.

    Returns:
        The path of the page.
    """
    caption = (
        "Dots are days, the dark line is their moving average. Limits: broken for single days, dotted for the moving "
        "average. Grey: the baseline. Squares: alarms."
    )
    drawn = {
        "chart": Drawn(_figure(result), "Control chart of the line and of the reference sheet over the days", caption)
    }
    files = (
        "chart.csv holds one row for each sheet and day and grows with each call; chart.json holds everything on this "
        "page, chart.xlsx its tables for Excel, figures/ the figure as PNG."
    )
    alarms = [k for k, text in enumerate(result.verdicts) if text.startswith("ALARM")]
    return write_decision(
        folder / "chart.html", "control chart", result.verdicts, result.caveats, _sections(result), drawn,
        _method(result), files, alarms,
    )  # fmt: skip
