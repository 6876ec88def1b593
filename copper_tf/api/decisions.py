"""From scores to decisions, by score tables alone: groups of sheets compared, strength calibrated."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.analysis.decisions.group_results import GroupComparison
from tfds_copper.errors import OutputError
from tfds_copper.results import Result

__all__ = ["CALIBRATION", "GROUPS", "Calibration", "GroupComparison", "calibrate", "compare_groups"]

StrPath = str | os.PathLike[str]

# The results in their folders.
CALIBRATION, GROUPS = "calibration.json", "groups.json"


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


def _refuse_earlier(file: Path, force: bool) -> None:
    if file.exists() and not force:
        raise OutputError(f"{file}: --force replaces it. Received: a result that is there already")


def _write(file: Path, result: Result, tables: Mapping[str, Sequence[Any]]) -> None:
    """Writes a result as JSON, and tables of it as a workbook beside it."""
    from copper_tf.utils.tables import write_workbook

    file.parent.mkdir(parents=True, exist_ok=True)
    write_workbook(file.with_suffix(".xlsx"), {name: _rows(rows) for name, rows in tables.items() if rows})
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

    file = None if output is None else Path(output) / GROUPS
    if file:
        _refuse_earlier(file, force)
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

    file = None if output is None else Path(output) / CALIBRATION
    if file:
        _refuse_earlier(file, force)
    table = read_scores(Path(scores), Path(labels) if labels else None, score)
    result = calibration.calibrate(
        table, strength, lot=lot, failure=failure, beside=beside, model=_model_of(Path(scores))
    )
    if file is None:
        return result
    from copper_tf.reports.decisions.calibration import render_calibration

    _write(file, result, {"sheets": result.sheets, "errors": result.errors, "added": result.added})
    return dataclasses.replace(result, page=render_calibration(file.parent, result))
