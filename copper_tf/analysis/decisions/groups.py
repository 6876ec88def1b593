"""Groups of sheets compared: is the new bath as good as the old one? The unit is the sheet."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from copper_tf.analysis.decisions.group_results import (
    Group,
    GroupComparison,
    GroupDifference,
    PlannedSize,
    SheetMean,
)
from copper_tf.analysis.decisions.scores import PREDICTIONS, ScoreTable, read_scores
from copper_tf.statistics.bootstrap import holm, mean_interval
from copper_tf.statistics.groups import (
    ALPHA,
    detectable_factor,
    equivalence_p,
    simultaneous,
    spread_of_sheets,
    welch,
)
from tfds_copper.errors import InputError, SettingError
from tfds_copper.text import listed

__all__ = ["compare_groups", "read_groups"]

# Pictures of a sheet that sizes are planned for, and the most sheets that are tried.
_PICTURES, _MOST_SHEETS = (1, 3, 5, 10, 20), 200
_NAMED = 5


def _names(paths: Sequence[Path]) -> list[str]:
    """A name for the group of each file: the shortest end of its path that no other has."""
    parts = [(*p.parts[:-1], p.stem) if p.name != PREDICTIONS and p.suffix else p.parts for p in paths]
    parts = [tuple(p[:-1]) if paths[k].name == PREDICTIONS and len(p) > 1 else p for k, p in enumerate(parts)]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(p[-length:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    repeated = next(str(p) for p, n in Counter(paths).items() if n > 1)
    raise InputError(f"{repeated}: each group must be a table of its own. Received: it twice")


def _by_column(table: ScoreTable, by: str) -> dict[str, ScoreTable]:
    groups = np.array(table.of_sheet(by))[table.sheets.index]
    order = list(dict.fromkeys(table.texts(by)))
    return {name: table.chosen(np.flatnonzero(groups == name)) for name in order}


def read_groups(
    paths: Sequence[Path], by: str = "", labels: Path | None = None, score: str = ""
) -> dict[str, ScoreTable]:  # fmt: skip
    """The score table of each group, by name.

    Args:
        paths: a table for each group; or one table, whose column `by` names the group of each sheet.
        by: that column; empty where each table is a group.
        labels: a table of further columns, see `read_scores`.
        score: the column of the score.

    Raises:
        InputError: if a table can't be used, there are fewer than two groups, or a group has fewer than two sheets.
        SettingError: if `by` is needed, or given with several tables.
    """
    if by and len(paths) != 1:
        raise SettingError(f"by must be given with one table, which it divides. Received: {by!r} with {len(paths)}")
    if not by and len(paths) < 2:
        raise SettingError("at least two tables must be given, or one and --by COLUMN. Received: one table alone")
    if by:
        found = _by_column(read_scores(paths[0], labels, score), by)
    else:
        names = _names(paths)
        found = {name: read_scores(path, labels, score) for name, path in zip(names, paths, strict=True)}
        _refuse_mixed_scores(found)
    if len(found) < 2:
        raise InputError(f"{paths[0]}: column {by} must name at least two groups. Received: {', '.join(found)}")
    for name, table in found.items():
        if (count := len(table.sheets.names)) < 2:
            raise InputError(
                f"group {name}: needs at least 2 sheets, since pictures of one sheet can't tell how sheets differ. "
                f"Received: {count} ({table.sheets.names[0]})"
            )
    return found


def _refuse_mixed_scores(found: dict[str, ScoreTable]) -> None:
    scores = {table.score: name for name, table in found.items()}
    if len(scores) > 1:
        told = " and ".join(f"{score} in {name}" for score, name in scores.items())
        raise InputError(f"all groups must have the same score; --score chooses it. Received: {told}")


def _group(name: str, table: ScoreTable) -> Group:
    means = table.sheets.mean
    mean, interval = mean_interval(means)
    return Group(name, len(means), len(table.lines), mean, float(np.std(means, ddof=1)), interval or (math.nan,) * 2)


def _tests(means: list[np.ndarray]) -> dict[tuple[int, int], tuple[float, float, float]]:
    """p and interval of every pair: Welch's test, or Games and Howell's for more than two groups."""
    if len(means) == 2:
        _, low, high, p = welch(means[0], means[1])
        return {(0, 1): (float(p), float(low), float(high))}
    p, low, high = simultaneous(means)
    pairs = itertools.combinations(range(len(means)), 2)
    return {(a, b): (float(p[a, b]), float(low[a, b]), float(high[a, b])) for a, b in pairs}


def _differences(
    names: list[str], means: list[np.ndarray], margin: float | None, variance: float
) -> tuple[GroupDifference, ...]:  # fmt: skip
    """Every pair compared."""
    tests = _tests(means)
    free = sum(len(m) - 1 for m in means)
    same = [float(equivalence_p(means[a], means[b], margin)) for a, b in tests] if margin else []
    same_holm = holm(same) if same else [math.nan] * len(tests)
    rows = []
    for ((a, b), (p, low, high)), equal in zip(tests.items(), same_holm, strict=True):
        first, second = len(means[a]), len(means[b])
        error = math.sqrt(variance * (1 / first + 1 / second))
        row = GroupDifference(
            names[a], names[b], float(means[b].mean() - means[a].mean()), (low, high), p, p < ALPHA,
            error * detectable_factor(first, second, free),
        )  # fmt: skip
        rows.append(dataclasses.replace(row, equivalence_p=equal, equivalent=equal < ALPHA) if margin else row)
    return tuple(rows)


def _sheets_needed(wanted: float, variance: float, free: int) -> int | None:
    """The fewest sheets of each group whose test finds a difference four times of five."""

    def found(sheets: int) -> bool:
        return math.sqrt(2 * variance / sheets) * detectable_factor(sheets, sheets, free) <= wanted

    if not found(_MOST_SHEETS):
        return None
    low, high = 1, _MOST_SHEETS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def _plan(wanted: float, of_means: float, own: float, within: float, free: int) -> tuple[PlannedSize, ...]:
    if math.isnan(within):
        return (PlannedSize(1, _sheets_needed(wanted, of_means, free)),)
    return tuple(PlannedSize(m, _sheets_needed(wanted, own + within / m, free)) for m in _PICTURES)


def _difference_verdict(row: GroupDifference, margin: float | None) -> str:
    side = "higher" if row.difference > 0 else "lower"
    low, high = sorted(abs(v) for v in row.interval) if row.different else row.interval
    interval = f"95 % interval {low:.3g} to {high:.3g}, p = {row.p:.2g}"
    if row.different:
        text = f"{row.second} is {abs(row.difference):.3g} {side} than {row.first} ({interval})."
    else:
        text = (
            f"That {row.second} and {row.first} differ is not shown: the difference is {row.difference:.3g} "
            f"({interval}). So many sheets and pictures show one of {row.detectable:.2g} four times of five."
        )
    if margin is None or row.equivalence_p is None:
        return text
    shown = "is shown" if row.equivalent else "is not shown"
    return f"{text} That they differ by less than {margin:g} {shown} (p = {row.equivalence_p:.2g})."


def _caveats(found: dict[str, ScoreTable], by: str, within: float, margin: float | None) -> tuple[str, ...]:
    texts = []
    counts = Counter(name for table in found.values() for name in table.sheets.names)
    shared = sorted(name for name, count in counts.items() if count > 1)
    if shared and not by:
        names = listed(shared, _NAMED)
        texts.append(f"Sheets of several tables have the same names ({names}) and were taken as different sheets.")
    if math.isnan(within):
        texts.append("Every sheet has one picture, so what pictures add to the scatter is not known.")
    fewest = min(len(t.sheets.names) for t in found.values())
    if fewest < 5:
        texts.append(f"With {fewest} sheets in a group the scatter of sheets is hardly known: intervals are wide.")
    if margin is None:
        texts.append("No margin was given: a difference that is not shown is no proof that the groups are equal.")
    return tuple(texts)


def compare_groups(
    found: dict[str, ScoreTable], *, margin: float | None = None, wanted: float | None = None, by: str = ""
) -> GroupComparison:  # fmt: skip
    """Compares groups by the scores of their sheets.

    Args:
        found: the table of each group, see `read_groups`.
        margin: below which a difference doesn't matter; None claims no equivalence.
        wanted: difference that sizes are planned for; the margin, or else the smallest that this study can show.
        by: the column that named the groups.

    Raises:
        InputError: if all sheets have the same score.
        SettingError: if a number is not over 0.
    """
    for name, value in (("margin", margin), ("difference", wanted)):
        if value is not None and not 0 < value < math.inf:
            raise SettingError(f"{name} must be a number over 0. Received: {value:g}")
    names, means = list(found), [table.sheets.mean for table in found.values()]
    sheets = [table.sheets for table in found.values()]
    free = sum(s.free for s in sheets)
    within = sum(s.within * s.free for s in sheets if s.free) / free if free else math.nan
    of_means, own = spread_of_sheets(means, np.concatenate([s.pictures for s in sheets]), within)
    # Means of equal scores differ in their last digit.
    if of_means <= 1e-24 * max(float(np.max(m**2)) for m in means):
        raise InputError("sheets of a group must differ in their scores. Received: the same in every group")
    rows = _differences(names, means, margin, of_means)
    wanted = wanted or margin or max(row.detectable for row in rows)
    return GroupComparison(
        score=next(iter(found.values())).score,
        groups=tuple(_group(name, table) for name, table in found.items()),
        differences=rows,
        sheets=tuple(
            SheetMean(name, sheet, int(n), float(mean))
            for name, s in zip(names, sheets, strict=True)
            for sheet, n, mean in zip(s.names, s.pictures, s.mean, strict=True)
        ),
        sheet_sd=math.sqrt(own),
        picture_sd=None if math.isnan(within) else math.sqrt(within),
        margin=margin,
        wanted=float(wanted),
        plan=_plan(wanted, of_means, own, within, sum(len(m) - 1 for m in means)),
        verdicts=tuple(_difference_verdict(row, margin) for row in rows),
        caveats=_caveats(found, by, within, margin),
    )
