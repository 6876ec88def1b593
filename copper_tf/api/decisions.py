"""From scores to decisions, by score tables alone: groups compared, strength calibrated, scores gauged and charted."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.analysis.decisions.chart_results import ControlChart
from copper_tf.analysis.decisions.gauge_results import Gauge
from copper_tf.analysis.decisions.group_results import GroupComparison
from tfds_copper.errors import InputError, OutputError, SettingError
from tfds_copper.files import lock_folder
from tfds_copper.results import Result

if TYPE_CHECKING:
    from copper_tf.analysis.decisions.scores import ScoreTable

__all__ = [
    "CALIBRATION",
    "CHART",
    "GAUGE",
    "GROUPS",
    "Calibration",
    "ControlChart",
    "Gauge",
    "GroupComparison",
    "calibrate",
    "chart",
    "compare_groups",
    "gauge",
    "read_calibration",
]

StrPath = str | os.PathLike[str]

# The results in their folders.
CALIBRATION, CHART, GAUGE, GROUPS = "calibration.json", "chart.json", "gauge.json", "groups.json"
# The rows that a chart keeps.
_ROWS = "chart.csv"


def _rows(values: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of a worksheet: a dictionary for each dataclass, pairs of numbers in two columns."""
    rows = []
    for value in values:
        row: dict[str, Any] = {}
        for name, cell in dataclasses.asdict(value).items():
            if isinstance(cell, tuple) and len(cell) == 2:
                row |= {f"{name} low": cell[0], f"{name} high": cell[1]}
            else:
                row[name] = "" if cell is None else cell
        rows.append(row)
    return rows


def _target(output: StrPath | None, name: str, force: bool) -> Path | None:
    """The file of a result, which must not be there unless `force`; None where nothing is written."""
    if output is None:
        return None
    file = Path(output) / name
    if file.exists() and not force:
        raise OutputError(f"{file}: --force replaces it. Received: a result that is there already")
    return file


def _write_tables(file: Path, tables: Mapping[str, Sequence[Any]]) -> None:
    """Writes tables of a result as a workbook beside it."""
    from copper_tf.utils.tables import write_workbook

    write_workbook(file.with_suffix(".xlsx"), {name: _rows(rows) for name, rows in tables.items() if rows})


def _write(file: Path, result: Result, tables: Mapping[str, Sequence[Any]]) -> None:
    """Writes a result as JSON, and tables of it as a workbook beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _write_tables(file, tables)
    result.write(file)


def compare_groups(
    *scores: StrPath, output: StrPath | None = None, by: str = "", labels: StrPath | None = None, score: str = "",
    margin: float | None = None, difference: float | None = None, force: bool = False,
) -> GroupComparison:  # fmt: skip
    """Compares groups of sheets, e.g. of two baths, by the scores of their pictures; the unit is the sheet.

    Args:
        *scores: a table for each group (CSV with a score and a sheet in every row, or a folder of predictions); or one
            table, which `by` divides.
        output: folder of ``groups.html``, ``groups.json``, ``groups.xlsx`` and ``figures/``; None writes nothing.
        by: column that names the group of each sheet of one table.
        labels: table of further columns, such as ``labels.csv``, joined by file, or by sheet where it has no files.
        score: column of the score; ``potency``, or else a grade, by default.
        margin: below which a difference doesn't matter; None claims no equivalence.
        difference: that sizes are planned for; the margin, or else the smallest that this study can show.
        force: replace an earlier result.

    Returns:
        Every pair of groups compared; ``page`` is the path of the page.

    Raises:
        InputError: if a table can't be used, or a group has fewer than two sheets.
        OutputError: if the folder holds a result already, unless `force`.
        SettingError: if a setting is not allowed.

    Example:
        >>> rows = [("s%d" % k, "old" if k < 4 else "new", .5 + .01 * k) for k in range(8)]
        >>> text = "sheet,bath,potency\\n" + "".join("%s,%s,%g\\n" % row for row in rows)
        >>> _ = Path("baths.csv").write_text(text)
        >>> compared = copper_tf.compare_groups("baths.csv", by="bath", margin=0.1)
        >>> compared.differences[0].different, compared.differences[0].equivalent
        (True, True)
    """
    from copper_tf.analysis.decisions import groups

    file = _target(output, GROUPS, force)
    found = groups.read_groups([Path(path) for path in scores], by, Path(labels) if labels else None, score)
    result = groups.compare_groups(found, margin=margin, wanted=difference, by=by)
    if file is None:
        return result
    from copper_tf.reports.decisions.groups import render_groups

    tables = {"groups": result.groups, "differences": result.differences, "sheets": result.sheets, "plan": result.plan}
    _write(file, result, tables)
    return dataclasses.replace(result, page=render_groups(file.parent, result))


def _model_of(scores: Path) -> str:
    """The fingerprint of the model that scored, where a folder of predictions knows it."""
    from copper_tf.inference.earlier import PredictionRecord
    from tfds_copper.folder.clutter import PREDICTION

    file = (scores if scores.is_dir() else scores.parent) / PREDICTION
    return PredictionRecord.read(file).model if file.is_file() else ""


def calibrate(
    scores: StrPath, strength: str, *, output: StrPath | None = None, labels: StrPath | None = None, score: str = "",
    lot: str = "lot", failure: str = "failure", beside: Sequence[str] | None = None, force: bool = False,
) -> Calibration:  # fmt: skip
    """Calibrates measured strength by the scores of sheets; the unit is the sheet.

    Args:
        scores: table (CSV) with a score, a sheet, a lot and a strength in every row, or a folder of predictions.
        strength: column of the strength, with its unit in the name; cells of sheets that weren't measured are empty.
        output: folder of ``calibration.json``, ``calibration.html``, ``calibration.xlsx`` and ``figures/``; None
            writes nothing.
        labels: table of further columns, such as ``labels.csv``, joined by file, or by sheet where it has no files.
        score: column of the score; ``potency``, or else a grade, by default.
        lot: column of the lot.
        failure: column that says ``cohesive`` where the resin failed, and the interface holds at least what was
            measured.
        beside: columns that the score must be better than; ``t`` and ``etch_depth_um`` by default, if they are there.
        force: replace an earlier result.

    Returns:
        The calibration, which `predict` takes; ``page`` is the path of the page.

    Raises:
        InputError: if the table can't be used, or has too few sheets or lots.
        OutputError: if the folder holds a result already, unless `force`.

    Example:
        >>> rows = [("s%d" % k, "lot%d" % (k % 3), .2 + .05 * k, .3 + .05 * k + .01 * (k % 2)) for k in range(12)]
        >>> text = "sheet,lot,potency,peel_N_per_mm\\n" + "".join("%s,%s,%g,%g\\n" % row for row in rows)
        >>> _ = Path("sheets.csv").write_text(text)
        >>> calibration = copper_tf.calibrate("sheets.csv", "peel_N_per_mm")
        >>> round(calibration.slope, 1), len(calibration.sheets)
        (1.0, 12)
    """
    from copper_tf.analysis.decisions import calibration
    from copper_tf.analysis.decisions.scores import read_scores

    file = _target(output, CALIBRATION, force)
    table = read_scores(Path(scores), Path(labels) if labels else None, score)
    result = calibration.calibrate(
        table, strength, lot=lot, failure=failure, beside=beside, model=_model_of(Path(scores))
    )
    if file is None:
        return result
    from copper_tf.reports.decisions.calibration import render_calibration

    _write(file, result, {"sheets": result.sheets, "errors": result.errors, "added": result.added})
    return dataclasses.replace(result, page=render_calibration(file.parent, result))


def gauge(
    scores: StrPath, *, output: StrPath | None = None, labels: StrPath | None = None, score: str = "",
    factors: Sequence[str] | None = None, repeat: str = "repeat", precision: float | None = None, force: bool = False,
) -> Gauge:  # fmt: skip
    """Gauges repeatability and reproducibility of scores: sheets, operators, microscopes and pictures.

    Args:
        scores: table (CSV) with a score, a sheet, and the levels of the factors in every row, or a folder of
            predictions; every sheet is imaged with several levels of each factor, and more than once.
        output: folder of ``gauge.html``, ``gauge.json``, ``gauge.xlsx`` and ``figures/``; None writes nothing.
        labels: table of further columns, such as ``labels.csv``, joined by file, or by sheet where it has no files.
        score: column of the score; ``potency``, or else a grade, by default.
        factors: columns that every sheet meets in several levels; ``operator`` and ``microscope`` by default.
        repeat: column of the number of the re-imaging, where one has several pictures; ``repeat`` may be absent.
        precision: half the 95 % interval that numbers are planned for; the standard deviation of sheets by default.
        force: replace an earlier result.

    Returns:
        The components of the variance, %GRR, and what is to be mended first; ``page`` is the path of the page.

    Raises:
        InputError: if the table can't be used, or a factor can't be told from sheets.
        OutputError: if the folder holds a result already, unless `force`.
        SettingError: if the precision is not over 0.

    Example:
        >>> cells = [(s, o, k) for s in range(5) for o in range(2) for k in range(2)]
        >>> rows = ["s%d,o%d,%g" % (s, o, .1 * s + .02 * o + .01 * k) for s, o, k in cells]
        >>> _ = Path("gauge.csv").write_text("\\n".join(["sheet,operator,potency", *rows]))
        >>> gauged = copper_tf.gauge("gauge.csv")
        >>> gauged.mend_first, [c.name for c in gauged.components]
        ('operator', ['sheet', 'operator', 'sheet x operator', 'picture'])
    """
    from copper_tf.analysis.decisions import gauge as gauging
    from copper_tf.analysis.decisions.scores import read_scores

    file = _target(output, GAUGE, force)
    table = read_scores(Path(scores), Path(labels) if labels else None, score)
    result = gauging.gauge(table, factors=factors, repeat=repeat, precision=precision)
    if file is None:
        return result
    from copper_tf.reports.decisions.gauge import render_gauge

    _write(file, result, {"components": result.components, "plan": result.plan})
    return dataclasses.replace(result, page=render_gauge(file.parent, result))


def read_calibration(path: StrPath) -> Calibration:
    """Reads a calibration.

    Args:
        path: its file, or the folder that `calibrate` wrote.

    Raises:
        RunError: if there is none.
    """
    return Calibration.read(Path(path) / CALIBRATION if Path(path).is_dir() else path)


def _agreed(name: str, given: Any, kept: Any, default: Any) -> Any:
    """A setting of a chart, which stays what it was."""
    if kept is None:
        return default if given is None else given
    if given not in (None, kept):
        raise SettingError(f"{name} must stay {kept!r}, as in the chart that is there. Received: {given!r}")
    return kept


def _chart_settings(
    kept: ControlChart | None, tables: Sequence[ScoreTable], reference: str | None, baseline: int | None,
    only: str | None,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """The score and the settings of a chart: those of the one that is there, if any."""
    from copper_tf.analysis.decisions.chart import BASELINE

    given = (("reference", reference, ""), ("baseline", baseline, BASELINE), ("only", only, ""))
    settings = {name: _agreed(name, value, getattr(kept, name, None), default) for name, value, default in given}
    column = kept.score if kept else tables[0].score
    for table in tables:
        _agreed("score", table.score, column, "")
    return column, settings


def _grown(
    file: Path, tables: Sequence[ScoreTable], date: str, column: str, settings: dict[str, Any]
) -> ControlChart:  # fmt: skip
    """The chart of the rows that a file keeps and of those of tables."""
    from copper_tf.analysis.decisions import chart as charting

    new = [row for table in tables for row in charting.rows_of(table, date, settings["reference"], settings["only"])]
    new.sort(key=lambda row: row.date)
    rows, added, known = charting.merge_rows(charting.read_rows(file), new)
    return charting.chart(rows, column, **settings, added=added, known=known)


def _kept(folder: Path, result: ControlChart) -> ControlChart:
    """Writes a chart and its page; settings first, since rows that lie there without them are charted by others."""
    from copper_tf.reports.decisions.chart import render_chart
    from copper_tf.utils.tables import write_csv

    result.write(folder / CHART)
    write_csv(folder / _ROWS, [dataclasses.asdict(row) for row in result.rows])
    _write_tables(folder / CHART, {"days": result.points, "alarms": result.alarms, "sheets": result.rows})
    return dataclasses.replace(result, page=render_chart(folder, result))


def chart(
    *scores: StrPath, output: StrPath, labels: StrPath | None = None, score: str = "", date: str = "date",
    reference: str | None = None, baseline: int | None = None, only: str | None = None,
) -> ControlChart:  # fmt: skip
    """Charts the sheets of a line over the days, and a reference sheet that is imaged each time.

    Called again it adds what is new to the chart in the folder; sheets that are there already are not added again.

    Args:
        *scores: tables (CSV) with a score, a sheet and a date in every row, or folders of predictions.
        output: folder of ``chart.csv`` (a row for each sheet and day), ``chart.html``, ``chart.json``, ``chart.xlsx``
            and ``figures/``.
        labels: table of further columns, such as ``labels.csv``, joined by file, or by sheet where it has no files.
        score: column of the score; ``potency``, or else a grade, by default.
        date: column of the day on which a picture was taken.
        reference: name of the sheet that is imaged each time: what it drifts by is the microscope's.
        baseline: number of days that limits are taken from; 20 by default.
        only: ``COLUMN=VALUE`` of the sheets that are charted; all by default.

    Returns:
        The chart with its alarms; ``page`` is the path of the page.

    Raises:
        InputError: if there is no table or one can't be used, a sheet has another score than before, or a day comes
            before the last.
        OutputError: if another process works in the folder.
        SettingError: if a setting is not that of the chart in the folder, or not allowed.

    Example:
        >>> rows = ["2026-01-%02d,s%d,%g" % (day, day, .5 + .01 * (day % 3)) for day in range(1, 13)]
        >>> _ = Path("days.csv").write_text("\\n".join(["date,sheet,potency", *rows]))
        >>> copper_tf.chart("days.csv", output="line", baseline=10).added
        12
        >>> copper_tf.chart("days.csv", output="line").known
        12
    """
    from copper_tf.analysis.decisions.scores import read_scores

    if not scores:
        raise InputError("chart: at least one table of scores is needed. Received: none")
    folder = Path(output)
    tables = [read_scores(Path(path), Path(labels) if labels else None, score, differ=False) for path in scores]
    folder.mkdir(parents=True, exist_ok=True)
    with lock_folder(folder):
        kept = ControlChart.read(folder / CHART) if (folder / CHART).is_file() else None
        column, settings = _chart_settings(kept, tables, reference, baseline, only)
        result = _grown(folder / _ROWS, tables, date, column, settings)
        return _kept(folder, result)
