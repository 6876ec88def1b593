"""What a control chart holds, as typed results."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from tfds_copper.results import Result, transient

__all__ = ["Alarm", "ChartLimits", "ChartPoint", "ChartRow", "ControlChart"]


@dataclasses.dataclass(frozen=True)
class ChartRow:
    """A sheet on a day: a row of ``chart.csv``.

    Attributes:
        date: ISO 8601.
        sheet: its name.
        pictures: that were scored.
        score: mean of their scores.
    """

    date: str
    sheet: str
    pictures: int
    score: float


@dataclasses.dataclass(frozen=True)
class ChartLimits:
    """Where points lie while nothing changes.

    Attributes:
        centre: mean of the baseline.
        sd: standard deviation of its points.
        shewhart: a single point is this far from the centre at most.
        ewma: the moving average is.
    """

    centre: float
    sd: float
    shewhart: float
    ewma: float


@dataclasses.dataclass(frozen=True)
class ChartPoint:
    """A day.

    Attributes:
        date: ISO 8601.
        sheets: of the line.
        line: mean score of its sheets, without what the microscope has drifted; None without sheets.
        line_ewma: moving average of it; None while the baseline is taken.
        reference: score of the reference sheet; None where there is none.
        reference_ewma: moving average of it.
    """

    date: str
    sheets: int
    line: float | None
    line_ewma: float | None
    reference: float | None
    reference_ewma: float | None


@dataclasses.dataclass(frozen=True)
class Alarm:
    """A point beyond a limit.

    Attributes:
        date: of the point.
        of: what has changed, ``line`` or ``microscope``.
        rule: ``Shewhart`` (a single point) or ``EWMA`` (the moving average).
        direction: ``up`` or ``down``.
    """

    date: str
    of: str
    rule: str
    direction: str


@dataclasses.dataclass(frozen=True)
class ControlChart(Result):
    """The control chart of a line and of the microscope: ``chart.json``.

    Attributes:
        score: the column that is charted.
        reference: name of the sheet that is imaged each time; empty without one.
        baseline: number of days that limits are taken from.
        only: column and value of the sheets that are charted, e.g. ``t=0``; empty for all.
        rows: of ``chart.csv``.
        points: one for each day.
        line: limits of the line; None while the baseline is taken.
        microscope: limits of the reference sheet.
        alarms: in the order of the days.
        verdicts: what was found, in sentences.
        caveats: what must be mentioned with it.
        added: how many rows the last call has added.
        known: how many of its rows were there already.
        page: path of the page.
    """

    FORMAT: ClassVar[str] = "copper-control-chart 1"
    COMMAND: ClassVar[str] = "chart"

    score: str
    reference: str
    baseline: int
    only: str
    rows: tuple[ChartRow, ...]
    points: tuple[ChartPoint, ...]
    line: ChartLimits | None
    microscope: ChartLimits | None
    alarms: tuple[Alarm, ...]
    verdicts: tuple[str, ...]
    caveats: tuple[str, ...]
    added: int
    known: int
    page: Path | None = transient()
