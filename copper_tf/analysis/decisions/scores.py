"""Score tables: a score for each picture, its sheet, and what else is known; from `copper predict` or any CSV."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from copper_tf.analysis.decisions.cells import Cell, dates_of, numbers_of, refused, style_of_cells
from tfds_copper.errors import InputError
from tfds_copper.folder.numbers import Style
from tfds_copper.folder.tables import read_table, rows_of_files, spans
from tfds_copper.folder.times import common_unit, parse_cell

__all__ = ["PREDICTIONS", "SCORES", "SHEET", "ScoreTable", "SheetScores", "read_scores"]

# The table within a folder of predictions, the columns of scores in order of preference, and that of sheets.
PREDICTIONS = "predictions.csv"
SCORES = ("potency", "median grade t", "grade t", "score")
SHEET, _FILE = "sheet", "file"


@dataclasses.dataclass(frozen=True)
class SheetScores:
    """The score of every sheet: its mean over the sheet's pictures.

    Attributes:
        names: of the sheets, in the order of the table.
        index: for each picture the number of its sheet.
        pictures: how many pictures each sheet has, ``(sheets,)``.
        mean: of each sheet, ``(sheets,)``.
        within: variance of a single picture within its sheet, pooled over the sheets; NaN where no sheet has two.
        free: degrees of freedom of that variance.
    """

    names: tuple[str, ...]
    index: np.ndarray
    pictures: np.ndarray
    mean: np.ndarray
    within: float
    free: int


@dataclasses.dataclass(frozen=True)
class ScoreTable:
    """Rows of pictures.

    Attributes:
        where: the file, for messages.
        score: name of the column of the score.
        lines: of the file, from 1.
        columns: text of each row, by column.
        style: how the table writes numbers.
    """

    where: str
    score: str
    lines: tuple[int, ...]
    columns: Mapping[str, tuple[str, ...]]
    style: Style

    def has(self, name: str) -> bool:
        """Whether a column is there and not empty."""
        return any(self.columns.get(name, ()))

    def cells(self, name: str) -> list[Cell]:
        """Line and text of every cell of a column.

        Raises:
            InputError: if there is no such column.
        """
        if name not in self.columns:
            names = ", ".join(self.columns)
            raise InputError(f"{self.where}: must have a column {name} (or --labels with one). Received: {names}")
        return list(zip(self.lines, self.columns[name], strict=True))

    def texts(self, name: str) -> list[str]:
        """The cells of a column, none of them empty.

        Raises:
            InputError: naming the lines that are.
        """
        cells = self.cells(name)
        if empty := [cell for cell in cells if not cell[1]]:
            raise refused(self.where, f"{name} must be given in every row", empty)
        return [text for _, text in cells]

    def numbers(self, name: str, empty: bool = False) -> np.ndarray:
        """The numbers of a column, see `numbers_of`; ``(rows,)``."""
        return numbers_of(self.where, name, self.cells(name), self.style, empty)

    def dates(self, name: str) -> list[datetime.date]:
        """The dates of a column, see `dates_of`."""
        return dates_of(self.where, name, self.cells(name))

    def times(self, name: str) -> tuple[np.ndarray, str]:
        """Stress times of a column in one unit, and the unit (empty where none is written)."""
        self.texts(name)
        read = [parse_cell(text, f"{self.where}, line {line}", self.style) for line, text in self.cells(name)]
        unit, values = common_unit(read)
        return np.array(values, float), unit

    @functools.cached_property
    def values(self) -> np.ndarray:
        """The score of every picture, ``(rows,)``."""
        return self.numbers(self.score)

    @functools.cached_property
    def sheets(self) -> SheetScores:
        """The scores of the sheets."""
        names, index = np.unique(self.texts(SHEET), return_inverse=True)
        count = np.bincount(index)
        mean = np.bincount(index, self.values) / count
        free = int((count - 1).sum())
        within = float(((self.values - mean[index]) ** 2).sum() / free) if free else np.nan
        return SheetScores(tuple(map(str, names)), index, count, mean, within, free)

    def of_sheet(self, name: str) -> list[str]:
        """What a column says of each sheet, in the order of `sheets`; it must say one thing of each.

        Raises:
            InputError: naming the line, if it says two.
        """
        texts, first = self.texts(name), dict[int, tuple[int, str]]()
        for line, text, sheet in zip(self.lines, texts, self.sheets.index, strict=True):
            before = first.setdefault(int(sheet), (line, text))
            if before[1] != text:
                raise InputError(
                    f"{self.where}, line {line}: {name} must be the same for all pictures of a sheet. Received: "
                    f"{text!r} for {self.sheets.names[sheet]}, and {before[1]!r} on line {before[0]}"
                )
        return [first[k][1] for k in range(len(self.sheets.names))]

    def chosen(self, rows: np.ndarray) -> ScoreTable:
        """The table of some rows only, given by number."""
        picked = {name: tuple(cells[k] for k in rows) for name, cells in self.columns.items()}
        return dataclasses.replace(self, lines=tuple(self.lines[k] for k in rows), columns=picked)


def _score_column(where: str, names: Sequence[str], score: str) -> str:
    wanted = [score] if score else list(SCORES)
    found = next((name for name in wanted if name in names), "")
    if not found:
        allowed = f"a column {score}" if score else f"a column of scores ({', '.join(SCORES)}) or --score"
        raise InputError(f"{where}: must have {allowed}. Received: {', '.join(names)}")
    return found


def _refuse_duplicates(table: ScoreTable) -> None:
    """A picture must not stand in the table twice, nor a row."""
    keys = table.columns[_FILE] if table.has(_FILE) else list(zip(*table.columns.values(), strict=True))
    first: dict[object, int] = {}
    for line, key in zip(table.lines, keys, strict=True):
        before = first.setdefault(key, line)
        if before != line:
            told = repr(key) if isinstance(key, str) else "the same cells"
            hint = "" if isinstance(key, str) else " (a column file tells pictures apart)"
            raise InputError(
                f"{table.where}, line {line}: each picture must be listed once{hint}. Received: {told}, already on "
                f"line {before}"
            )


def _plain(path: Path) -> Path:
    """The table itself, where a folder of predictions is given."""
    if path.is_dir():
        path = path / PREDICTIONS
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise InputError(f"{path}: must be a CSV; Excel saves one as 'CSV UTF-8'. Received: a workbook")
    return path


def _read(path: Path, score: str) -> ScoreTable:
    path = _plain(path)
    content = read_table(path, [score] if score else [])
    if not content.rows:
        raise InputError(f"{path}: must have a row for each picture. Received: none below the header")
    columns = {name: tuple(row.get(name, "") for _, row in content.rows) for name in content.names}
    style = style_of_cells([c for cells in columns.values() for c in cells if c], content.separator == ",")
    column = _score_column(str(path), content.names, score)
    return ScoreTable(str(path), column, tuple(line for line, _ in content.rows), columns, style)


def _by_sheet(sheets: Sequence[str], labels: Path, known: Sequence[tuple[int, str]]) -> list[int | None]:
    first: dict[str, int] = {}
    for k, (line, sheet) in enumerate(known):
        if sheet in first:
            raise InputError(f"{labels}, line {line}: each sheet must be listed once. Received: {sheet!r} again")
        first[sheet] = k
    return [first.get(sheet) for sheet in sheets]


def _with_labels(table: ScoreTable, labels: Path) -> ScoreTable:
    """The table with the further columns of ``labels.csv``, joined by file, or by sheet where that has no files."""
    content = read_table(labels, [])
    lines = [line for line, _ in content.rows]
    key = _FILE if _FILE in content.names and table.has(_FILE) else SHEET
    if key not in content.names or key not in table.columns:
        names = ", ".join(content.names)
        raise InputError(f"{labels}: must have a column file or sheet that the scores have, too. Received: {names}")
    known = [row[key] for _, row in content.rows]
    rows = (
        rows_of_files(table.columns[_FILE], known)
        if key == _FILE
        else _by_sheet(table.columns[SHEET], labels, list(zip(lines, known, strict=True)))
    )
    lost = [
        (line, table.columns[key][k])
        for k, (line, row) in enumerate(zip(table.lines, rows, strict=True))
        if row is None
    ]
    if lost:
        raise refused(table.where, f"{key} must be one that {labels} lists", lost)
    columns = dict(table.columns)
    for name in content.names:
        told = [content.rows[row][1][name] for row in rows if row is not None]
        had = columns.get(name, ("",) * len(told))
        if name not in (_FILE, table.score):
            columns[name] = tuple(
                _agreed(table, labels, name, k, a, b) for k, (a, b) in enumerate(zip(had, told, strict=True))
            )
    style = style_of_cells([c for cells in columns.values() for c in cells if c], content.separator == ",")
    return dataclasses.replace(table, columns=columns, style=style if not table.style.mark else table.style)


def _agreed(table: ScoreTable, labels: Path, name: str, row: int, had: str, told: str) -> str:
    if had and told and had != told and name == SHEET:
        raise InputError(
            f"{table.where}, line {table.lines[row]}: {name} must be the one of {labels}. "
            f"Received: {had!r}, and {told!r} there"
        )
    return told or had


def read_scores(path: Path, labels: Path | None = None, score: str = "", differ: bool = True) -> ScoreTable:
    """Reads the scores of pictures.

    Args:
        path: a table with a score and a sheet in each row, or a folder of predictions.
        labels: a table of further columns, joined by ``file``, or by ``sheet`` where it has no files.
        score: the column of the score; else the first of `SCORES` that is there.
        differ: whether scores that are all the same are refused.

    Raises:
        InputError: naming the lines, if anything in it can't be used.
    """
    table = _read(path, score)
    _refuse_duplicates(table)
    table = _with_labels(table, labels) if labels else table
    if unknown := [line for line, text in table.cells(SHEET) if not text]:
        raise InputError(
            f"{table.where}: every picture must name its sheet, in the column sheet or by --labels. Received: none on "
            f"{spans(unknown)}"
        )
    if differ and np.ptp(table.values) == 0:
        raise InputError(
            f"{table.where}: the scores of {table.score} must differ. Received: {table.values[0]:g} in every row"
        )
    return table
