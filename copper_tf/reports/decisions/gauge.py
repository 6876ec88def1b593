"""The page of `copper gauge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.analysis.decisions.gauge_results import Gauge
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, figure, tidy
from copper_tf.reports.decisions.layout import Drawn, Section, Table, interval, number, write_decision
from copper_tf.utils.drawing import SPLIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["render_gauge"]

_METHOD = (
    "Every sheet is imaged by several operators or on several microscopes, and more than once by each. The scatter of "
    "scores is divided among sheets, operators, microscopes, their interactions with sheets, and pictures by the "
    "analysis of variance (Henderson's third method; in a balanced study the same as REML).",
    "Intervals are those of generalised pivots: each mean square is divided by draws of its own chi-squared "
    "distribution. They hold for two or three operators, where the large-sample intervals of a mixed model are far too "
    "narrow. An interval of 0 to 0 means that by chance the source scatters less than pictures alone would have it; it "
    "may well be a little more.",
    "%GRR is the standard deviation of the measurement (all but the sheets) in percent of that of all scores, for one "
    "picture: under 10 is called good, up to 30 usable. It depends on how much the chosen sheets differ: take sheets "
    "that span what the line makes. The number of distinct categories is 1.41 times the standard deviation of sheets "
    "over that of the measurement, rounded down; 5 or more are asked for.",
    "Pictures show different places of a sheet. How places differ counts as part of the picture, not of the "
    "microscope, unless the same places are imaged again.",
)


def _components_figure(result: Gauge) -> Figure:
    """Standard deviation of each source with its interval."""
    rows = result.components[::-1]
    drawn = figure(7.6, 1.1 + 0.42 * len(rows))
    axes = drawn.subplots()
    for k, row in enumerate(rows):
        colour = SPLIT_COLOURS["train"] if row.name == "sheet" else HYPOTHESIS_COLOUR
        axes.plot(row.interval, [k, k], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([row.sd], [k], "o", color=colour, markersize=6)
    tidy(axes)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=9)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    # With two operators the upper end tells nothing but that it is not known.
    limit = 4 * max(row.sd for row in rows)
    axes.set_xlim(0, min(limit, 1.05 * max(row.interval[1] for row in rows)))
    axes.set_xlabel(f"standard deviation of {result.score}", fontsize=9)
    return drawn


def _sections(result: Gauge) -> list[Section]:
    rows = [
        [c.name, number(c.sd), interval(c.interval), f"{100 * c.share:.0f} %", str(c.free)] for c in result.components
    ]
    plan = [
        [str(p.pictures), f"±{number(p.precision, 2)}", "not to be had" if p.sheets is None else str(p.sheets)]
        for p in result.plan
    ]
    factors = ", ".join(f"{count} levels of {name}" for name, count in result.factors.items()) or "re-imaging alone"
    study = f"{result.rows} pictures of {result.sheets} sheets; {factors}."
    summary = (
        f"Repeatability {number(result.repeatability)} (one picture after the other), reproducibility "
        f"{number(result.reproducibility)} (other operators and microscopes), as standard deviations."
    )
    return [
        Section("Where scatter comes from", [study, summary], ["components"], [
            Table("Standard deviations that each source adds to the score of one picture.",
                  ["source", "SD", "95 % interval", "of all variance", "degrees of freedom"], rows)]),
        Section("How many are needed", tables=[
            Table("With one operator and one microscope. Sheets: for the mean of a group to be known to "
                  f"±{number(result.wanted, 2)} (95 %).",
                  ["pictures of each sheet", "score of a sheet (95 %)", "sheets of a group"], plan)]),
    ]  # fmt: skip


def render_gauge(folder: Path, result: Gauge) -> Path:
    """Writes ``gauge.html`` and its figure as PNG beside it.

    Args:
        folder: of the output.
        result: of `gauge`.

    Returns:
        The path of the page.
    """
    drawn = {
        "components": Drawn(
            _components_figure(result), "Standard deviation of every source of scatter with its interval",
            "What each source adds to the score of one picture, with 95 % intervals; sheets in blue, the measurement "
            "in orange. Intervals may go on beyond the chart.",
        ),
    }  # fmt: skip
    files = "gauge.json holds everything on this page, gauge.xlsx its tables for Excel, figures/ the figure as PNG."
    return write_decision(
        folder / "gauge.html", "gauge study", result.verdicts, result.caveats, _sections(result), drawn, _METHOD, files
    )
