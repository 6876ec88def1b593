"""The page of `copper compare-groups`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from copper_tf.analysis.decisions.group_results import GroupComparison
from copper_tf.reports.common.style import HYPOTHESIS_COLOUR, INK, figure, tidy
from copper_tf.reports.common.text import p_value
from copper_tf.reports.decisions.layout import Drawn, Section, Table, interval, number, write_decision
from copper_tf.utils.drawing import SPLIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["render_groups"]

_BLUE = SPLIT_COLOURS["train"]
_METHOD = (
    "The unit is the sheet: pictures of one sheet are alike, so each sheet counts once, by the mean score of its "
    "pictures. Ten pictures of one sheet don't make ten sheets.",
    "Two groups are compared by Welch's t-test on the sheets' scores, which lets the groups scatter differently; more "
    "than two by Games and Howell's method, whose p values and intervals hold for all pairs together. Equivalence is "
    "two one-sided Welch tests against the margin (TOST) at 5 %, corrected for the number of pairs (Holm). With equal "
    "numbers of pictures a mixed model with sheets as random effects gives the same estimates; Welch's test keeps its "
    "level with three sheets a group, where the large-sample p values of a mixed model don't.",
    "The smallest difference that can be shown, and the sheets that a wanted one takes, count that the scatter is "
    "itself an estimate from few sheets. They suppose that both groups scatter alike.",
)


def _sheets_figure(result: GroupComparison) -> Figure:
    """One dot for each sheet, and the mean of each group with its interval."""
    names = [group.name for group in result.groups]
    drawn = figure(7.6, 1.2 + 0.62 * len(names))
    axes = drawn.subplots()
    random = np.random.default_rng(0)
    for row, group in enumerate(reversed(result.groups)):
        values = [sheet.mean for sheet in result.sheets if sheet.group == group.name]
        axes.scatter(values, row + random.uniform(-0.12, 0.12, len(values)), s=26, alpha=0.6, color=_BLUE, linewidth=0)
        axes.plot(group.interval, [row - 0.3] * 2, color=INK, linewidth=2, solid_capstyle="butt")
        axes.plot([group.mean], [row - 0.3], "D", color=INK, markersize=5)
    tidy(axes)
    axes.set_yticks(range(len(names)), names[::-1], fontsize=9)
    axes.set_ylim(-0.7, len(names) - 0.5)
    axes.set_xlabel(f"{result.score} of a sheet", fontsize=9)
    values = [sheet.mean for sheet in result.sheets]
    room = 0.6 * (max(values) - min(values))
    axes.set_xlim(min(values) - room, max(values) + room)
    return drawn


def _differences_figure(result: GroupComparison) -> Figure:
    """Every difference with its interval, and the margin."""
    rows = result.differences[::-1]
    drawn = figure(7.6, 1.2 + 0.42 * len(rows))
    axes = drawn.subplots()
    if result.margin:
        axes.axvspan(-result.margin, result.margin, color=SPLIT_COLOURS["test"], alpha=0.14, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.8)
    for k, row in enumerate(rows):
        colour = HYPOTHESIS_COLOUR if row.different else _BLUE
        axes.plot(row.interval, [k, k], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([row.difference], [k], "o", color=colour, markersize=6)
    tidy(axes)
    axes.set_yticks(range(len(rows)), [f"{row.second} − {row.first}" for row in rows], fontsize=9)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(f"difference of {result.score}", fontsize=9)
    return drawn


def _difference_table(result: GroupComparison) -> Table:
    head = ["second − first", "difference", "95 % interval", "p", "different", "can be shown"]
    head += [f"p of ≥ {result.margin:g}", "equivalent"] if result.margin else []
    yes = {True: "yes", False: "not shown"}
    rows = []
    for one in result.differences:
        cells = [f"{one.second} − {one.first}", number(one.difference), interval(one.interval), p_value(one.p)]
        cells += [yes[one.different], number(one.detectable, 2)]
        rows.append(cells + ([p_value(one.equivalence_p), yes[bool(one.equivalent)]] if result.margin else []))
    caption = "Can be shown: the difference that so many sheets and pictures find four times of five."
    return Table(caption, head, rows)


def _sections(result: GroupComparison) -> list[Section]:
    groups = [
        [g.name, str(g.sheets), str(g.pictures), number(g.mean), interval(g.interval), number(g.sd, 2)]
        for g in result.groups
    ]
    plan = [[str(p.pictures), "over 200" if p.sheets is None else str(p.sheets)] for p in result.plan]
    pictures = "unknown" if result.picture_sd is None else number(result.picture_sd, 2)
    return [
        Section("Sheet by sheet", figures=["sheets"], tables=[
            Table("Every sheet counts once.",
                  ["group", "sheets", "pictures", "mean", "95 % interval", "SD of sheets"], groups)]),
        Section("Differences", figures=["differences"], tables=[_difference_table(result)]),
        Section(
            "How many are needed",
            [f"Sheets of a group scatter by {number(result.sheet_sd, 2)} (standard deviation), pictures of a sheet by "
             f"{pictures}. More pictures help only against the second."],
            tables=[Table(f"To find a difference of {result.wanted:.2g} four times of five.",
                          ["pictures of each sheet", "sheets of each group"], plan)],
        ),
    ]  # fmt: skip


def render_groups(folder: Path, result: GroupComparison) -> Path:
    """Writes ``groups.html`` and its figures as PNG beside it.

    Args:
        folder: of the output.
        result: of `compare_groups`.

    Returns:
        The path of the page.
    """
    margin = f" The shaded band is the margin of {result.margin:g}." if result.margin else ""
    drawn = {
        "sheets": Drawn(
            _sheets_figure(result), "Dots of the scores of all sheets, group by group, with the mean of each group",
            "One dot for each sheet; diamonds are the means of the groups with their 95 % intervals.",
        ),
        "differences": Drawn(
            _differences_figure(result), "Differences between groups with their intervals, about a line at zero",
            f"Differences with 95 % intervals; an interval off the line at 0 is a difference that is shown.{margin}",
        ),
    }  # fmt: skip
    files = "groups.json holds everything on this page, groups.xlsx its tables for Excel, figures/ the figures as PNG."
    return write_decision(
        folder / "groups.html", "groups compared", result.verdicts, result.caveats, _sections(result), drawn, _METHOD,
        files,
    )  # fmt: skip
