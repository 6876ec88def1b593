"""Has the line drifted, or the microscope? Control charts of sheets and of a reference sheet that is kept."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from copper_tf.analysis.decisions.chart_results import Alarm, ChartLimits, ChartPoint, ChartRow, ControlChart
from copper_tf.analysis.decisions.scores import SHEET, ScoreTable
from copper_tf.statistics.control_chart import EWMA, SHEWHART, WEIGHT, ewma, limit_factor
from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.tables import read_table

__all__ = ["BASELINE", "LINE", "MICROSCOPE", "chart", "merge_rows", "read_rows", "rows_of"]

BASELINE, _LEAST = 20, 10
LINE, MICROSCOPE = "line", "microscope"
_COLUMNS = ("date", "sheet", "pictures", "score")
# Scores that differ by less are the same, written twice.
_SAME = 1e-9


def _chosen(table: ScoreTable, only: str, reference: str) -> ScoreTable:
    """The rows of the line that are charted, and those of the reference sheet."""
    if not only:
        return table
    name, equals, value = only.partition("=")
    if not equals or not name:
        raise SettingError(f"only must be COLUMN=VALUE. Received: {only!r}")
    cells, sheets = table.cells(name), table.columns[SHEET]
    kept = [k for k, (_, text) in enumerate(cells) if text == value or (reference and sheets[k] == reference)]
    if not kept:
        raise InputError(f"{table.where}: a row must have {only}. Received: none of {len(cells)}")
    return table.chosen(np.array(kept))


def rows_of(table: ScoreTable, date: str, reference: str = "", only: str = "") -> list[ChartRow]:
    """The sheets of a table, day by day.

    Args:
        table: of scores with dates.
        date: column of the date.
        reference: name of the sheet that is imaged each time.
        only: ``COLUMN=VALUE`` of the sheets that are charted; empty for all.

    Raises:
        InputError: naming the line, if the table can't be used, or a sheet of the line has two dates.
    """
    table = _chosen(table, only, reference)
    days, sheets = [day.isoformat() for day in table.dates(date)], table.columns[SHEET]
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    first: dict[str, tuple[int, str]] = {}
    for line, day, sheet, value in zip(table.lines, days, sheets, table.values, strict=True):
        before = first.setdefault(sheet, (line, day))
        if before[1] != day and sheet != reference:
            raise InputError(
                f"{table.where}, line {line}: a sheet must have one {date}, unless it is the one imaged each time "
                f"(--reference). Received: {sheet} on {day}, and on {before[1]} on line {before[0]}"
            )
        found[day, sheet].append(float(value))
    return [ChartRow(day, sheet, len(v), float(np.mean(v))) for (day, sheet), v in sorted(found.items())]


def read_rows(file: Path) -> list[ChartRow]:
    """The rows that earlier calls have kept; none where there is no file.

    Raises:
        InputError: naming the line, if it isn't as it was written.
    """
    if not file.exists():
        return []
    rows = []
    for line, cells in read_table(file, _COLUMNS).rows:
        try:
            rows.append(ChartRow(cells["date"], cells["sheet"], int(cells["pictures"]), float(cells["score"])))
        except ValueError as error:
            raise InputError(f"{file}, line {line}: must be as copper chart wrote it. Received: {error}") from None
    return rows


def merge_rows(old: Sequence[ChartRow], new: Iterable[ChartRow]) -> tuple[list[ChartRow], int, int]:
    """Old rows and new ones; one that is there already is not added again.

    Args:
        old: in order of their days.
        new: of one or more tables.

    Returns:
        The rows in order of their days, how many were added, and how many were there.

    Raises:
        InputError: if a sheet has another score than before, a sheet of the line another day, or a day comes too late.
    """
    rows = {(row.date, row.sheet): row for row in old}
    last, added, known = max((row.date for row in old), default=""), 0, 0
    for row in new:
        before = rows.get((row.date, row.sheet))
        if before is None:
            if row.date < last:
                raise InputError(
                    f"chart: new sheets must be of {last}, the last day of the chart, or later. Received: {row.sheet} "
                    f"on {row.date}"
                )
            rows[row.date, row.sheet] = row
            added += 1
        elif before.pictures == row.pictures and math.isclose(before.score, row.score, rel_tol=_SAME, abs_tol=_SAME):
            known += 1
        else:
            raise InputError(
                f"chart: {row.sheet} on {row.date} must have the score that it has in the chart, {before.score:.6g} of "
                f"{before.pictures} pictures. Received: {row.score:.6g} of {row.pictures}"
            )
    return sorted(rows.values(), key=lambda row: (row.date, row.sheet)), added, known


def _limits(values: np.ndarray, baseline: int, what: str) -> ChartLimits:
    centre, sd = float(values.mean()), float(values.std(ddof=1))
    if sd <= 1e-12 * max(abs(centre), 1e-300):
        raise InputError(f"chart: scores of the {what} must differ from day to day. Received: {centre:g} on each")
    moving = sd * math.sqrt(WEIGHT / (2 - WEIGHT))
    return ChartLimits(
        centre, sd, limit_factor(SHEWHART, baseline) * sd, limit_factor(EWMA, baseline) * moving
    )  # fmt: skip


def _alarms(
    dates: Sequence[str], values: np.ndarray, averages: np.ndarray, limits: ChartLimits, of: str
) -> list[Alarm]:
    found = []
    for date, value, average in zip(dates, values, averages, strict=True):
        for rule, off, limit in (
            (SHEWHART, value - limits.centre, limits.shewhart),
            (EWMA, average - limits.centre, limits.ewma),
        ):
            if abs(off) > limit:
                found.append(Alarm(date, of, rule, "up" if off > 0 else "down"))
    return found


def _followed(
    dates: Sequence[str], values: np.ndarray, baseline: int, of: str
) -> tuple[ChartLimits | None, dict[str, float], list[Alarm]]:  # fmt: skip
    """Limits by the first days, the moving average of all days after them, and the alarms."""
    if len(values) < baseline:
        return None, {}, []
    limits = _limits(values[:baseline], baseline, of)
    later = values[baseline:]
    averages = ewma(later, limits.centre)
    alarms = _alarms(dates[baseline:], later, averages, limits, of)
    return limits, dict(zip(dates[baseline:], map(float, averages), strict=True)), alarms


def _verdicts(
    days: dict[str, list[str]], baseline: int, alarms: Sequence[Alarm], reference: str
) -> tuple[str, ...]:  # fmt: skip
    """A sentence for each of what is charted, by its own days."""
    texts = []
    for of, dates in days.items():
        own = [alarm for alarm in alarms if alarm.of == of]
        now = [alarm for alarm in own if alarm.date == dates[-1]]
        name = of if reference else "line or the microscope"
        if len(dates) < baseline:
            texts.append(
                f"The baseline of the {of} is still being taken: {len(dates)} of {baseline} days. Limits and alarms "
                "come after it."
            )
        elif now:
            rules = " and ".join(alarm.rule for alarm in now)
            texts.append(f"ALARM on {dates[-1]}: the {name} has moved {now[0].direction} ({rules}).")
        elif own:
            texts.append(f"The {name} is within its limits now; its last alarm was on {own[-1].date} ({own[-1].rule}).")
        else:
            texts.append(f"The {name} has not been seen to move since the baseline.")
    return tuple(texts)


def _by_day(rows: Sequence[ChartRow], reference: str) -> tuple[dict[str, list[float]], dict[str, float]]:
    """The scores of the line's sheets on each day, and that of the reference sheet."""
    line: dict[str, list[float]] = defaultdict(list)
    kept: dict[str, float] = {}
    for row in rows:
        if reference and row.sheet == reference:
            kept[row.date] = row.score
        else:
            line[row.date].append(row.score)
    if reference and not kept:
        raise InputError(f"chart: the reference sheet must be among the scores. Received: none of {reference!r}")
    if reference and (without := sorted(set(line) - set(kept))):
        raise InputError(
            f"chart: the reference sheet {reference} must be imaged on every day. Received: {without[0]} without it"
        )
    if not line:
        raise InputError(f"chart: sheets of the line are needed, too. Received: {reference} alone")
    return line, kept


def chart(
    rows: Sequence[ChartRow], score: str, *, reference: str = "", baseline: int = BASELINE, only: str = "",
    added: int = 0, known: int = 0,
) -> ControlChart:  # fmt: skip
    """Charts the line and, by a reference sheet, the microscope.

    Args:
        rows: in order of their days.
        score: the column that they are of.
        reference: name of the sheet that is imaged each time; what it drifts by is taken off the line.
        baseline: number of days that limits are taken from.
        only: which sheets were taken, for the record.
        added: rows that are new, for the record.
        known: rows that were there already.

    Raises:
        InputError: if the reference is missing on a day, or scores never differ.
        SettingError: if the baseline is too short.
    """
    if baseline < _LEAST:
        raise SettingError(f"baseline must be at least {_LEAST} days. Received: {baseline}")
    line, kept = _by_day(rows, reference)
    days = ({MICROSCOPE: sorted(kept)} if kept else {}) | {LINE: sorted(line)}
    counts = [len(line[date]) for date in days[LINE]]
    values = np.array([float(np.mean(line[date])) for date in days[LINE]])
    microscope, reference_averages, alarms = None, dict[str, float](), list[Alarm]()
    if kept:
        # On some days the reference alone is imaged.
        seen = np.array([kept[date] for date in days[MICROSCOPE]])
        microscope, reference_averages, alarms = _followed(days[MICROSCOPE], seen, baseline, MICROSCOPE)
        values -= np.array([kept[date] for date in days[LINE]]) - seen[:baseline].mean()
    limits, averages, of_line = _followed(days[LINE], values, baseline, LINE)
    alarms = sorted([*alarms, *of_line], key=lambda alarm: (alarm.date, alarm.of, alarm.rule))
    scores = dict(zip(days[LINE], map(float, values), strict=True))
    points = tuple(
        ChartPoint(d, len(line.get(d, ())), scores.get(d), averages.get(d), kept.get(d), reference_averages.get(d))
        for d in sorted(line.keys() | kept.keys())
    )
    caveats = []
    if not reference:
        caveats.append("No reference sheet is imaged each time: a drift of the microscope looks like one of the line.")
    if len(set(counts)) > 1:
        caveats.append(
            f"Days have {min(counts)} to {max(counts)} sheets; limits are those of the usual number in the baseline."
        )
    return ControlChart(
        score=score, reference=reference, baseline=baseline, only=only, rows=tuple(rows), points=points, line=limits,
        microscope=microscope, alarms=tuple(alarms), added=added, known=known,
        verdicts=_verdicts(days, baseline, alarms, reference), caveats=tuple(caveats),
    )  # fmt: skip
